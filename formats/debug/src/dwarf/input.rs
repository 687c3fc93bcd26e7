//! Says what the units of a file are read from: [`Input`].

use super::lines::LinesAhead;
use super::split::SplitSections;
use crate::bytes::Mapped;
use crate::object::code::Code;
use crate::object::macho::symbol_map::SymbolMap;
use crate::object::sections::{self, Sections};
use crate::object::symbols::{Symbol, Twin};

/// All that is read: the object's own sections and those of the files that belong to it.
#[derive(Clone, Copy)]
pub struct Input<'d> {
    /// The bytes that the object's sections lie in.
    pub mapped: &'d Mapped,
    /// Whether numbers begin with their lowest byte.
    pub is_little_endian: bool,
    /// The executable addresses.
    pub code: &'d Code,
    /// Symbols, by address.
    pub symbols: &'d [Symbol<'d>],
    /// The object's.
    pub sections: &'d Sections<'d>,
    /// Of the file of names that it shares with others (dwz; DWARF 5, section 7.3.6).
    pub shared: Option<&'d Sections<'d>>,
    /// Of the files that hold the functions of its skeleton units.
    pub split: &'d SplitSections<'d>,
    /// Line programs that have been run.
    pub ahead: &'d LinesAhead,
    /// Whether this is an object file whose functions will lie elsewhere: its functions say which
    /// unit owns what, and a line counts within the function in which its row stands.
    pub functions_move: bool,
    /// What hidden names stand for.
    pub map: Option<&'d SymbolMap<'d>>,
    /// Symbols that lie under others.
    pub twins: &'d [Twin<'d>],
}

impl Input<'_> {
    /// Bytes of all sections, expanded.
    pub fn bytes(&self) -> u64 {
        sections::bytes(self.sections) + self.shared.map_or(0, sections::bytes) + self.split.bytes()
    }
}
