//! Reads DWARF call frame information, `.eh_frame` and `.debug_frame` (DWARF 5, section 6.4; Linux
//! Standard Base 5.0, section 10.6).
//!
//! Entries and instructions are read here; gimli reads their numbers. Its own reader of entries
//! refuses augmentations (`B` of ARM64), remembers four states at most, and follows the CIE's
//! instructions anew for each function.

mod cie;
mod entries;
mod pointer;
mod program;
mod refusal;
mod state;
mod transitions;

use gimli::{BigEndian, Endianity, LittleEndian};

use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::sections::{CodeMap, Section, UnwindSections};
use crate::table::UnwindTableBuilder;
use cie::Cies;
use entries::{Entries, Entry};
use program::Program;
use refusal::Refusal;

/// Which of the two sections is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `.eh_frame`.
    Eh,
    /// `.debug_frame`.
    Debug,
}

/// Adds the rows of both sections. `.eh_frame` comes first: it is what a running program is unwound
/// by.
pub fn read(input: &UnwindSections<'_>, code: &CodeMap<'_>, builder: &mut UnwindTableBuilder) {
    for (kind, section) in [(Kind::Eh, input.eh_frame), (Kind::Debug, input.debug_frame)] {
        let Some(section) = section else { continue };
        let source = Source { input, code, kind, section };
        if input.is_big_endian {
            source.read(BigEndian, builder);
        } else {
            source.read(LittleEndian, builder);
        }
    }
}

/// A section and what has to be known to read it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    input: &'a UnwindSections<'a>,
    code: &'a CodeMap<'a>,
    kind: Kind,
    section: Section<'a>,
}

impl Source<'_> {
    fn read<E: Endianity>(&self, endian: E, builder: &mut UnwindTableBuilder) {
        let mut budget = Budget::for_bytes(self.section.bytes.len());
        let mut cies = Cies::new(*self, endian);
        let mut program = Program::new(*self, endian);
        for entry in Entries::new(self.section.bytes, endian, self.kind) {
            let read = match entry {
                Ok(Entry::Fde(fde)) => cies
                    .at(fde.cie_offset, &mut budget, builder)
                    .and_then(|cie| program.read(cie, fde.rest, &mut budget, builder)),
                // Those that a function refers to are read for it.
                Ok(Entry::Cie(_)) => Ok(()),
                Err(refusal) => Err(refusal),
            };
            if let Err(Refusal(reason)) = read {
                builder.count(reason);
                if reason == UnwindDropReason::TooMuchWork {
                    return;
                }
            }
        }
    }
}
