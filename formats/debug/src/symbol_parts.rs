//! Hands out the symbols of a file one part after the other: [`SymbolParts`].

use crate::breakpad::{BreakpadFile, BreakpadParts};
use crate::bytes::{Error, Mapped};
use crate::function_list::FunctionList;
use crate::module::{Functions, InlineChain, ModuleSymbols, Range};
use crate::progress::Progress;

/// The symbols of a file: its ranges, then its functions, then the rest. Breakpad symbol files, whose
/// ranges take more memory than their text, are read on the way; others are read as a whole.
pub struct SymbolParts<'p, 'd>(Parts<'p, 'd>);

enum Parts<'p, 'd> {
    Whole(Box<ModuleSymbols>),
    Breakpad(Box<BreakpadParts<'p, 'd>>, &'p Mapped),
}

impl<'p, 'd> SymbolParts<'p, 'd> {
    pub(crate) fn whole(symbols: ModuleSymbols) -> Self {
        Self(Parts::Whole(Box::new(symbols)))
    }

    pub(crate) fn breakpad(file: &'p BreakpadFile<'d>, progress: &'p Progress) -> Self {
        Self(Parts::Breakpad(Box::new(file.parts(progress)), file.mapped))
    }

    /// Calls `take` with the chains and ranges of one part after the other, in the order of their
    /// addresses; they are gone afterwards. Chains are numbered from 0 in each part.
    ///
    /// # Errors
    /// [`Error::TooMuchWork`] if records lie within each other without end.
    pub fn each(
        &mut self,
        mut take: impl FnMut(&[InlineChain], &[Range]) + Send,
    ) -> Result<(), Error> {
        match &mut self.0 {
            Parts::Whole(symbols) => {
                take(&symbols.chains, &symbols.ranges);
                (symbols.chains, symbols.ranges) = (Vec::new(), Vec::new());
                Ok(())
            }
            Parts::Breakpad(parts, _) => parts.each(take),
        }
    }

    /// The functions that the chains name, once all have been taken.
    pub fn functions(&self) -> FunctionList<'_> {
        match &self.0 {
            Parts::Whole(symbols) => FunctionList::from(&symbols.functions),
            Parts::Breakpad(parts, _) => parts.functions(),
        }
    }

    /// All but chains, ranges and functions.
    ///
    /// # Errors
    /// [`Error::NoSymbols`] if there is nothing to find addresses by, [`Error::Changed`] if another
    /// process wrote to the file meanwhile.
    pub fn finish(self) -> Result<ModuleSymbols, Error> {
        match self.0 {
            Parts::Whole(symbols) => {
                Ok(ModuleSymbols { functions: Functions::default(), ..*symbols })
            }
            Parts::Breakpad(parts, mapped) => {
                let symbols = parts.finish();
                mapped.unchanged()?;
                symbols
            }
        }
    }
}
