//! Reads and packs files on several threads.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use symtool_debug::Error;
use symtool_debug::{DebugFile, Mapped, Progress, Search};
use symtool_mapping::{self as mapping, Identity};
use symtool_module::{BuildId, ModuleId};
use symtool_store::ModuleRecord;
use symtool_store::database::is_segment;
use symtool_store::pack::{Packed, RangePacker, mapping_info, pack_beside, pack_mapping};

use super::FileId;
use super::budget::{MemoryBudget, Permit};
use super::event::{Event, Events, Failure, Report};
use super::expect::Expected;
use super::given::Parsed;
use super::limits::MAPPING_WORKING_BYTES;
use super::order::{Entered, Order, Reading, Ticket};
use super::segments;
use super::walk::{Content, Item, Walk};
use crate::mapping::refusal;

/// What came of a file.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// A module for the store.
    Packed(Box<Module<'a>>),
    /// Modules that a store has exported.
    Segment(Box<Segment<'a>>),
    /// What would come of it, but nothing is to be changed.
    Foreseen(Vec<Report>),
    /// A module that is there already.
    Unchanged { path: PathBuf, record: Arc<ModuleRecord>, took: Duration },
    /// Nothing, and why.
    Failed { path: PathBuf, failure: Failure },
    /// An object without code, as libraries are full of, or a file that is read with others.
    PassedOver,
    /// A file that was named and is read with others.
    Companion { reason: String },
    /// The end of what was found in a folder or archive.
    End { path: PathBuf, what: &'static str },
}

/// A module on its way to the store.
#[derive(Debug)]
pub struct Module<'a> {
    pub path: PathBuf,
    pub packed: Packed,
    pub took: Duration,
    /// Whether this command has imported a file of the same id before.
    pub again: bool,
    /// Held until the module is in the store.
    pub memory: Permit<'a>,
}

/// Modules of a segment on their way to the store.
#[derive(Debug)]
pub struct Segment<'a> {
    pub path: PathBuf,
    pub modules: Vec<Packed>,
    pub took: Duration,
    /// Held until they are in the store.
    pub memory: Permit<'a>,
}

/// What all threads share.
pub struct Reader<'a> {
    pub walk: Mutex<Numbered<'a>>,
    pub order: &'a Order<'a>,
    pub budget: &'a MemoryBudget,
    pub events: Events<'a>,
    /// Where files that belong to others are looked for.
    pub search: Search,
    /// The id of the file among them that has none, until it is met; absent if none was given.
    pub id: Option<Mutex<Option<FileId>>>,
    /// What modules are called besides.
    pub labels: Labels,
    /// Where files are only looked at: those so far that would be read.
    pub expected: Option<Expected>,
    /// Set when no more is to be read.
    pub stopped: AtomicBool,
}

/// What modules are called besides: what the command says; of a mapping, where all are called
/// alike, else its path below the folder that the command names.
#[derive(Debug, Default)]
pub struct Labels {
    given: Vec<String>,
    folders: Vec<PathBuf>,
}

impl Labels {
    /// Those of an import of `paths`.
    pub fn new(given: &[String], paths: &[PathBuf]) -> Self {
        Self {
            given: given.to_vec(),
            folders: paths.iter().filter(|path| path.is_dir()).cloned().collect(),
        }
    }

    /// Of the mapping at `path`.
    fn of_mapping(&self, path: &Path) -> Vec<String> {
        if !self.given.is_empty() {
            return self.given.clone();
        }
        let below = self
            .folders
            .iter()
            .filter_map(|folder| path.strip_prefix(folder).ok())
            .min_by_key(|below| below.as_os_str().len());
        below
            .filter(|below| below.components().count() > 1)
            .map(|below| below.to_string_lossy().into_owned())
            .into_iter()
            .collect()
    }
}

/// The walk, and the number of its next file.
pub struct Numbered<'a> {
    pub walk: Walk<'a>,
    pub next: usize,
}

