//! The files that a module is made from, as its record remembers them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use symtool_debug::{CodeMark, DropReason, ModuleInfo, ModuleSymbols};
use symtool_module::{Detail, Named};

/// One file of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// File name without its folder.
    pub name: String,
    /// How much it could tell.
    #[cfg_attr(feature = "schema", schemars(with = "Detail"))]
    pub detail: Named<Detail>,
    /// Size of the file.
    pub bytes: u64,
    /// [`ModuleInfo::fingerprint`] in hexadecimal.
    pub fingerprint: String,
    /// Lowest virtual address of the image.
    pub image_base: u64,
    /// How many addresses are answered from it, but for what reaches to the end of the address
    /// space.
    pub addresses: u64,
    /// How many addresses' unwind rows are from it; absent if it was imported before symtool read
    /// them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwind_addresses: Option<u64>,
    /// What was left out of it, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What the user should know about it.
    pub warnings: Vec<String>,
    /// Some of what it can tell has been lost, as it stood behind another file that has been taken
    /// out since. Importing it again brings that back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// [`CodeMark::bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_bytes: Option<u64>,
    /// [`CodeMark::contents`] in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_contents: Option<String>,
}

impl Source {
    /// A file of `bytes` of which `symbols` is all that it tells; `answered` addresses have a range.
    pub fn of(symbols: &ModuleSymbols, answered: u64, bytes: u64) -> Self {
        let info = &symbols.info;
        Self {
            name: info.name.clone(),
            detail: info.detail.into(),
            bytes,
            fingerprint: fingerprint(info),
            image_base: info.image_base,
            addresses: answered,
            unwind_addresses: Some(
                symbols.unwind.rows.iter().map(|row| addresses(row.start, row.end)).sum(),
            ),
            dropped: symbols
                .dropped
                .iter()
                .map(|(reason, count)| (reason.name().to_owned(), count))
                .collect(),
            warnings: symbols.warnings.clone(),
            incomplete: false,
            code_bytes: info.code.bytes,
            code_contents: info.code.contents.map(hex),
        }
    }

    /// What is remembered of a mapping.
    pub fn of_mapping(
        info: &ModuleInfo,
        bytes: u64,
        dropped: BTreeMap<String, u64>,
        warnings: Vec<String>,
    ) -> Self {
        Self {
            name: info.name.clone(),
            detail: info.detail.into(),
            bytes,
            fingerprint: fingerprint(info),
            image_base: 0,
            addresses: 0,
            unwind_addresses: Some(0),
            dropped,
            warnings,
            incomplete: false,
            code_bytes: None,
            code_contents: None,
        }
    }

    /// Another file answers in its place wherever it could.
    pub(crate) fn silence(&mut self) {
        self.addresses = 0;
        self.unwind_addresses = self.unwind_addresses.map(|_| 0);
    }

    /// Whether something is known from it.
    pub(crate) fn tells_something(&self) -> bool {
        self.addresses > 0 || self.unwind_addresses.is_some_and(|addresses| addresses > 0)
    }

    /// What its code is.
    pub fn code(&self) -> CodeMark {
        let contents =
            self.code_contents.as_ref().and_then(|hex| u64::from_str_radix(hex, 16).ok());
        CodeMark { bytes: self.code_bytes, contents }
    }

    /// Whether this is the file of `info` and `bytes`, or one that differs inside of its sections
    /// only.
    pub fn is_file(&self, info: &ModuleInfo, bytes: u64) -> bool {
        self.is_same(&fingerprint(info), &info.detail.into(), bytes)
    }

    /// Whether this is the file of `info` and `bytes`, read with the object files of its debug map.
    pub fn is_debug_map_of(&self, info: &ModuleInfo, bytes: u64) -> bool {
        self.is_same(&fingerprint(info), &Detail::DebugMap.into(), bytes)
    }

    /// Whether both are one file, or differ inside of their sections only.
    pub fn is_same_file(&self, other: &Self) -> bool {
        self.is_same(&other.fingerprint, &other.detail, other.bytes)
    }

    fn is_same(&self, fingerprint: &str, detail: &Named<Detail>, bytes: u64) -> bool {
        self.bytes == bytes && self.detail == *detail && self.fingerprint == fingerprint
    }

    /// Whether reading the file again can bring nothing: what is known of it is intact and whole.
    pub fn is_settled(&self) -> bool {
        !self.incomplete && self.lacks() == 0
    }

    /// How much of it reading it again may bring: what was damaged, and what is in files that were
    /// not there.
    pub fn lacks(&self) -> u64 {
        self.damage()
            + self.dropped_for(|reason| {
                matches!(reason, DropReason::SplitUnit | DropReason::SharedNames)
            })
    }

    /// How much of it was left out because it is damaged.
    pub fn damage(&self) -> u64 {
        self.dropped_for(DropReason::is_damage)
    }

    /// How much of it was left out for reasons that `counts`.
    fn dropped_for(&self, counts: impl Fn(DropReason) -> bool) -> u64 {
        self.dropped
            .iter()
            .filter(|(reason, _)| DropReason::named(reason).is_some_and(&counts))
            .map(|(_, count)| count)
            .sum()
    }

    /// Sorts the files of a module, first the one whose answers win: more detail, then no damage,
    /// then the larger file. Fingerprint and name only make the order a fixed one.
    pub fn rank(&self) -> impl Ord + use<'_> {
        (
            Reverse(self.detail.known()),
            self.damage(),
            Reverse(self.bytes),
            &self.fingerprint,
            &self.name,
        )
    }

    /// Whether nothing of it is used beside `other`: it is damaged, and `other` is not and tells as
    /// much.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        self.damage() > 0 && other.damage() == 0 && other.detail.known() >= self.detail.known()
    }
}

/// How many addresses `start..end` counts for: the last symbol, if it has no size, reaches on and
/// on and counts none.
pub(crate) fn addresses(start: u64, end: u64) -> u64 {
    if end == u64::MAX { 0 } else { end - start }
}

/// [`ModuleInfo::fingerprint`] as it is stored.
pub(super) fn fingerprint(info: &ModuleInfo) -> String {
    hex(info.fingerprint)
}

fn hex(number: u64) -> String {
    format!("{number:016x}")
}
