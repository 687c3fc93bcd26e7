//! Keeps a cache within its quota: modules that were not asked for the longest go first.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::time::SystemTime;

use symtool_store::ModuleKey;
use symtool_store::database::Lock;

use super::{Build, CachedBucket};
use crate::BucketError;

impl CachedBucket {
    fn used(&self, key: ModuleKey) -> PathBuf {
        self.folder.join("used").join(key.to_string())
    }

    /// Notes that the modules with these keys were asked for now. What cannot be noted goes sooner.
    pub(super) fn note_used(&self, keys: impl Iterator<Item = ModuleKey>) {
        for key in keys.filter(|_| self.options.quota.is_some()) {
            let path = self.used(key);
            let file = OpenOptions::new().write(true).open(&path).or_else(|_| File::create(&path));
            drop(file.and_then(|file| file.set_modified(SystemTime::now())));
        }
    }

    /// Removes modules until the others fit the quota; not those of `wanted`, however large. While
    /// another process brings modules, it is left to that one.
    pub(super) fn evict(&self, wanted: &[&Build]) -> Result<(), BucketError> {
        let Some(quota) = self.options.quota else { return Ok(()) };
        let Some(_alone) = Lock::alone(&self.folder.join("lock")) else { return Ok(()) };
        let reader = self.store.read()?;
        let catalog = reader.catalog();
        let mut modules: Vec<(SystemTime, ModuleKey, u64)> = Vec::new();
        for module in catalog.modules()? {
            let key = module.generation.module;
            let used = fs::metadata(self.used(key)).and_then(|used| used.modified());
            let used = used.unwrap_or(SystemTime::UNIX_EPOCH);
            modules.push((used, key, module.record.bytes_stored));
        }
        let mut bytes: u64 = modules.iter().map(|(_, _, bytes)| bytes).sum();
        let wanted: HashSet<ModuleKey> = wanted.iter().map(|build| build.key).collect();
        modules.sort_unstable();
        let mut gone = Vec::new();
        for (_, key, module_bytes) in modules {
            if bytes <= quota {
                break;
            }
            if !wanted.contains(&key) {
                bytes -= module_bytes;
                gone.push(key);
            }
        }
        drop(reader);
        if !gone.is_empty() {
            self.store.remove(&gone)?;
            gone.iter().for_each(|key| drop(fs::remove_file(self.used(*key))));
        }
        Ok(())
    }
}
