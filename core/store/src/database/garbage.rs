//! Deleting blocks that nobody needs any more. A change that replaces or removes blocks notes them;
//! they are deleted once nobody reads, as a reader may have opened the database before that change.
//!
//! A table that has nothing else is deleted as a whole. Of others, blocks are deleted once they are
//! a good part of the table, as it is written anew for that; until then they are noted.

use std::ops::Range;

use rocksdb::LiveFile;

use super::head::Head;
use super::reader::{iterator, read_options};
use super::writer::{Rows, Staged, Writer};
use super::{Error, FAMILY};
use crate::module::Generation;
use crate::module::key::area;

/// A table is written anew if one byte in so many is garbage.
const PART: u64 = 4;

/// What the note of blocks that nobody needs says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Bytes of them.
    pub bytes: u64,
}

impl Note {
    /// The bytes of its row.
    pub fn encode(self) -> [u8; 8] {
        self.bytes.to_le_bytes()
    }

    /// Earlier versions wrote empty notes: blocks with one are deleted at once.
    fn decode(bytes: &[u8]) -> Self {
        Self { bytes: bytes.try_into().map_or(u64::MAX, u64::from_le_bytes) }
    }
}

/// Which blocks are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that pay.
    Worthwhile,
}

/// Blocks that are deleted together, of tables side by side.
struct Doomed {
    tables: Range<usize>,
    generations: Vec<Generation>,
}

impl Writer<'_> {
    /// Generations whose blocks nobody needs any more, in key order.
    pub(super) fn garbage(&self) -> Result<Vec<(Generation, Note)>, rocksdb::Error> {
        let mut garbage = Vec::new();
        let mut read = read_options();
        read.set_iterate_upper_bound([area::GARBAGE + 1]);
        let Some(mut iterator) = iterator(&self.db, read) else { return Ok(garbage) };
        iterator.seek([area::GARBAGE]);
        while let Some((key, value)) = iterator.item() {
            let note = self.rows.seal.open(key, value).unwrap_or_default();
            garbage.extend(Generation::from_key(key).map(|found| (found, Note::decode(&note))));
            iterator.next();
        }
        iterator.status().map(|()| garbage)
    }

    /// Nobody reads.
    pub(super) fn delete_garbage(&mut self, which: Which) -> Result<(), Error> {
        let database = |source| self.store.database_error(source);
        let (mut rows, mut unused) = (Rows::new(), Vec::new());
        for (generation, note) in self.garbage().map_err(database)? {
            let known = self.known(generation.module)?.map(|known| known.record);
            let current = known.filter(|record| record.module.is_some());
            // Whatever a note says, blocks that a module has are not touched.
            let is_used = current.as_ref().is_some_and(|record| {
                record.generation == generation.number
                    && [record.change, record.sequence].contains(&generation.change)
            });
            // What was removed goes at once, not when it pays: nobody may find it again.
            let note = if current.is_some() { note } else { Note { bytes: u64::MAX } };
            if is_used {
                rows.insert(generation.garbage(), None);
            } else {
                unused.push((generation, note));
            }
        }
        for generation in self.delete(unused, which)? {
            rows.insert(generation.garbage(), None);
        }
        let head = Head { noted: 0, ..self.head };
        if rows.is_empty() && head == self.head {
            return Ok(());
        }
        self.finish(rows, Staged::new(self.store), head)
    }

    /// Deletes blocks of `unused`, which is in key order; returns whose.
    fn delete(
        &self,
        unused: Vec<(Generation, Note)>,
        which: Which,
    ) -> Result<Vec<Generation>, Error> {
        let database = |source| self.store.database_error(source);
        let Some(family) = self.db.cf_handle(FAMILY) else { return Ok(Vec::new()) };
        // Whole tables first: nothing has to be read for that.
        for (generation, _) in &unused {
            let (first, after) = generation.extent();
            self.db.delete_file_in_range_cf(family, &first[..], &after[..]).map_err(database)?;
        }
        let tables = self.block_tables().map_err(database)?;
        let mut deleted: Vec<Generation> = Vec::new();
        let mut staged = Staged::new(self.store);
        let doomed = doomed(&tables, unused, which, &mut deleted);
        for group in &doomed {
            staged.write(&format!("gone-{}.sst", group.tables.start), |segment| {
                Ok(group.generations.iter().try_for_each(|generation| {
                    let (first, after) = generation.extent();
                    segment.delete_range(&first[..], &after[..])
                })?)
            })?;
        }
        staged.ingest(&self.db)?;
        for group in doomed {
            self.write_anew(&tables[group.tables]);
            deleted.extend(group.generations);
        }
        Ok(deleted)
    }

    /// Tables of blocks, in key order.
    pub(super) fn block_tables(&self) -> Result<Vec<LiveFile>, rocksdb::Error> {
        let mut tables = self.db.live_files()?;
        tables.retain(|table| {
            table.start_key.as_ref().is_some_and(|key| key[..] >= [area::BLOCKS][..])
        });
        tables.sort_by(|a, b| a.start_key.cmp(&b.start_key));
        Ok(tables)
    }

    /// Joins `tables`, which lie side by side, without what was deleted of them. If that fails,
    /// they are as they were.
    pub(super) fn write_anew(&self, tables: &[LiveFile]) {
        let first = tables.iter().filter_map(|table| table.start_key.as_ref()).min();
        let last = tables.iter().filter_map(|table| table.end_key.as_ref()).max();
        if let (Some(family), Some(first), Some(last)) = (self.db.cf_handle(FAMILY), first, last) {
            let options = super::tidy::all_levels();
            self.db.compact_range_cf_opt(family, Some(first), Some(last), &options);
        }
    }
}

/// Which blocks of `unused` are deleted from which of `tables`. Those that are in no table are in
/// `nowhere`.
fn doomed(
    tables: &[LiveFile],
    unused: Vec<(Generation, Note)>,
    which: Which,
    nowhere: &mut Vec<Generation>,
) -> Vec<Doomed> {
    let mut places = Vec::new();
    let mut dead = vec![0u64; tables.len()];
    for (generation, note) in unused {
        let (first, after) = generation.extent();
        let mut holds = tables.iter().enumerate().filter(|(_, table)| {
            table.start_key.as_ref().is_some_and(|key| *key < after)
                && table.end_key.as_ref().is_some_and(|key| *key >= first)
        });
        let Some(at) = holds.next().map(|(at, _)| at) else {
            nowhere.push(generation);
            continue;
        };
        let end = holds.next_back().map_or(at, |(at, _)| at) + 1;
        dead[at..end].iter_mut().for_each(|dead| *dead = dead.saturating_add(note.bytes));
        places.push((at..end, generation));
    }
    let is_due = |at: usize| which == Which::All || dead[at] >= tables[at].size as u64 / PART;
    let mut doomed: Vec<Doomed> = Vec::new();
    for (tables, generation) in places.into_iter().filter(|(tables, _)| tables.clone().any(is_due))
    {
        match doomed.last_mut().filter(|last| tables.start < last.tables.end) {
            Some(last) => {
                last.tables.end = last.tables.end.max(tables.end);
                last.generations.push(generation);
            }
            None => doomed.push(Doomed { tables, generations: vec![generation] }),
        }
    }
    doomed
}
