//! What can go wrong with a file as a whole: in, a path and a fact; out, one sentence with the next step.

use std::path::PathBuf;

/// A file that cannot be read as what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Nothing there.
    #[error("{}: no such file or folder; check the path", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Nothing in it.
    #[error("{}: the file is empty; was it copied whole?", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Neither a format that is read, nor one that is known.
    #[error("{}: not an ELF object file ({found}); pass the library or its .debug file", path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// An object file that ends early or contradicts itself.
    #[error("{}: damaged object file ({reason}); was it copied whole?", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        reason: String,
    },
    /// An object without a single function or line.
    #[error("{}: neither debug data nor function symbols; import the unstripped file, or the .debug file that was split from it", path.display())]
    NoSymbols {
        /// The file.
        path: PathBuf,
    },
}
