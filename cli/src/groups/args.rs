//! The arguments of `symtool groups`: the doc comments are its help, and the examples stand below
//! them.

use std::path::PathBuf;

use crate::args::date;

const GROUPS: &str = "Examples:
  symtool groups list --limit 20
  symtool groups show g00112233
  symtool groups history";

const GROUPS_LIST: &str = "Examples:
  symtool groups list --limit 20
  symtool groups list --kind provisional --sort last
  symtool groups list --release 2.4.1 --json
  symtool groups list --new --regressed
  symtool groups list --since 2026-11-01 --os Android --arch arm64";

const GROUPS_RESOLVE: &str = "Examples:
  symtool groups resolve g00112233 --in app@2.4.1
  symtool groups resolve g00112233 --clear

A resolved group that has crashes in a later release has regressed: symtool groups list --regressed. Versions are compared as Semantic Versioning does.";

const GROUPS_ASSIGN: &str = "Examples:
  symtool groups assign g00112233 mia
  symtool groups assign g00112233 --clear";

const GROUPS_NOTE: &str = "Examples:
  symtool groups note g00112233 intermittent";

const GROUPS_LINK: &str = "Examples:
  symtool groups link g00112233 https://tracker.example.com/APP-17
  symtool groups link g00112233 --clear";

const GROUPS_SHOW: &str = "Examples:
  symtool groups show g00112233";

const GROUPS_DIFF: &str = "Examples:
  symtool groups diff 3        since run 3
  symtool groups diff 3 5      after run 5 against after run 3";

const GROUPS_HISTORY: &str = "Examples:
  symtool groups history
  symtool groups history g00112233";

const GROUPS_UNDO: &str = "Examples:
  symtool groups undo
  symtool groups undo 4

Crashes that arrived since stay. What was undone is not done again until symbols or rules change once more.";

const GROUPS_MERGE: &str = "Examples:
  symtool groups merge g00112233 g44556677";

const GROUPS_STATE: &str = "Examples:
  symtool groups state > groups.state
  symtool groups state -o groups.state

The state is what symtool groups plan begins with.";

const GROUPS_PLAN: &str = "Examples:
  symtool groups plan --tallies tallies.ndjson -o monday.state
  symtool groups plan --state 1.state --tallies t.ndjson --flows f.ndjson -o 2.state

Each line counts crashes of one fingerprint, as the answers of symtool worker assess do. Tallies are of crashes that are new or keep their fingerprint, flows of those that had another one, which stands in `from`; together they are all crashes. Lines of one fingerprint are added up, in any order.";

const GROUPS_OF: &str = "Examples:
  symtool groups of c0011223344556677889
  symtool groups of --state groups.state s00112233445566778899aabbccddeeff
  symtool groups of --state groups.state - < assessed.ndjson

Lines of stdin are fingerprints, or objects that have one, such as the answers of symtool worker assess.";

#[derive(Debug, clap::Subcommand)]
#[command(after_help = GROUPS)]
pub enum Groups {
    /// Lists groups
    #[command(after_help = GROUPS_LIST)]
    List(GroupsList),
    /// Says in which release a group was resolved
    #[command(after_help = GROUPS_RESOLVE)]
    Resolve(GroupsResolve),
    /// Says who looks at a group
    #[command(after_help = GROUPS_ASSIGN)]
    Assign(GroupsAssign),
    /// Adds a note to a group
    #[command(after_help = GROUPS_NOTE)]
    Note(GroupsNote),
    /// Says where a group is tracked
    #[command(after_help = GROUPS_LINK)]
    Link(GroupsLink),
    /// Shows the fingerprints, releases, modules and crashes of groups
    #[command(after_help = GROUPS_SHOW)]
    Show(GroupsShow),
    /// Shows what changed between two runs
    #[command(after_help = GROUPS_DIFF)]
    Diff(GroupsDiff),
    /// Lists runs, or the changes of one group
    #[command(after_help = GROUPS_HISTORY)]
    History(GroupsHistory),
    /// Undoes the last `reprocess` or `merge` that was not undone yet
    #[command(after_help = GROUPS_UNDO)]
    Undo(GroupsUndo),
    /// Merges groups into the oldest one; the other ids become aliases of it
    #[command(after_help = GROUPS_MERGE)]
    Merge(GroupsMerge),
    /// Writes the state of all groups, to plan with it where crashes are counted elsewhere
    #[command(after_help = GROUPS_STATE)]
    State(GroupsState),
    /// Makes the next state of groups from crashes that were counted elsewhere
    #[command(after_help = GROUPS_PLAN)]
    Plan(GroupsPlan),
    /// Says which groups fingerprints or crashes are in
    #[command(after_help = GROUPS_OF)]
    Of(GroupsOf),
}

