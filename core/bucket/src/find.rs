//! Looks for modules in a bucket by what people and reports call them.
//!
//! | what is known | requests, besides one for each module's segment |
//! | --- | --- |
//! | the whole build-id of an ELF file | one for the module |
//! | another id, or a prefix of one | a list, and one for each module |
//! | a name or a label | a list, and one for each build, until two are meant |
//! | nothing that is there | lists, twice: one answer may be wrong |

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use symtool_module::{Arch, ModuleKind};
use symtool_store::ModuleKey;
use symtool_store::database::{MIN_ID_DIGITS, MeantName};

use crate::BucketError;
use crate::bucket::Bucket;
use crate::entry::Entry;
use crate::keys::{self, MODULES};
use crate::limits::{MAX_BUILDS, MAX_REQUESTS, READ_TRIES};

/// Digits of the build-id that linkers make of ELF files.
const BUILD_ID_DIGITS: usize = 40;

/// A module that is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// What the first of these names names, as [`symtool_store::Catalog::named_any`] has it.
    Name(Vec<String>),
    /// What goes by an id that begins with these digits, of eight or more.
    Id(String),
    /// The one that is filed under this key.
    Key(ModuleKey),
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(names) => f.write_str(names.first().map_or("", String::as_str)),
            Self::Id(digits) => f.write_str(digits),
            Self::Key(key) => write!(f, "module {key}"),
        }
    }
}

impl Bucket {
    /// What there is of each of `wanted`, in their order.
    ///
    /// # Errors
    /// If that is not known. What is not there is no error.
    pub fn find(&self, wanted: &[Wanted]) -> Result<Vec<Vec<Entry>>, BucketError> {
        let all = stream::iter(wanted).map(|wanted| self.look_for(wanted)).buffered(MAX_REQUESTS);
        self.connection.wait(all.try_collect())
    }

    /// All modules.
    ///
    /// # Errors
    /// If they cannot be listed and read.
    pub fn all(&self) -> Result<Vec<Entry>, BucketError> {
        self.connection.wait(self.read_all())
    }

    pub(crate) async fn read_all(&self) -> Result<Vec<Entry>, BucketError> {
        let listed = self.objects().list(MODULES).await?;
        let slots = listed.iter().filter_map(|it| it.key.strip_prefix(MODULES));
        let slots: Vec<String> =
            slots.filter(|slot| keys::is_slot(slot)).map(str::to_owned).collect();
        let entries = self.entries(&slots).await?;
        // Modules of a bucket are never removed: one that is listed is there.
        if entries.len() < slots.len() {
            return Err(self.objects().altered(MODULES));
        }
        Ok(entries)
    }

    async fn look_for(&self, wanted: &Wanted) -> Result<Vec<Entry>, BucketError> {
        match wanted {
            Wanted::Key(key) => Ok(self.at(*key).await?.into_iter().collect()),
            Wanted::Id(digits) => {
                let mut entries = self.with_id(digits).await?;
                entries.retain(|entry| {
                    entry.record.ids().any(|id| id.as_str().starts_with(digits.as_str()))
                });
                Ok(entries)
            }
            Wanted::Name(names) => {
                for meant in names.iter().flat_map(|name| MeantName::all(name)) {
                    let found = self.named(&meant).await?;
                    if !found.is_empty() {
                        return Ok(found);
                    }
                }
                Ok(Vec::new())
            }
        }
    }

    /// The module at `key`. Two answers have to agree that there is none.
    async fn at(&self, key: ModuleKey) -> Result<Option<Entry>, BucketError> {
        let slot = self.keys.slot(key);
        match self.entry(&slot).await? {
            None => self.entry(&slot).await,
            found => Ok(found),
        }
    }

    /// What `meant` means: by its ids; by its name, if it is no id of any.
    async fn named(&self, meant: &MeantName<'_>) -> Result<Vec<Entry>, BucketError> {
        let mut found = BTreeMap::new();
        // A whole id may be one by two of its spellings.
        let ids: BTreeSet<&str> = meant.ids().collect();
        for digits in ids {
            let entries = self.with_id(digits).await?.into_iter();
            found.extend(entries.map(|entry| (entry.key, entry)));
            found.retain(|_, entry| meant.is_of(&entry.record));
            if !found.is_empty() {
                return Ok(found.into_values().collect());
            }
        }
        self.marked(&self.keys.name(meant.text()), |entry| meant.is_of(&entry.record)).await
    }

    /// Modules by an id that may begin with `digits`.
    async fn with_id(&self, digits: &str) -> Result<Vec<Entry>, BucketError> {
        if digits.len() == BUILD_ID_DIGITS
            && let Ok(id) = hex::decode(digits)
        {
            let key = ModuleKey::of_build(ModuleKind::Elf, &id, &Arch::from(""));
            if let Some(entry) = self.entry(&self.keys.slot(key)).await? {
                return Ok(vec![entry]);
            }
        }
        if digits.len() < MIN_ID_DIGITS.min(7) {
            return Ok(Vec::new());
        }
        // What is stored may be shorter than what is asked for: who asks compares all of it.
        let first = digits.get(..MIN_ID_DIGITS).unwrap_or(digits);
        self.marked(&self.keys.id(first), |_| true).await
    }

    /// The modules that are meant of those whose markers begin with `beginning`: the newest
    /// [`MAX_BUILDS`] are read, then the next, until two or more are meant. That there are none, or
    /// that a marker's module is missing, is believed after two equal answers.
    async fn marked(
        &self,
        beginning: &str,
        is_meant: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<Entry>, BucketError> {
        let mut before = None;
        for _ in 0..READ_TRIES {
            let mut times: BTreeMap<String, u64> = BTreeMap::new();
            for listed in self.objects().list(beginning).await? {
                if let Some((slot, time)) = keys::marked(&listed.key) {
                    let newest = times.entry(slot.to_owned()).or_default();
                    *newest = time.max(*newest);
                }
            }
            let mut slots: Vec<(u64, String)> =
                times.into_iter().map(|(slot, time)| (time, slot)).collect();
            slots.sort_unstable_by(|a, b| b.cmp(a));
            let slots: Vec<String> = slots.into_iter().map(|(_, slot)| slot).collect();
            let (mut found, mut is_whole) = (Vec::new(), !slots.is_empty());
            for some in slots.chunks(MAX_BUILDS) {
                let entries = self.entries(some).await?;
                is_whole &= entries.len() == some.len();
                found.extend(entries.into_iter().filter(|entry| is_meant(entry)));
                if found.len() > 1 {
                    break;
                }
            }
            if is_whole || before.as_ref() == Some(&slots) {
                return Ok(found);
            }
            before = Some(slots);
        }
        Err(self.objects().altered(beginning))
    }
}
