//! Symbol files that know only the beginning of their build-id, and the module with the whole of it:
//! whichever comes second finds the other, and both become one module in one change.

use std::borrow::Cow;

use symtool_module::BuildId;

use super::commit::{Committed, Together, with_names_of};
use super::{Part, Writer};
use crate::complete;
use crate::database::Error;
use crate::database::index::Index;
use crate::database::reader::{Unreadable, listed};
use crate::database::record::{Known, Module};
use crate::module::{ModuleKey, ModuleRecord, PartialModule, Whole, partial_key};
use crate::pack::Packed;

/// A module that may be of the same build as another one, but may also be of a build of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// What it is called.
    pub name: String,
    /// Its id: one of both ids is the beginning of the other.
    pub id: BuildId,
}

impl Apart {
    fn of(record: &ModuleRecord) -> Self {
        Self { name: record.name.clone(), id: record.id.clone() }
    }
}

/// What the store has, under another key, of the build that a file is of.
#[derive(Default)]
pub(super) struct Related {
    /// Key and id of the module that the file belongs to: the file knows only the beginning of it.
    whole: Option<(ModuleKey, BuildId)>,
    /// A module of symbol files that know only the beginning of the id, to be taken in.
    pub partial: Option<Known>,
    /// Modules of which it is not clear whether they are of the build.
    pub apart: Vec<Apart>,
}

impl Related {
    /// Whether there is nothing of it.
    pub fn is_empty(&self) -> bool {
        self.whole.is_none() && self.partial.is_none() && self.apart.is_empty()
    }

    /// `packed` as a file of the module that it belongs to.
    pub fn placed<'p>(&self, packed: &'p Packed) -> Cow<'p, Packed> {
        let Some((key, id)) = &self.whole else { return Cow::Borrowed(packed) };
        let record = ModuleRecord { id: id.clone(), ..packed.record.clone() };
        Cow::Owned(Packed { record, key: *key, blocks: packed.blocks.clone() })
    }

    /// It is not clear of `modules` whether they are of the build.
    fn unclear<'r>(modules: impl IntoIterator<Item = &'r ModuleRecord>) -> Self {
        Self { apart: modules.into_iter().map(Apart::of).collect(), ..Self::default() }
    }
}

/// A module and its key.
type Keyed = (ModuleKey, ModuleRecord);

