//! What an import tells while it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use symtool_debug::Progress;
use symtool_module::{Arch, BuildId, ModuleKind, Named};
use symtool_store::ModuleRecord;

/// Something that happens during an import. [`Event::Done`] comes in the order of the files and on
/// the thread that called; the others come from any thread.
#[derive(Debug)]
pub enum Event<'a> {
    /// So many more files are to come, of so many bytes.
    Expect {
        /// Files.
        files: usize,
        /// Bytes of input.
        bytes: u64,
    },
    /// So many files need no more work, of so many bytes.
    Passed {
        /// Files.
        files: usize,
        /// Bytes of input.
        bytes: u64,
    },
    /// A file is being read.
    Begin {
        /// Its number, which [`Event::End`] repeats.
        number: usize,
        /// Its path, with the name of its member if it is one of an archive.
        path: &'a Path,
        /// Bytes of input that it stands for.
        bytes: u64,
        /// How far reading it has come.
        progress: &'a Arc<Progress>,
    },
    /// It has been read and packed.
    End {
        /// Its number.
        number: usize,
    },
    /// How long the steps of one file took.
    Timed {
        /// The file.
        path: &'a Path,
        /// Finding out what it is, and its debug file.
        opened: Duration,
        /// Reading its symbols.
        read: Duration,
        /// Packing them.
        packed: Duration,
    },
    /// How long it took to store some modules.
    Stored {
        /// How many.
        modules: usize,
        /// How long.
        took: Duration,
    },
    /// A file that was named is read with another one; the sentence says which.
    ReadWithOthers(String),
    /// A file is done.
    Done(Report),
}

/// Receives events. An error for [`Event::Done`], [`Event::Stored`] or [`Event::ReadWithOthers`]
/// ends the import; one for an event that only shows progress is ignored.
pub type Events<'e> = &'e (dyn Fn(Event<'_>) -> io::Result<()> + Sync);

/// What became of one file.
#[derive(Debug)]
pub struct Report {
    /// Its path, with the name of its member if it is one of an archive.
    pub path: PathBuf,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one file.
#[derive(Debug)]
pub enum Outcome {
    /// Its module is in the store now.
    Imported {
        /// The module.
        module: Box<ModuleRecord>,
        /// How long it took.
        took: Duration,
    },
    /// The store had all that it tells.
    Unchanged {
        /// The module.
        module: Box<ModuleRecord>,
        /// How long it took to find out.
        took: Duration,
    },
    /// Its module would be in the store now, but nothing was to be changed.
    Expected(Box<ExpectedModule>),
    /// Nothing, and why.
    Failed(Failure),
}

/// A module that an import would bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedModule {
    /// File name without its folder.
    pub name: String,
    /// The id in hexadecimal.
    pub id: BuildId,
    /// What kind of file it comes from.
    pub kind: Named<ModuleKind>,
    /// As LLVM names it.
    pub arch: Arch,
}

/// Why nothing came of a file. Its text names the file and the fact.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// What is wrong with the file, and the next step.
    #[error("{0}")]
    File(String),
    /// The store cannot tell what it knows of the file, or cannot read an exported segment.
    #[error(transparent)]
    Store(#[from] symtool_store::Error),
    /// [`super::Import::id`] applies to one file, and this is another one.
    #[error("{}: the id applies to one file, and there are several without", .0.display())]
    SecondFile(PathBuf),
    /// [`super::Import::id`] is no id of a file like this.
    #[error("{}: the id is none of {what}", path.display())]
    OtherId {
        /// The file.
        path: PathBuf,
        /// What it is an id of.
        what: &'static str,
    },
    /// It has the id of a module with other code.
    #[error("{}: has the id of {other}, {id}, but other code: one of the two was changed after it was linked (by BOLT, say)", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What the other file is called.
        other: String,
        /// The id that both have.
        id: BuildId,
    },
}

impl Report {
    pub(super) fn failed(path: PathBuf, failure: Failure) -> Self {
        Self { path, outcome: Outcome::Failed(failure) }
    }

    pub(super) fn of(path: PathBuf, was_there: bool, module: ModuleRecord, took: Duration) -> Self {
        let module = Box::new(module);
        Self {
            path,
            outcome: if was_there {
                Outcome::Unchanged { module, took }
            } else {
                Outcome::Imported { module, took }
            },
        }
    }
}

/// How an import ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files whose modules were stored.
    pub imported: u64,
    /// Files whose modules would have been stored.
    pub expected: u64,
    /// Files that the store had already.
    pub unchanged: u64,
    /// Files that could not be imported.
    pub failed: u64,
    /// Files that are neither objects nor archives, in folders and archives.
    pub skipped: u64,
    /// Those of them that were named and are read with others.
    pub companions: u64,
    /// Whether [`super::Import::id`] was given and none of the files is without an id, which
    /// counts as a failure.
    pub id_is_unused: bool,
    /// Size of the imported files.
    pub bytes_in: u64,
    /// Size of their modules in the store.
    pub bytes_stored: u64,
}

impl Summary {
    /// Counts what became of a file.
    pub fn count(&mut self, report: &Report) {
        match &report.outcome {
            Outcome::Imported { module, .. } => {
                self.imported += 1;
                self.bytes_in += module.bytes_in;
                self.bytes_stored += module.bytes_stored;
            }
            Outcome::Unchanged { .. } => self.unchanged += 1,
            Outcome::Expected(_) => self.expected += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }
}
