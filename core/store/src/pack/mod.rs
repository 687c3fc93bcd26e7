//! Packs the symbols of a module into blocks: [`Packed`], ready for the store.
//!
//! Ranges are packed as they come (ranges.rs), so that a module of which they are most need not be
//! in memory as a whole. Functions (numbers.rs), their sites and calls (visits.rs) are numbered on
//! the way.

mod classes;
mod numbers;
mod put_aside;
mod ranges;
mod unwind;
mod visits;

use rayon::prelude::*;
use symtool_debug::{Alias, Files, FunctionList, ModuleSymbols};

use crate::block::layers::{self, Span};
use crate::block::{Compressed, Kind, aliases, compress, files, link};
use crate::limits::{ALIASES_PER_BLOCK, FILES_PER_BLOCK};
use crate::module::{ModuleKey, ModuleRecord};
pub use classes::{mapping_info, pack_mapping};
pub use ranges::{PackedRanges, RangePacker};

/// A module as the store takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What it is.
    pub record: ModuleRecord,
    /// What it is filed under.
    pub key: ModuleKey,
    /// All blocks but the record, in key order.
    pub blocks: Vec<Compressed>,
}

/// Packs `symbols`, read from a file of `bytes_in` bytes, on the current rayon pool. The blocks do
/// not depend on how many threads there are.
///
/// # Errors
/// If a block is too large or zstd fails.
pub fn pack(symbols: &ModuleSymbols, bytes_in: u64) -> std::io::Result<Packed> {
    pack_layered(symbols, &Layers::default(), bytes_in)
}

/// Which source answers where, of a module made from several files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// For names and lines.
    pub ranges: Vec<Span>,
    /// For unwind rows.
    pub unwind: Vec<Span>,
}

/// The same for a module of several files.
///
/// # Errors
/// As [`pack`].
pub(crate) fn pack_layered(
    symbols: &ModuleSymbols,
    layers: &Layers,
    bytes_in: u64,
) -> std::io::Result<Packed> {
    let mut packer = RangePacker::default();
    packer.push(&symbols.chains, &symbols.ranges)?;
    pack_rest(packer.finish(FunctionList::from(&symbols.functions))?, symbols, layers, bytes_in)
}

/// Packs what `symbols`, read from a file of `bytes_in` bytes, says beside `ranges`, which were
/// packed before.
///
/// # Errors
/// As [`pack`].
pub fn pack_beside(
    ranges: PackedRanges,
    symbols: &ModuleSymbols,
    bytes_in: u64,
) -> std::io::Result<Packed> {
    pack_rest(ranges, symbols, &Layers::default(), bytes_in)
}

fn pack_rest(
    ranges: PackedRanges,
    symbols: &ModuleSymbols,
    layers: &Layers,
    bytes_in: u64,
) -> std::io::Result<Packed> {
    let PackedRanges { mut blocks, counts } = ranges;
    blocks.extend(pack_files(&symbols.files)?);
    if !layers.ranges.is_empty() {
        blocks.push(compress(Kind::Layers, 0, u64::MAX, &layers::encode(&layers.ranges))?);
    }
    let (unwind, unwind_rows) = unwind::pack_unwind(&symbols.unwind, &layers.unwind)?;
    blocks.extend(unwind);
    blocks.extend(pack_aliases(&symbols.aliases)?);
    link(&mut blocks);
    let bytes_stored = blocks.iter().map(Compressed::stored_bytes).sum();
    let key = ModuleKey::of(&symbols.info);
    let record = ModuleRecord::of(symbols, counts, bytes_in, bytes_stored);
    Ok(Packed { record: ModuleRecord { unwind_rows, ..record }, key, blocks })
}

fn pack_files(files: &Files) -> std::io::Result<Vec<Compressed>> {
    compress_groups(Kind::Files, 0..files.len(), FILES_PER_BLOCK, |group| {
        files::encode(group.filter_map(|file| files.get(file)))
    })
}

fn pack_aliases(mut aliases: &[Alias]) -> std::io::Result<Vec<Compressed>> {
    let mut blocks = Vec::new();
    while let Some(last) =
        aliases.get(..ALIASES_PER_BLOCK.min(aliases.len())).and_then(<[Alias]>::last)
    {
        let (block, rest) =
            aliases.split_at(aliases.partition_point(|alias| alias.address <= last.address));
        blocks.push(compress(
            Kind::Aliases,
            block[0].address,
            last.address,
            &aliases::encode(block),
        )?);
        aliases = rest;
    }
    Ok(blocks)
}

/// Seals `things` in groups of `size`, in parallel.
fn compress_groups(
    kind: Kind,
    things: std::ops::Range<usize>,
    size: usize,
    encode: impl Fn(std::ops::Range<usize>) -> Vec<u8> + Sync,
) -> std::io::Result<Vec<Compressed>> {
    (0..things.len().div_ceil(size))
        .into_par_iter()
        .map(|group| {
            let start = things.start + group * size;
            let group = start..things.end.min(start + size);
            let (first, last) = (group.start as u64, group.end as u64 - 1);
            compress(kind, first, last, &encode(group))
        })
        .collect()
}
