//! Tells subscribers what happened to groups of crashes since they were told last.
//!
//! ```text
//! begin      before a job: from now on, for a subscriber who is told for the first time
//! deliver    after it: send     the notice that is still waiting, if there is one
//!                      collect  what happened since, as one more notice         news.rs
//!                      keep     it in the store, with how far it goes           kept.rs
//!                      send     it, and forget it
//! ```
//!
//! What is told is derived from the store, and how far a subscriber was told is kept there, so that
//! a process may be killed anywhere. A notice is kept before it is sent and forgotten once it was
//! taken: whoever is killed between these sends it again, with the same id. While a receiver is
//! down one notice waits, and the next one is about all that happened meanwhile.

mod kept;
pub mod limits;
mod news;

use std::time::Duration;

use symtool_crashes::{CrashWriter, Crashes};
use symtool_notify::{Notice, Receiver, SendError};
use symtool_store::Store;
use symtool_store::database::Lock;

use crate::Error;
use crate::time::iso;
use kept::Kept;

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// What the store remembers it by.
    pub name: String,
    /// Who is told.
    pub receiver: Receiver,
    /// Of what.
    pub interest: Interest,
    /// For how long sending is tried.
    pub within: Duration,
}

/// What a subscriber wants to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Groups that come for the first time.
    pub new: bool,
    /// Groups that were resolved and come again.
    pub regressed: bool,
    /// Groups that a run merged others into.
    pub merged: bool,
    /// Groups that come on a day more than so many times as often as on a usual one.
    pub spike: Option<u32>,
    /// Only groups with so many crashes. One that is new is told once it has them.
    pub min_crashes: u64,
}

/// What came of telling a subscriber.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// What the notices say that were taken.
    pub sent: Vec<String>,
    /// Why a notice waits in the store.
    pub waiting: Option<SendError>,
}

/// From now on, `subscribers` are told what happens in `store`, unless they are already.
///
/// # Errors
/// If the store cannot be used.
pub fn begin(store: &Store, subscribers: &[Subscriber]) -> Result<(), Error> {
    if subscribers.is_empty() {
        return Ok(());
    }
    let crashes = Crashes::open(store)?;
    let mut are_new = Vec::new();
    for subscriber in subscribers {
        if crashes.kept_for(&subscriber.name)?.is_none() {
            are_new.push(subscriber);
        }
    }
    drop(crashes);
    if are_new.is_empty() {
        return Ok(());
    }
    let writer = CrashWriter::open(store)?;
    for subscriber in are_new {
        if Kept::read(&writer, &subscriber.name)?.is_none() {
            news::from_now_on(&writer)?.write(store, &writer, &subscriber.name)?;
        }
    }
    Ok(())
}

/// Tells `subscriber` what happened in `store` since it was told last. Nothing is locked while a
/// receiver is waited for but the telling itself.
///
/// # Errors
/// If the store cannot be used. That nobody takes a notice is none.
pub fn deliver(store: &Store, subscriber: &Subscriber) -> Result<Delivery, Error> {
    let _telling = Lock::exclusive(&store.path().join("notices.lock"), store.wait())?;
    let mut delivery = Delivery::default();
    let kept = Kept::read(&Crashes::open(store)?, &subscriber.name)?;
    if let Some(notice) = kept.and_then(|kept| kept.pending)
        && !send(store, subscriber, &notice, &mut delivery)?
    {
        return Ok(delivery);
    }
    if let Some(notice) = collect(store, subscriber)? {
        send(store, subscriber, &notice, &mut delivery)?;
    }
    Ok(delivery)
}

/// Sends `notice` and forgets it. Returns whether it was taken.
fn send(
    store: &Store,
    subscriber: &Subscriber,
    notice: &Notice,
    delivery: &mut Delivery,
) -> Result<bool, Error> {
    if let Err(error) = subscriber.receiver.send(notice, subscriber.within) {
        delivery.waiting = Some(error);
        return Ok(false);
    }
    delivery.sent.push(notice.text.clone());
    let writer = CrashWriter::open(store)?;
    if let Some(mut kept) = Kept::read(&writer, &subscriber.name)? {
        kept.pending = None;
        kept.write(store, &writer, &subscriber.name)?;
    }
    Ok(true)
}

/// Makes a notice of what happened, if anything did, and keeps it.
fn collect(store: &Store, subscriber: &Subscriber) -> Result<Option<Notice>, Error> {
    let writer = CrashWriter::open(store)?;
    let kept = match Kept::read(&writer, &subscriber.name)? {
        Some(kept) => kept,
        None => news::from_now_on(&writer)?,
    };
    let (mut next, events) = news::since(&writer, &kept, &subscriber.interest)?;
    if !events.is_empty() {
        let at = iso(i64::try_from(symtool_store::now_ms()).unwrap_or(i64::MAX));
        next.pending = Some(Notice::new(&new_id(store)?, &subscriber.name, &at, events));
    }
    if next != kept {
        next.write(store, &writer, &subscriber.name)?;
    }
    Ok(next.pending)
}

/// The id of a notice, which no other has.
fn new_id(store: &Store) -> Result<String, symtool_store::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|cause| symtool_store::Error::io(store.path(), std::io::Error::other(cause)))?;
    Ok(format!("n{}", hex::encode(bytes)))
}
