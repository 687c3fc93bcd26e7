//! What a run did, for people and scripts: the object that `reprocess --json` writes.

use serde::{Deserialize, Serialize};
use symtool_module::{BuildId, Name, Named};

use crate::ids::GroupId;

/// What a run did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The run's number; absent if it was not carried out, or changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// How many crashes there are, and what came of them.
    pub crashes: CrashCounts,
    /// Whether rules, or the program's own part, had changed since crashes were grouped.
    pub rules_changed: bool,
    /// Groups that others were merged into.
    pub merged: Vec<Merge>,
    /// Groups from which crashes parted.
    pub split: Vec<Split>,
    /// Groups whose title changed.
    pub renamed: Vec<Rename>,
    /// The modules that had changed.
    pub modules: Vec<Cause>,
    /// The group that gained most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_gain: Option<Gain>,
}

/// How many crashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CrashCounts {
    /// That are stored.
    pub stored: u64,
    /// That may have changed, and were looked at.
    pub selected: u64,
    /// Whose symbols or rules had changed, and were assessed anew.
    pub assessed: u64,
    /// Of which more frames are resolved now.
    pub improved: u64,
    /// That have another signature now.
    pub moved: u64,
    /// Of which fewer frames would be resolved now, so that they keep what they had.
    pub kept: u64,
    /// Minidumps that were walked again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub walked: u64,
    /// Minidumps that were not walked again, as their bytes are no longer kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_walked: u64,
    /// Groups that lose or gain crashes: how many there were of them.
    pub groups_before: u64,
    /// How many there are of them, and of those that came about.
    pub groups_after: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Groups that became one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Merge {
    /// The group that is left.
    pub group: GroupId,
    /// Its title afterwards.
    pub title: String,
    /// Its aliases from now on, by id.
    pub aliases: Vec<GroupId>,
    /// Crashes of these.
    pub crashes: u64,
}

/// A group from which crashes parted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Split {
    /// The group; an alias, if it was merged into another besides.
    pub group: GroupId,
    /// Its title before.
    pub title: String,
    /// Where its crashes are afterwards, the most first.
    pub into: Vec<Part>,
}

/// Crashes that parted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Part {
    /// Their group afterwards.
    pub group: GroupId,
    /// Its title.
    pub title: String,
    /// How many.
    pub crashes: u64,
}

/// A group that has another title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rename {
    /// The group.
    pub group: GroupId,
    /// Its title before.
    pub from: String,
    /// Its title afterwards.
    pub to: String,
}

/// A module that had changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cause {
    /// File name; absent for one that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id; of one that was removed, its first 16 bytes.
    pub id: BuildId,
    /// What happened.
    #[cfg_attr(feature = "schema", schemars(with = "ModuleChange"))]
    pub change: Named<ModuleChange>,
    /// Crashes with frames in it that have another signature now.
    pub moved: u64,
    /// Groups that were merged or renamed because of such crashes.
    pub groups: Vec<GroupId>,
}

/// What happened to a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "lowercase"))]
pub enum ModuleChange {
    /// It was imported.
    Imported,
    /// It was imported again, or completed by another file.
    Replaced,
    /// It was removed.
    Removed,
}

impl Name for ModuleChange {
    fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Imported, Self::Replaced, Self::Removed]
            .into_iter()
            .find(|change| change.name() == name)
    }
}

/// A group that gained crashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gain {
    /// The group.
    pub group: GroupId,
    /// Crashes that it did not have before.
    pub crashes: u64,
    /// These, in percent of all crashes, rounded down.
    pub percent: u64,
}
