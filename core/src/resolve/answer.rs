//! What is known at an address: in, a place in a decoded block; out, frames, innermost first.

use symtool_formats::{Source, is_stub};

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
    /// Whether it was inlined into the next frame.
    pub inlined: bool,
    /// What knows it.
    pub source: Source,
}

/// What is said at a linkage stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stubs {
    /// The stub: `malloc@plt`.
    Named,
    /// What a symbol without size makes of the address, or nothing, as llvm-symbolizer does.
    Ignored,
}

impl Frames<'_, '_> {
    /// Calls `each` with every frame, innermost first. There may be none where stubs are ignored.
    ///
    /// # Errors
    /// If a block of names is damaged or cannot be read.
    pub fn each(&mut self, stubs: Stubs, mut each: impl FnMut(Frame<'_>)) -> Result<(), Error> {
        let mut at = self.spot.frame;
        let mut site = self.spot.site;
        let mut is_innermost = true;
        while let Some(frame) = self.block.frame(at) {
            self.names.load_function(frame.function)?;
            let place = self.names.site(frame.function, site).ok_or_else(|| self.names.damaged(frame.function))?;
            if place.file != 0 {
                self.names.load_file(place.file - 1)?;
            }
            let name = self.names.name(frame.function);
            let is_stub = std::mem::take(&mut is_innermost) && is_stub(name);
            if is_stub && stubs == Stubs::Ignored {
                site = frame.call_site;
                at = frame.caller;
                continue;
            }
            each(Frame {
                function: frame.function,
                name,
                file: place.file.checked_sub(1).map_or(&[], |file| self.names.file(file)),
                line: place.line,
                column: place.column,
                inlined: frame.caller != NO_FRAME && !is_stub,
                source: if frame.symtab || is_stub { Source::Symtab } else { Source::Dwarf },
            });
            if is_stub {
                break;
            }
            site = frame.call_site;
            at = frame.caller;
        }
        Ok(())
    }
}
