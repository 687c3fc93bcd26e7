//! Reading files on several threads: in, the walk; out, what came of each file, by its number.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use symtool_core::pack::{Packed, pack};
use symtool_core::store::Footer;
use symtool_formats::Error;
use symtool_formats::debug::{DebugFile, Mapped, Search};

use super::held::{Held, Permit};
use super::order::{Entered, Order, Ticket};
use super::walk::{Content, Item, Walk};
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
    /// An object without code, as libraries are full of.
    PassedOver,
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
    pub order: &'a Order,
    pub held: &'a Held,
    pub board: &'a Board,
    /// Where files that belong to others are looked for.
    pub search: Search,
    /// Set when no more is to be read.
    pub stopped: AtomicBool,
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
        let shown = self.board.show(&path, item.weight);
        let (opened, in_library, memory) = match item.content {
            Content::File => (Mapped::open(&path), false, None),
            Content::Member { member, in_library, memory } => (member.open(), in_library, memory),
            Content::Failed(reason) => return Outcome::Failed { path, reason },
        };
        let outcome = match opened {
            Ok(mapped) => self.read_mapped(ticket, &path, &mapped, &shown),
            Err(error) => Err(error),
        };
        // The bytes have gone: what they took may be given back.
        drop(memory);
        match outcome {
            Ok(outcome) => outcome,
            Err(Error::NoSymbols { .. }) if in_library => Outcome::PassedOver,
            Err(error) => Outcome::Failed { path, reason: error.to_string() },
        }
    }

    /// Reads the file and, if the debug data was split from it, the debug file too.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn read_mapped(&self, ticket: Ticket<'a>, path: &Path, mapped: &Mapped, shown: &Shown<'_>) -> Result<Outcome<'a>, Error> {
        let start = Instant::now();
        let file = DebugFile::parse(mapped)?;
        let debug = file.debug_file(&self.search);
        let file = file.with_debug_data(debug.as_ref().and_then(|debug| DebugFile::parse(debug).ok()), &self.search);
        let bytes_in = file.bytes() as u64;
        let parsing = start.elapsed();
        let path = path.to_owned();
        let reading = match ticket.enter(file.info(), bytes_in, file.working_bytes()) {
            Entered::Unchanged(footer) => return Ok(Outcome::Unchanged { path, footer, took: parsing }),
            Entered::Read(reading) => reading,
        };
        let start = Instant::now();
        let symbols = file.read(&self.search, shown.progress())?;
        let reading_symbols = start.elapsed();
        let packed = match pack(&symbols, bytes_in) {
            Ok(packed) => packed,
            Err(error) => return Ok(Outcome::Failed { reason: format!("{}: {error}", path.display()), path }),
        };
        drop(symbols);
        let [open, read, pack] = [parsing, reading_symbols, start.elapsed().saturating_sub(reading_symbols)].map(|took| took.as_millis());
        detail!("{}: opened in {open} ms, read in {read} ms, packed in {pack} ms", path.display());
        let memory = self.held.add(packed.footer.bytes_stored);
        let again = reading.again;
        reading.done(packed.footer.clone());
        let took = parsing + start.elapsed();
        Ok(Outcome::Packed(Box::new(Module { path, packed, took, again, memory })))
    }
}
