//! Assesses reports that are kept elsewhere, one by one: what comes of each, and the digest that says
//! later whether it has to be looked at again.

use symtool_report::CrashError;

use crate::fingerprint::{Assessor, Fingerprint};
use crate::ids::{CrashId, FingerprintId};
use crate::stored::chunk::Builder;
use crate::stored::stored_report::{Contents, Weight};
use symtool_store::Error;

/// What came of a crash before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssessedBefore {
    /// What it was grouped by.
    pub fingerprint: FingerprintId,
    /// The digest of what that came from.
    pub digest: u64,
    /// Frames that symbols had named.
    pub resolved: u32,
}

/// A crash, assessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssessedReport {
    /// Its id.
    pub crash: CrashId,
    /// Orders reports of one crash: that with the greatest counts.
    pub rank: String,
    /// When it crashed, in milliseconds since 1970.
    pub time_ms: Option<i64>,
    /// Its release.
    pub release: Option<String>,
    /// The digest of what its result comes from.
    pub digest: u64,
    /// Its result.
    pub result: ReportResult,
}

/// What a crash is grouped by from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportResult {
    /// This, with so many frames named by symbols.
    Assessed(Fingerprint, u32),
    /// What it was before: its digest is the same.
    Unchanged,
    /// What it was before: fewer frames would be named, as a module has gone.
    Kept,
}

impl Assessor<'_> {
    /// What comes of the text `report`, of which was found out `before` what is given. It depends on
    /// no other report.
    ///
    /// # Errors
    /// Any [`Error`]; inside, why it is no report.
    pub fn assess_report(
        &self,
        report: &[u8],
        before: Option<AssessedBefore>,
    ) -> Result<Result<AssessedReport, CrashError>, Error> {
        let event = match symtool_report::parse(report) {
            Ok(event) => event,
            Err(error) => return Ok(Err(error)),
        };
        let crash = CrashId::of(event.event_id.as_deref(), report);
        let mut builder = Builder::default();
        builder.add(crash, &event, "", (None, self.catalog()))?;
        let chunk = builder.finish();
        let digest = self.digests(&chunk, &[0]).into_iter().next().unwrap_or_default();
        let result = if before.is_some_and(|before| before.digest == digest) {
            ReportResult::Unchanged
        } else {
            let assessment = self.assess(&chunk, &[0]);
            let resolved = assessment.crashes.first().map_or(0, |assessed| assessed.resolved);
            match assessment.signatures.into_values().next() {
                Some(fingerprint) if before.is_none_or(|before| before.resolved <= resolved) => {
                    ReportResult::Assessed(fingerprint, resolved)
                }
                _ => ReportResult::Kept,
            }
        };
        Ok(Ok(AssessedReport {
            crash,
            rank: Weight::of(&event).sortable(Contents::of(report)),
            time_ms: event.time_ms,
            release: event.app.release.clone(),
            digest,
            result,
        }))
    }
}
