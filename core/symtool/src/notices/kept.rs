//! What the store remembers of a subscriber: how far it was told, and what it was not told yet.

use serde::{Deserialize, Serialize};
use symtool_crashes::groups::NewsMark;
use symtool_crashes::{CrashWriter, Crashes, GroupId};
use symtool_notify::Notice;
use symtool_store::{Error, Store};

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// How much there was in the store.
    pub mark: NewsMark,
    /// New groups that had too few crashes to be told.
    pub waiting: Vec<GroupId>,
    /// Groups that have regressed, with the release in which they were resolved.
    pub regressed: Vec<(GroupId, String)>,
    /// Days on which groups came far more often than usual, in days since 1970.
    pub spikes: Vec<(GroupId, i64)>,
    /// The last day that was looked at.
    pub day: i64,
    /// A notice that nobody has taken yet.
    pub pending: Option<Notice>,
}

impl Kept {
    /// Reads what is remembered of `name`. What cannot be read any more counts as nothing.
    pub fn read(crashes: &Crashes, name: &str) -> Result<Option<Self>, Error> {
        Ok(crashes.kept_for(name)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Writes it.
    pub fn write(&self, store: &Store, writer: &CrashWriter, name: &str) -> Result<(), Error> {
        let bytes =
            serde_json::to_vec(self).map_err(|cause| Error::io(store.path(), cause.into()))?;
        writer.keep_for(name, &bytes)
    }
}
