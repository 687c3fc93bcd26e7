//! Counts what was left out while a file was read, by reason.

use std::collections::BTreeMap;

/// Why something in a file was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// A debug section that cannot be read at all.
    BadSection,
    /// A unit whose header or root cannot be read.
    BadUnit,
    /// A unit whose functions are in a `.dwo` file or `.dwp` package that was not found: symbols
    /// answer for them.
    SplitUnit,
    /// The file of names that it shares with others (dwz) was not found: some functions have no
    /// name.
    SharedNames,
    /// A function of an image whose debug data is in an object file that was not found, or no
    /// longer has it: symbols answer for it.
    MissingObject,
    /// A unit whose entries end in an error; what stood before it is kept.
    BadEntries,
    /// A line program that ends in an error; what stood before it is kept.
    BadLines,
    /// A range list that cannot be read.
    BadRanges,
    /// A relocation of a debug section that is not known or leads nowhere.
    BadRelocation,
    /// A range of a relocatable object whose offset means another section.
    HiddenSection,
    /// A function that the linker discarded: its address is a tombstone.
    Tombstone,
    /// A function, or a part of it, outside all executable sections.
    NotExecutable,
    /// An inlined call deeper than [`crate::limits::MAX_INLINE_DEPTH`].
    TooDeep,
    /// Debug data that asks for more work than [`crate::limits::STEPS_PER_BYTE`] allows, all of it.
    TooMuchWork,
    /// Unwind data that cannot be read.
    BadUnwindEntry,
    /// A rule for walking stacks that symtool cannot tell.
    UnsupportedUnwindRule,
    /// Unwind data of a function that the linker discarded.
    UnwindTombstone,
    /// Unwind data for addresses that other unwind data has described.
    UnwindOverlap,
    /// Unwind data that asks for more work than its size allows, from there on.
    TooMuchUnwindWork,
    /// A record of a Breakpad symbol file that cannot be read, or refers to what is not there.
    BadRecord,
    /// A line of a Breakpad symbol file with more than [`crate::limits::MAX_RECORD_BYTES`].
    LongRecord,
    /// A record of a Breakpad symbol file of a kind that is not known.
    UnknownRecord,
    /// A name or path for which there is no room: see [`crate::limits::MIN_STRING_BYTES`].
    LongName,
}

impl DropReason {
    /// Whether the file is at fault.
    pub fn is_damage(self) -> bool {
        matches!(
            self,
            Self::BadSection
                | Self::BadUnit
                | Self::BadEntries
                | Self::BadLines
                | Self::BadRanges
                | Self::BadRelocation
                | Self::BadUnwindEntry
                | Self::BadRecord
                | Self::LongRecord
        )
    }

    /// All of them.
    const ALL: [Self; 23] = [
        Self::BadSection,
        Self::BadUnit,
        Self::SplitUnit,
        Self::SharedNames,
        Self::MissingObject,
        Self::BadEntries,
        Self::BadLines,
        Self::BadRanges,
        Self::BadRelocation,
        Self::HiddenSection,
        Self::Tombstone,
        Self::NotExecutable,
        Self::TooDeep,
        Self::TooMuchWork,
        Self::BadUnwindEntry,
        Self::UnsupportedUnwindRule,
        Self::UnwindTombstone,
        Self::UnwindOverlap,
        Self::TooMuchUnwindWork,
        Self::BadRecord,
        Self::LongRecord,
        Self::UnknownRecord,
        Self::LongName,
    ];

    /// The reason that [`DropReason::name`] calls `name`, if this version knows it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadSection => "bad_section",
            Self::BadUnit => "bad_unit",
            Self::SplitUnit => "split_unit",
            Self::SharedNames => "shared_names",
            Self::MissingObject => "missing_object",
            Self::BadEntries => "bad_entries",
            Self::BadLines => "bad_lines",
            Self::BadRanges => "bad_ranges",
            Self::BadRelocation => "bad_relocation",
            Self::HiddenSection => "hidden_section",
            Self::Tombstone => "tombstone",
            Self::NotExecutable => "not_executable",
            Self::TooDeep => "too_deep",
            Self::TooMuchWork => "too_much_work",
            Self::BadUnwindEntry => "bad_unwind_entry",
            Self::UnsupportedUnwindRule => "unsupported_unwind_rule",
            Self::UnwindTombstone => "unwind_tombstone",
            Self::UnwindOverlap => "unwind_overlap",
            Self::TooMuchUnwindWork => "too_much_unwind_work",
            Self::BadRecord => "bad_record",
            Self::LongRecord => "long_record",
            Self::UnknownRecord => "unknown_record",
            Self::LongName => "long_name",
        }
    }
}

/// How often something was left out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropCounts(BTreeMap<DropReason, u64>);

impl DropCounts {
    /// Counts one.
    pub fn count(&mut self, reason: DropReason) {
        self.count_many(reason, 1);
    }

    /// Counts `count` at once.
    pub fn count_many(&mut self, reason: DropReason, count: u64) {
        if count > 0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// Whether anything was left out for `reason`.
    pub fn has(&self, reason: DropReason) -> bool {
        self.0.contains_key(&reason)
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&reason, count) in &other.0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// The counts of what is damaged.
    #[must_use]
    pub fn damage(&self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(reason, _)| reason.is_damage())
                .map(|(&reason, &count)| (reason, count))
                .collect(),
        )
    }

    /// All counts that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        self.0.iter().map(|(&reason, &count)| (reason, count))
    }
}
