//! Commits modules: new ones together, one that the store knows with what it knows of it.

use std::collections::HashSet;

use super::partial::Apart;
use super::{Part, Writer};
use crate::complete;
use crate::database::record::{Known, Module};
use crate::database::{Error, Store};
use crate::module::{ModuleRecord, partial_key};
use crate::pack::Packed;

/// What became of a module.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The module as it is in the store now.
    pub module: Module,
    /// Whether the module knew all that the file can tell, so that nothing was written.
    pub was_there: bool,
    /// Modules that may be of the same build, where one of both knows only the beginning of its id.
    pub apart: Vec<Apart>,
}

impl Committed {
    pub(super) fn of(module: Module, was_there: bool) -> Self {
        Self { module, was_there, apart: Vec::new() }
    }
}

/// What a file and the module that the store has make together.
pub(super) enum Together {
    /// The module, which knows all that the file tells.
    Unchanged,
    /// The module, though it is damaged: the file tells less.
    Kept,
    /// The file alone.
    New,
    /// Both.
    Completed(Box<Packed>),
}

impl Store {
    /// Writes `modules`, and drops what earlier imports of them had written. New ones go in
    /// together. What the store knows of a module and what the file tells are put together (see
    /// [`mod@crate::complete`]); with `replace`, the file takes the place of what was known from
    /// it. Once this returns, the modules survive a crash of this process or of the machine.
    ///
    /// # Errors
    /// Any [`Error`]; the modules with which it happened and those after them have not been changed
    /// then.
    pub fn commit(&self, modules: &[Packed], replace: bool) -> Result<Vec<Committed>, Error> {
        self.create()?;
        self.recovered(self.commit_all(modules, replace))
    }

    /// Writes `modules` as another store has them, in place of what this one knows of them: nothing
    /// is put together, and each was stored at the moment, in milliseconds since 1970, at which it
    /// was stored there. No two of them have one key.
    ///
    /// # Errors
    /// Any [`Error`]; then none of them has been changed.
    pub fn take(&self, modules: &[(Packed, u64)]) -> Result<(), Error> {
        self.create()?;
        self.recovered(self.take_all(modules))
    }

    fn take_all(&self, modules: &[(Packed, u64)]) -> Result<(), Error> {
        let mut writer = Writer::open(self)?;
        let mut parts = Vec::with_capacity(modules.len());
        for (packed, moment) in modules {
            let mut record = packed.record.clone();
            record.stamp(*moment);
            parts.push(Part {
                module: writer.module(packed.key, record, &packed.blocks)?,
                blocks: Some(&packed.blocks),
                before: writer.known(packed.key)?,
            });
        }
        if !parts.is_empty() {
            writer.put(&parts, &[])?;
        }
        writer.tidy();
        Ok(())
    }

    fn commit_all(&self, modules: &[Packed], replace: bool) -> Result<Vec<Committed>, Error> {
        let mut writer = Writer::open(self)?;
        let mut committed = Vec::with_capacity(modules.len());
        let mut rest = modules;
        while let Some((first, after)) = rest.split_first() {
            let new = writer.count_new(rest)?;
            if new > 0 {
                committed.extend(writer.commit_new(&rest[..new])?);
                rest = &rest[new..];
            } else {
                committed.push(writer.commit_known(first, replace)?);
                rest = after;
            }
        }
        writer.tidy();
        Ok(committed)
    }
}

