//! Modules of which only the beginning of the build-id is known: Breakpad symbol files of ELF files
//! that lack `INFO CODE_ID`. Decides which module with a whole build-id such a file is of.

use symtool_debug::ModuleInfo;
use symtool_module::{BuildId, Detail, ModuleKind};

use super::{ModuleKey, ModuleRecord};

/// Bytes of a build-id that a debug id of Breakpad holds.
const PARTIAL_BYTES: usize = 16;
/// What names of files that hold a module's symbols end with, and the module's own name does not.
const SYMBOL_FILE_ENDINGS: [&str; 3] = [".debug", ".dbg", ".sym"];

/// What is known of a build by the beginning of its build-id.
#[derive(Debug)]
pub struct PartialModule<'a> {
    /// The beginning of the build-id.
    pub id: BuildId,
    names: Vec<&'a str>,
    /// Fingerprints of its symbol files.
    files: Vec<String>,
}

/// The module that a [`PartialModule`] belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole<T> {
    /// None that is known.
    Unknown,
    /// This one.
    One(T),
    /// These have ids that begin so, but names do not tell which of them it is, or that it is one.
    Unclear(Vec<T>),
}

impl<'a> PartialModule<'a> {
    /// What is known of the file that `info` describes, if that is only the beginning of its
    /// build-id.
    pub fn of_file(info: &'a ModuleInfo) -> Option<Self> {
        let is_partial = info.kind == ModuleKind::Elf
            && info.detail == Detail::Breakpad
            && !info.id.made_up
            && info.id.bytes.len() == PARTIAL_BYTES;
        is_partial.then(|| Self {
            id: BuildId::from(&info.id),
            names: vec![info.name.as_str()],
            files: vec![super::source::fingerprint(info)],
        })
    }

    /// The same of the module of `record`, which is made from such files alone.
    pub fn of(record: &'a ModuleRecord) -> Option<Self> {
        let is_partial = record.kind == ModuleKind::Elf
            && !record.id_made_up
            && record.id.as_str().len() == 2 * PARTIAL_BYTES
            && record.sources.iter().all(|source| source.detail == Detail::Breakpad);
        is_partial.then(|| Self {
            id: record.id.clone(),
            names: record.names().collect(),
            files: record.sources.iter().map(|source| source.fingerprint.clone()).collect(),
        })
    }

    /// Whether the whole id of `record`, an ELF module, begins with this one.
    pub fn is_beginning_of(&self, record: &ModuleRecord) -> bool {
        let id = record.id.as_str();
        record.kind == ModuleKind::Elf
            && !record.id_made_up
            && id.len() > self.id.as_str().len()
            && id.starts_with(self.id.as_str())
    }

    /// Which of `modules` it belongs to: the one that already has one of its files, else the only
    /// one that has one of its names. [`PartialModule::is_beginning_of`] holds for each of them.
    pub fn whole<T>(&self, mut modules: Vec<T>, record: impl Fn(&T) -> &ModuleRecord) -> Whole<T> {
        let has_file = |module: &T| {
            let mut sources = record(module).sources.iter();
            sources.any(|source| {
                source.detail == Detail::Breakpad && self.files.contains(&source.fingerprint)
            })
        };
        if let Some(at) = modules.iter().position(has_file) {
            return Whole::One(modules.swap_remove(at));
        }
        let mut named =
            modules.iter().enumerate().filter(|(_, module)| self.agrees(record(module)));
        match (named.next(), named.next()) {
            (Some((at, _)), None) => Whole::One(modules.swap_remove(at)),
            _ if modules.is_empty() => Whole::Unknown,
            _ => Whole::Unclear(modules),
        }
    }

    /// Whether one of the names of `record` is one of these.
    fn agrees(&self, record: &ModuleRecord) -> bool {
        let mut names = record.names().map(own_name);
        names.any(|name| {
            is_of_id(name, &record.id) || self.names.iter().any(|own| own_name(own) == name)
        })
    }
}

/// The name of the module in that of one of its files.
fn own_name(file: &str) -> &str {
    let ending = SYMBOL_FILE_ENDINGS.iter().find_map(|ending| file.strip_suffix(ending));
    ending.map_or(file, own_name)
}

/// Whether a debug file is called `name` only because it has this `id`
/// (`.build-id/ab/cdef….debug`): that may be any module's.
fn is_of_id(name: &str, id: &BuildId) -> bool {
    let id = id.as_str();
    name == id || id.get(2..) == Some(name)
}

/// The key under which symbol files are kept that know only the beginning of the build-id of
/// `record`; `None` if it has none that goes on behind it.
pub fn partial_key(record: &ModuleRecord) -> Option<ModuleKey> {
    let is_whole = record.kind == ModuleKind::Elf && !record.id_made_up;
    let id = hex::decode(record.id.as_str()).ok().filter(|_| is_whole)?;
    let beginning = id.get(..PARTIAL_BYTES).filter(|beginning| beginning.len() < id.len())?;
    Some(ModuleKey::of_elf(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_of_one_module() {
        for (file, want) in [
            ("libx.so.2", "libx.so.2"),
            ("libx.so.2.debug", "libx.so.2"),
            ("libx.so.sym", "libx.so"),
            ("libx.so.dbg.sym", "libx.so"),
            (".debug", ""),
        ] {
            assert_eq!(own_name(file), want);
        }
        let id = BuildId::from("7872b17fb1a0719b8cfefc50ded20d09a63a5d0d");
        assert!(is_of_id("72b17fb1a0719b8cfefc50ded20d09a63a5d0d", &id));
        assert!(is_of_id(id.as_str(), &id));
        assert!(!is_of_id("libx.so", &id));
    }
}
