//! Counts unwind data that was left out, by reason.

use std::collections::BTreeMap;

/// Why unwind data was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnwindDropReason {
    /// An entry that cannot be read. Entries after it are read where the format tells where they
    /// begin.
    BadEntry,
    /// A rule that cannot be told as a [`crate::Rule`].
    NotSupported,
    /// An entry for no address of the image: the linker discarded its function.
    Tombstone,
    /// Addresses that an earlier entry has described.
    Overlap,
    /// Data that asks for more work or memory than its size allows, from there on.
    TooMuchWork,
}

impl UnwindDropReason {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::BadEntry, Self::NotSupported, Self::Tombstone, Self::Overlap, Self::TooMuchWork];

    /// The name that `--json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadEntry => "bad_unwind_entry",
            Self::NotSupported => "unsupported_unwind_rule",
            Self::Tombstone => "unwind_tombstone",
            Self::Overlap => "overlapping_unwind_rows",
            Self::TooMuchWork => "too_much_unwind_work",
        }
    }
}

/// How often something was left out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnwindDrops(BTreeMap<UnwindDropReason, u64>);

impl UnwindDrops {
    /// Counts one.
    pub fn count(&mut self, reason: UnwindDropReason) {
        *self.0.entry(reason).or_default() += 1;
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&reason, count) in &other.0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// How often something was left out for `reason`.
    pub fn of(&self, reason: UnwindDropReason) -> u64 {
        self.0.get(&reason).copied().unwrap_or_default()
    }

    /// All counts that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = (UnwindDropReason, u64)> + '_ {
        self.0.iter().map(|(&reason, &count)| (reason, count))
    }
}
