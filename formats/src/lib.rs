//! Readers of debug files, crash reports and mappings; [`ModuleSymbols`] is what they make of a debug file.
//!
//! Knows object files, DWARF and archives; knows no database and prints nothing.

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod arch;
pub mod container;
pub mod crash;
pub mod debug;
mod error;
pub mod limits;
pub mod mapping;
mod module;
pub mod normal;
pub mod rules;
mod strings;

pub use arch::is_same as is_same_arch;
pub use error::Error;
pub use module::{
    Alias, Chain, ChainId, CodeMark, Detail, DropReason, Dropped, FileId, FunctionId, Location, ModuleId, ModuleInfo, ModuleKind,
    ModuleSymbols, Range, Source, Start,
};
pub use strings::{File, Files, Folder, Function, Functions, Strings};
