//! Reads and packs files on several threads.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use symtool_debug::Error;
use symtool_debug::{DebugFile, Mapped, Search};
use symtool_mapping::{self as mapping, Identity};
use symtool_module::ModuleId;
use symtool_store::Footer;
use symtool_store::pack::{Packed, mapping_info, pack, pack_mapping};

use super::held::{Held, Permit};
use super::limits::MAPPING_WORKING_BYTES;
use super::order::{Entered, Order, Reading, Ticket};
use super::walk::{Content, Item, Walk};
use crate::mapping_file;
use crate::progress::{Board, Shown};

/// What came of a file.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// A module for the store.
    Packed(Box<Module<'a>>),
    /// A module that is there already.
    Unchanged { path: PathBuf, footer: Arc<Footer>, took: Duration },
    /// Nothing, and why.
    Failed { path: PathBuf, reason: String },
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

/// What all threads share.
#[derive(Debug)]
pub struct Reader<'a> {
    pub walk: Mutex<Numbered<'a>>,
    pub order: &'a Order<'a>,
    pub held: &'a Held,
    pub board: &'a Board,
    /// Where files that belong to others are looked for.
    pub search: Search,
    /// The id of the mapping among the files, until it is met; absent if none was given.
    pub mapping_id: Option<Mutex<Option<Vec<u8>>>>,
    /// What modules are called besides.
    pub labels: Labels,
    /// Set when no more is to be read.
    pub stopped: AtomicBool,
}

/// What modules are called besides: what the command says; of a mapping, where all are called alike, else its path below the folder that
/// the command names.
#[derive(Debug, Default)]
pub struct Labels {
    given: Vec<String>,
    folders: Vec<PathBuf>,
}

impl Labels {
    /// Those of an import of `paths`.
    pub fn new(given: &[String], paths: &[PathBuf]) -> Self {
        Self { given: given.to_vec(), folders: paths.iter().filter(|path| path.is_dir()).cloned().collect() }
    }

    /// Of the mapping at `path`.
    fn of_mapping(&self, path: &Path) -> Vec<String> {
        if !self.given.is_empty() {
            return self.given.clone();
        }
        let below = self.folders.iter().filter_map(|folder| path.strip_prefix(folder).ok()).min_by_key(|below| below.as_os_str().len());
        below.filter(|below| below.components().count() > 1).map(|below| below.to_string_lossy().into_owned()).into_iter().collect()
    }
}

/// The walk, and the number of its next file.
#[derive(Debug)]
pub struct Numbered<'a> {
    pub walk: Walk<'a>,
    pub next: usize,
}

