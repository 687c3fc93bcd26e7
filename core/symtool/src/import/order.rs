//! Decides in the order of the files whether each needs to be read, whichever thread reads it.
//!
//! Files are opened side by side, but each learns only after all files before it whether it is new,
//! so that an import does the same for any number of threads. The same turn bounds the memory of
//! reading.
//!
//! ```text
//! thread 1   open 0 | enter 0 | read 0 ------------------------ | open 3
//! thread 2   open 1 ~~wait~~~ | enter 1 | read 1 | open 2 | enter 2 | read 2
//! ```

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use symtool_debug::ModuleInfo;
use symtool_store::{Error, Module, ModuleKey, ModuleRecord, Reader, Store};

use super::limits::MAX_WORKING_BYTES;

/// What all threads know of the files so far.
#[derive(Debug)]
pub struct Order<'s> {
    state: Mutex<State>,
    changed: Condvar,
    store: &'s Store,
    /// Open while files are looked up. While it is, nobody can delete what a change of the store
    /// has made needless.
    reader: Mutex<Option<Reader>>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the file that may enter.
    next: usize,
    /// Bytes of files that are being read.
    working_bytes: u64,
    reading: HashSet<ModuleKey>,
    /// Whether files are read that were imported before this command.
    force: bool,
    known: HashMap<ModuleKey, Vec<KnownFile>>,
}

/// A file that was imported with some id.
#[derive(Clone, Debug)]
struct KnownFile {
    record: Arc<ModuleRecord>,
    /// By this command, not before.
    now: bool,
}

/// A file's place in the order. Dropped without [`Ticket::enter`], it lets the next one enter at
/// its turn.
#[derive(Debug)]
pub struct Ticket<'a> {
    order: &'a Order<'a>,
    number: usize,
}

/// What is to be done with a file.
#[derive(Debug)]
pub enum Entered<'a> {
    /// Nothing: this was imported before, and says as much.
    Unchanged(Arc<ModuleRecord>),
    /// It is to be read.
    Read(Reading<'a>),
    /// Nothing: a file that was imported before has the same id and other code. What that file is
    /// called.
    Contradicts(String),
}

/// A file that is being read, until dropped.
#[derive(Debug)]
pub struct Reading<'a> {
    order: &'a Order<'a>,
    key: ModuleKey,
    working_bytes: u64,
    /// Whether this command has imported a file of this id before.
    pub again: bool,
}

impl<'s> Order<'s> {
    /// Begins with what `store` has, opened as `reader`: modules that need not be imported again,
    /// unless all files are to be read (`force`).
    pub fn new(store: &'s Store, reader: Option<Reader>, force: bool) -> Self {
        let state = Mutex::new(State { force, ..State::default() });
        Self { state, changed: Condvar::new(), store, reader: Mutex::new(reader) }
    }

    /// The place of file `number`, counted from 0 without gaps.
    pub fn ticket(&self, number: usize) -> Ticket<'_> {
        Ticket { order: self, number }
    }

    /// The store.
    pub fn store(&self) -> &'s Store {
        self.store
    }

    /// Changes the store by `change` while no file is looked up in it.
    pub fn alone<T>(&self, change: impl FnOnce(&Store) -> T) -> T {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        *reader = None;
        change(self.store)
    }

    /// The module that the store has under `key`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn module(&self, key: ModuleKey) -> Result<Option<Module>, Error> {
        self.read(|reader| reader.module_at(key))
    }

    /// The module that the file which `info` describes is to complete; see [`Catalog::whole`].
    ///
    /// [`Catalog::whole`]: symtool_store::Catalog::whole
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn completed_by(&self, info: &ModuleInfo) -> Result<Option<Module>, Error> {
        self.read(|reader| match reader.catalog().whole(info)? {
            None => reader.module(info),
            whole => Ok(whole.cloned()),
        })
    }

    fn read(
        &self,
        look: impl FnOnce(&Reader) -> Result<Option<Module>, Error>,
    ) -> Result<Option<Module>, Error> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        match &*reader {
            Some(reader) => look(reader),
            None => match self.store.read() {
                Err(Error::Missing(_)) => Ok(None),
                opened => look(reader.insert(opened?)),
            },
        }
    }

    /// What the store had of the module that `info` describes before this command.
    fn look_up(&self, info: &ModuleInfo) -> Result<Option<KnownFile>, Error> {
        let module = self.completed_by(info)?;
        Ok(module.map(|module| KnownFile { record: Arc::new(module.record), now: false }))
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.wait_while(state, condition).unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Ticket<'a> {
    /// Waits for all files before this one to enter, for those of the same id to be read, and for
    /// memory. `bytes_in` is the file's size, `working_bytes` what reading it takes.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn enter(
        self,
        info: &ModuleInfo,
        bytes_in: u64,
        working_bytes: u64,
        labels: &[String],
    ) -> Result<Entered<'a>, Error> {
        let key = ModuleKey::of(info);
        let mut state = self
            .order
            .wait_while(|state| state.next != self.number || state.reading.contains(&key));
        if let Entry::Vacant(entry) = state.known.entry(key) {
            let known = self.order.look_up(info)?;
            entry.insert(known.into_iter().collect());
        }
        let known = state.known.get(&key).map_or(&[][..], Vec::as_slice);
        if let Some(other) = known.iter().find_map(|known| known.record.contradicting(info)) {
            return Ok(Entered::Contradicts(other.name.clone()));
        }
        let has_labels =
            |record: &ModuleRecord| labels.iter().all(|label| record.labels.contains(label));
        let is_enough = |known: &&KnownFile| {
            (known.now || !state.force)
                && known.record.knows_all(info, bytes_in)
                && has_labels(&known.record)
        };
        if let Some(known) = known.iter().find(is_enough) {
            return Ok(Entered::Unchanged(Arc::clone(&known.record)));
        }
        let again = known.iter().any(|known| known.now);
        drop(state);
        let is_full = |state: &mut State| {
            state.working_bytes > 0
                && state.working_bytes.saturating_add(working_bytes) > MAX_WORKING_BYTES
        };
        let mut state = self.order.wait_while(is_full);
        state.working_bytes = state.working_bytes.saturating_add(working_bytes);
        state.reading.insert(key);
        drop(state);
        Ok(Entered::Read(Reading { order: self.order, key, working_bytes, again }))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.order.wait_while(|state| state.next != self.number);
        state.next += 1;
        self.order.changed.notify_all();
    }
}

impl Reading<'_> {
    /// Makes known that the file was read, and what came of it.
    pub fn done(self, record: ModuleRecord) {
        let mut state = self.order.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .known
            .entry(self.key)
            .or_default()
            .push(KnownFile { record: Arc::new(record), now: true });
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut state = self.order.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.working_bytes = state.working_bytes.saturating_sub(self.working_bytes);
        state.reading.remove(&self.key);
        self.order.changed.notify_all();
    }
}
