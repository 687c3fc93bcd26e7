//! Modules of a bucket by what people call them, brought into the cache and opened there.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::Result;
use elsa::sync::{FrozenMap, FrozenVec};
use symtool_bucket::{Brought, Build, CachedBucket, Wanted};
use symtool_store::{Catalog, Module, ModuleKey, Reader};

use super::{failed, records};
use crate::find::{self, Meant, NotOne};

/// Modules that were brought, each with a reader that stays open: what it sees is not removed.
pub struct Opened<'b> {
    cache: &'b CachedBucket,
    brought: FrozenVec<Box<Brought>>,
    /// Where the modules are: which of `brought`, and which of its modules.
    places: FrozenMap<ModuleKey, Box<(usize, usize)>>,
}

/// A module of a bucket, ready to answer.
pub type Ready<'o> = (&'o Reader, &'o Module);

impl<'b> Opened<'b> {
    /// None yet, of the bucket behind `cache`.
    pub fn of(cache: &'b CachedBucket) -> Self {
        Self { cache, brought: FrozenVec::new(), places: FrozenMap::new() }
    }

    /// What each of `names` names, or why it names no module; of several builds the last one, if
    /// `latest`. All are looked for, and brought, together.
    ///
    /// # Errors
    /// If the bucket or the cache cannot say. That there is no such module is none.
    pub fn modules(
        &self,
        names: &[&OsStr],
        latest: bool,
    ) -> Result<Vec<Result<Ready<'_>, NotOne>>> {
        let found = builds(self.cache, names)?;
        let mut chosen: Vec<Result<ModuleKey, NotOne>> = Vec::with_capacity(names.len());
        let mut wanted: Vec<Build> = Vec::new();
        for (name, builds) in names.iter().zip(found) {
            let catalog = Catalog::only(None, records(&builds));
            let key = match find::module(&catalog, name, latest) {
                Ok(module) => module.generation.module,
                Err(NotOne::Unreadable(error)) => return Err(error.into()),
                Err(error) => {
                    chosen.push(Err(error));
                    continue;
                }
            };
            chosen.push(Ok(key));
            if self.places.get(&key).is_none() {
                wanted.extend(builds.into_iter().filter(|build| build.key == key));
            }
        }
        if !wanted.is_empty() {
            let brought = self.cache.bring(&wanted).map_err(failed)?;
            let number = self.brought.len();
            for (at, module) in brought.modules.iter().enumerate() {
                self.places.insert(module.generation.module, Box::new((number, at)));
            }
            self.brought.push(Box::new(brought));
        }
        Ok(chosen.into_iter().map(|key| key.and_then(|key| self.ready(key))).collect())
    }

    fn ready(&self, key: ModuleKey) -> Result<Ready<'_>, NotOne> {
        let place = self.places.get(&key);
        let ready = place.and_then(|(number, at)| {
            let brought = self.brought.get(*number)?;
            Some((&brought.reader, brought.modules.get(*at)?))
        });
        // All that was chosen has been brought.
        ready.ok_or_else(|| NotOne::Unknown(format!("module {key}: not in the cache")))
    }
}

/// What the bucket behind `cache` has of each of `names`.
///
/// # Errors
/// If the bucket or the cache cannot say.
pub fn builds(cache: &CachedBucket, names: &[impl AsRef<OsStr>]) -> Result<Vec<Vec<Build>>> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut counts = Vec::with_capacity(names.len());
    for name in names {
        let before = wanted.len();
        match find::meant(Path::new(name.as_ref())) {
            // What is wrong with the file is told by who looks for it.
            Some(Err(_)) => {}
            Some(Ok(Meant::Object(info))) => wanted.push(symtool_bucket::wanted_build(&info)),
            Some(Ok(Meant::Mapping(ids))) => wanted.extend(ids.into_iter().map(Wanted::Id)),
            None => {
                let name = name.as_ref().to_string_lossy();
                let last_component = name.rsplit('/').next().unwrap_or(&name);
                let mut spellings = vec![name.to_string(), last_component.to_owned()];
                spellings.dedup();
                wanted.push(Wanted::Name(spellings));
            }
        }
        counts.push(wanted.len() - before);
    }
    let mut found = cache.find(&wanted).map_err(failed)?.into_iter();
    let of_name = |count: &usize| found.by_ref().take(*count).flatten().collect();
    Ok(counts.iter().map(of_name).collect())
}
