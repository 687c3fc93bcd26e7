//! Debug files as neutral values: in, the bytes people bring; out, [`ModuleSymbols`], which the store packs.
//!
//! Knows object files, DWARF and archives; knows no database and prints nothing.

#![deny(missing_docs)]

pub mod container;
pub mod debug;
pub mod demangle;
mod error;
pub mod limits;
mod module;

pub use error::Error;
pub use module::{
    Chain, ChainId, Detail, DropReason, Dropped, FileId, FunctionId, Location, ModuleId, ModuleInfo, ModuleKind, ModuleSymbols, Range,
    Source, Strings,
};
