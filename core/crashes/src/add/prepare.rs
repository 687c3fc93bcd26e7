//! Prepares reports to be stored: a chunk of what could be read of them, assessed, and all its
//! large rows, compressed.
//!
//! All that takes long and needs no database: some of them are prepared at once, while others are
//! being stored.

use std::io;

use symtool_report::ImageId;

use crate::fingerprint::{Assessment, Assessor};
use crate::ids::CrashId;
use crate::limits::CHUNK_BYTES;
use crate::stored::chunk::{Builder, Chunk};
use crate::stored::counters::ImageKey;
use crate::stored::dump::{dump_and_event, is_dump};
use crate::stored::state::unsettled;
use crate::stored::stored_report::{StoredReport, Weight};
use crate::stored::{ReadDump, ReadDumps, Reading, ReportBytes, pack, reports};
use symtool_store::{Catalog, Error, now_ms};

/// A report on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Its bytes.
    pub report: ReportBytes,
    /// Where it came from, as the user named it.
    pub source: String,
    /// When it came, in milliseconds since 1970; absent for one that comes now.
    pub arrived_ms: Option<u64>,
}

/// Reports ready to be stored.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) reports: Vec<Seen>,
    pub(crate) ready: io::Result<Ready>,
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
    /// What of it is missing, if it is a minidump that is not whole.
    pub damage: Option<String>,
    /// Images whose unwind data could not be read when it was walked, if it is a minidump.
    pub damaged: Vec<ImageKey>,
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
    /// Whether it has one report whose parts are written ahead, as they are many.
    pub is_ahead: bool,
    pub digests: Vec<u64>,
    /// Images that were damaged when minidumps of the chunk were walked.
    pub damaged: Vec<ImageKey>,
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
            let seen = match assessor.dumps().filter(|_| is_dump(&incoming.report)) {
                Some(dumps) => Seen::dump(incoming, dumps, &mut builder, assessor),
                None => Seen::text(incoming, &mut builder, (mapping, assessor.catalog())),
            };
            match seen {
                Ok(seen) => reports.push(Seen { arrived_ms, ..seen }),
                Err(error) => return Self { reports, ready: Err(io::Error::other(error)) },
            }
        }
        let stored: Vec<&Seen> = stored(&reports).collect();
        let is_ahead = matches!(&stored[..], [only] if is_large(only));
        let ready = Ready::of(builder.finish(), &stored, assessor, is_ahead);
        Self { reports, ready }
    }

    /// Where each of the reports came from, in their order, and what of it is missing.
    pub fn sources(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.reports.iter().map(|seen| (seen.incoming.source.as_str(), seen.damage.as_deref()))
    }
}

/// Whether the parts of a report are too many to be held in memory.
fn is_large(seen: &Seen) -> bool {
    seen.incoming.report.len() > CHUNK_BYTES
}

impl Seen {
    /// A report that cannot be read, for the reason `error`.
    fn unreadable(incoming: Incoming, error: String) -> Self {
        let id = CrashId::of(None, &incoming.report);
        Self {
            incoming,
            id,
            weight: Weight::default(),
            arrived_ms: 0,
            error: Some(error),
            damage: None,
            damaged: Vec::new(),
            has_given_mapping: false,
        }
    }

    fn text(
        incoming: Incoming,
        builder: &mut Builder,
        given: (Option<&ImageId>, &Catalog<'_>),
    ) -> Result<Self, Error> {
        let event = match symtool_report::parse(&incoming.report) {
            Ok(event) => event,
            Err(error) => return Ok(Self::unreadable(incoming, error.to_string())),
        };
        let id = CrashId::of(event.event_id.as_deref(), &incoming.report);
        let has_given_mapping = builder.add(id, &event, &incoming.source, given)?;
        let weight = Weight::of(&event);
        let (error, damage, damaged) = (None, None, Vec::new());
        Ok(Self { incoming, id, weight, arrived_ms: 0, error, damage, damaged, has_given_mapping })
    }

    fn dump(
        incoming: Incoming,
        dumps: &dyn ReadDumps,
        builder: &mut Builder,
        assessor: &Assessor<'_>,
    ) -> Result<Self, Error> {
        let (dump, event) = dump_and_event(&incoming.report);
        let ReadDump { mut walked, weight, damage } = match dumps.read(dump)? {
            Reading::Done(read) => read,
            Reading::Unreadable(error) => return Ok(Self::unreadable(incoming, error)),
        };
        let id = match walked.event.event_id.as_deref() {
            Some(id) => CrashId::of(Some(id), b""),
            None => CrashId::of_pieces(|each| incoming.report.each_piece_of(dump, each)),
        };
        walked.take_event(event);
        builder.add_dump(id, &walked, &incoming.source, assessor.catalog())?;
        Ok(Self {
            incoming,
            id,
            weight,
            arrived_ms: 0,
            error: None,
            damage,
            damaged: walked.damaged_keys(),
            has_given_mapping: false,
        })
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
    /// Of `chunk`, whose crashes are those that `reports` tell of. The reports are left out if they
    /// are written ahead.
    pub fn of(
        chunk: Chunk,
        reports: &[&Seen],
        assessor: &Assessor<'_>,
        is_ahead: bool,
    ) -> io::Result<Self> {
        let stored_reports = reports.iter().map(|seen| seen.stored()).collect();
        let slots: Vec<u16> = (0..=u16::MAX).take(reports.len()).collect();
        let (seen, held) = (reports, if is_ahead { &[] } else { reports });
        let reports: Vec<&[u8]> = held.iter().map(|seen| &*seen.incoming.report).collect();
        let (assessment, (packed_reports, packed_chunk)) = rayon::join(
            || assessor.assess(&chunk, &slots),
            || rayon::join(|| reports::pack(&reports), || pack::encode_packed(&chunk)),
        );
        let mut digests = assessor.digests(&chunk, &slots);
        for (digest, _) in digests.iter_mut().zip(seen).filter(|(_, seen)| !seen.damaged.is_empty())
        {
            *digest = unsettled(*digest);
        }
        let damaged = seen.iter().flat_map(|seen| seen.damaged.iter().copied()).collect();
        Ok(Self {
            packed_chunk: packed_chunk?,
            stored_reports,
            packed_reports: packed_reports?,
            is_ahead,
            digests,
            damaged,
            assessment,
            chunk,
        })
    }
}