impl Writer<'_> {
    /// What the store has, under another key, of the build of `packed`.
    pub(super) fn related(&self, packed: &Packed) -> Result<Related, Error> {
        if let Some(partial) = PartialModule::of(&packed.record) {
            return self.whole_of(packed, &partial);
        }
        let Some(known) = partial_key(&packed.record).map(|key| self.known(key)).transpose()?
        else {
            return Ok(Related::default());
        };
        self.partial_of(packed, known)
    }

    /// What `known`, a module whose id is the beginning of that of `packed`, has to do with it.
    fn partial_of(&self, packed: &Packed, known: Option<Known>) -> Result<Related, Error> {
        let record = known.as_ref().and_then(|known| known.record.module.as_ref());
        let Some((record, partial)) = record.zip(record.and_then(PartialModule::of)) else {
            return Ok(Related::default());
        };
        let (own, mut modules): (Vec<Keyed>, Vec<Keyed>) =
            self.wholes(&partial)?.into_iter().partition(|(key, _)| *key == packed.key);
        // As the module will be: it has the names of this file, too.
        let own = with_names_of(&packed.record, own.iter().map(|(_, record)| record));
        modules.push((packed.key, own));
        match partial.whole(modules, |(_, record)| record) {
            Whole::One((key, _)) if key == packed.key => {
                Ok(Related { partial: known, ..Related::default() })
            }
            Whole::One(_) | Whole::Unknown => Ok(Related::default()),
            Whole::Unclear(_) => Ok(Related::unclear([record])),
        }
    }

    /// The module with the whole id of `packed`, which knows only the beginning of it, `partial`;
    /// and what the store has from other files like it, if that belongs to the same module.
    fn whole_of(&self, packed: &Packed, partial: &PartialModule<'_>) -> Result<Related, Error> {
        let (key, whole) = match partial.whole(self.wholes(partial)?, |(_, record)| record) {
            Whole::One(whole) => whole,
            Whole::Unknown => return Ok(Related::default()),
            Whole::Unclear(modules) => {
                return Ok(Related::unclear(modules.iter().map(|(_, record)| record)));
            }
        };
        let belongs = |known: &Known| {
            let before = known.record.module.as_ref().and_then(PartialModule::of);
            let found = before.map(|before| before.whole(vec![&whole], |record| *record));
            matches!(found, Some(Whole::One(_)))
        };
        let partial = self.known(packed.key)?.filter(belongs);
        Ok(Related { whole: Some((key, whole.id)), partial, ..Related::default() })
    }

    /// The modules whose ids begin with that of `partial`. An index that has lost a row hides one.
    fn wholes(&self, partial: &PartialModule<'_>) -> Result<Vec<Keyed>, Error> {
        let prefix = self.tokens.prefix(Index::Id, partial.id.as_str());
        let keys = match listed(&self.db, &prefix) {
            Ok(keys) => keys,
            Err(Unreadable::Damage) => Vec::new(),
            Err(Unreadable::Database(cause)) => return Err(self.store.database_error(cause)),
        };
        let mut wholes = Vec::new();
        for key in keys {
            let record = self.known(key)?.and_then(|known| known.record.module);
            let is_whole = |record: &ModuleRecord| partial.is_beginning_of(record);
            wholes.extend(record.filter(is_whole).map(|record| (key, record)));
        }
        Ok(wholes)
    }

    /// Writes a file together with what the store has from symbol files that know only the
    /// beginning of its id, `partial`, whose module goes in the same change.
    pub(super) fn commit_with(
        &mut self,
        packed: &Packed,
        partial: &Known,
        replace: bool,
    ) -> Result<Committed, Error> {
        let known = self.known(packed.key)?;
        let before = known.as_ref().and_then(Known::module);
        let whole = match &before {
            None => Cow::Borrowed(packed),
            Some(before) => match self.put_together(packed, before, replace)? {
                Together::New => Cow::Borrowed(packed),
                Together::Completed(completed) => Cow::Owned(*completed),
                Together::Unchanged | Together::Kept => Cow::Owned(Packed {
                    record: before.record.clone(),
                    key: packed.key,
                    blocks: self.stored(before)?,
                }),
            },
        };
        let module = partial.module();
        let both = module.as_ref().map(|module| self.take_in(&whole, module)).transpose()?;
        let Some((both, module)) = both.flatten().zip(module) else {
            let mut committed = self.commit_one(packed, replace)?;
            committed.apart.extend(partial.record.module.iter().map(Apart::of));
            return Ok(committed);
        };
        let old = before.iter().chain([&module]).map(|module| &module.record);
        let mut record = with_names_of(&both.record, old.chain([&packed.record]));
        record.stamp(self.next_moment());
        let module = self.module(packed.key, record, &both.blocks)?;
        let part = Part { module, blocks: Some(&both.blocks), before: known };
        self.put_one(part, std::slice::from_ref(partial))
    }

    /// `whole` with what the store has from symbol files that know only the beginning of its id;
    /// `None` if they cannot be put together: the module of these files stays then.
    fn take_in(&self, whole: &Packed, partial: &Module) -> Result<Option<Packed>, Error> {
        let record = ModuleRecord { id: whole.record.id.clone(), ..partial.record.clone() };
        let completed = if whole.record.sources.len() == 1 {
            self.complete(whole, &Module { record, ..partial.clone() }, false)
        } else {
            self.stored(partial)
                .map_err(|cause| complete::Error::Unreadable(Box::new(cause)))
                .map(|blocks| Packed { record, key: whole.key, blocks })
                .and_then(|partial| {
                    let blocks = || Ok(whole.blocks.clone());
                    complete::complete(&whole.record, blocks, &partial, false)
                })
        };
        match completed {
            // It has all of them already.
            Ok(None) if whole.record.has_files_of(&partial.record) => Ok(Some(whole.clone())),
            Ok(completed) => Ok(completed),
            Err(complete::Error::Pack(cause)) => Err(Error::io(&self.store.path, cause)),
            Err(complete::Error::Damaged(_) | complete::Error::Unreadable(_)) => Ok(None),
        }
    }
}
