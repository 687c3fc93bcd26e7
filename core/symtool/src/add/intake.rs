//! Reads files, folders and stdin on a thread of its own, and hands over some reports at a time, in
//! bounded memory.
//!
//! What is packed is unpacked on the way, and a report that tells of several crashes becomes one
//! for each.
//!
//! What has come is handed on when there is enough of it, or when nothing more has come for a
//! while: so a million reports go in by the thousand, and a report on a live pipe within a moment.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use symtool_crashes::Incoming;
use symtool_crashes::limits::{CHUNK_BYTES, CHUNK_CRASHES};
use symtool_report::packed::{Unpacked, is_copy, unpack};
use symtool_report::{Report, Reports, split};
use walkdir::WalkDir;

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
#[derive(Debug, Default)]
pub struct Intake {
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
}

impl Intake {
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
        match File::open(path) {
            Ok(file) => self.read(&path.to_string_lossy(), file),
            Err(error) => self.lose(format!(
                "{}: {error}; name a crash report, a folder with some, or - for stdin",
                path.display()
            )),
        }
    }

    fn read(&self, source: &str, stream: impl Read) {
        unpack(source, stream, &mut Unpacking { intake: self, source });
    }

    /// A report that was cut from the stream `source`.
    fn arrive(&self, source: &str, report: Report) {
        let put =
            |report| self.put(Incoming { source: source.to_owned(), report, arrived_ms: None });
        match report.bytes {
            Ok(bytes) => match split(&bytes) {
                Some(crashes) => crashes.into_iter().for_each(put),
                None => put(bytes),
            },
            Err(error) => self.lose(format!(
                "{source}: report {} at byte {}: {error}",
                report.number, report.offset
            )),
        }
    }

    /// Waits while there is enough already.
    fn put(&self, arrived: Incoming) {
        let mut waiting = self.lock();
        while waiting.batch.is_full() {
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

/// What is in one file, or comes on stdin.
struct Unpacking<'i> {
    intake: &'i Intake,
    source: &'i str,
}

impl Unpacked for Unpacking<'_> {
    fn stream(&mut self, name: &str, stream: &mut dyn BufRead) -> io::Result<()> {
        let mut is_empty = true;
        for report in Reports::new(stream) {
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