#[derive(Debug, clap::Args)]
pub struct GroupsList {
    /// Only groups whose title contains this, or whose id or alias begins with it
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only groups of this kind
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<GroupKind>,
    /// Only groups with crashes in this release
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<String>,
    /// Only groups that first came in the release that is named, else in the latest release of
    /// their application; with --regressed, groups that are either
    #[arg(long)]
    pub new: bool,
    /// Only groups that were resolved and came again in a later release
    #[arg(long)]
    pub regressed: bool,
    /// Only groups with a crash since this date or time, as in 2026-11-01 or 2026-11-01T08:00:00Z
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub since: Option<i64>,
    /// Only groups with crashes on this operating system: its name, or with its version
    #[arg(long, value_name = "SYSTEM")]
    pub os: Option<String>,
    /// Only groups with crashes on this architecture
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Only groups with this text in their title or a function of a fingerprint, in any case
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// Only groups with at least N crashes
    #[arg(long, value_name = "N")]
    pub min_crashes: Option<u64>,
    /// List the groups of this state, and not those of the store
    #[arg(long, value_name = "FILE", conflicts_with_all = ["os", "arch", "regressed"])]
    pub state: Option<PathBuf>,
    /// Sort by this
    #[arg(long, value_enum, value_name = "BY", default_value_t = GroupSort::Crashes)]
    pub sort: GroupSort,
    /// Reverse the order
    #[arg(long)]
    pub reverse: bool,
    /// List at most N groups
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GroupKind {
    /// All functions that count are known
    Resolved,
    /// Symbols are missing
    Provisional,
    /// Nothing tells the cause; each crash is a group of its own
    Unassigned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GroupSort {
    /// Most crashes first
    Crashes,
    /// First seen first
    First,
    /// Last seen first
    Last,
    /// By title
    Title,
    /// By id
    Id,
}

#[derive(Debug, clap::Args)]
pub struct GroupsResolve {
    /// A group's id or alias, or its first digits
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The release, as reports name it: app@2.4.1
    #[arg(long = "in", value_name = "RELEASE", required_unless_present = "clear")]
    pub release: Option<String>,
    /// It is not resolved
    #[arg(long, conflicts_with = "release")]
    pub clear: bool,
}

#[derive(Debug, clap::Args)]
pub struct GroupsAssign {
    /// A group's id or alias, or its first digits
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// Who
    #[arg(value_name = "NAME", required_unless_present = "clear")]
    pub name: Option<String>,
    /// Nobody
    #[arg(long, conflicts_with = "name")]
    pub clear: bool,
}

#[derive(Debug, clap::Args)]
pub struct GroupsNote {
    /// A group's id or alias, or its first digits
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The note
    #[arg(value_name = "TEXT")]
    pub text: String,
}

#[derive(Debug, clap::Args)]
pub struct GroupsLink {
    /// A group's id or alias, or its first digits
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The address of its issue
    #[arg(value_name = "URL", required_unless_present = "clear")]
    pub url: Option<String>,
    /// It is not tracked
    #[arg(long, conflicts_with = "url")]
    pub clear: bool,
}

#[derive(Debug, clap::Args)]
pub struct GroupsShow {
    /// A group's id or alias, or its first digits
    #[arg(required = true, value_name = "GROUP")]
    pub groups: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsDiff {
    /// The earlier run; 0 for the state before the first
    #[arg(value_name = "FROM")]
    pub from: u64,
    /// The later run [default: the last]
    #[arg(value_name = "TO")]
    pub to: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsHistory {
    /// A group's id or alias, or its first digits
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsUndo {
    /// The run to undo, which has to be the last one that was not undone [default: that one]
    #[arg(value_name = "RUN")]
    pub run: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsMerge {
    /// Ids or aliases of groups, or their first digits
    #[arg(required = true, num_args = 2.., value_name = "GROUP")]
    pub groups: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsState {
    /// Write it to this file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsPlan {
    /// The state before; without one, there were no groups
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Crashes that are new or keep their fingerprint; repeatable
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub tallies: Vec<PathBuf>,
    /// Crashes that had another fingerprint; repeatable
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub flows: Vec<PathBuf>,
    /// Write the next state to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct GroupsOf {
    /// Ask this state, and not the store
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Fingerprints, crashes of the store, or - for lines of stdin
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}
