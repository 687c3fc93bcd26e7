//! What is known at an address: in, a place in a decoded block; out, frames, innermost first.

use symtool_formats::Source;

use super::walk::Names;
use crate::block::ranges::{NO_FRAME, RangeBlock, Spot};
use crate::store::Error;

/// What the store says about one address.
pub enum Answer<'a, 's> {
    /// The frames there.
    Frames(Frames<'a, 's>),
    /// No range of the module covers it.
    NoRange,
    /// The block that would say it is damaged.
    Corrupt(&'a Error),
}

/// The frames at an address.
pub struct Frames<'a, 's> {
    pub(super) block: &'a RangeBlock,
    pub(super) names: &'a mut Names<'s>,
    pub(super) spot: Spot,
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The function's number in its module.
    pub function: u32,
    /// Raw linkage name; empty where none is known.
    pub name: &'a [u8],
    /// Path; empty where none is known.
    pub file: &'a [u8],
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
    /// Tells blocks of code of one line apart; 0 for none.
    pub discriminator: u32,
    /// Where the function begins, if its entry says so.
    pub start_address: Option<u64>,
    /// Where the function is declared; empty where that is not known.
    pub start_file: &'a [u8],
    /// 1-based, 0 for none.
    pub start_line: u32,
    /// Whether it was inlined into the next frame.
    pub inlined: bool,
    /// What knows it.
    pub source: Source,
}

/// What is said of functions that symbol tables as llvm-symbolizer reads them do not have: linkage stubs, exports of
/// Mach-O images, functions without a name (see [`symtool_formats::Chain`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extras {
    /// The function, such as `malloc@plt`; nothing for one without a name.
    Shown,
    /// What symbols make of the address, as llvm-symbolizer does.
    Hidden,
}

impl Frames<'_, '_> {
    /// Calls `each` with every frame, innermost first. Where only tables of symbols know the address there may be none.
    ///
    /// # Errors
    /// If a block of names is damaged or cannot be read.
    pub fn each(&mut self, extras: Extras, mut each: impl FnMut(Frame<'_>)) -> Result<(), Error> {
        let mut at = self.spot.frame;
        let mut site = self.spot.site;
        let mut is_extra = self.is_extra(at);
        while let Some(frame) = self.block.frame(at) {
            if is_extra && extras == Extras::Hidden {
                site = frame.call_site;
                at = frame.caller;
                is_extra = false;
                continue;
            }
            self.names.load_function(frame.function)?;
            let place = self.names.site(frame.function, site).ok_or_else(|| self.names.damaged(frame.function))?;
            if place.file != 0 {
                self.names.load_file(place.file - 1)?;
            }
            let name = self.names.name(frame.function);
            // An extra function without a name, or what one lies in, which is nothing.
            if name.is_empty() && (is_extra || frame.symtab && self.names.is_unnamed(frame.function)) {
                break;
            }
            each(Frame {
                function: frame.function,
                name,
                file: place.file.checked_sub(1).map_or(&[], |file| self.names.file(file)),
                line: place.line,
                column: place.column,
                discriminator: 0,
                start_address: None,
                start_file: &[],
                start_line: 0,
                inlined: frame.caller != NO_FRAME && !is_extra,
                source: if frame.symtab || is_extra { Source::Symtab } else { Source::Dwarf },
            });
            if is_extra {
                break;
            }
            site = frame.call_site;
            at = frame.caller;
        }
        Ok(())
    }

    /// Whether frame `at` is that of an extra function: its caller is known from symbols alone.
    fn is_extra(&self, at: u32) -> bool {
        let caller = self.block.frame(at).and_then(|frame| self.block.frame(frame.caller));
        caller.is_some_and(|caller| caller.symtab)
    }
}
