//! Makes the addresses of a module and of another file of it count from one image base: [`align`].
//!
//! Breakpad symbol files count from the image, as crash reports do; an executable counts from
//! where it wants to lie. What came from symbol files alone is moved there.

use super::Error;
use crate::block::Compressed;
use crate::module::ModuleRecord;
use crate::pack::{Packed, pack_layered};
use crate::unpack::unpack;
use symtool_module::Detail;

/// What was moved.
#[derive(Debug)]
pub enum Aligned {
    /// Nothing: both count alike, or neither can be moved.
    Neither,
    /// The file.
    New(Box<Packed>),
    /// The module: its record and blocks.
    Old(Box<ModuleRecord>, Vec<Compressed>),
}

/// Whether the addresses of all files of the module count from the image.
fn is_relative(record: &ModuleRecord) -> bool {
    record.sources.iter().all(|source| source.image_base == 0 && source.detail == Detail::Breakpad)
}

/// Moves the module of `old` and `blocks`, or `new`, a file of the same id, if their image bases
/// differ and it is one whose addresses count from the image.
///
/// # Errors
/// If a block is damaged, or packing fails.
pub fn align(
    old: &ModuleRecord,
    blocks: impl FnOnce() -> Result<Vec<Compressed>, Error>,
    new: &Packed,
) -> Result<Aligned, Error> {
    if old.image_base == new.record.image_base {
        return Ok(Aligned::Neither);
    }
    if is_relative(&new.record) {
        let (record, blocks) = moved(&new.record, &new.blocks, old.image_base)?;
        return Ok(Aligned::New(Box::new(Packed { record, key: new.key, blocks })));
    }
    if is_relative(old) {
        let (record, blocks) = moved(old, &blocks()?, new.record.image_base)?;
        return Ok(Aligned::Old(Box::new(record), blocks));
    }
    Ok(Aligned::Neither)
}

/// The module of `record` and `blocks` at `image_base`.
fn moved(
    record: &ModuleRecord,
    blocks: &[Compressed],
    image_base: u64,
) -> Result<(ModuleRecord, Vec<Compressed>), Error> {
    let (mut symbols, mut layers) = unpack(record, blocks).map_err(Error::Damaged)?;
    symbols.move_to(image_base);
    for spans in [&mut layers.ranges, &mut layers.unwind] {
        spans.retain_mut(|span| {
            span.start = span.start.saturating_add(image_base);
            span.end = span.end.saturating_add(image_base);
            span.start < span.end
        });
    }
    let blocks = pack_layered(&symbols, &layers, 0)?.blocks;
    let mut record = record.clone();
    record.image_base = image_base;
    record.sources.iter_mut().for_each(|source| source.image_base = image_base);
    record.bytes_stored = blocks.iter().map(Compressed::stored_bytes).sum();
    Ok((record, blocks))
}
