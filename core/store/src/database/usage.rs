//! What the blocks of a store take, counted in one pass over all keys.

use std::collections::{BTreeMap, HashSet};

use super::catalog::Catalog;
use super::reader::{Reader, read_options};
use super::{Error, FAMILY};
use crate::block::Kind;
use crate::module::key::area;
use crate::module::{Generation, ModuleKey, key};
use crate::seal;

/// What blocks of one kind take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindUsage {
    /// How many there are.
    pub blocks: u64,
    /// Bytes of them as they are stored, headers included.
    pub stored_bytes: u64,
    /// Bytes of them once expanded, as their headers say; of a block without a whole header, 0.
    pub expanded_bytes: u64,
}

/// What all blocks take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blocks of the modules that the catalog lists, by kind.
    pub kinds: BTreeMap<Kind, KindUsage>,
    /// Blocks that belong to no such module (an older generation, a record that cannot be read), or
    /// of a kind that this version does not know.
    pub others: KindUsage,
}

impl KindUsage {
    fn add(&mut self, stored: &[u8]) {
        self.blocks += 1;
        self.stored_bytes += stored.len() as u64;
        self.expanded_bytes += seal::expanded_bytes(stored).unwrap_or(0);
    }
}

impl Reader {
    /// Counts all blocks. `catalog` is the store's; memory does not grow with the blocks, nor are
    /// they opened.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn usage(&self, catalog: &Catalog<'_>) -> Result<Usage, Error> {
        let mut usage = Usage::default();
        let Some((db, family)) = self.db().and_then(|db| Some((db, db.cf_handle(FAMILY)?))) else {
            return Ok(usage);
        };
        let listed: HashSet<Generation> =
            catalog.modules()?.iter().map(|module| module.generation).collect();
        let modules: HashSet<ModuleKey> =
            listed.iter().map(|generation| generation.module).collect();
        let mut iterator = db.raw_iterator_cf_opt(family, read_options());
        iterator.seek_to_first();
        while let Some((key, value)) = iterator.item() {
            let of_module = Generation::from_key(key)
                .filter(|generation| listed.contains(generation))
                .and_then(|_| key::kind(&key::sealed(key)?));
            let is_record =
                || ModuleKey::of_record(key).is_some_and(|module| modules.contains(&module));
            // It may have been written after the blocks.
            let is_copy = || {
                Generation::from_key(key).is_some_and(|found| modules.contains(&found.module))
                    && key::sealed(key).and_then(|key| key::kind(&key)) == Some(Kind::Record)
            };
            match of_module.or_else(|| (is_record() || is_copy()).then_some(Kind::Record)) {
                Some(kind) => usage.kinds.entry(kind).or_default().add(value),
                None if is_row(key) => {}
                None => usage.others.add(value),
            }
            iterator.next();
        }
        iterator.status().map_err(|source| self.database_error(source))?;
        Ok(usage)
    }
}

/// Whether `key` is that of a row that is no block: one by which modules are found, or one about
/// the database itself.
fn is_row(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(area::CATALOG | area::GARBAGE | area::HEAD)))
}
