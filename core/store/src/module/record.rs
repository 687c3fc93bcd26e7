//! What the store knows of each module: the block of JSON that makes a module exist.
//!
//! JSON, because it is small, read rarely, and has to outlive many versions.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use symtool_debug::{self as formats, ModuleInfo, ModuleSymbols};
use symtool_mapping::Header;
use symtool_module::{Arch, BuildId, Detail, ModuleId, ModuleKind, Named};

use super::Source;

/// Version of all blocks of a module. 1: the first. 3: blocks begin with 21 bytes. 4: each says
/// where the one before it ends.
pub const FORMAT: u32 = 4;

/// What a module is and holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModuleRecord {
    /// Version of the format of all its blocks.
    pub format: u32,
    /// File name without its folder.
    pub name: String,
    /// Names that files of this id had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<String>,
    /// The id in hexadecimal.
    pub id: BuildId,
    /// Whether the id is a hash of the contents, for want of one in the file.
    pub id_made_up: bool,
    /// What kind of file it came from.
    #[cfg_attr(feature = "schema", schemars(with = "ModuleKind"))]
    pub kind: Named<ModuleKind>,
    /// As LLVM names it.
    pub arch: Arch,
    /// Lowest virtual address of the image.
    pub image_base: u64,
    /// How much the richest file could tell.
    #[cfg_attr(feature = "schema", schemars(with = "Detail"))]
    pub detail: Named<Detail>,
    /// Distinct function names.
    pub functions: u32,
    /// Distinct source paths.
    pub files: u32,
    /// Disjoint address ranges.
    pub ranges: u64,
    /// Functions that were folded into others.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub aliases: u64,
    /// Unwind rows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unwind_rows: u64,
    /// Rules that the unwind rows name.
    #[serde(default, skip_serializing_if = "is_zero32")]
    pub unwind_rules: u32,
    /// Size of the richest file.
    pub bytes_in: u64,
    /// Size of all blocks but this one.
    pub bytes_stored: u64,
    /// Seconds since 1970.
    pub imported: u64,
    /// The same in milliseconds, or later if need be: no two modules of a store have the same, and
    /// what was stored later has more.
    pub imported_ms: u64,
    /// What was left out of the files that the module is made from, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What the user should know about the richest files.
    pub warnings: Vec<String>,
    /// The files that it is made from, the richest first.
    pub sources: Vec<Source>,
    /// Classes of a mapping, whose [`ModuleRecord::ranges`] are lines of methods.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub classes: u64,
    /// Other ids, in hexadecimal: of a mapping R8's, and that of its contents, which is Sentry's;
    /// of a file without id those that earlier versions made up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_ids: Vec<BuildId>,
    /// What people call the build that it belongs to, such as `com.example.shop@1.4.0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What a mapping says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<MappingHead>,
}

/// The comments at the head of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MappingHead {
    /// `R8`; absent for `ProGuard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// The compiler's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler_version: Option<String>,
    /// The API level of Android.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_api: Option<String>,
    /// The id that R8 writes into programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pg_map_id: Option<String>,
    /// `SHA-256`, and the hash of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pg_map_hash: Option<String>,
}

impl From<Header> for MappingHead {
    fn from(header: Header) -> Self {
        let Header { compiler, compiler_version, min_api, pg_map_id, pg_map_hash, .. } = header;
        Self { compiler, compiler_version, min_api, pg_map_id, pg_map_hash }
    }
}

/// How many functions and ranges a module has, and how many addresses they cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeCounts {
    /// Functions.
    pub functions: usize,
    /// Ranges.
    pub ranges: u64,
    /// Addresses.
    pub addresses: u64,
}

