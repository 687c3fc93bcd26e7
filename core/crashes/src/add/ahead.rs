//! Large reports: their parts are written before the change that makes them count, some at a time,
//! so that a report of any size takes little memory.
//!
//! They are filed under the number of the chunk that comes next. Parts without that chunk are a
//! killed writer's, and the next one removes them.

use crate::add::prepare::{self, Ready, Seen};
use crate::limits::REPORT_PART_BYTES;
use crate::stored::reports::{self, Stream};
use crate::stored::stored_report::{Contents, ReportReader};
use crate::stored::{CrashWriter, ReportBytes};
use symtool_store::Error;

/// Parts that are written at once.
const PARTS_AT_ONCE: usize = 8;

impl CrashWriter {
    /// Writes the parts of the only one of `reports` ahead, if it is a large one that is not stored
    /// already.
    pub(super) fn write_ahead(&self, reports: &[Seen], ready: &Ready) -> Result<(), Error> {
        let Some(seen) = prepare::stored(reports).next().filter(|_| ready.is_ahead) else {
            return Ok(());
        };
        let report = &seen.incoming.report;
        if self.has(seen)? {
            return Ok(());
        }
        reports::sweep_ahead(&self.database)?;
        let written = self.write_parts_of(report);
        if written.is_err() {
            // What goes wrong here is the same again when the store is opened.
            let _ = reports::sweep_ahead(&self.database);
        }
        written
    }

    fn write_parts_of(&self, report: &ReportBytes) -> Result<(), Error> {
        let database = &self.database;
        let stream = Stream::Chunk(database.head().next_chunk);
        let count = report.len().div_ceil(REPORT_PART_BYTES);
        for first in (0..count).step_by(PARTS_AT_ONCE) {
            let some = first..(first + PARTS_AT_ONCE).min(count);
            let parts =
                reports::pack_some(report, some).map_err(|cause| database.io_error(cause))?;
            let mut changes = database.changes();
            reports::put(database, &mut changes, stream, parts)?;
            database.check_quota(changes.bytes())?;
            changes.commit()?;
        }
        Ok(())
    }

    /// Whether this very report is stored.
    fn has(&self, seen: &Seen) -> Result<bool, Error> {
        let Some(shown) = self.at(seen.id)? else { return Ok(false) };
        let contents = Contents::of_coming(&seen.incoming.report);
        let mut reader = ReportReader::new(self);
        for at in std::iter::once(shown).chain(self.other_reports(seen.id)?) {
            if reader.contents(at)?.1 == contents {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
