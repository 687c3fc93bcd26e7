//! Brings one file from a server, in several tries if need be: [`Transfers`].
//!
//! ```text
//! FOLDER/TAG-MODULE        what has come so far
//! FOLDER/TAG-MODULE.json   what says whether an answer is of the same file, and whether all of it is there
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use symtool_http::{
    Backoff, Client, Failure, Get, GetError, Got, IncomingFile, Part, Retry, SecretUrl,
};
use xxhash_rust::xxh3::xxh3_64;

use super::budget::{Bound, Budget};
use super::limits::{MAX_PAUSE_SECONDS, PART_DAYS};
use super::source::Source;
use crate::export::replace;

/// Brings files, whose parts it keeps in a folder.
#[derive(Debug)]
pub struct Transfers<'f> {
    client: Client,
    folder: PathBuf,
    budget: &'f Budget,
}

/// What came.
#[derive(Debug)]
pub enum Came {
    /// The file.
    File(Arrived),
    /// It is not there.
    Absent,
    /// The one that is not wanted is there.
    Unchanged,
}

/// A file that came.
#[derive(Debug)]
pub struct Arrived {
    /// Where it is now.
    pub path: PathBuf,
    /// How many bytes came now.
    pub bytes: u64,
    /// The server's mark of it.
    pub etag: Option<String>,
}

/// Why a file did not come.
#[derive(Debug, PartialEq, Eq)]
pub enum NotCome {
    /// The server, in words.
    Unreachable(String),
    /// The server does not want to hand it out.
    Refused(u16),
    /// Not so much may come.
    Bounded(Bound),
    /// It cannot be kept, in words.
    Kept(String),
}

/// What is known of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    validator: Option<String>,
    etag: Option<String>,
    /// Bytes of the whole file once all of it is there.
    whole: Option<u64>,
}

