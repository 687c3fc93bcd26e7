//! The modules of a store by what people and reports call them. Each record is read when it is
//! asked for, by the rows of index.rs, so that a command costs as much as the modules that it
//! names, however many the store has.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use elsa::sync::FrozenMap;
use symtool_debug::ModuleInfo;

use super::index::Index;
use super::meant::MeantName;
use super::record::Module;
use super::{Error, Listing, Reader};
use crate::module::{ModuleKey, ModuleRecord, PartialModule, Whole};

/// Hexadecimal digits of an id that are enough to name a module.
pub const MIN_ID_DIGITS: usize = 8;

/// Modules for which a name stands.
#[derive(Clone, Debug)]
pub enum Named<'a> {
    /// Exactly this one.
    One(&'a Module),
    /// None.
    Unknown,
    /// Several builds.
    Several(Vec<&'a Module>),
}

impl<'a> Named<'a> {
    fn of(found: Vec<&'a Module>) -> Self {
        match found[..] {
            [] => Self::Unknown,
            [one] => Self::One(one),
            _ => Self::Several(found),
        }
    }
}

/// A way to look for modules.
type Look<'c, 's> = fn(
    &'c Catalog<'s>,
    &[(Index, &str)],
    &dyn Fn(&ModuleRecord) -> bool,
) -> Result<Vec<&'c Module>, Error>;

/// The modules of a store.
#[derive(Default)]
pub struct Catalog<'s> {
    /// `None` where there is no store.
    reader: Option<&'s Reader>,
    /// Modules that were asked for; of a key without one, nothing.
    met: FrozenMap<ModuleKey, Box<Option<Module>>>,
    all: OnceLock<Vec<Module>>,
}

impl std::fmt::Debug for Catalog<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").field("all", &self.all).finish_non_exhaustive()
    }
}

impl<'s> Catalog<'s> {
    /// That of the store which `reader` has opened.
    pub fn of(reader: &'s Reader) -> Self {
        Self { reader: Some(reader), ..Self::default() }
    }

    /// `modules` alone, of the store which `reader` has opened or, without one, of no store.
    pub fn only(reader: Option<&'s Reader>, mut modules: Vec<Module>) -> Self {
        sort(&mut modules);
        Self { reader, all: OnceLock::from(modules), ..Self::default() }
    }

    /// All modules, by name and then id.
    ///
    /// # Errors
    /// If the database cannot be read. A module is not listed if both of its records are damaged.
    pub fn modules(&self) -> Result<&[Module], Error> {
        if let Some(all) = self.all.get() {
            return Ok(all);
        }
        let records = self.reader.map(Reader::records).transpose()?.unwrap_or_default();
        let mut modules: Vec<Module> =
            records.into_values().filter_map(|known| known.module()).collect();
        sort(&mut modules);
        Ok(self.all.get_or_init(|| modules))
    }

