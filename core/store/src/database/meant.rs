//! What a name that people give may mean: a file name, a label, or an id by one of its spellings.

use symtool_mapping::MapId;
use symtool_module::{Arch, BuildId, ModuleKind};

use super::catalog::MIN_ID_DIGITS;
use super::index::Index;
use crate::module::ModuleRecord;

/// A name of modules: a file name, a label, or a prefix of an id; all builds, or those for one
/// architecture.
#[derive(Clone, Debug)]
pub struct MeantName<'n> {
    name: &'n str,
    arch: Option<Arch>,
    /// In lower case, without what programs print around and in ids.
    digits: String,
    is_hexadecimal: bool,
    windows: Option<String>,
    build_id: Option<String>,
}

impl<'n> MeantName<'n> {
    /// What `name` may mean, in the order in which it is looked for: as a whole, then with what
    /// stands behind its last `:` as an architecture.
    pub fn all(name: &'n str) -> impl Iterator<Item = Self> {
        let with_arch = name.rsplit_once(':').map(|(name, arch)| (name, Some(Arch::from(arch))));
        std::iter::once((name, None)).chain(with_arch).map(|(name, arch)| Self::of(name, arch))
    }

    fn of(name: &'n str, arch: Option<Arch>) -> Self {
        // Microsoft's tools print ids in braces, crash reports of Apple print them in angle brackets.
        let digits = name.replace(['-', '{', '}', '<', '>'], "").to_ascii_lowercase();
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let windows = if is_hexadecimal { windows_id(&digits) } else { None };
        let build_id = if is_hexadecimal { build_id(&digits) } else { None };
        Self { name, arch, digits, is_hexadecimal, windows, build_id }
    }

    /// The name as the digits of an id, which it need not be.
    pub(super) fn digits(&self) -> &str {
        &self.digits
    }

    /// The name as a file name or a label.
    pub fn text(&self) -> &'n str {
        self.name
    }

    /// The beginnings of ids that it may be, each of as many digits as an id needs to be looked up.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let own = Some(self.digits.as_str())
            .filter(|digits| self.is_hexadecimal && digits.len() >= MapId::MIN_DIGITS);
        own.into_iter().chain(self.windows.as_deref()).chain(self.build_id.as_deref())
    }

    /// The rows by which such modules are found.
    pub(super) fn looked_up(&self) -> Vec<(Index, &str)> {
        let names = [(Index::Name, self.name), (Index::Label, self.name)];
        names.into_iter().chain(self.ids().map(|id| (Index::Id, id))).collect()
    }

    /// Whether it means the module of `record`.
    pub fn is_of(&self, record: &ModuleRecord) -> bool {
        let is_labelled = || record.labels.iter().any(|label| label == self.name);
        (record.has_name(self.name) || is_labelled() || self.is_id_of(record))
            && self.arch.as_ref().is_none_or(|arch| record.arch.is_same(arch))
    }

    fn is_id_of(&self, record: &ModuleRecord) -> bool {
        // Older R8 called mappings by fewer digits than others need.
        let min = if record.is_mapping() { MapId::MIN_DIGITS } else { MIN_ID_DIGITS };
        let begins = |id: &BuildId| {
            id.as_str().starts_with(&self.digits) || self.windows.as_deref() == Some(id.as_str())
        };
        let is_elf_id = |id: &BuildId| {
            let id = id.as_str();
            // Of some modules only the beginning of the build-id is known.
            let is_whole_of =
                id.len() == 32 && self.digits.len() > 32 && self.digits.starts_with(id);
            is_whole_of
                || self.build_id.as_deref().is_some_and(|build_id| {
                    // Behind one of 8 bytes stand zeros.
                    id.starts_with(build_id) || build_id.strip_suffix(&"0".repeat(16)) == Some(id)
                })
        };
        self.is_hexadecimal
            && self.digits.len() >= min
            && (record.ids().any(begins)
                || record.kind == ModuleKind::Elf && record.ids().any(is_elf_id))
    }
}

/// The id that Windows writes as `digits`: a GUID and an age, or a time stamp and a size, the
/// second of them without leading zeros.
fn windows_id(digits: &str) -> Option<String> {
    let first = match digits.len() {
        33..=40 => 32,
        9..=16 => 8,
        _ => return None,
    };
    let (first, second) = digits.split_at_checked(first)?;
    Some(format!("{first}{second:0>8}"))
}

/// The first 32 digits of the build-id of the ELF file whose debug id is written as `digits`: a
/// GUID, with or without an age, whose first three fields are little-endian (Breakpad, Sentry).
fn build_id(digits: &str) -> Option<String> {
    let guid = digits.get(..32).filter(|_| (32..=40).contains(&digits.len()))?;
    let swapped = |field: std::ops::Range<usize>| {
        guid[field]
            .as_bytes()
            .rchunks(2)
            .flatten()
            .map(|digit| char::from(*digit))
            .collect::<String>()
    };
    Some(format!("{}{}{}{}", swapped(0..8), swapped(8..12), swapped(12..16), &guid[16..]))
}
