//! Reads files, folders and stdin on a thread of its own, and hands over some reports at a time, in
//! bounded memory.
//!
//! What is packed is unpacked on the way, and a report that tells of several crashes becomes one
//! for each. Of a Sentry envelope with minidumps, these are the
//! reports, each with the envelope's event behind it.
//!
//! What has come is handed on when there is enough of it, or when nothing more has come for a
//! while: so a million reports go in by the thousand, and a report on a live pipe within a moment.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use symtool_crashes::limits::{CHUNK_BYTES, CHUNK_CRASHES};
use symtool_crashes::{Incoming, ReportBytes};
use symtool_minidump::{Minidump, MinidumpError, is_minidump};
use symtool_report::packed::{Unpacked, is_copy, unpack};
use symtool_report::{CrashError, EnvelopeRead, Envelopes, Report, Reports, attached_dumps, split};
use symtool_store::Store;
use walkdir::WalkDir;

use crate::dump::limits::MAX_ENVELOPE_DUMPS;
use crate::dump::{DumpFile, dump_error};

/// How long to wait for more before what has come is handed on.
const PAUSE: Duration = Duration::from_millis(200);

/// What could not be read, or is no report that can be kept: what to say about it.
pub type Lost = String;

/// What is taken at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// Reports, in the order in which they came.
    pub reports: Vec<Incoming>,
    /// What was lost meanwhile.
    pub lost: Vec<Lost>,
    bytes: usize,
}

/// Reports that came and were not taken yet.
#[derive(Debug)]
pub struct Intake {
    /// Where long streams are put.
    store: Store,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    batch: Batch,
    is_over: bool,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.reports.len() >= CHUNK_CRASHES || self.bytes >= CHUNK_BYTES
    }

    fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.lost.is_empty()
    }

    /// Whether there is room for a report of so many bytes: one that is large is alone.
    fn has_room(&self, bytes: usize) -> bool {
        !self.is_full() && (self.reports.is_empty() || bytes <= CHUNK_BYTES)
    }
}

impl Intake {
    /// Nothing came yet. Streams that are long are put into files of `store`.
    pub fn new(store: &Store) -> Self {
        let (waiting, changed) = (Mutex::default(), Condvar::new());
        Self { store: store.clone(), waiting, changed }
    }

