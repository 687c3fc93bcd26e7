//! The arguments of `symtool groups`: the doc comments are its help, and the examples stand below
//! them.

const GROUPS: &str = "Examples:
  symtool groups list --limit 20
  symtool groups show g00112233
  symtool groups history";

const GROUPS_LIST: &str = "Examples:
  symtool groups list --limit 20
  symtool groups list --kind provisional --sort last
  symtool groups list --release 2.4.1 --json";

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

#[derive(Debug, clap::Subcommand)]
#[command(after_help = GROUPS)]
pub enum Groups {
    /// Lists groups
    #[command(after_help = GROUPS_LIST)]
    List(GroupsList),
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
    /// Only groups with at least N crashes
    #[arg(long, value_name = "N")]
    pub min_crashes: Option<u64>,
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
