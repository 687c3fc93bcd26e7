//! The unwind rows of a dump's modules, as a store has them.

use std::collections::{BTreeMap, HashMap};

use symtool_minidump::{FoundRule, UnwindRows};
use symtool_store::{Error, Generation, Module, Reader, Unwinder};

use super::limits::OPENED_ROWS_BYTES;

/// Unwind rows that were opened: dumps that follow each other have the same modules.
#[derive(Default)]
pub struct OpenedRows<'s> {
    modules: HashMap<Generation, Unwinder<'s>>,
}

impl OpenedRows<'_> {
    /// Lets go of all of them if they are many.
    pub fn trim(&mut self) {
        let held: usize = self.modules.values().map(Unwinder::held_bytes).sum();
        if held > OPENED_ROWS_BYTES {
            self.modules.clear();
        }
    }
}

/// Unwind rows by the numbers of modules in a dump.
pub struct StoreRows<'s> {
    reader: &'s Reader,
    modules: Vec<Option<&'s Module>>,
    opened: OpenedRows<'s>,
    /// Modules that were asked for.
    asked: Vec<bool>,
    /// Modules of which some rows cannot be read, each with its first error.
    damaged: BTreeMap<usize, Error>,
}

/// What a walk has to do with modules, besides what they answered.
pub struct AskedRows<'s> {
    /// Those that were opened.
    pub opened: OpenedRows<'s>,
    /// By the number of each module, whether it was asked, in the store or not.
    pub asked: Vec<bool>,
    /// Modules of which some rows could not be read.
    pub damaged: Vec<(usize, Error)>,
}

impl<'s> StoreRows<'s> {
    /// Those of `modules`, which `reader` has; some may have been `opened` before.
    pub fn new(reader: &'s Reader, modules: &[Option<&'s Module>], opened: OpenedRows<'s>) -> Self {
        let asked = vec![false; modules.len()];
        Self { reader, modules: modules.to_vec(), opened, asked, damaged: BTreeMap::new() }
    }

    /// What is known after a walk.
    pub fn into_asked(self) -> AskedRows<'s> {
        let Self { opened, asked, damaged, .. } = self;
        AskedRows { opened, asked, damaged: damaged.into_iter().collect() }
    }
}

impl UnwindRows for StoreRows<'_> {
    fn find(&mut self, number: usize, offset: u64) -> FoundRule<'_> {
        if let Some(asked) = self.asked.get_mut(number) {
            *asked = true;
        }
        let module = self.modules.get(number).copied().flatten();
        let Some(module) = module.filter(|module| module.record.unwind_rows > 0) else {
            return FoundRule::NoData;
        };
        let base = module.record.image_base;
        let Some(address) = base.checked_add(offset) else { return FoundRule::NoRow };
        let unwinder = self.opened.modules.entry(module.generation);
        let unwinder = unwinder.or_insert_with(|| Unwinder::in_store(self.reader, module));
        match unwinder.row(address) {
            Ok(Some(row)) => {
                FoundRule::Row { rule: row.rule, start: row.start.saturating_sub(base) }
            }
            Ok(None) => FoundRule::NoRow,
            Err(error) => {
                self.damaged.entry(number).or_insert(error);
                FoundRule::NoData
            }
        }
    }
}
