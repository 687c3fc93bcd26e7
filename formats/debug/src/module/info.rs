//! Describes a file before any debug data is read: its name, id, architecture and code.

use symtool_module::{Arch, Detail, ModuleId, ModuleKind};

/// What tells that two files of one id have different code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeMark {
    /// How long it is (`.text`); absent if there is none.
    pub bytes: Option<u64>,
    /// A hash of it; absent if it was split off.
    pub contents: Option<u64>,
}

impl CodeMark {
    /// Whether no file with this code is of one build with a file that has `other`.
    pub fn contradicts(self, other: Self) -> bool {
        let differ = |a: Option<u64>, b: Option<u64>| a.zip(b).is_some_and(|(a, b)| a != b);
        differ(self.bytes, other.bytes) || differ(self.contents, other.contents)
    }
}

/// What a file says about itself, before any debug data is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleInfo {
    /// The last component of the file's path.
    pub name: String,
    /// The build-id, or a made-up id.
    pub id: ModuleId,
    /// Ids that earlier versions made up for the file.
    pub other_ids: Vec<ModuleId>,
    /// What its code is.
    pub code: CodeMark,
    /// The container format.
    pub kind: ModuleKind,
    /// The architecture as LLVM names it, such as `x86_64`.
    pub arch: Arch,
    /// How much the file can tell.
    pub detail: Detail,
    /// The virtual address at which the image's first loaded page lies in the file's own address
    /// space.
    pub image_base: u64,
    /// A hash of the file's size and section table: tells one file of a build from another without
    /// reading them. Damage inside of a section does not change it.
    pub fingerprint: u64,
}