    /// All modules one after the other, by name and then id, backwards if `is_reverse`; those
    /// behind `after` if it is given.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn listing(&self, after: Option<&Module>, is_reverse: bool) -> Result<Listing<'_>, Error> {
        Listing::of(self, after, is_reverse)
    }

    pub(super) fn reader(&self) -> Option<&'s Reader> {
        self.reader
    }

    /// The module that `info` describes. A symbol file that knows only the beginning of its
    /// build-id is of [`Catalog::whole`], unless it is a module of its own.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn by_id(&self, info: &ModuleInfo) -> Result<Option<&Module>, Error> {
        match self.module(ModuleKey::of(info))?.filter(|module| module.record.is_of(info)) {
            None => self.whole(info),
            own => Ok(own),
        }
    }

    /// The module with a whole build-id that the file which `info` describes is of, if the file
    /// knows only the beginning of it, and it is clear which that is.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn whole(&self, info: &ModuleInfo) -> Result<Option<&Module>, Error> {
        let Some(partial) = PartialModule::of_file(info) else { return Ok(None) };
        let modules = self.indexed(&[(Index::Id, partial.id.as_str())], &|record| {
            partial.is_beginning_of(record)
        })?;
        match partial.whole(modules, |module| &module.record) {
            Whole::One(module) => Ok(Some(module)),
            Whole::Unknown | Whole::Unclear(_) => Ok(None),
        }
    }

    /// The modules that go by an id which begins with `digits`, in lower case.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn with_id(&self, digits: &str) -> Result<Vec<&Module>, Error> {
        self.found(&[(Index::Id, digits)], |record| {
            record.ids().any(|id| id.as_str().starts_with(digits))
        })
    }

    /// The same, as far as the index of ids lists them: where most ids are not known, as of a
    /// dump's modules, not all records are read. An index that has lost a row hides a module.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn listed_by_id(&self, digits: &str) -> Result<Vec<&Module>, Error> {
        self.indexed(&[(Index::Id, digits)], &|record| {
            record.ids().any(|id| id.as_str().starts_with(digits))
        })
    }

    /// The mappings that go by the id `digits`, in lower case; if none does, those by an id that
    /// begins with it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn mappings_by_id(&self, digits: &str) -> Result<Vec<&Module>, Error> {
        let mut mappings = self.with_id(digits)?;
        mappings.retain(|module| module.record.is_mapping());
        let whole: Vec<&Module> = mappings
            .iter()
            .copied()
            .filter(|module| module.record.ids().any(|id| *id == *digits))
            .collect();
        Ok(if whole.is_empty() { mappings } else { whole })
    }

    /// The mapping with one of `labels`, the first that only one has.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn mapping_by_label(&self, labels: &[String]) -> Result<Option<&Module>, Error> {
        for label in labels {
            let mut found = self
                .found(&[(Index::Label, label)], |record| {
                    record.is_mapping() && record.labels.contains(label)
                })?
                .into_iter();
            if let (Some(only), None) = (found.next(), found.next()) {
                return Ok(Some(only));
            }
        }
        Ok(None)
    }

    /// The modules that `name` names: a file name, a label, or a prefix of an id, of
    /// [`MIN_ID_DIGITS`] digits or more; dashes in an id and case do not matter. Either may be
    /// followed by `:` and an architecture, by any of its names.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn named(&self, name: &str) -> Result<Named<'_>, Error> {
        self.named_any(&[name])
    }

    /// The same for the first of `names` that names any.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn named_any(&self, names: &[&str]) -> Result<Named<'_>, Error> {
        // All records are read only if no index knows any of the names.
        for look in [Self::indexed, Self::scanned] {
            for name in names {
                for meant in MeantName::all(name) {
                    let found = self.meant(&meant, look)?;
                    if !found.is_empty() {
                        return Ok(Named::of(found));
                    }
                }
            }
        }
        Ok(Named::Unknown)
    }

    fn meant<'c>(
        &'c self,
        meant: &MeantName<'_>,
        look: Look<'c, 's>,
    ) -> Result<Vec<&'c Module>, Error> {
        let mut found = look(self, &meant.looked_up(), &|record| meant.is_of(record))?;
        // One whose id is known as a whole comes before one of which only the beginning is.
        let digits = meant.digits();
        if found.iter().any(|module| module.record.id == *digits) {
            found.retain(|module| {
                module.record.id.as_str().len() != 32 || module.record.id == *digits
            });
        }
        Ok(found)
    }

    /// The modules that are `meant`, by name and then id. An index that has lost a row hides no
    /// module.
    fn found(
        &self,
        looked_up: &[(Index, &str)],
        is_meant: impl Fn(&ModuleRecord) -> bool,
    ) -> Result<Vec<&Module>, Error> {
        let found = self.indexed(looked_up, &is_meant)?;
        if found.is_empty() { self.scanned(looked_up, &is_meant) } else { Ok(found) }
    }

    /// Those that one of the indices lists.
    fn indexed(
        &self,
        looked_up: &[(Index, &str)],
        is_meant: &dyn Fn(&ModuleRecord) -> bool,
    ) -> Result<Vec<&Module>, Error> {
        let Some(keys) = self.listed(looked_up)? else { return self.scanned(looked_up, is_meant) };
        let mut found: Vec<&Module> = Vec::new();
        for key in keys {
            found.extend(self.module(key)?.filter(|module| is_meant(&module.record)));
        }
        found.sort_by(|a, b| (&a.record.name, &a.record.id).cmp(&(&b.record.name, &b.record.id)));
        Ok(found)
    }

    /// Those among all modules.
    fn scanned(
        &self,
        _: &[(Index, &str)],
        is_meant: &dyn Fn(&ModuleRecord) -> bool,
    ) -> Result<Vec<&Module>, Error> {
        Ok(self.modules()?.iter().filter(|module| is_meant(&module.record)).collect())
    }

    /// Keys of the modules that one of the indices lists; `None` if they have to be looked for
    /// elsewhere.
    fn listed(&self, looked_up: &[(Index, &str)]) -> Result<Option<BTreeSet<ModuleKey>>, Error> {
        let Some(reader) = self.reader.filter(|_| self.all.get().is_none()) else {
            return Ok(None);
        };
        let mut keys = BTreeSet::new();
        for (index, text) in looked_up {
            let Some(listed) = reader.listed(*index, text)? else { return Ok(None) };
            keys.extend(listed);
        }
        Ok(Some(keys))
    }

    fn module(&self, key: ModuleKey) -> Result<Option<&Module>, Error> {
        if let Some(met) = self.met.get(&key) {
            return Ok(met.as_ref());
        }
        if let Some(all) = self.all.get() {
            return Ok(all.iter().find(|module| module.generation.module == key));
        }
        let Some(reader) = self.reader else { return Ok(None) };
        let module = reader.record(key)?.and_then(|known| known.module());
        Ok(self.met.insert(key, Box::new(module)).as_ref())
    }
}

/// Sorts `modules` by name and then id.
fn sort(modules: &mut [Module]) {
    modules.sort_by(|a, b| (&a.record.name, &a.record.id).cmp(&(&b.record.name, &b.record.id)));
}
