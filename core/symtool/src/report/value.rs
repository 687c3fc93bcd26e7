//! The value of a report: what `symtool report --json` prints and its page shows.
//!
//! Times are ISO texts in UTC. An absent value is an absent key.

use serde::Serialize;
use symtool_crashes::GroupId;

use crate::sources::SourceLines;

/// What crashes came, in which groups, and what a run did to these.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overview {
    /// Only crashes that came since; absent if all are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// How many crashes.
    pub crashes: u64,
    /// How many groups these are in.
    pub groups_total: u64,
    /// How many modules without symbols they wait for.
    pub missing_total: u64,
    /// The run that the report is about; absent if there was none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSummary>,
    /// The days that [`GroupDetails::days`] counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<DayRange>,
    /// Groups with most crashes first.
    pub groups: Vec<GroupDetails>,
    /// Modules without symbols, those that most groups wait for first.
    pub missing: Vec<MissingModule>,
}

/// A report on one crash.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CrashReport {
    /// The crash.
    pub crash: CrashDetails,
    /// The title of its group.
    pub title: String,
    /// How many crashes its group has.
    pub group_crashes: u64,
    /// Modules without symbols that it has frames in.
    pub missing: Vec<MissingModule>,
}

/// Some days, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DayRange {
    /// The first of them.
    pub first: String,
    /// The last of them.
    pub last: String,
}

/// A run and what it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunSummary {
    /// Its number.
    pub run: u64,
    /// What it was.
    pub kind: RunName,
    /// When.
    pub at: String,
    /// The run that it undid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undid: Option<u64>,
    /// The run that undid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<u64>,
    /// Whether it is the last one that can be undone.
    pub can_undo: bool,
    /// All crashes that were stored then.
    pub stored: u64,
    /// Crashes of which more frames are resolved.
    pub improved: u64,
    /// Crashes with another fingerprint.
    pub moved: u64,
    /// Groups that lost or gained crashes, before it.
    pub groups_before: u64,
    /// The same after it.
    pub groups_after: u64,
    /// How many modules had changed.
    pub modules: u64,
    /// Whether rules, or symtool itself, had changed.
    pub rules_changed: bool,
    /// The group that gained most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_gain: Option<LargestGain>,
    /// Where groups came from, those with most crashes first.
    pub flows: Vec<Flow>,
    /// How many groups more there are like those.
    pub more_flows: u64,
}

/// What a run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunName {
    /// `reprocess`.
    Reprocess,
    /// `groups merge`.
    Merge,
    /// `groups undo`.
    Undo,
}

/// The group that gained most in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LargestGain {
    /// The group.
    pub group: GroupId,
    /// Crashes that it did not have before.
    pub crashes: u64,
    /// Of all crashes, in percent.
    pub percent: u64,
}

/// A group after a run, and the groups before it that its crashes were in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flow {
    /// The group.
    pub group: GroupId,
    /// Its title after the run.
    pub title: String,
    /// Where its crashes were.
    pub from: Vec<Origin>,
    /// How many origins more there are.
    pub more: u64,
}

/// A group before a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Origin {
    /// The group.
    pub group: GroupId,
    /// How many of its crashes got another fingerprint; absent if none did, as in a merge by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crashes: Option<u64>,
}

/// What happened to a group, or is the matter with it, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// It first came in the latest release of its application.
    New,
    /// It was resolved and came again in a later release.
    Regressed,
    /// The run merged others into it.
    Merged,
    /// Crashes left it in the run, or came to it from another group that did not go.
    Split,
    /// It has another title since the run.
    Renamed,
    /// Symbols are missing.
    SymbolsMissing,
    /// Nothing tells its cause.
    Unassigned,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupDetails {
    /// Its place among all groups by their crashes, from 1.
    pub rank: u64,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `resolved`, `provisional` or `unassigned`.
    #[cfg_attr(feature = "schema", schemars(with = "symtool_crashes::FingerprintKind"))]
    pub kind: &'static str,
    /// What is the matter with it.
    pub tags: Vec<Tag>,
    /// How many crashes.
    pub crashes: u64,
    /// Of all crashes, in percent, to a tenth.
    pub percent: f64,
    /// Crashes on each of the days of [`Overview::days`].
    pub days: Vec<u64>,
    /// When the first crash came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// When the last crash came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// Crashes by release.
    pub releases: Facet,
    /// Crashes by operating system.
    pub systems: Facet,
    /// Crashes by model of the device.
    pub devices: Facet,
    /// Crashes by architecture.
    pub archs: Facet,
    /// Crashes by module that they have frames in.
    pub modules: Facet,
    /// Groups that were merged into it.
    pub aliases: Vec<GroupId>,
    /// How many aliases more it has.
    pub more_aliases: u64,
    /// What happened to it, the latest first.
    pub history: Vec<GroupChange>,
    /// A crash that shows what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<CrashDetails>,
}

/// Crashes by the values of something, those with most crashes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Facet {
    /// Values with most crashes.
    pub values: Vec<FacetValue>,
    /// How many values more there are.
    pub more: u64,
}

/// A value that crashes have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// How many crashes.
    pub crashes: u64,
}

/// What a run did to a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupChange {
    /// The run.
    pub run: u64,
    /// When.
    pub at: String,
    /// What.
    pub change: ChangeName,
    /// The other groups: those that were merged into it or that it was merged into, where crashes
    /// went or came from.
    pub groups: Vec<GroupId>,
    /// How many groups more.
    pub more: u64,
    /// The title before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What happens to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeName {
    /// Others were merged into it.
    Merged,
    /// Crashes left it.
    Split,
    /// Crashes came from a group that did not go.
    SplitFrom,
    /// It got another title.
    Renamed,
}

/// A crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CrashDetails {
    /// Its id.
    pub id: String,
    /// The report's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Its group.
    pub group: String,
    /// What the report is.
    pub format: &'static str,
    /// Where the report came from.
    pub source: String,
    /// When it happened, as the report says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// When the report arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived: Option<String>,
    /// Sentry's name of the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The release of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The model of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// What was thrown, or what kind of crash it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// The signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// What was said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The thread that crashed: its number, else its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crashed_thread: Option<String>,
    /// Functions of its stack, the crashing side first.
    pub frames: Vec<FrameDetails>,
    /// How many functions more the stack has.
    pub more_frames: u64,
}

/// A function on a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameDetails {
    /// The frame of the report that it is in, from 0.
    pub frame: usize,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Where it lies, if it has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The image or package that it lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Where the line can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Source around the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<SourceLines>,
    /// Whether it was inlined into the next one.
    pub inlined: bool,
    /// Who named it: `store`, `report` or `none`.
    pub source: &'static str,
    /// How the stack was walked to it, as minidumps call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<&'static str>,
    /// Whether it is the application's own.
    pub in_app: bool,
    /// Whether it is part of the fingerprint.
    pub part: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// A module without symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MissingModule {
    /// File name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id to look for.
    pub id: String,
    /// Architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Path on the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Crashes with frames in it.
    pub crashes: u64,
    /// Crashes that are grouped by an address in it.
    pub waiting: u64,
    /// How many groups these are in.
    pub groups: u64,
}