impl<'a> Reader<'a> {
    /// Reads one file after the other until there are no more. Any number of threads may do so.
    pub fn read_all(&self, outcomes: &Sender<(usize, Outcome<'a>)>) {
        while let Some((number, ticket, item)) = self.next() {
            let outcome = self.read(number, ticket, item);
            if outcomes.send((number, outcome)).is_err() {
                return;
            }
        }
    }

    fn next(&self) -> Option<(usize, Ticket<'a>, Item<'a>)> {
        let mut numbered = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let item = numbered.walk.next()?;
        let number = numbered.next;
        numbered.next += 1;
        Some((number, self.order.ticket(number), item))
    }

    fn read(&self, number: usize, ticket: Ticket<'a>, item: Item<'a>) -> Outcome<'a> {
        let path = item.path;
        if let Content::End { what } = item.content {
            return Outcome::End { path, what };
        }
        let progress = Arc::default();
        let shown = Shown::begin(self.events, number, &path, item.weight, &progress);
        let (opened, is_named, in_library, memory) = match item.content {
            Content::File { is_named } => (Mapped::open(&path), is_named, false, None),
            Content::Member { member, in_library, memory } => {
                (member.open(), false, in_library, memory)
            }
            Content::Failed(reason) => {
                return Outcome::Failed { path, failure: Failure::File(reason) };
            }
            Content::End { what } => return Outcome::End { path, what },
        };
        let outcome = match opened.map(Mapped::with_plain_symbols) {
            // What cannot be read at all may be a file that is still being written.
            Ok(mapped) => self
                .read_mapped(ticket, &path, &mapped, &progress)
                .map_err(|error| mapped.unchanged().err().unwrap_or(error)),
            Err(error) => Err(error),
        };
        drop(shown);
        // The bytes have gone: what they took may be given back.
        drop(memory);
        match outcome {
            Ok(outcome) => outcome,
            Err(Error::NoSymbols { .. }) if in_library => Outcome::PassedOver,
            // What they have is in another file.
            Err(Error::Companion { .. } | Error::InPdb { .. }) if !is_named => Outcome::PassedOver,
            Err(error @ (Error::Companion { .. } | Error::InPdb { .. })) => {
                Outcome::Companion { reason: error.to_string() }
            }
            Err(error) => Outcome::Failed { path, failure: Failure::File(error.to_string()) },
        }
    }

