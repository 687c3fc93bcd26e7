//! Says what is wrong with a file as a whole: [`Error`], whose text is one sentence with the next
//! step.

use std::path::{Path, PathBuf};
use symtool_module::Arch;

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
    #[error("{}: neither ELF, Mach-O, PE, PDB nor a Breakpad symbol file ({found}); pass the library, its .debug file, its dSYM, its PDB or its .sym", path.display())]
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
    /// A Breakpad symbol file that does not say which build it is of.
    #[error("{}: a Breakpad symbol file without a MODULE line that says which build it is of; pass that build's id as --id", path.display())]
    NoModuleLine {
        /// The file.
        path: PathBuf,
    },
    /// A PDB without the functions and lines of machine code.
    #[error("{}: {}", path.display(), other_pdb(*kind))]
    OtherPdb {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: PdbKind,
    },
    /// A file that another process wrote to while it was read.
    #[error("{}: it was written to or shortened while it was read; import it again once it is complete", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// An object without a single function or line.
    #[error("{}: neither debug data nor function symbols; import the unstripped file, or the .debug file that was split from it", path.display())]
    NoSymbols {
        /// The file.
        path: PathBuf,
    },
    /// An image of Windows that exports nothing.
    #[error("{}: no debug data and no exports; its functions and lines are in {pdb}; import that file", path.display())]
    InPdb {
        /// The file.
        path: PathBuf,
        /// The name of the PDB.
        pdb: String,
    },
    /// An object whose debug data asks for more work than its size allows, and without symbols.
    #[error("{}: its debug data refers to itself so often that reading it takes too much work, as no compiler writes it; make it anew from its sources", path.display())]
    TooMuchWork {
        /// The file.
        path: PathBuf,
    },
    /// A file that is read with those that it belongs to.
    #[error("{}: {}", path.display(), belongs(*role))]
    Companion {
        /// The file.
        path: PathBuf,
        /// What it is.
        role: Companion,
    },
    /// An archive that ends early or contradicts itself, or a member of one.
    #[error("{}: damaged archive ({reason}); was it copied whole?", path.display())]
    DamagedArchive {
        /// The archive, or the member.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A member that needs a password.
    #[error("{}: encrypted; unpack it with its password and import that", path.display())]
    Encrypted {
        /// The member.
        path: PathBuf,
    },
    /// A member that is packed in another way than deflate.
    #[error("{}: packed with method {method}, which is not read; unpack it and import that", path.display())]
    Packing {
        /// The member.
        path: PathBuf,
        /// The method's name.
        method: String,
    },
    /// A member that takes too much memory.
    #[error("{}: {bytes} bytes once unpacked, over the limit of {limit}; unpack it and import that", path.display())]
    TooLarge {
        /// The member.
        path: PathBuf,
        /// What it declares.
        bytes: u64,
        /// What is left of [`crate::limits::MAX_MEMBER_BYTES`] or
        /// [`crate::limits::MIN_UNPACKED_BYTES`].
        limit: u64,
    },
    /// An archive in too many others.
    #[error("{}: an archive within too many archives; unpack it and import that", path.display())]
    Nested {
        /// The archive.
        path: PathBuf,
    },
    /// A dSYM bundle of no file, or of several, where one is meant.
    #[error("{}: a dSYM bundle with {files} object files; pass the one you mean, in Contents/Resources/DWARF", path.display())]
    Bundle {
        /// The bundle.
        path: PathBuf,
        /// How many there are.
        files: usize,
    },
    /// A universal Mach-O file, and no slice of it, or not enough to tell which.
    #[error("{}: {}", path.display(), slices(arch.as_ref(), has, path))]
    NoSlice {
        /// The file.
        path: PathBuf,
        /// The architecture that was asked for.
        arch: Option<Arch>,
        /// The architectures that are there.
        has: String,
    },
    /// A member of a thin archive whose file cannot be read.
    #[error("{}: its file {file} cannot be read ({reason}); keep thin archives beside their members", path.display())]
    Elsewhere {
        /// The member.
        path: PathBuf,
        /// Where the archive says it is.
        file: String,
        /// Why.
        reason: String,
    },
}

/// A file that is read with others, and has nothing to find addresses by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Companion {
    /// Functions of one unit (`.dwo`).
    SplitUnits,
    /// Functions of many units (`.dwp`).
    Package,
    /// Names that dwz has moved out of several files.
    SharedNames,
}

/// A PDB that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PdbKind {
    /// One of .NET.
    Portable,
    /// One that leaves symbols and lines in the object files.
    FastLink,
}

impl Error {
    /// The file or member.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::Missing { path }
            | Self::Empty { path }
            | Self::NotAnObject { path, .. }
            | Self::Damaged { path, .. }
            | Self::NoModuleLine { path }
            | Self::OtherPdb { path, .. }
            | Self::Changed { path }
            | Self::NoSymbols { path }
            | Self::InPdb { path, .. }
            | Self::TooMuchWork { path }
            | Self::Companion { path, .. }
            | Self::DamagedArchive { path, .. }
            | Self::Encrypted { path }
            | Self::Packing { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Nested { path }
            | Self::Bundle { path, .. }
            | Self::NoSlice { path, .. }
            | Self::Elsewhere { path, .. } => path,
        }
    }
}

fn slices(arch: Option<&Arch>, has: &str, path: &Path) -> String {
    match arch {
        Some(arch) => format!("no slice for {arch}; it has {has}"),
        None => format!(
            "has slices for {has}; name the one you mean, as in {}:{}",
            path.display(),
            has.rsplit(", ").next().unwrap_or(has)
        ),
    }
}

fn other_pdb(kind: PdbKind) -> &'static str {
    match kind {
        PdbKind::Portable => {
            "a portable PDB, which has lines of .NET and no addresses; it is not read"
        }
        PdbKind::FastLink => {
            "a PDB that leaves symbols in the object files (/DEBUG:FASTLINK); link with /DEBUG:FULL, or complete it by mspdbcmf.exe"
        }
    }
}

fn belongs(role: Companion) -> &'static str {
    match role {
        Companion::SplitUnits => {
            "the functions of one object file (split DWARF), read with the image that it was linked into; import that one"
        }
        Companion::Package => {
            "functions of an image (a package of split DWARF), read with it; import that image, with this file beside it"
        }
        Companion::SharedNames => {
            "names that several debug files share (dwz), read with those; import them"
        }
    }
}