    /// Reads all of `paths`, and says that there will be no more.
    pub fn read_all(&self, paths: &[PathBuf]) {
        for path in paths {
            if path.as_os_str() == "-" {
                self.read("-", io::stdin().lock());
            } else if path.is_dir() {
                self.read_folder(path);
            } else {
                self.read_file(path);
            }
        }
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    fn read_folder(&self, folder: &Path) {
        let mut is_empty = true;
        for entry in WalkDir::new(folder).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    let has = |name: &str| Path::new(name).is_file();
                    if !entry.path().to_str().is_some_and(|path| is_copy(path, has)) {
                        self.read_file(entry.path());
                    }
                }
                Ok(_) => continue,
                Err(error) => self.lose(format!("{}: {error}", folder.display())),
            }
            is_empty = false;
        }
        if is_empty {
            self.lose(format!(
                "{}: no files in this folder; pass the one that holds the crash reports",
                folder.display()
            ));
        }
    }

    fn read_file(&self, path: &Path) {
        let name = path.to_string_lossy();
        let open = || -> io::Result<()> {
            let mut input = BufReader::with_capacity(HEAD_BYTES, File::open(path)?);
            // A pipe has no bytes that could be mapped.
            if is_minidump(input.fill_buf()?) && path.is_file() {
                self.arrive_dump(&name, DumpFile::open(path), b"");
            } else {
                self.read(&name, input);
            }
            Ok(())
        };
        if let Err(error) = open() {
            self.lose(format!(
                "{name}: {error}; name a crash report, a folder with some, or - for stdin"
            ));
        }
    }

    fn read(&self, source: &str, stream: impl Read) {
        unpack(source, stream, &mut Unpacking { intake: self, source });
    }

    /// A report that was cut from the stream `source`.
    fn arrive(&self, source: &str, report: Report) {
        match report.bytes {
            Ok(bytes) => {
                let attached = attached_dumps(&bytes);
                let at = |range: Range<usize>| bytes.get(range).unwrap_or_default();
                if attached.dumps.is_empty() {
                    match split(&bytes) {
                        Some(crashes) => {
                            crashes.into_iter().for_each(|crash| self.put(source, crash.into()));
                        }
                        None => self.put(source, bytes.into()),
                    }
                } else {
                    let event = attached.event.map(at).unwrap_or_default();
                    for dump in attached.dumps {
                        let file = DumpFile::of_stream(&mut at(dump), &self.store);
                        self.arrive_dump(source, file, event);
                    }
                }
            }
            Err(error) => self.lose(format!(
                "{source}: report {} at byte {}: {error}",
                report.number, report.offset
            )),
        }
    }

    /// Envelopes at the beginning of a stream, whose dumps may be larger than reports. Whether there
    /// were any.
    fn arrive_envelopes(
        &self,
        source: &str,
        envelopes: &mut Envelopes<impl BufRead>,
    ) -> io::Result<bool> {
        let mut are_there = false;
        while envelopes.fill_buf()?.trim_ascii_start().starts_with(b"{") {
            let mut dumps = Vec::new();
            let read = envelopes.read_envelope(&mut |dump| {
                // What goes wrong is told; what is left of it is skipped.
                if dumps.len() < MAX_ENVELOPE_DUMPS {
                    dumps.push(DumpFile::of_stream(dump, &self.store));
                } else {
                    let fact = format!("more than {MAX_ENVELOPE_DUMPS} minidumps in an envelope");
                    self.lose(format!("{source}: {fact}; pass the others as files"));
                }
                Ok(())
            });
            let event = match read? {
                EnvelopeRead::Dumps { event, skipped_event } => {
                    if let Some(bytes) = skipped_event {
                        let fact = CrashError::TooLarge { bytes };
                        self.lose(format!("{source}: the event of the envelope: {fact}"));
                    }
                    event.unwrap_or_default()
                }
                EnvelopeRead::Other => break,
                EnvelopeRead::TooLarge(bytes) => {
                    self.lose(format!("{source}: {}", CrashError::TooLarge { bytes }));
                    are_there = true;
                    continue;
                }
            };
            for dump in dumps {
                self.arrive_dump(source, dump, &event);
            }
            are_there = true;
        }
        Ok(are_there)
    }

    /// A dump and the event that came with it, or why there is none.
    fn arrive_dump(&self, source: &str, file: io::Result<DumpFile>, event: &[u8]) {
        let kept = file.and_then(|file| {
            for fault in file.faults() {
                self.lose(format!("{source}: {fault}"));
            }
            file.into_kept(event, &self.store)
        });
        match kept {
            Ok(report) => self.put(source, report),
            Err(error) => self.lose(format!("{source}: {error}")),
        }
    }

    /// Waits while there is enough already.
    fn put(&self, source: &str, report: ReportBytes) {
        let arrived = Incoming { source: source.to_owned(), report, arrived_ms: None };
        let mut waiting = self.lock();
        while !waiting.batch.has_room(arrived.report.len()) {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.batch.bytes += arrived.report.len();
        waiting.batch.reports.push(arrived);
        let has_enough = waiting.batch.is_full() || waiting.batch.reports.len() == 1;
        drop(waiting);
        if has_enough {
            self.changed.notify_all();
        }
    }

    fn lose(&self, what: Lost) {
        self.lock().batch.lost.push(what);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what has come, and waits for it if need be. `None` once all was taken.
    pub fn take(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        while waiting.batch.is_empty() && !waiting.is_over {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        // What follows at once goes along.
        while !waiting.batch.is_full() && !waiting.is_over {
            let count = waiting.batch.reports.len();
            let (after, timeout) =
                self.changed.wait_timeout(waiting, PAUSE).unwrap_or_else(PoisonError::into_inner);
            waiting = after;
            if timeout.timed_out() && waiting.batch.reports.len() == count {
                break;
            }
        }
        let batch = std::mem::take(&mut waiting.batch);
        drop(waiting);
        self.changed.notify_all();
        (!batch.is_empty()).then_some(batch)
    }
}

/// Bytes by which dumps are told from reports.
const HEAD_BYTES: usize = 64 << 10;

/// What is in one file, or comes on stdin.
struct Unpacking<'i> {
    intake: &'i Intake,
    source: &'i str,
}

impl Unpacked for Unpacking<'_> {
    fn stream(&mut self, name: &str, stream: &mut dyn BufRead) -> io::Result<()> {
        let mut input = BufReader::with_capacity(HEAD_BYTES, stream);
        let head = input.fill_buf()?;
        if is_minidump(head) {
            let file = DumpFile::of_stream(&mut input, &self.intake.store);
            self.intake.arrive_dump(name, file, b"");
            return Ok(());
        }
        if let Err(error @ MinidumpError::OtherDump(_)) = Minidump::read(head) {
            self.intake.lose(format!("{name}: {}", dump_error(&error)));
            // Microdumps are lines of logs, which may have more.
            if head.contains(&0) {
                return Ok(());
            }
        }
        let mut envelopes = Envelopes::new(input);
        let mut is_empty = !self.intake.arrive_envelopes(name, &mut envelopes)?;
        for report in Reports::new(envelopes) {
            is_empty = false;
            self.intake.arrive(name, report?);
        }
        // An empty file in an archive is nobody's report.
        if is_empty && name != "-" && name == self.source {
            self.intake.lose(format!("{name}: the file is empty"));
        }
        Ok(())
    }

    fn lost(&mut self, name: &str, reason: &str) {
        self.intake.lose(format!("{name}: {reason}"));
    }
}