    /// Reads the file and, if the debug data was split from it, the debug file too.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn read_mapped(
        &self,
        ticket: Ticket<'a>,
        path: &Path,
        mapped: &Mapped,
        progress: &Progress,
    ) -> Result<Outcome<'a>, Error> {
        if mapping::is_mapping(mapped.bytes()) {
            return Ok(self.read_mapping(ticket, path, mapped));
        }
        if is_segment(mapped.bytes()) {
            return Ok(segments::outcome(self, path, mapped));
        }
        if let Some(reason) = refusal(mapped) {
            return Ok(Outcome::Failed {
                path: path.to_owned(),
                failure: Failure::File(reason.to_string()),
            });
        }
        let start = Instant::now();
        let file = match self.parse(path, mapped)? {
            Parsed::File(file) => *file,
            Parsed::Refused(failure) => {
                return Ok(Outcome::Failed { path: path.to_owned(), failure });
            }
        };
        let debug = file.debug_file(&self.search);
        let file = file.with_debug_data(
            debug.as_ref().and_then(|debug| DebugFile::parse(debug).ok()),
            &self.search,
        );
        let bytes_in = file.bytes() as u64;
        let parsing = start.elapsed();
        let path = path.to_owned();
        let labels = &self.labels.given;
        let reading = match ticket.enter(file.info(), bytes_in, file.working_bytes(), labels) {
            Err(error) => return Ok(Outcome::Failed { path, failure: Failure::Store(error) }),
            Ok(Entered::Unchanged(record)) => {
                return Ok(Outcome::Unchanged { path, record, took: parsing });
            }
            Ok(Entered::Contradicts(other)) => {
                let failure = contradiction(&path, &file.info().id, other);
                return Ok(Outcome::Failed { path, failure });
            }
            Ok(Entered::Read(reading)) => reading,
        };
        if let Some(expected) = &self.expected {
            return Ok(match self.order.completed_by(file.info()) {
                Ok(known) => expected.outcome(path, file.info(), bytes_in, known),
                Err(error) => Outcome::Failed { path, failure: Failure::Store(error) },
            });
        }
        let start = Instant::now();
        let packed = self.pack(&file, &path, parsing, progress)?;
        Ok(self.packed(path, reading, packed, parsing + start.elapsed()))
    }

    /// Reads the symbols of `file`, which took `opened` to open, and packs them.
    ///
    /// # Errors
    /// What is wrong with the file; within, what keeps it from being packed.
    fn pack(
        &self,
        file: &DebugFile<'_>,
        path: &Path,
        opened: Duration,
        progress: &Progress,
    ) -> Result<io::Result<Packed>, Error> {
        let start = Instant::now();
        let mut parts = file.parts(&self.search, progress)?;
        let read = start.elapsed();
        let (mut to_blocks, mut pushed) = (RangePacker::default(), Ok(()));
        parts.each(|chains, ranges| {
            if pushed.is_ok() {
                pushed = to_blocks.push(chains, ranges);
            }
        })?;
        let ranges = pushed.and_then(|()| to_blocks.finish(parts.functions()));
        let symbols = parts.finish()?;
        let labels = self.labels.given.clone();
        let packed = ranges
            .and_then(|ranges| pack_beside(ranges, &symbols, file.bytes() as u64))
            .map(|packed| labelled(packed, labels));
        drop(symbols);
        let packed_in = start.elapsed().saturating_sub(read);
        // It only shows progress.
        let _ = (self.events)(Event::Timed { path, opened, read, packed: packed_in });
        Ok(packed)
    }

    /// Reads the mapping that the file is.
    fn read_mapping(&self, ticket: Ticket<'a>, path: &Path, mapped: &Mapped) -> Outcome<'a> {
        let start = Instant::now();
        let path = path.to_owned();
        let given = match self.given_id(&path) {
            Ok(None) => None,
            Ok(Some(FileId { mapping: Some(id), .. })) => Some(id),
            Ok(Some(_)) => {
                let failure = Failure::OtherId { path: path.clone(), what: "a mapping" };
                return Outcome::Failed { path, failure };
            }
            Err(failure) => return Outcome::Failed { path, failure },
        };
        let bytes = mapped.bytes();
        let identity = Identity::of(bytes, given);
        let info = mapping_info(mapped.name(), &identity);
        let labels = self.labels.of_mapping(&path);
        let reading = match ticket.enter(&info, bytes.len() as u64, MAPPING_WORKING_BYTES, &labels)
        {
            Err(error) => return Outcome::Failed { path, failure: Failure::Store(error) },
            Ok(Entered::Unchanged(record)) => {
                return Outcome::Unchanged { path, record, took: start.elapsed() };
            }
            Ok(Entered::Contradicts(other)) => {
                let failure = contradiction(&path, &info.id, other);
                return Outcome::Failed { path, failure };
            }
            Ok(Entered::Read(reading)) => reading,
        };
        if let Some(expected) = &self.expected {
            return expected.outcome(path, &info, bytes.len() as u64, None);
        }
        let packed = pack_mapping(bytes, &info, &identity, bytes.len() as u64)
            .map(|packed| labelled(packed, labels));
        if let Err(error) = mapped.unchanged() {
            return Outcome::Failed { path, failure: Failure::File(error.to_string()) };
        }
        self.packed(path, reading, packed, start.elapsed())
    }

    fn packed(
        &self,
        path: PathBuf,
        reading: Reading<'_>,
        packed: io::Result<Packed>,
        took: Duration,
    ) -> Outcome<'a> {
        let packed = match packed {
            Ok(packed) => packed,
            Err(error) => {
                return Outcome::Failed {
                    failure: Failure::File(format!("{}: {error}", path.display())),
                    path,
                };
            }
        };
        let memory = self.budget.add(packed.record.bytes_stored);
        let again = reading.again;
        reading.done(packed.record.clone());
        Outcome::Packed(Box::new(Module { path, packed, took, again, memory }))
    }
}

/// A file between [`Event::Begin`] and [`Event::End`].
struct Shown<'a> {
    events: Events<'a>,
    number: usize,
}

impl<'a> Shown<'a> {
    fn begin(
        events: Events<'a>,
        number: usize,
        path: &Path,
        bytes: u64,
        progress: &Arc<Progress>,
    ) -> Self {
        // It only shows progress.
        let _ = events(Event::Begin { number, path, bytes, progress });
        Self { events, number }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let _ = (self.events)(Event::End { number: self.number });
    }
}

fn labelled(mut packed: Packed, labels: Vec<String>) -> Packed {
    packed.record.labels = labels;
    packed
}

/// That the file at `path` cannot be of the build whose id it has.
fn contradiction(path: &Path, id: &ModuleId, other: String) -> Failure {
    Failure::Contradiction { path: path.to_owned(), other, id: BuildId::from(id) }
}
