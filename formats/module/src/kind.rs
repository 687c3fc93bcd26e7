//! What kind of file a module came from, and how much it tells.

use crate::Name;

/// What kind of file a module came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "lowercase"))]
pub enum ModuleKind {
    /// An ELF image, relocatable object or separate debug file.
    Elf,
    /// One architecture of a Mach-O image, relocatable object or dSYM.
    MachO,
    /// An image of Windows, or its PDB.
    Pe,
    /// A mapping of `ProGuard` or R8: names of Java and Kotlin, no addresses.
    Proguard,
}

impl ModuleKind {
    /// The name that `--json` prints, and that keys are hashed with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elf => "elf",
            Self::MachO => "macho",
            Self::Pe => "pe",
            Self::Proguard => "proguard",
        }
    }

    /// The kind that [`ModuleKind::name`] calls `name`, if this version knows it.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Elf, Self::MachO, Self::Pe, Self::Proguard]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

impl Name for ModuleKind {
    fn name(self) -> &'static str {
        Self::name(self)
    }

    fn named(name: &str) -> Option<Self> {
        Self::named(name)
    }
}

/// How much a file can tell of its addresses, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Detail {
    /// The names of exported functions (`.dynsym`).
    Exports,
    /// The names of functions (`.symtab`).
    Symbols,
    /// Names, inlined calls and lines of Go's functions (`.gopclntab`).
    Gopclntab,
    /// Names, inlined calls and lines without columns (a Breakpad symbol file).
    Breakpad,
    /// Names, inlined calls and lines, as far as the object files are found that a Mach-O image was
    /// linked from.
    DebugMap,
    /// Names, inlined calls and lines (`.debug_info`).
    Debug,
    /// The names of the source for those of the program (a mapping).
    Mapping,
}

impl Detail {
    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exports => "exports",
            Self::Symbols => "symbols",
            Self::Gopclntab => "gopclntab",
            Self::Breakpad => "breakpad",
            Self::DebugMap => "debug_map",
            Self::Debug => "debug",
            Self::Mapping => "mapping",
        }
    }

    /// The detail that [`Detail::name`] calls `name`, if this version knows it.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Exports,
            Self::Symbols,
            Self::Gopclntab,
            Self::Breakpad,
            Self::DebugMap,
            Self::Debug,
            Self::Mapping,
        ];
        all.into_iter().find(|detail| detail.name() == name)
    }
}

impl Name for Detail {
    fn name(self) -> &'static str {
        Self::name(self)
    }

    fn named(name: &str) -> Option<Self> {
        Self::named(name)
    }
}
