#![doc = include_str!("../README.md")]
//!
//! # Steps
//!
//! Object file -> [`ModuleSymbols`]. The import's first half reads like this:
//!
//! ```text
//! file -> mapped.rs      bytes, read once through a mapping; guard.rs: another process may shorten it
//!      -> object.rs      what the file is: id, name, architecture; lists the steps
//!      -> layout.rs      addresses of sections, laid out where the file is not linked yet
//!      -> code.rs        executable addresses
//!      -> symbols.rs     symbol spans; elf/ and macho/ know what lists symbols and linkage stubs
//!      -> sections.rs    debug sections, expanded (expanded.rs), relocated (relocate.rs)
//!      -> companions.rs  files that belong to it; split.rs
//!      -> dwarf/         per unit, in parallel: functions, inlined calls, lines -> ranges
//!         go/            where there is none, the table by which Go's runtime prints stacks
//!      -> assemble.rs    all units in address order, names once, symbols in the gaps
//! ```

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod assemble;
mod bytes;
mod code;
mod companions;
pub mod container;
mod dwarf;
mod elf;
mod go;
mod identity;
mod inspect;
mod layout;
pub mod limits;
mod links;
mod macho;
mod module;
mod object;
mod relocate;
mod sections;
mod symbols;

use std::sync::atomic::{AtomicU64, Ordering};

pub use bytes::{Companion, Error, Mapped};
pub use companions::{Looked, Search};
pub use inspect::{Inspection, Shared};
pub(crate) use macho::arch_name as macho_arch;
pub use module::{
    Alias, Chain, ChainId, CodeMark, DropReason, Dropped, File, FileId, Files, Folder, Function, FunctionId, Functions, Location,
    ModuleInfo, ModuleSymbols, Range, Source, Start, Strings,
};
pub use object::DebugFile;
pub(crate) use object::arch_of;

/// How far reading a file has come; may be looked at from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    units: AtomicU64,
    units_done: AtomicU64,
    bytes: AtomicU64,
    bytes_done: AtomicU64,
    steps: AtomicU64,
}

impl Progress {
    /// Units done, and all units; the latter 0 until they are known.
    pub fn units(&self) -> (u64, u64) {
        (self.units_done.load(Ordering::Relaxed), self.units.load(Ordering::Relaxed))
    }

    /// Bytes of debug entries done, and all of them.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes_done.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Steps that reading debug data took, as they are counted against its limit.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    fn spent(&self, steps: u64) {
        self.steps.fetch_add(steps, Ordering::Relaxed);
    }

    fn expect(&self, units: usize, bytes: usize) {
        self.units.fetch_add(units as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn advance(&self, bytes: usize) {
        self.units_done.fetch_add(1, Ordering::Relaxed);
        self.bytes_done.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