impl<'f> Transfers<'f> {
    /// Those whose parts are in `folder`, where parts are deleted that are too old.
    ///
    /// # Errors
    /// If there can be no such folder.
    pub fn new(folder: PathBuf, budget: &'f Budget) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let age = Duration::from_secs(PART_DAYS * 86_400);
        let oldest = SystemTime::now().checked_sub(age);
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let changed = entry.metadata().and_then(|data| data.modified()).ok();
            if changed.zip(oldest).is_some_and(|(changed, oldest)| changed < oldest) {
                fs::remove_file(entry.path())?;
            }
        }
        let client = Client::new(budget.time().unwrap_or_default());
        Ok(Self { client, folder, budget })
    }

    /// Brings the file at `url` for a `module`, unless it is the one with the mark `unless`.
    pub fn bring(
        &self,
        (url, module): (&SecretUrl, &str),
        source: &Source,
        unless: Option<&str>,
    ) -> Result<Came, NotCome> {
        let within = source.retry.min(self.budget.time().unwrap_or_default());
        let mut bytes = 0;
        let came =
            Backoff::within(within).run(|| self.once((url, module), source, unless, &mut bytes));
        came.map_err(|failure| failure.error)
    }

    /// Whether the time is over in which files may come.
    pub fn is_over(&self) -> bool {
        self.budget.time().is_none()
    }

    /// Deletes what has come of the file at `url` for a `module`.
    pub fn forget(&self, url: &SecretUrl, module: &str) {
        let path = self.path(url, module);
        // What is left is deleted when it is old.
        let _ = fs::remove_file(beside(&path));
        let _ = fs::remove_file(path);
    }

    /// Each module has parts of its own: two that want one file do not write to it at once.
    fn path(&self, url: &SecretUrl, module: &str) -> PathBuf {
        self.folder.join(format!("{}-{:016x}", url.tag(), xxh3_64(module.as_bytes())))
    }

    /// One try; `bytes` counts what comes.
    fn once(
        &self,
        (url, module): (&SecretUrl, &str),
        source: &Source,
        unless: Option<&str>,
        bytes: &mut u64,
    ) -> Result<Came, Failure<NotCome>> {
        let Some(within) = self.budget.time() else {
            return Err(never(NotCome::Bounded(Bound::Time)));
        };
        let path = self.path(url, module);
        let (there, kept) = part(&path);
        if kept.whole == Some(there) {
            return Ok(Came::File(Arrived { path, bytes: *bytes, etag: kept.etag }));
        }
        let part = kept.validator.as_deref().map(|validator| Part { bytes: there, validator });
        let max_bytes = self.budget.bytes().saturating_add(part.map_or(0, |part| part.bytes));
        let get = Get { url, part, unless, silence: source.silence, within, max_bytes };
        match self.client.get(&get) {
            Ok(Got::File(file)) => {
                let etag = file.etag.clone();
                self.keep(file, &path, bytes).map_err(|error| self.failure(error))?;
                Ok(Came::File(Arrived { path, bytes: *bytes, etag }))
            }
            Ok(Got::Unchanged) => Ok(Came::Unchanged),
            Ok(Got::Status { status: 404 | 410, .. }) => {
                self.forget(url, module);
                Ok(Came::Absent)
            }
            Ok(Got::Status { status, retry_after }) => {
                // There is no more of it than the part: it is another file.
                if status == 416 {
                    self.forget(url, module);
                }
                let retry = match status {
                    408 | 416 | 425 | 429 | 500..=599 => pause(retry_after.as_deref()),
                    _ => Retry::Never,
                };
                Err(Failure { error: NotCome::Refused(status), retry })
            }
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Writes what comes behind what is there.
    fn keep(&self, file: IncomingFile, path: &Path, came: &mut u64) -> Result<(), GetError> {
        let (start, bytes) = (file.start, file.bytes);
        let mut kept =
            Kept { validator: file.validator.clone(), etag: file.etag.clone(), whole: None };
        let mut out = open(path, start).map_err(GetError::Write)?;
        write(path, &kept).map_err(GetError::Write)?;
        let now = file.copy_to(&mut out, &mut |bytes| {
            let may_come = self.budget.take(bytes);
            *came += if may_come { bytes } else { 0 };
            may_come
        })?;
        kept.whole = Some(bytes.unwrap_or(start + now));
        write(path, &kept).map_err(GetError::Write)
    }

    fn failure(&self, error: GetError) -> Failure<NotCome> {
        let is_over = self.budget.time().is_none();
        match error {
            GetError::Http(_) if is_over => never(NotCome::Bounded(Bound::Time)),
            GetError::Http(error) => {
                let retry = if error.may_pass() { Retry::Soon } else { Retry::Never };
                Failure { error: NotCome::Unreachable(error.to_string()), retry }
            }
            GetError::TooLarge { .. } | GetError::Stopped(_) => {
                never(NotCome::Bounded(Bound::Bytes))
            }
            GetError::Write(_) => {
                never(NotCome::Kept(format!("{}: {error}", self.folder.display())))
            }
        }
    }
}

fn never(error: NotCome) -> Failure<NotCome> {
    Failure { error, retry: Retry::Never }
}

/// When to try again (RFC 9110, section 10.2.3); a time of day counts as soon.
fn pause(retry_after: Option<&str>) -> Retry {
    let seconds = retry_after.and_then(|text| text.trim().parse::<u64>().ok());
    seconds.map_or(Retry::Soon, |seconds| {
        Retry::After(Duration::from_secs(seconds.min(MAX_PAUSE_SECONDS)))
    })
}

/// Bytes of the part at `path`, and what is known of it.
fn part(path: &Path) -> (u64, Kept) {
    let Ok(metadata) = fs::metadata(path) else { return (0, Kept::default()) };
    let mut text = Vec::new();
    let read = File::open(beside(path)).and_then(|file| file.take(1 << 16).read_to_end(&mut text));
    let kept = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
    (metadata.len(), kept.unwrap_or_default())
}

/// Opens the part at `path` to be written from `start` on.
fn open(path: &Path, start: u64) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_len(start)?;
    file.seek(SeekFrom::Start(start))?;
    Ok(file)
}

fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    replace(&beside(path), |out| Ok(serde_json::to_writer(out, kept)?))
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("json")
}
