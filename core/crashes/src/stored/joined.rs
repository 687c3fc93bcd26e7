//! Where crashes are that a run named, since their chunks were joined with others.
//!
//! ```text
//! J chunk     Slot: the first crash of that chunk is there now, and the others behind it
//! M           runs may name chunks below this number, so that only these need such a row
//! ```

use hashbrown::HashMap;

use crate::stored::changes::{Changes, Old};
use crate::stored::database::Database;
use crate::stored::journal::Moved;
use crate::stored::rows;
use crate::stored::state::Slot;
use symtool_store::Error;

/// Chunks that were joined.
#[derive(Debug, Default)]
pub struct Joined(HashMap<u64, Slot>);

impl Joined {
    /// Reads which were.
    pub fn read(database: &Database) -> Result<Self, Error> {
        let mut all = HashMap::new();
        for (key, slot) in database.all(rows::area::JOINED)? {
            all.insert(rows::last_number(&key).ok_or_else(|| database.damaged())?, slot);
        }
        Ok(Self(all))
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the crash that was at `at` is now.
    pub fn now(&self, mut at: Slot) -> Slot {
        // A chunk is joined into one of a higher number, so this ends.
        while let Some(first) = self.0.get(&at.chunk).filter(|first| first.chunk > at.chunk) {
            at = Slot { chunk: first.chunk, slot: first.slot.saturating_add(at.slot) };
        }
        at
    }

    /// Moves that a run made, with where the crashes are now.
    pub fn moves(&self, moved: &mut [Moved]) {
        if !self.is_empty() {
            moved.iter_mut().for_each(|moved| moved.at = self.now(moved.at));
        }
    }
}

/// The chunks below this number may be named by runs; absent if there were none.
fn named_below(database: &Database) -> Result<Option<u64>, Error> {
    match database.get(rows::NAMED_BELOW)? {
        // Runs of an earlier version name any.
        None if database.has_any(rows::area::RUNS)? => Ok(Some(u64::MAX)),
        known => Ok(known),
    }
}

/// Runs may name any chunk that there is now.
pub fn name_all(changes: &mut Changes<'_>) -> Result<(), Error> {
    let next = changes.head.next_chunk;
    changes.put(rows::NAMED_BELOW.to_vec(), Old::Unknown, &next)
}

/// The chunks of these numbers were joined to the chunk `into`, in which their crashes begin at
/// these slots. Returns whether runs may name any of them: then they may name the new one.
pub fn put(
    database: &Database,
    changes: &mut Changes<'_>,
    firsts: &[(u64, u16)],
    into: u64,
) -> Result<bool, Error> {
    let Some(below) = named_below(database)? else { return Ok(false) };
    let mut is_named = false;
    for (number, slot) in firsts.iter().filter(|(number, _)| *number < below) {
        changes.put(rows::joined(*number), Old::Absent, &Slot { chunk: into, slot: *slot })?;
        is_named = true;
    }
    Ok(is_named)
}
