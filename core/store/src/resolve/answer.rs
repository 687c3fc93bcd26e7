//! The frames at an address, innermost first, from a decoded block.

use std::sync::Arc;

use symtool_debug::{File, Folder, Source, Start};

use super::walk::Names;
use crate::block::aliases::AliasBlock;
use crate::block::functions::Site;
use crate::block::ranges::{NO_FRAME, RangeBlock, Spot};
use crate::database::Error;

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
    /// Which part of that is the folder in which the compiler ran.
    pub folder: Folder,
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
    /// Tells blocks of code on one line apart; 0 for none.
    pub discriminator: u32,
    /// Where the function begins, or this copy of it.
    pub start: Start,
    /// As [`symtool_debug::Function::own`].
    pub own: Option<&'a [u8]>,
    /// The file that declares the function; empty where none is known, or where
    /// [`View::declarations`] are not wanted.
    pub declared_file: &'a [u8],
    /// Which part of that is the folder in which the compiler ran.
    pub declared_folder: Folder,
    /// The line there; 0 for none, or where they are not wanted.
    pub declared_line: u32,
    /// Whether it was inlined into the next frame.
    pub inlined: bool,
    /// What knows it.
    pub source: Source,
}

/// How to answer for functions that symbol tables as llvm-symbolizer reads them do not have: linkage
/// stubs, exports of Mach-O images, functions without a name (see [`symtool_debug::InlineChain`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extras {
    /// The function, such as `malloc@plt`; nothing for one without a name.
    Shown,
    /// What symbols make of the address, as llvm-symbolizer does.
    Hidden,
}

/// The functions that were folded into one, for their code was the same.
#[derive(Debug)]
pub struct Aliases {
    pub(super) block: Arc<AliasBlock>,
    pub(super) address: u64,
}

impl Aliases {
    /// Their raw linkage names.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.block.at(self.address)
    }
}

/// What is asked of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// How to answer for functions that llvm-symbolizer does not know.
    pub extras: Extras,
    /// Whether it is told where functions are declared.
    pub declarations: bool,
}

impl Frames<'_, '_> {
    /// Calls `each` with every frame, innermost first. Where only tables of symbols know the
    /// address there may be none.
    ///
    /// # Errors
    /// If a block of names is damaged or cannot be read.
    pub fn each(&mut self, view: View, mut each: impl FnMut(Frame<'_>)) -> Result<(), Error> {
        let mut at = self.spot.frame;
        let mut site = self.spot.site;
        let mut is_extra = self.is_extra(at);
        while let Some(frame) = self.block.frame(at) {
            if is_extra && view.extras == Extras::Hidden {
                site = frame.call_site;
                at = frame.caller;
                is_extra = false;
                continue;
            }
            let place = self.load(frame.function, site, view)?;
            let declared = self.names.declared(frame.function);
            let name = declared.name;
            // An extra function without a name, or what one lies in, which is nothing.
            if name.is_empty()
                && (is_extra || frame.symtab && self.names.is_unnamed(frame.function))
            {
                break;
            }
            let file =
                place.file.checked_sub(1).map_or(File::default(), |file| self.names.file(file));
            let declared_file = declared
                .file
                .filter(|_| view.declarations)
                .map_or(File::default(), |file| self.names.file(file.index()));
            each(Frame {
                function: frame.function,
                name,
                file: file.path,
                folder: file.folder,
                line: place.line,
                column: place.column,
                discriminator: place.discriminator,
                start: frame.start,
                own: declared.own,
                declared_file: declared_file.path,
                declared_folder: declared_file.folder,
                declared_line: if view.declarations { declared.line } else { 0 },
                inlined: frame.caller != NO_FRAME && !is_extra,
                source: if frame.symtab || is_extra { Source::Symtab } else { self.names.source() },
            });
            if is_extra {
                break;
            }
            site = frame.call_site;
            at = frame.caller;
        }
        Ok(())
    }

    /// Loads the names of `function` and of its files that are wanted. Returns its site `site`.
    #[inline]
    fn load(&mut self, function: u32, site: u32, view: View) -> Result<Site, Error> {
        self.names.load_function(function)?;
        let place = self.names.site(function, site).ok_or_else(|| self.names.damaged(function))?;
        if place.file != 0 {
            self.names.load_file(place.file - 1)?;
        }
        if let (true, Some(file)) = (view.declarations, self.names.declared(function).file) {
            self.names.load_file(file.index())?;
        }
        Ok(place)
    }

    /// The functions that were folded into the outermost one; `None` if there are none.
    ///
    /// # Errors
    /// If the block that says it is damaged or cannot be read.
    pub fn aliases(&mut self) -> Result<Option<Aliases>, Error> {
        let mut at = self.spot.frame;
        if self.is_extra(at) {
            return Ok(None);
        }
        let outermost = loop {
            let Some(frame) = self.block.frame(at) else { return Ok(None) };
            if frame.caller == NO_FRAME {
                break frame;
            }
            at = frame.caller;
        };
        outermost.start.address().map_or(Ok(None), |start| self.names.aliases(start))
    }

    /// Whether frame `at` is that of an extra function: its caller is known from symbols alone.
    fn is_extra(&self, at: u32) -> bool {
        let caller = self.block.frame(at).and_then(|frame| self.block.frame(frame.caller));
        caller.is_some_and(|caller| caller.symtab)
    }
}
