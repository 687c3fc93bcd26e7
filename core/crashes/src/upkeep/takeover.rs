//! Taking a chunk over into another database: from an older format, or from what was saved of a
//! damaged one.

use crate::add::slots_by_image;
use crate::stored::changes::Old;
use crate::stored::chunk::Chunk;
use crate::stored::database::Database;
use crate::stored::rows;
use crate::stored::state::{Slot, Standing, State};
use crate::stored::stored_report::{self, StoredReport};
use crate::stored::tally_changes::{Change, ChunkStates, Regrouped, TallyChanges};
use symtool_store::Error;

/// A chunk with all that belongs to it.
#[derive(Debug)]
pub struct WholeChunk {
    /// Its number.
    pub number: u64,
    /// What grouping needs of its crashes.
    pub chunk: Chunk,
    /// What came of them.
    pub states: Vec<State>,
    /// Their reports.
    pub reports: Vec<StoredReport>,
    /// The parts of these, by where each ends.
    pub parts: Vec<(u64, Vec<u8>)>,
}

impl WholeChunk {
    /// Puts it into `database`, which has no chunk of its number and keeps no counters yet. Rows
    /// that can be made from it are made. Returns how many crashes it has.
    pub fn put(self, database: &Database) -> Result<u64, Error> {
        let Self { number, chunk, mut states, reports, parts } = self;
        let mut changes = database.changes();
        let mut gained = Vec::with_capacity(states.len());
        for ((slot, crash), state) in (0..=u16::MAX).zip(chunk.crashes()).zip(&mut states) {
            let at = Slot { chunk: number, slot };
            if state.is_shown() && database.bytes(&rows::crash(crash.id))?.is_some() {
                // Of what is newer than its rival, only the older version was saved.
                state.standing = Standing::Outdone;
            }
            match state.standing {
                Standing::Shown => {
                    changes.put(rows::crash(crash.id), Old::Absent, &at)?;
                    gained.push(Change { slot, lost: None, gained: Some(state.signature) });
                }
                Standing::Outdone => {
                    changes.put_bytes(rows::other_report(crash.id, at), Old::Absent, Vec::new())?;
                }
                Standing::Removed => {}
            }
        }
        let mut tallies = TallyChanges::default();
        tallies.take(
            database,
            number,
            &chunk,
            ChunkStates { before: &[], after: &states },
            &gained,
        )?;
        tallies.write(database, &mut changes, &Regrouped::new())?;
        for (image, slots) in slots_by_image(&chunk) {
            changes.put(rows::image(&image, number), Old::Absent, &slots)?;
        }
        changes.put_packed(rows::chunk(number), Old::Absent, &chunk)?;
        stored_report::put(&mut changes, number, &reports)?;
        changes.put_packed(rows::states(number), Old::Absent, &states)?;
        for (end, part) in parts {
            changes.put_bytes(rows::report_part(number, end), Old::Absent, part)?;
        }
        changes.head.crashes += gained.len() as u64;
        changes.head.next_chunk = changes.head.next_chunk.max(number + 1);
        changes.commit()?;
        Ok(gained.len() as u64)
    }
}
