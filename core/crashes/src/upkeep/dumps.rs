//! Dropping the bytes of minidumps: their crashes stay, with the frames that were found.
//!
//! The bytes become zeros, so that what lies behind them stays where it is.

use std::collections::BTreeMap;

use symtool_report::Format;

use crate::ids::CrashId;
use crate::stored::reports;
use crate::stored::state::{Slot, Standing};
use crate::stored::stored_report::extent;
use crate::stored::{CrashWriter, Crashes, rows};
use symtool_store::Error;

/// A minidump whose bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptDump {
    /// Where it is.
    pub at: Slot,
    /// Its crash.
    pub id: CrashId,
    /// Its bytes.
    pub bytes: u64,
}

impl Crashes {
    /// The minidumps of the crashes at `slots` whose bytes are kept, all reports of each crash.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn kept_dumps(&self, slots: &[Slot]) -> Result<Vec<KeptDump>, Error> {
        let mut kept = Vec::new();
        for (number, slots) in self.with_other_reports(slots)? {
            let chunk = self.chunk(number)?.ok_or_else(|| self.database.damaged())?;
            let (states, dumps) = (self.states(number)?, self.dumps(number)?);
            for slot in slots {
                let at = Slot { chunk: number, slot };
                let index = usize::from(slot);
                let crash = chunk.crash(slot).filter(|crash| crash.format == Format::Mdmp);
                let is_there =
                    states.get(index).is_some_and(|state| state.standing != Standing::Removed);
                let Some(crash) = crash.filter(|_| is_there) else { continue };
                let dump = dumps.get(slot)?;
                if dump.is_there()? {
                    kept.push(KeptDump { at, id: crash.id, bytes: dump.size() });
                }
            }
        }
        Ok(kept)
    }
}

impl CrashWriter {
    /// Drops the bytes of `dumps`, all at once. The store has nothing of them then, nor has the
    /// disk, but the events that came with them.
    ///
    /// # Errors
    /// Any [`Error`]; all of them are still there then.
    pub fn drop_dumps(&self, dumps: &[KeptDump]) -> Result<(), Error> {
        if dumps.is_empty() {
            return Ok(());
        }
        let database = &self.database;
        let mut by_chunk: BTreeMap<u64, Vec<(u16, u64)>> = BTreeMap::new();
        for dump in dumps {
            by_chunk.entry(dump.at.chunk).or_default().push((dump.at.slot, dump.bytes));
        }
        let mut changes = database.changes();
        for (number, slots) in &by_chunk {
            let stored = self.stored_reports(*number)?;
            let extents: Vec<(u64, u64)> = slots
                .iter()
                .filter_map(|(slot, bytes)| {
                    let (start, end) = extent(&stored, *slot)?;
                    Some((start, end.min(start + bytes)))
                })
                .collect();
            reports::clear(database, &mut changes, *number, &extents)?;
        }
        changes.commit()?;
        let range = |number: u64| {
            let first = self.first_joined(number)?;
            Ok((rows::report_parts(first), rows::report_parts(number)))
        };
        let ranges: Vec<_> = by_chunk.into_keys().map(range).collect::<Result<_, Error>>()?;
        database.erase(ranges)
    }
}