impl<'a> Reader<'a> {
    /// Reads one file after the other until there are no more. Any number of threads may do so.
    pub fn read_all(&self, outcomes: &Sender<(usize, Outcome<'a>)>) {
        while let Some((number, ticket, item)) = self.next() {
            let outcome = self.read(ticket, item);
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

    fn read(&self, ticket: Ticket<'a>, item: Item<'a>) -> Outcome<'a> {
        let path = item.path;
        if let Content::End { what } = item.content {
            return Outcome::End { path, what };
        }
        let shown = self.board.show(&path, item.weight);
        let (opened, is_named, in_library, memory) = match item.content {
            Content::File { is_named } => (Mapped::open(&path), is_named, false, None),
            Content::Member { member, in_library, memory } => (member.open(), false, in_library, memory),
            Content::Failed(reason) => return Outcome::Failed { path, reason },
            Content::End { what } => return Outcome::End { path, what },
        };
        let outcome = match opened.map(Mapped::with_plain_symbols) {
            // What cannot be read at all may be a file that is still being written.
            Ok(mapped) => self.read_mapped(ticket, &path, &mapped, &shown).map_err(|error| mapped.unchanged().err().unwrap_or(error)),
            Err(error) => Err(error),
        };
        // The bytes have gone: what they took may be given back.
        drop(memory);
        match outcome {
            Ok(outcome) => outcome,
            Err(Error::NoSymbols { .. }) if in_library => Outcome::PassedOver,
            Err(Error::Companion { .. }) if !is_named => Outcome::PassedOver,
            Err(error @ Error::Companion { .. }) => Outcome::Companion { reason: error.to_string() },
            Err(error) => Outcome::Failed { path, reason: error.to_string() },
        }
    }

    /// Reads the file and, if the debug data was split from it, the debug file too.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn read_mapped(&self, ticket: Ticket<'a>, path: &Path, mapped: &Mapped, shown: &Shown<'_>) -> Result<Outcome<'a>, Error> {
        if mapping::is_mapping(mapped.bytes()) {
            return Ok(self.read_mapping(ticket, path, mapped));
        }
        if let Some(reason) = mapping_file::refusal(mapped) {
            return Ok(Outcome::Failed { path: path.to_owned(), reason });
        }
        let start = Instant::now();
        let file = DebugFile::parse(mapped)?;
        let debug = file.debug_file(&self.search);
        let file = file.with_debug_data(debug.as_ref().and_then(|debug| DebugFile::parse(debug).ok()), &self.search);
        let bytes_in = file.bytes() as u64;
        let parsing = start.elapsed();
        let path = path.to_owned();
        let reading = match ticket.enter(file.info(), bytes_in, file.working_bytes(), &[]) {
            Err(error) => return Ok(Outcome::Failed { path, reason: error.to_string() }),
            Ok(Entered::Unchanged(footer)) => return Ok(Outcome::Unchanged { path, footer, took: parsing }),
            Ok(Entered::Contradicts(other)) => {
                let reason = contradiction(&path, &file.info().id, &other);
                return Ok(Outcome::Failed { path, reason });
            }
            Ok(Entered::Read(reading)) => reading,
        };
        let start = Instant::now();
        let symbols = file.read(&self.search, shown.progress())?;
        let reading_symbols = start.elapsed();
        let packed = pack(&symbols, bytes_in).map(|packed| labelled(packed, self.labels.given.clone()));
        drop(symbols);
        let [open, read, pack] = [parsing, reading_symbols, start.elapsed().saturating_sub(reading_symbols)].map(|took| took.as_millis());
        detail!("{}: opened in {open} ms, read in {read} ms, packed in {pack} ms", path.display());
        Ok(self.packed(path, reading, packed, parsing + start.elapsed()))
    }

    /// Reads the mapping that the file is.
    fn read_mapping(&self, ticket: Ticket<'a>, path: &Path, mapped: &Mapped) -> Outcome<'a> {
        let start = Instant::now();
        let path = path.to_owned();
        let given = match &self.mapping_id {
            None => None,
            Some(id) => match id.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(id) => Some(id),
                None => {
                    let reason = format!("{}: --id applies to one mapping, and there are several; import them one by one", path.display());
                    return Outcome::Failed { path, reason };
                }
            },
        };
        let bytes = mapped.bytes();
        let identity = Identity::of(bytes, given);
        let info = mapping_info(mapped.name(), &identity);
        let labels = self.labels.of_mapping(&path);
        let reading = match ticket.enter(&info, bytes.len() as u64, MAPPING_WORKING_BYTES, &labels) {
            Err(error) => return Outcome::Failed { path, reason: error.to_string() },
            Ok(Entered::Unchanged(footer)) => return Outcome::Unchanged { path, footer, took: start.elapsed() },
            Ok(Entered::Contradicts(other)) => {
                let reason = contradiction(&path, &info.id, &other);
                return Outcome::Failed { path, reason };
            }
            Ok(Entered::Read(reading)) => reading,
        };
        let packed = pack_mapping(bytes, &info, &identity, bytes.len() as u64).map(|packed| labelled(packed, labels));
        if let Err(error) = mapped.unchanged() {
            return Outcome::Failed { path, reason: error.to_string() };
        }
        self.packed(path, reading, packed, start.elapsed())
    }

    fn packed(&self, path: PathBuf, reading: Reading<'_>, packed: io::Result<Packed>, took: Duration) -> Outcome<'a> {
        let packed = match packed {
            Ok(packed) => packed,
            Err(error) => return Outcome::Failed { reason: format!("{}: {error}", path.display()), path },
        };
        let memory = self.held.add(packed.footer.bytes_stored);
        let again = reading.again;
        reading.done(packed.footer.clone());
        Outcome::Packed(Box::new(Module { path, packed, took, again, memory }))
    }
}

fn labelled(mut packed: Packed, labels: Vec<String>) -> Packed {
    packed.footer.labels = labels;
    packed
}

/// That the file at `path` cannot be of the build whose id it has.
fn contradiction(path: &Path, id: &ModuleId, other: &str) -> String {
    format!(
        "{}: has the id of {other}, {id}, but other code: one of the two was changed after it was linked (by BOLT, say); give it an id \
         of its own, or take the other one out with `modules remove {id}`",
        path.display()
    )
}