impl Writer<'_> {
    /// How many of `modules` from the first on are not in the store, nor of one build among
    /// themselves.
    fn count_new(&self, modules: &[Packed]) -> Result<usize, Error> {
        let mut builds = HashSet::new();
        for (at, module) in modules.iter().enumerate() {
            let build = partial_key(&module.record).unwrap_or(module.key);
            let is_there =
                self.known(module.key)?.is_some_and(|known| known.record.module.is_some());
            if is_there || !builds.insert(build) || !self.related(module)?.is_empty() {
                return Ok(at);
            }
        }
        Ok(modules.len())
    }

    /// Writes modules that are not in the store.
    fn commit_new(&mut self, modules: &[Packed]) -> Result<Vec<Committed>, Error> {
        let mut parts = Vec::with_capacity(modules.len());
        for (packed, moment) in modules.iter().zip(self.next_moment()..) {
            let mut record = with_names_of(&packed.record, None);
            record.stamp(moment);
            let before = self.known(packed.key)?;
            parts.push(Part {
                module: self.module(packed.key, record, &packed.blocks)?,
                blocks: Some(&packed.blocks),
                before,
            });
        }
        self.put(&parts, &[])?;
        Ok(parts.into_iter().map(|part| Committed::of(part.module, false)).collect())
    }

    /// Writes a module of which the store knows something, or of whose build it does.
    fn commit_known(&mut self, packed: &Packed, replace: bool) -> Result<Committed, Error> {
        let related = self.related(packed)?;
        let packed = &*related.placed(packed);
        let mut committed = match &related.partial {
            Some(partial) => self.commit_with(packed, partial, replace)?,
            None => self.commit_one(packed, replace)?,
        };
        committed.apart.extend(related.apart);
        Ok(committed)
    }

    /// Writes a module of which the store may know something.
    pub(super) fn commit_one(
        &mut self,
        packed: &Packed,
        replace: bool,
    ) -> Result<Committed, Error> {
        let known = self.known(packed.key)?;
        let Some(before) = known.as_ref().and_then(Known::module) else {
            // Another module of the same id went in before it, and takes it from here.
            return self
                .commit_new(std::slice::from_ref(packed))
                .map(|mut committed| committed.remove(0));
        };
        let completed = match self.put_together(packed, &before, replace)? {
            Together::Unchanged => return self.relabel(known, before, &packed.record.labels),
            Together::Kept => return Ok(Committed::of(before, true)),
            Together::New => None,
            Together::Completed(completed) => Some(completed),
        };
        let completed = completed.as_deref().unwrap_or(packed);
        let mut record = with_names_of(&completed.record, [&before.record, &packed.record]);
        record.stamp(self.next_moment());
        let mut module = self.module(packed.key, record, &completed.blocks)?;
        // Blocks that replace the same ones lie beside them, which may be damaged.
        let has_blocks = module.generation.is_same_as(before.generation) && !replace;
        if has_blocks {
            (module.generation, module.seal) = (before.generation, before.seal);
        }
        let blocks = Some(completed.blocks.as_slice()).filter(|_| !has_blocks);
        self.put_one(Part { module, blocks, before: known }, &[])
    }

    /// Puts a module into the database, and takes those out of it that are `gone`.
    pub(super) fn put_one(&mut self, part: Part<'_>, gone: &[Known]) -> Result<Committed, Error> {
        let parts = [part];
        self.put(&parts, gone)?;
        let [Part { module, .. }] = parts;
        Ok(Committed::of(module, false))
    }

    /// What a file and the module that the store has `before` make together.
    pub(super) fn put_together(
        &self,
        packed: &Packed,
        before: &Module,
        replace: bool,
    ) -> Result<Together, Error> {
        if packed.record.is_mapping() {
            // Another mapping of the same id takes the place of the one before: two cannot complete
            // each other.
            let is_same = packed
                .record
                .sources
                .iter()
                .zip(&before.record.sources)
                .all(|(new, old)| new.is_same_file(old));
            return Ok(if is_same && !replace { Together::Unchanged } else { Together::New });
        }
        // A module of several files comes from another store, whole.
        let takes_over = packed.record.sources.len() > 1
            && (replace || packed.record.tells_more_than(&before.record));
        if takes_over {
            return Ok(Together::New);
        }
        match self.complete(packed, before, replace) {
            Ok(None) => Ok(Together::Unchanged),
            Ok(Some(together)) => Ok(Together::Completed(Box::new(together))),
            Err(complete::Error::Pack(cause)) => Err(Error::io(&self.store.path, cause)),
            // What is damaged gives way to a file that tells as much.
            Err(complete::Error::Damaged(_) | complete::Error::Unreadable(_)) => {
                let gives_way = packed.record.detail.known() >= before.record.detail.known();
                Ok(if gives_way { Together::New } else { Together::Kept })
            }
        }
    }

    /// What the store has `before` with what `packed` tells besides; `None` if that is nothing.
    pub(super) fn complete(
        &self,
        packed: &Packed,
        before: &Module,
        replace: bool,
    ) -> Result<Option<Packed>, complete::Error> {
        let stored =
            || self.stored(before).map_err(|cause| complete::Error::Unreadable(Box::new(cause)));
        complete::complete(&before.record, stored, packed, replace)
    }

    /// Gives a module that the store has the `labels` that it lacks. Its blocks stay.
    fn relabel(
        &mut self,
        known: Option<Known>,
        mut module: Module,
        labels: &[String],
    ) -> Result<Committed, Error> {
        if labels.iter().all(|label| module.record.labels.contains(label)) {
            return Ok(Committed::of(module, true));
        }
        let with_labels = ModuleRecord { labels: labels.to_vec(), ..module.record.clone() };
        module.record = with_names_of(&with_labels, Some(&module.record));
        self.put_one(Part { module, blocks: None, before: known }, &[])
    }
}

/// `record`, by whose names, those of its files and those of `old` the module will be found.
pub(super) fn with_names_of<'r>(
    record: &ModuleRecord,
    old: impl IntoIterator<Item = &'r ModuleRecord>,
) -> ModuleRecord {
    let mut record = record.clone();
    let mut names: Vec<String> = record.sources.iter().map(|source| source.name.clone()).collect();
    for old in old {
        names.extend(old.names().map(str::to_owned));
        record.labels.extend(old.labels.iter().cloned());
    }
    names.retain(|name| *name != record.name);
    record.other_names = names;
    record.other_names.sort_unstable();
    record.other_names.dedup();
    record.labels.sort_unstable();
    record.labels.dedup();
    record
}
