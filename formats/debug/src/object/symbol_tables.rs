//! Reads what the tables of an object file name: [`SymbolTables`].

use object::BinaryFormat;

use super::layout::Layout;
use super::macho::symbol_map::SymbolMap;
use super::symbols::{self, Symbol, SyntheticSymbol, Twin};
use super::{elf, macho, pe};

/// Names of addresses, apart from debug data.
#[derive(Debug)]
pub struct SymbolTables<'d> {
    /// Symbols, each with the addresses that it names: sorted, disjoint.
    pub symbols: Vec<Symbol<'d>>,
    /// Symbols that lie under others.
    pub twins: Vec<Twin<'d>>,
    /// What other tables tell of: sorted, disjoint.
    pub synthetic: Vec<SyntheticSymbol>,
}

impl<'d> SymbolTables<'d> {
    /// Those of `object`. `mini` is the file in its `.gnu_debugdata`; `map` knows what hidden names
    /// stand for.
    pub fn read(
        object: &object::File<'d>,
        mini: Option<&object::File<'d>>,
        layout: &Layout,
        map: Option<&SymbolMap<'d>>,
    ) -> Self {
        let tables = macho::with_macho!(object, file => {
            let (symbols, twins) = symbols::spans_and_twins(macho::symbols::read(file, map));
            let synthetic = macho::synthetic::read(file, &symbols, macho::image_base(object));
            Self { symbols, twins, synthetic }
        });
        tables.unwrap_or_else(|| {
            if object.format() == BinaryFormat::Pe {
                let (symbols, twins) = symbols::spans_and_twins(pe::read_symbols(object));
                return Self { symbols, twins, synthetic: Vec::new() };
            }
            let (symbols, twins) =
                symbols::spans_and_twins(elf::read_symbols(object, mini, layout));
            Self { symbols, twins, synthetic: elf::plt::read(object) }
        })
    }
}
