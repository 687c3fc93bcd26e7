//! All blocks of one module, from a database or from what was salvaged of it.

use rocksdb::DB;

use super::reader::{Unreadable, iterator, read_options};
use super::record::Module;
use super::salvage::Salvage;
use crate::block::{Compressed, Damage, Kind};
use crate::module::key;
use crate::seal::Place;

/// All blocks of `module`, in key order. Blocks of a kind that this version does not know are left
/// out.
pub(super) fn stored(db: &DB, module: &Module) -> Result<Vec<Compressed>, Unreadable> {
    let (first, after) = module.generation.extent();
    let mut read = read_options();
    read.set_iterate_upper_bound(after);
    let mut blocks = Vec::new();
    let Some(mut iterator) = iterator(db, read) else { return Ok(blocks) };
    iterator.seek(first);
    while let Some((key, value)) = iterator.item() {
        blocks.extend(block(module, key, value));
        iterator.next();
    }
    iterator.status()?;
    complete(module, &mut blocks);
    Ok(blocks)
}

/// The same from what was salvaged.
pub(super) fn stored_in(salvage: &Salvage, module: &Module) -> std::io::Result<Vec<Compressed>> {
    let (first, after) = module.generation.extent();
    let mut blocks = Vec::new();
    for key in salvage.keys(&first, &after) {
        let values = salvage.values(key)?;
        let read: Vec<Compressed> =
            values.iter().filter_map(|value| block(module, key, value)).collect();
        let intact = read.iter().position(|block| block.damage().is_none()).unwrap_or(0);
        blocks.extend(read.into_iter().nth(intact));
    }
    complete(module, &mut blocks);
    Ok(blocks)
}

fn block(module: &Module, key: &[u8], value: &[u8]) -> Option<Compressed> {
    let sealed = key::sealed(key)?;
    let kind = key::kind(&sealed).filter(|kind| *kind != Kind::Record)?;
    let last = key::last(&sealed);
    let place = Place { key: &sealed, kind, last };
    Some(
        module
            .seal
            .open(place, value)
            .unwrap_or_else(|damage| Compressed::broken(kind, last, damage)),
    )
}

/// Puts a broken block where one has gone that the one behind it, or the record, tells of.
fn complete(module: &Module, blocks: &mut Vec<Compressed>) {
    let mut gone = Vec::new();
    let mut before: Option<(Kind, u64)> = None;
    for block in &*blocks {
        let from = before
            .filter(|(kind, _)| *kind == block.kind)
            .map_or(0, |(_, last)| last.saturating_add(1));
        if block.damage().is_none() && block.from > from {
            gone.push((block.kind, block.from - 1));
        }
        before = Some((block.kind, block.last));
    }
    for kind in Kind::ALL {
        let Some(extent) = module.extents.get(&(kind as u8)) else { continue };
        let found = blocks.iter().filter(|block| block.kind == kind).map(|block| block.last).max();
        if found != Some(extent.last) {
            gone.push((kind, extent.last));
        }
    }
    blocks.extend(
        gone.into_iter().map(|(kind, last)| Compressed::broken(kind, last, Damage::Missing)),
    );
    blocks.sort_by_key(|block| (block.kind, block.last));
}
