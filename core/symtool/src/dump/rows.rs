//! The unwind rows of a dump's modules, as a store has them.

use std::collections::BTreeMap;

use symtool_minidump::{FoundRule, UnwindRows};
use symtool_store::{Error, Module, Reader, Unwinder};

/// Unwind rows by the numbers of modules in a dump.
pub struct StoreRows<'s> {
    modules: Vec<Option<ModuleRows<'s>>>,
    /// Modules of which some rows cannot be read, each with its first error.
    damaged: BTreeMap<usize, Error>,
}

/// The rows of one module.
struct ModuleRows<'s> {
    unwinder: Unwinder<'s>,
    /// The virtual address at which the module begins.
    image_base: u64,
}

impl<'s> StoreRows<'s> {
    /// Those of `modules`, which `reader` has.
    pub fn new(reader: &'s Reader, modules: &[Option<&'s Module>]) -> Self {
        let rows = |module: Option<&'s Module>| {
            let module = module?;
            let unwinder = Unwinder::in_store(reader, module);
            unwinder
                .has_rows()
                .then_some(ModuleRows { unwinder, image_base: module.record.image_base })
        };
        Self { modules: modules.iter().copied().map(rows).collect(), damaged: BTreeMap::new() }
    }

    /// The modules of which some rows could not be read.
    pub fn into_damaged(self) -> Vec<(usize, Error)> {
        self.damaged.into_iter().collect()
    }
}

impl UnwindRows for StoreRows<'_> {
    fn find(&mut self, module: usize, offset: u64) -> FoundRule<'_> {
        let Some(Some(rows)) = self.modules.get_mut(module) else { return FoundRule::NoData };
        let base = rows.image_base;
        let Some(address) = base.checked_add(offset) else { return FoundRule::NoRow };
        match rows.unwinder.row(address) {
            Ok(Some(row)) => {
                FoundRule::Row { rule: row.rule, start: row.start.saturating_sub(base) }
            }
            Ok(None) => FoundRule::NoRow,
            Err(error) => {
                self.damaged.entry(module).or_insert(error);
                FoundRule::NoData
            }
        }
    }
}
