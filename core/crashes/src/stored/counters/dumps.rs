//! What is counted of an image besides for minidumps: to walk a stack takes its unwind data, to name
//! frames in it takes names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use symtool_report::Format;

use super::{ChunkImages, ImageKey};
use crate::stored::changes::{Changes, Old};
use crate::stored::chunk::{Chunk, Place, StoredCrash};
use crate::stored::database::{Database, KeysAndValues};
use crate::stored::rows;
use symtool_store::Error;

/// Minidumps that have to do with an image. There is none of these if there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpTally {
    /// Those whose walk asked for its unwind data.
    pub asking: u64,
    /// Those of them with frames in it.
    pub with_frames: u64,
}

/// By how much tallies change.
#[derive(Clone, Debug, Default)]
pub struct DumpCounts(BTreeMap<ImageKey, (i64, i64)>);

impl DumpCounts {
    /// Counts `crash` of `chunk`, if it is a minidump: it comes, or it goes.
    pub fn count(&mut self, chunk: &Chunk, images: &ChunkImages, crash: &StoredCrash, comes: bool) {
        if crash.format != Format::Mdmp {
            return;
        }
        let by = if comes { 1 } else { -1 };
        let framed: Vec<u32> = chunk
            .frames(crash)
            .iter()
            .filter_map(|frame| match frame.place {
                Place::Image { image, .. } => Some(image),
                _ => None,
            })
            .collect();
        images.each(chunk.images_of(crash), |_, key| self.0.entry(key).or_default().0 += by);
        images.each(&distinct(framed), |_, key| self.0.entry(key).or_default().1 += by);
    }

    /// Adds what `other` has counted.
    pub fn absorb(&mut self, other: Self) {
        for (key, (asking, with_frames)) in other.0 {
            let into = self.0.entry(key).or_default();
            into.0 += asking;
            into.1 += with_frames;
        }
    }

    /// Writes what changes.
    pub fn write(self, database: &Database, changes: &mut Changes<'_>) -> Result<(), Error> {
        let counts: Vec<_> = self.0.into_iter().filter(|(_, by)| *by != (0, 0)).collect();
        let keys: Vec<Vec<u8>> = counts.iter().map(|(key, _)| rows::dump_tally(key)).collect();
        let found = database.bytes_of(&keys)?;
        for (((_, (asking, with_frames)), key), row) in counts.into_iter().zip(keys).zip(found) {
            let before: DumpTally =
                row.as_deref().map(|row| database.decode(row)).transpose()?.unwrap_or_default();
            let after = DumpTally {
                asking: before.asking.saturating_add_signed(asking),
                with_frames: before.with_frames.saturating_add_signed(with_frames),
            };
            let old = Old::read(row.as_deref());
            if after == DumpTally::default() {
                changes.delete(key, old)?;
            } else {
                changes.put(key, old, &after)?;
            }
        }
        Ok(())
    }

    /// The rows of a full count.
    pub fn rows(&self, database: &Database) -> Result<KeysAndValues, Error> {
        let row = |(key, (asking, with_frames)): (&ImageKey, &(i64, i64))| {
            let tally = DumpTally {
                asking: asking.unsigned_abs(),
                with_frames: with_frames.unsigned_abs(),
            };
            Ok((rows::dump_tally(key), database.encode(&tally)?))
        };
        self.0.iter().map(row).collect()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Each of `images` once, in their order.
fn distinct(images: Vec<u32>) -> Vec<u32> {
    let mut known = Vec::new();
    for image in images {
        if known.last() != Some(&image) && !known.contains(&image) {
            known.push(image);
        }
    }
    known
}
