//! Prepares reports to be stored: a chunk of what could be read of them, assessed, and all its
//! large rows, compressed.
//!
//! All that takes long and needs no database: some of them are prepared at once, while others are
//! being stored.

use symtool_report::ImageId;

use crate::fingerprint::{Assessment, Assessor};
use crate::ids::CrashId;
use crate::stored::chunk::{Builder, Chunk};
use crate::stored::stored_report::{StoredReport, Weight};
use crate::stored::{pack, reports};
use symtool_store::now_ms;

/// A report on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Its bytes.
    pub report: Vec<u8>,
    /// Where it came from, as the user named it.
    pub source: String,
    /// When it came, in milliseconds since 1970; absent for one that comes now.
    pub arrived_ms: Option<u64>,
}

/// Reports ready to be stored.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) reports: Vec<Seen>,
    pub(crate) ready: std::io::Result<Ready>,
}

/// A report that was looked at.
#[derive(Debug)]
pub(crate) struct Seen {
    pub incoming: Incoming,
    pub id: CrashId,
    /// How much it says.
    pub weight: Weight,
    /// When it came, in milliseconds since 1970.
    pub arrived_ms: u64,
    /// Why it cannot be read.
    pub error: Option<String>,
    /// Whether its mapping is the one that was given with it, as it names none.
    pub has_given_mapping: bool,
}

/// The rows of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    pub chunk: Chunk,
    pub packed_chunk: Vec<u8>,
    pub stored_reports: Vec<StoredReport>,
    pub packed_reports: Vec<reports::Packed>,
    pub digests: Vec<u64>,
    pub assessment: Assessment,
}

impl Prepared {
    /// Reads `incoming`, no more than [`crate::limits::CHUNK_CRASHES`] reports. They go into groups
    /// as `assessor` sees them. Java frames of a report that names no mapping are those of
    /// `mapping`.
    pub fn of(incoming: Vec<Incoming>, assessor: &Assessor<'_>, mapping: Option<&ImageId>) -> Self {
        let now_ms = now_ms();
        let mut builder = Builder::default();
        let mut reports = Vec::with_capacity(incoming.len());
        for incoming in incoming {
            // One after the other, so that only one is in memory as what was read of it, which is
            // many times its bytes.
            let arrived_ms = incoming.arrived_ms.unwrap_or(now_ms);
            let seen = match symtool_report::parse(&incoming.report) {
                Ok(event) => {
                    let id = CrashId::of(event.event_id.as_deref(), &incoming.report);
                    let has_given_mapping = match builder.add(
                        id,
                        &event,
                        &incoming.source,
                        (mapping, assessor.catalog()),
                    ) {
                        Ok(has_given_mapping) => has_given_mapping,
                        Err(error) => {
                            return Self { reports, ready: Err(std::io::Error::other(error)) };
                        }
                    };
                    Seen {
                        incoming,
                        id,
                        weight: Weight::of(&event),
                        arrived_ms,
                        error: None,
                        has_given_mapping,
                    }
                }
                Err(error) => {
                    let id = CrashId::of(None, &incoming.report);
                    let error = Some(error.to_string());
                    Seen {
                        incoming,
                        id,
                        weight: Weight::default(),
                        arrived_ms,
                        error,
                        has_given_mapping: false,
                    }
                }
            };
            reports.push(seen);
        }
        let stored: Vec<&Seen> = stored(&reports).collect();
        let ready = Ready::of(builder.finish(), &stored, assessor);
        Self { reports, ready }
    }

    /// Where each of the reports came from, in their order.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.reports.iter().map(|seen| seen.incoming.source.as_str())
    }
}

impl Seen {
    fn stored(&self) -> StoredReport {
        StoredReport {
            bytes: self.incoming.report.len() as u64,
            arrived_ms: self.arrived_ms,
            weight: self.weight,
        }
    }
}

/// The reports that are in the chunk, in its order.
pub(crate) fn stored(reports: &[Seen]) -> impl Iterator<Item = &Seen> {
    reports.iter().filter(|seen| seen.error.is_none())
}

impl Ready {
    /// Of `chunk`, whose crashes are those that `reports` tell of.
    pub fn of(chunk: Chunk, reports: &[&Seen], assessor: &Assessor<'_>) -> std::io::Result<Self> {
        let stored_reports = reports.iter().map(|seen| seen.stored()).collect();
        let reports: Vec<&[u8]> = reports.iter().map(|seen| &*seen.incoming.report).collect();
        let slots: Vec<u16> = (0..=u16::MAX).take(reports.len()).collect();
        let (assessment, (packed_reports, packed_chunk)) = rayon::join(
            || assessor.assess(&chunk, &slots),
            || rayon::join(|| reports::pack(&reports), || pack::encode_packed(&chunk)),
        );
        let digests = assessor.digests(&chunk, &slots);
        Ok(Self {
            packed_chunk: packed_chunk?,
            stored_reports,
            packed_reports: packed_reports?,
            digests,
            assessment,
            chunk,
        })
    }
}
