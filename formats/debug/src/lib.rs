#![doc = include_str!("../README.md")]
//!
//! # Steps
//!
//! Object file -> [`ModuleSymbols`]. The import's first half reads like this:
//!
//! ```text
//! file -> bytes/       its bytes, read once through a mapping
//!      -> object/      one object file: what it is, addresses of sections, code, symbols, debug sections
//!      -> companions/  files that belong to it
//!      -> dwarf/       per unit, in parallel: functions, inlined calls, lines -> ranges
//!         go/          where there is none, the table by which Go's runtime prints stacks
//!      -> breakpad/    a Breakpad symbol file, whose parts become units of the same kind
//!      -> pdb/         a PDB, whose modules become units of the same kind
//!      -> unwind.rs    how stacks are walked
//!      -> assemble.rs  all units in address order, names once, symbols in the gaps: module/
//!      -> symbol_parts.rs  the same one part after the other, for files whose ranges take more memory than they
//! ```
//!
//! Each folder uses only those before it: `module` (the value), `bytes`, `object`, `container`,
//! `dwarf`, `go`, `pdb`, `breakpad`, `companions`; then come the files that list the steps. Archives
//! come after objects because the slice of a universal file is chosen by the architecture of the
//! object in it, and companion files after DWARF because skeleton units say where they are and the
//! objects of a debug map are read as DWARF.

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod assemble;
mod breakpad;
mod bytes;
mod companions;
pub mod container;
mod debug_file;
mod debug_object;
mod dwarf;
mod function_list;
mod go;
mod inspect;
mod interner;
pub mod limits;
mod module;
mod object;
mod pdb;
mod progress;
mod read;
mod sources;
mod symbol_parts;
mod unwind;
mod warnings;

pub use breakpad::{BreakpadHead, GivenId, breakpad_id, debug_id, write_breakpad};
pub use bytes::{Companion, Error, Mapped, PdbKind};
pub use companions::{Search, SearchedPlace};
pub use debug_file::DebugFile;
pub use function_list::FunctionList;
pub use inspect::{Inspection, ServerRole, SharedNames};
pub use module::{
    Alias, ChainId, CodeMark, DropCounts, DropReason, File, FileId, Files, Folder, Function,
    FunctionId, Functions, InlineChain, ModuleInfo, ModuleSymbols, Range, Source, SourceLocation,
    Start, Strings,
};
pub use progress::Progress;
pub use sources::{SourceText, embedded_sources};
pub use symbol_parts::SymbolParts;
