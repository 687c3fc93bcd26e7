//! Finds for each image of a report the module of the store that is its build.

use std::collections::HashMap;

use symtool_module::{ModuleKind, is_same_arch};
use symtool_report::ImageId;
use xxhash_rust::xxh3::xxh3_64;

use symtool_store::Module;

/// The modules of a store by what reports know of them.
#[derive(Debug, Default)]
pub struct Modules<'s> {
    modules: Vec<Known<'s>>,
    by_key: HashMap<[u8; 16], Vec<usize>>,
}

/// A module, and the ids that it goes by.
#[derive(Debug)]
struct Known<'s> {
    module: &'s Module,
    kind: ModuleKind,
    ids: Vec<Vec<u8>>,
}

impl<'s> Modules<'s> {
    /// These `modules`, by their place.
    pub fn of(modules: &'s [Module]) -> Self {
        let mut found = Self::default();
        for module in modules {
            let kind = module.record.kind.known().unwrap_or(ModuleKind::Elf);
            let ids: Vec<Vec<u8>> = module
                .record
                .ids()
                .map(|id| hex::decode(id.as_str()).unwrap_or_default())
                .collect();
            for id in &ids {
                found.by_key.entry(image_key(id)).or_default().push(found.modules.len());
            }
            found.modules.push(Known { module, kind, ids });
        }
        found
    }

    /// Index of the module that an image with `id` is a build of; where several slices have one id,
    /// the one for `arch`.
    pub fn find(&self, id: &ImageId, arch: Option<&str>) -> Option<usize> {
        let candidates = id.keys().filter_map(|key| self.by_key.get(&key)).flatten().copied();
        let is_build = |index: &usize| {
            self.modules
                .get(*index)
                .is_some_and(|known| known.ids.iter().any(|bytes| id.is_of(known.kind, bytes)))
        };
        let is_arch = |index: &usize| {
            arch.is_some_and(|arch| {
                self.get(*index).is_some_and(|module| is_same_arch(&module.record.arch, arch))
            })
        };
        let mut builds: Vec<usize> = candidates.filter(is_build).collect();
        // One whose id is known as a whole comes before one of which only the beginning is.
        let is_shorter = |index: &usize| match id {
            ImageId::Whole(bytes) => {
                !self.modules.get(*index).is_some_and(|known| known.ids.contains(bytes))
            }
            _ => false,
        };
        builds.sort_by_key(is_shorter);
        builds.iter().copied().find(is_arch).or_else(|| builds.first().copied())
    }

    /// The module at `index`.
    pub fn get(&self, index: usize) -> Option<&'s Module> {
        self.modules.get(index).map(|known| known.module)
    }

    /// The index of `module`, one of these.
    pub fn index_of(&self, module: &Module) -> Option<usize> {
        self.modules.iter().position(|known| known.module.generation == module.generation)
    }

    /// The digest of what those modules hold that the index of images files under `key`; absent if
    /// there are none. Slices of a universal file that have one id are one.
    pub fn digest(&self, key: &[u8; 16]) -> Option<u64> {
        let modules = self.by_key.get(key)?.iter().filter_map(|index| self.get(*index));
        Some(modules.map(module_digest).fold(0, u64::wrapping_add))
    }

    /// All keys of the index of images, each with the digest of its modules.
    pub fn digests(&self) -> impl Iterator<Item = ([u8; 16], u64)> + '_ {
        self.by_key.keys().filter_map(|key| Some((*key, self.digest(key)?)))
    }

    /// All of them, each with its keys of the index of images.
    pub fn iter(&self) -> impl Iterator<Item = (&'s Module, Vec<[u8; 16]>)> + '_ {
        self.modules
            .iter()
            .map(|known| (known.module, known.ids.iter().map(|id| image_key(id)).collect()))
    }
}

/// Of what `module` holds: what has the same digest gives the same answers.
pub fn module_digest(module: &Module) -> u64 {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&module.generation.module.0);
    // The same contents, imported again, give the same result.
    bytes.extend_from_slice(&module.contents);
    bytes.extend_from_slice(&module.record.image_base.to_le_bytes());
    xxh3_64(&bytes)
}

/// What an index of images files a module with `id` under: its first 16 bytes, with zeros behind a
/// shorter one.
fn image_key(id: &[u8]) -> [u8; 16] {
    let mut key = [0; 16];
    let count = id.len().min(key.len());
    key[..count].copy_from_slice(&id[..count]);
    key
}
