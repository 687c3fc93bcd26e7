//! Finds the functions that were inlined, by what each module calls them, and reads all modules as
//! units: [`Inlinees`].
//!
//! ```text
//! module 1   id 0x80000002   imported: module 2, 0x1305
//! module 2   id 0x1305       exported as 0x2c7f, line 12 of ring.h
//! file       id 0x2c7f       LF_FUNC_ID shop::taxed
//! ```

use hashbrown::HashMap;
use rayon::prelude::*;

use super::modules::ParsedModule;
use super::names::IdNames;
use super::text_at;
use super::unit::{self, InlinedFunction, Shared};
use crate::Progress;
use crate::dwarf::{Spent, UnitSymbols, Work};
use crate::module::DropCounts;

/// All modules, and the functions that were inlined in them.
pub struct Inlinees<'m, 'a> {
    modules: &'m [ParsedModule<'a>],
    /// For each, the modules that it imports functions from.
    sources: Vec<Vec<Option<usize>>>,
    /// By the ids of the whole file.
    names: HashMap<u32, Vec<u8>>,
}

impl<'m, 'a> Inlinees<'m, 'a> {
    /// Names all functions that are inlined anywhere. `strings` has the names of modules.
    ///
    /// # Errors
    /// If it takes too much work: names can overlap.
    pub fn of(
        modules: &'m [ParsedModule<'a>],
        strings: &[u8],
        ids: &IdNames<'_>,
        work: &Work,
    ) -> Result<Self, Spent> {
        let mut by_name: HashMap<Vec<u8>, usize> = HashMap::new();
        for (at, module) in modules.iter().enumerate() {
            by_name.entry(module.name.to_ascii_lowercase()).or_insert(at);
        }
        let mut inlinees = Self { modules, sources: Vec::new(), names: HashMap::new() };
        for module in modules {
            let mut sources = Vec::new();
            for name in module.lines.imports() {
                let name = text_at(strings, name).unwrap_or_default().to_ascii_lowercase();
                work.spend(1 + name.len() as u64)?;
                sources.push(by_name.get(&name).copied());
            }
            inlinees.sources.push(sources);
        }
        for (at, module) in modules.iter().enumerate() {
            for site in module.records.procedures.iter().flat_map(|procedure| &procedure.sites) {
                let Some((_, _, id)) = inlinees.resolve(at, site.inlinee) else { continue };
                if !inlinees.names.contains_key(&id)
                    && let Some(name) = ids.name(id)
                {
                    work.spend(name.len() as u64)?;
                    inlinees.names.insert(id, name);
                }
            }
        }
        Ok(inlinees)
    }

    /// The module that defines what the one numbered `module` calls `id`, and its id there and in
    /// the whole file.
    fn resolve(&self, module: usize, id: u32) -> Option<(usize, u32, u32)> {
        match self.modules[module].lines.import(id) {
            None => Some((module, id, id)),
            Some((number, local)) => {
                let from = (*self.sources[module].get(number)?)?;
                Some((from, local, self.modules[from].lines.export(local)?))
            }
        }
    }

    fn find(&self, module: usize, id: u32) -> InlinedFunction<'_> {
        let own = &self.modules[module].lines;
        let resolved = self.resolve(module, id);
        let name = resolved.and_then(|(.., id)| self.names.get(&id)).map(Vec::as_slice);
        let elsewhere = || {
            resolved.and_then(|(from, local, _)| {
                Some((&self.modules[from].lines, *self.modules[from].lines.inlinees.get(&local)?))
            })
        };
        let place = own.inlinees.get(&id).map(|inlinee| (own, *inlinee)).or_else(elsewhere);
        let path = place.and_then(|(lines, inlinee)| lines.path(inlinee.file));
        InlinedFunction { name, path, line: place.map_or(0, |(_, inlinee)| inlinee.line) }
    }

    /// Reads all modules as units.
    pub fn read<'s>(
        &'s self,
        shared: &Shared<'_, 's>,
        progress: &Progress,
        dropped: &mut DropCounts,
    ) -> Vec<UnitSymbols<'s>>
    where
        'a: 's,
    {
        progress.expect(self.modules.len(), self.modules.iter().map(|module| module.bytes).sum());
        let read: Vec<(UnitSymbols<'s>, DropCounts)> = self
            .modules
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(at, module)| {
                let mut dropped = DropCounts::default();
                // Work that is spent is told of once all are done.
                let unit = unit::read(
                    &module.records,
                    &module.lines,
                    shared,
                    |id| self.find(at, id),
                    &mut dropped,
                )
                .unwrap_or_default();
                progress.advance(module.bytes);
                (unit, dropped)
            })
            .collect();
        read.iter().for_each(|(_, counts)| dropped.merge(counts));
        read.into_iter().map(|(unit, _)| unit).collect()
    }
}