impl ModuleRecord {
    /// The record of `symbols`, of whose ranges there are `counts`, read from `bytes_in` bytes and
    /// packed into `bytes_stored`, as of now.
    pub fn of(
        symbols: &ModuleSymbols,
        counts: RangeCounts,
        bytes_in: u64,
        bytes_stored: u64,
    ) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            functions: count(counts.functions),
            files: count(symbols.files.len()),
            ranges: counts.ranges,
            aliases: symbols.aliases.len() as u64,
            unwind_rows: symbols.unwind.rows.len() as u64,
            unwind_rules: count(symbols.unwind.rules.len()),
            other_ids: symbols.info.other_ids.iter().map(BuildId::from).collect(),
            ..Self::empty(
                &symbols.info,
                Source::of(symbols, counts.addresses, bytes_in),
                bytes_stored,
            )
        }
    }

    /// What is known of a packed mapping: ids besides its own; how many classes and lines of
    /// methods it has; its size, and in the store; what was left out, and why.
    pub fn of_mapping(
        info: &ModuleInfo,
        others: &[Vec<u8>],
        (classes, lines): (u64, u64),
        (bytes_in, bytes_stored): (u64, u64),
        (dropped, warnings): (BTreeMap<String, u64>, Vec<String>),
    ) -> Self {
        Self {
            ranges: lines,
            classes,
            other_ids: others
                .iter()
                .map(|id| BuildId::from(&ModuleId { bytes: id.clone(), made_up: false }))
                .collect(),
            ..Self::empty(info, Source::of_mapping(info, bytes_in, dropped, warnings), bytes_stored)
        }
    }

    /// That of a module which has nothing yet of what `source` has, as of now.
    fn empty(info: &ModuleInfo, source: Source, bytes_stored: u64) -> Self {
        Self {
            format: FORMAT,
            name: info.name.clone(),
            other_names: Vec::new(),
            id: BuildId::from(&info.id),
            id_made_up: info.id.made_up,
            kind: info.kind.into(),
            arch: info.arch.clone(),
            image_base: info.image_base,
            detail: info.detail.into(),
            functions: 0,
            files: 0,
            ranges: 0,
            aliases: 0,
            unwind_rows: 0,
            unwind_rules: 0,
            bytes_in: source.bytes,
            bytes_stored,
            imported: now_ms() / 1_000,
            imported_ms: 0,
            dropped: source.dropped.clone(),
            warnings: source.warnings.clone(),
            sources: vec![source],
            classes: 0,
            other_ids: Vec::new(),
            labels: Vec::new(),
            mapping: None,
        }
    }

    /// What knows the frames that are not known from symbols alone. A file with debug data, if
    /// there is one, is the first that answers.
    pub fn source(&self) -> formats::Source {
        match self.detail.known() {
            Some(Detail::Gopclntab) => formats::Source::Gopclntab,
            Some(Detail::Breakpad) => formats::Source::Breakpad,
            _ => formats::Source::Dwarf,
        }
    }

    /// Whether it is a mapping, which has classes and no addresses.
    pub fn is_mapping(&self) -> bool {
        self.kind == ModuleKind::Proguard
    }

    /// The ids that it goes by, its own first.
    pub fn ids(&self) -> impl Iterator<Item = &BuildId> {
        std::iter::once(&self.id).chain(&self.other_ids)
    }

    /// The id that Sentry knows it by: the debug id of its build; of a mapping the UUID that it was
    /// given, else that of its contents. `None` if its files have no id.
    pub fn debug_id(&self) -> Option<String> {
        const UUID_DIGITS: usize = 32;
        let kind = self.kind.known()?;
        let (id, made_up) = if kind == ModuleKind::Proguard {
            (self.ids().find(|id| id.as_str().len() == UUID_DIGITS)?, false)
        } else {
            (&self.id, self.id_made_up)
        };
        formats::debug_id(kind, &ModuleId { bytes: hex::decode(id.as_str()).ok()?, made_up })
    }

    /// Whether this is the record of the module that `info` describes, and not of another with the
    /// same key.
    pub fn is_of(&self, info: &ModuleInfo) -> bool {
        self.kind == info.kind
            && self.id == BuildId::from(&info.id)
            && (info.kind != ModuleKind::MachO || self.arch == info.arch)
    }

    /// Whether all that the file of `info` and `bytes` says of names and lines is in the module.
    pub fn knows(&self, info: &ModuleInfo, bytes: u64) -> bool {
        self.sources.iter().any(|source| source.is_settled() && source.is_file(info, bytes))
    }

    /// The same, and what it says of unwinding: reading it can bring nothing.
    pub fn knows_all(&self, info: &ModuleInfo, bytes: u64) -> bool {
        self.sources.iter().any(|source| {
            source.is_settled() && source.is_file(info, bytes) && source.unwind_addresses.is_some()
        })
    }

    /// A file of the module that is not of one build with that of `info`, though it has the same
    /// id: its code is another.
    pub fn contradicting(&self, info: &ModuleInfo) -> Option<&Source> {
        if info.id.made_up {
            None
        } else {
            self.sources.iter().find(|source| source.code().contradicts(info.code))
        }
    }

    /// Whether the module was made from all the files that `other` was made from.
    pub fn has_files_of(&self, other: &Self) -> bool {
        let has = |source: &Source| self.sources.iter().any(|own| own.is_same_file(source));
        other.sources.iter().all(has)
    }

    /// The same, and from more.
    pub(crate) fn tells_more_than(&self, other: &Self) -> bool {
        self.sources.len() > other.sources.len() && self.has_files_of(other)
    }

    /// Whether a file of this name was imported as this module.
    pub fn has_name(&self, name: &str) -> bool {
        self.names().any(|other| other == name)
    }

    /// The names of the files that were imported as this module, its own first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.other_names).map(String::as_str)
    }

    /// The name of what its builds are builds of, if it has a label: that without its version.
    pub fn label_name(&self) -> Option<&str> {
        let with_version = self.labels.iter().find_map(|label| Some(label.split_once('@')?.0));
        with_version.or_else(|| self.labels.first().map(String::as_str))
    }

    /// Stored at `ms`.
    pub(crate) fn stamp(&mut self, ms: u64) {
        self.imported_ms = ms;
        self.imported = ms / 1_000;
    }

    /// The first characters of the id, enough to name the module in a message.
    pub fn short_id(&self) -> &str {
        self.id.short()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero32(number: &u32) -> bool {
    *number == 0
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
