//! Tells how the caller of a function is found, from the unwind rows of a module in a store:
//! [`Unwinder`].
//!
//! A walk asks for one address after the other, most of them near those it has asked for before.
//! Blocks that were opened are kept, up to a budget.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use symtool_unwind::Rule;

use crate::block::unwind::rows::{self, StoredRow};
use crate::block::unwind::rules;
use crate::block::{Damage, Expanded, Kind};
use crate::database::{Blocks, Error, Module, Reader};
use crate::limits::{UNWIND_CACHE_BYTES, UNWIND_RULES_PER_BLOCK};

/// The unwind rows of one module.
pub struct Unwinder<'m> {
    module: &'m Module,
    rows: Option<Blocks<'m>>,
    rules: Option<Blocks<'m>>,
    /// Opened blocks of rows, by the last address that each covers.
    open_rows: BTreeMap<u64, Arc<RowBlock>>,
    /// Opened blocks of rules, by their number.
    open_rules: HashMap<u32, Vec<Rule>>,
    /// Bytes of the opened blocks of rows.
    held_bytes: usize,
}

/// The row that covers an address.
#[derive(Clone, Copy, Debug)]
pub struct UnwindRow<'u> {
    /// How the caller is found.
    pub rule: &'u Rule,
    /// The first virtual address that the row covers.
    pub start: u64,
}

/// An opened block of rows.
#[derive(Debug)]
struct RowBlock {
    first: u64,
    rows: Vec<StoredRow>,
}

impl<'m> Unwinder<'m> {
    /// For `module`, which is in the store of `reader`.
    pub fn in_store(reader: &'m Reader, module: &'m Module) -> Self {
        Self {
            module,
            rows: reader.blocks(module, Kind::UnwindRows),
            rules: reader.blocks(module, Kind::UnwindRules),
            open_rows: BTreeMap::new(),
            open_rules: HashMap::new(),
            held_bytes: 0,
        }
    }

    /// Bytes of the opened blocks that it holds, more or less.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Whether the module has any rows.
    pub fn has_rows(&self) -> bool {
        self.module.record.unwind_rows > 0
    }

    /// The row that covers `address`, a virtual address of the module; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the block that should have it is damaged or has gone,
    /// [`Error::Database`] if it cannot be read.
    pub fn row(&mut self, address: u64) -> Result<Option<UnwindRow<'_>>, Error> {
        if !self.has_rows() {
            return Ok(None);
        }
        let Some(block) = self.rows(address)? else { return Ok(None) };
        let after = block.rows.partition_point(|stored| stored.row.start <= address);
        let row = block.rows[..after].last().map(|stored| stored.row);
        let Some(row) = row.filter(|row| address < row.end) else { return Ok(None) };
        let per_block = u32::try_from(UNWIND_RULES_PER_BLOCK).unwrap_or(u32::MAX);
        let number = row.rule.0 / per_block;
        self.open_rules(number)?;
        let rules = self.open_rules.get(&number);
        let at = usize::try_from(row.rule.0 % per_block).ok();
        match rules.zip(at).and_then(|(rules, at)| rules.get(at)) {
            Some(rule) => Ok(Some(UnwindRow { rule, start: row.start })),
            None => Err(self.damaged(Kind::UnwindRules, row.rule.0.into())),
        }
    }

    /// The block of rows that covers `address`.
    fn rows(&mut self, address: u64) -> Result<Option<Arc<RowBlock>>, Error> {
        if let Some((_, block)) = self.open_rows.range(address..).next()
            && block.first <= address
        {
            return Ok(Some(Arc::clone(block)));
        }
        let found = self.rows.as_mut().map_or(Ok(None), |rows| rows.seek(address))?;
        let Some((last, Expanded { first, raw })) = found else { return Ok(None) };
        if first > address {
            return Ok(None);
        }
        let record = &self.module.record;
        let rows = rows::decode(first, &raw, record.unwind_rules, record.sources.len())
            .ok_or_else(|| self.damaged(Kind::UnwindRows, last))?;
        let bytes = size_of_val(&*rows);
        if self.held_bytes + bytes > UNWIND_CACHE_BYTES {
            self.open_rows.clear();
            self.held_bytes = 0;
        }
        self.held_bytes += bytes;
        let block = Arc::new(RowBlock { first, rows });
        self.open_rows.insert(last, Arc::clone(&block));
        Ok(Some(block))
    }

    /// Opens block `number` of rules.
    fn open_rules(&mut self, number: u32) -> Result<(), Error> {
        if self.open_rules.contains_key(&number) {
            return Ok(());
        }
        let first = u64::from(number) * UNWIND_RULES_PER_BLOCK as u64;
        let found = self.rules.as_mut().map_or(Ok(None), |rules| rules.seek(first))?;
        let block = found
            .filter(|(_, opened)| opened.first == first)
            .and_then(|(_, opened)| rules::decode(&opened.raw))
            .ok_or_else(|| self.damaged(Kind::UnwindRules, first))?;
        self.open_rules.insert(number, block);
        Ok(())
    }

    fn damaged(&self, kind: Kind, at: u64) -> Error {
        Error::corrupt(self.module, kind, at, Damage::Contents)
    }
}
