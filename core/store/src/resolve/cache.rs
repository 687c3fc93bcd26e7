//! Keeps expanded blocks for whoever needs them next.
//!
//! Holds up to a budget of memory, then starts anew: the blocks of a batch that is larger than the
//! budget are met in address order, so what was opened longest ago is as likely to be needed as
//! anything else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::block::aliases::AliasBlock;
use crate::block::files::FileBlock;
use crate::block::functions::FunctionBlock;
use crate::block::ranges::RangeBlock;
use crate::limits::CACHE_BYTES;

/// By module and the last address or number covered: the first covered, and the block.
type ByLast<T> = BTreeMap<(usize, u64), (u64, Arc<T>)>;

/// Blocks of one kind, each shared.
#[derive(Debug)]
pub struct Kept<T>(Mutex<ByLast<T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// The block of module `module` that covers `target`, with the first and the last it covers.
    pub fn get(&self, module: usize, target: u64) -> Option<(u64, u64, Arc<T>)> {
        let blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (&(of, last), (first, block)) = blocks.range((module, target)..).next()?;
        (of == module && *first <= target).then(|| (*first, last, Arc::clone(block)))
    }

    fn insert(&self, module: usize, first: u64, last: u64, block: Arc<T>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((module, last), (first, block));
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// All opened blocks.
#[derive(Debug, Default)]
pub struct Cache {
    /// Address ranges, by address.
    pub ranges: Kept<RangeBlock>,
    /// Functions, by number.
    pub functions: Kept<FunctionBlock>,
    /// Paths, by number.
    pub files: Kept<FileBlock>,
    /// Functions that were folded into others, by address.
    pub aliases: Kept<AliasBlock>,
    held_bytes: Mutex<usize>,
}

impl Cache {
    /// Keeps `block` of `bytes` in `blocks`, which is one of this cache's.
    pub fn keep<T>(
        &self,
        blocks: &Kept<T>,
        module: usize,
        (first, last): (u64, u64),
        block: &Arc<T>,
        bytes: usize,
    ) {
        let mut held = self.held_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if *held + bytes > CACHE_BYTES {
            self.ranges.clear();
            self.functions.clear();
            self.files.clear();
            self.aliases.clear();
            *held = 0;
        }
        *held += bytes;
        blocks.insert(module, first, last, Arc::clone(block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_what_they_cover() {
        let cache = Cache::default();
        let block = Arc::new(FileBlock::default());
        cache.keep(&cache.files, 1, (10, 19), &block, 100);
        for (module, target, want) in [
            (1, 9, false),
            (1, 10, true),
            (1, 19, true),
            (1, 20, false),
            (0, 10, false),
            (2, 10, false),
        ] {
            assert_eq!(cache.files.get(module, target).is_some(), want, "{module} {target}");
        }
    }

    #[test]
    fn a_full_cache_starts_anew() {
        let cache = Cache::default();
        let block = Arc::new(FileBlock::default());
        cache.keep(&cache.files, 0, (0, 9), &block, CACHE_BYTES);
        cache.keep(&cache.files, 0, (10, 19), &block, 1);
        assert!(cache.files.get(0, 5).is_none());
        assert!(cache.files.get(0, 15).is_some());
    }
}
