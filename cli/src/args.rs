//! The command line, as clap parses it. The doc comments are the help texts; `examples.rs` has what stands below them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, RangedU64ValueParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use symtool_debug::Search;
use symtool_store::Store;

use crate::config::{self, Config};
use crate::examples;
use crate::key;
use crate::messages::Level;
use crate::terminal::Color;

/// More threads than any machine can use.
pub const MAX_JOBS: usize = 1024;

/// A year.
pub const MAX_WAIT_SECONDS: u64 = 31_536_000;

/// The default of `--wait`.
const WAIT_SECONDS: u64 = 10;

/// Imports debug files once, resolves addresses from the store, and regroups crashes when symbols arrive late.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100, after_help = examples::SYMTOOL)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The folder of the store [default: `$SYMTOOL_STORE`, else `$XDG_DATA_HOME/symtool`, else ~/.local/share/symtool]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Read the key of a sealed store from this file; a new store is sealed with it
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "key_command")]
    pub key_file: Option<PathBuf>,
    /// Read the key from the output of this command [default: the key in `$SYMTOOL_KEY`]
    #[arg(long, global = true, value_name = "CMD")]
    pub key_command: Option<String>,
    /// The settings file [default: `$SYMTOOL_CONFIG`, else symtool/symtool.toml in `$XDG_CONFIG_HOME` or ~/.config]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Wait this long for another process that uses the store [default: 10]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=MAX_WAIT_SECONDS))]
    pub wait: Option<u64>,
    /// Number of threads [default: one for each core]
    #[arg(short, long, global = true, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_JOBS as u64))]
    pub jobs: Option<usize>,
    /// Print results as JSON, one object on each line
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only requested results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also print which store is used, where debug files are searched for, and how long each step takes
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to colour the output
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        hide_possible_values = true,
        help = "When to colour the output: auto, always or never [default: auto]"
    )]
    pub color: Option<Color>,
    /// What the config file says.
    #[arg(skip)]
    pub configured: Config,
}

impl Global {
    /// The same, with what the config file says where the command line and the environment say nothing.
    ///
    /// # Errors
    /// Those of [`Config::load`].
    pub fn configure(&mut self) -> Result<()> {
        self.store = self.store.take().or_else(|| path_in("SYMTOOL_STORE"));
        self.config = self.config.take().or_else(|| path_in("SYMTOOL_CONFIG"));
        let config = Config::load(self)?;
        self.store = self.store.take().or_else(|| config.store.clone());
        self.wait = self.wait.or(config.wait);
        self.jobs = self.jobs.or(config.jobs);
        // What is said nearer to the command counts: a key in the environment more than one in a file of settings.
        if !key::is_given(self) {
            self.key_file.clone_from(&config.key_file);
            self.key_command.clone_from(&config.key_command);
        }
        self.configured = config;
        Ok(())
    }

    /// The store that the command works on, with the key that it is or will be sealed with.
    ///
    /// # Errors
    /// If there is no place for one, or the key cannot be had.
    pub fn open_store(&self) -> Result<Store> {
        let store = self.store_without_key()?.with_key(key::load(self)?);
        if let Some(migrated) = store.migrate(symtool_crashes::migrate)? {
            note!("{}: migrated from format 3 to format 4 ({} modules)", migrated.store.display(), migrated.modules);
        }
        Ok(store)
    }

    /// The store that the command works on, as far as that needs no key.
    ///
    /// # Errors
    /// If there is no place for one.
    pub fn store_without_key(&self) -> Result<Store> {
        let path = match &self.store {
            Some(path) => path.clone(),
            None => default_store().context("no home folder to keep a store in; name one with --store")?,
        };
        detail!("store {}", path.display());
        let store = Store::at(&path, Duration::from_secs(self.wait.unwrap_or(WAIT_SECONDS)));
        Ok(store.with_quota(self.configured.quota).with_crash_quota(self.configured.crash_quota))
    }

    /// Where files that belong to others are looked for: in `debug_dirs`, then where the config file says, then where
    /// distributions put them; symbol maps in `symbol_map_dirs`.
    pub fn search(&self, debug_dirs: &[PathBuf], symbol_map_dirs: &[PathBuf]) -> Search {
        let mut search = Search::in_dirs(&[debug_dirs, &self.configured.debug_dirs].concat(), symbol_map_dirs);
        search.told = |looked| {
            let what = if looked.is_there { "there" } else { "not there" };
            detail!("{}: looked at {}: {what}", looked.object.display(), looked.place.display());
        };
        search
    }

    /// How much is told.
    pub fn level(&self) -> Level {
        match (self.quiet, self.verbose) {
            (true, _) => Level::Quiet,
            (_, true) => Level::Verbose,
            _ => Level::Normal,
        }
    }

    /// The paint for `stream`.
    pub fn paint(&self, stream: &impl std::io::IsTerminal) -> crate::terminal::Paint {
        crate::terminal::Paint::of(self.color, self.configured.color, stream)
    }
}

/// The path that an environment variable holds; one that is empty counts as unset.
pub fn path_in(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn default_store() -> Option<PathBuf> {
    let data = path_in("XDG_DATA_HOME").or_else(|| Some(path_in("HOME")?.join(".local/share")))?;
    Some(data.join("symtool"))
}

/// In the order of their use.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Imports the symbols of debug files into the store
    Import(Import),
    /// Resolves addresses to functions, files and lines
    Resolve(Resolve),
    /// Checks debug files before upload
    Check(Check),
    /// Lists, verifies, removes and repairs the modules of the store
    #[command(subcommand)]
    Modules(Modules),
    /// Works like addr2line of binutils: the same options, the same output
    #[command(name = "addr2line", disable_help_flag = true, after_help = examples::ADDR2LINE)]
    Addr2line,
    /// Works like llvm-symbolizer: the same options, the same output
    #[command(name = "llvm-symbolizer", disable_help_flag = true, after_help = examples::LLVM_SYMBOLIZER)]
    LlvmSymbolizer,
    /// Stores, shows and removes crash reports
    #[command(subcommand)]
    Crash(Crash),
    /// Prints a crash report or a log with its frames resolved
    Symbolicate(Symbolicate),
    /// Retraces Java and Kotlin stack traces with mappings of `ProGuard` and R8
    Retrace(RetraceArgs),
    /// Regroups stored crashes with the symbols that were imported since
    Reprocess(Reprocess),
    /// Lists, shows and merges groups of crashes, and undoes runs
    #[command(subcommand)]
    Groups(Groups),
    /// Lists modules whose symbols are missing, with the crashes that wait for them
    Missing(MissingArgs),
    /// Checks grouping rules, and explains how a crash was grouped
    #[command(subcommand)]
    Rules(RulesArgs),
    /// Generates, rotates and identifies keys of sealed stores
    #[command(subcommand)]
    Key(Key),
    /// Shows the size of the store, by kind of module and of block
    Stats(Stats),
    /// Prints a completion script for a shell
    Completions(Completions),
    /// Prints or writes manual pages
    Man(Man),
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::IMPORT)]
pub struct Import {
    /// Object files, dSYM bundles, mappings, archives (zip, apk, aar, ipa, jar, ar), folders with any of them, or files that
    /// `modules export` wrote; `FILE:ARCH` selects one architecture of a universal file
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also search this folder for debug files, dSYMs, .o, .dwo and dwz files
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
    /// Search this folder for .bcsymbolmap files, which have the names hidden by a bitcode build (`__hidden#1_`)
    #[arg(long = "bcsymbolmap", value_name = "DIR")]
    pub symbol_map_dirs: Vec<PathBuf>,
    /// The id by which crash reports refer to the mapping, such as the UUID of Sentry's Gradle plugin [default: R8's
    /// `pg_map_id`, else a UUID of the contents]
    #[arg(long, value_name = "UUID", value_parser = MappingId::parse)]
    pub id: Option<MappingId>,
    /// A name for the imported modules, such as com.example.shop@1.4.0 [default: for mappings, the path below the folder].
    /// All commands accept it, and `modules gc` counts builds by it, without what follows the @
    #[arg(long = "label", value_name = "LABEL", value_parser = NonEmptyStringValueParser::new())]
    pub labels: Vec<String>,
    /// Import files again that are in the store already
    #[arg(long)]
    pub force: bool,
}

/// The id of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingId(pub Vec<u8>);

impl MappingId {
    fn parse(text: &str) -> Result<Self, String> {
        let id = symtool_mapping::hex_bytes(text);
        id.map(Self).ok_or_else(|| "not an id; pass a UUID, or 8 to 128 hexadecimal digits".to_owned())
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::RESOLVE)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Resolve {
    /// Addresses or other requests, see below
    #[arg(value_name = "ADDR", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "batch", required_unless_present = "batch")]
    pub addresses: Vec<String>,
    /// Read requests from this file, or from stdin with -
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// The module of requests that name none: a name, a path or an id, optionally with `:ARCH`
    #[arg(long, value_name = "MODULE")]
    pub module: Option<OsString>,
    /// The module of this object file; it is imported first if the store does not have it
    #[arg(short = 'e', long = "exe", value_name = "FILE", conflicts_with = "module")]
    pub file: Option<PathBuf>,
    /// If several builds have the name, use the one imported last
    #[arg(long)]
    pub latest: bool,
    /// The format of the answers [default: pretty, or json with --json]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub style: Option<Style>,
    /// Print raw linkage names
    #[arg(long)]
    pub no_demangle: bool,
    /// Also name the functions that the linker folded into the one at the address (ICF); --style json always does
    #[arg(long)]
    pub aliases: bool,
    /// Print one frame for each address: the function of the symbol table at the innermost line
    #[arg(long)]
    pub no_inlines: bool,
    /// Addresses count from the module's image base, as `address - load address` does
    #[arg(long)]
    pub relative: bool,
    /// Addresses are return addresses: look up the call before each
    #[arg(long)]
    pub return_addresses: bool,
    /// Also exit with 1 if a module knows nothing about an address
    #[arg(long)]
    pub strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// For people: one line for each frame
    Pretty,
    /// As llvm-symbolizer --output-style=GNU: function and location on a line each
    Gnu,
    /// As llvm-symbolizer --output-style=LLVM: the same with columns, and a blank line after each answer
    Llvm,
    /// As llvm-symbolizer --output-style=JSON
    LlvmJson,
    /// One object on each line, with the status of every request
    Json,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::MODULES)]
pub enum Modules {
    /// Lists modules
    #[command(after_help = examples::LIST)]
    List(List),
    /// Shows the files of modules, and what was left out of them and why
    #[command(after_help = examples::SHOW)]
    Show(Named),
    /// Removes modules
    #[command(after_help = examples::REMOVE)]
    Remove(Named),
    /// Checks every block of modules; with a path, also compares answers with that file
    Verify(Verify),
    /// Removes old builds
    #[command(after_help = examples::GC)]
    Gc(Gc),
    /// Writes a module to a file that can be imported into another store
    #[command(after_help = examples::EXPORT)]
    Export(Export),
    /// Keeps everything that can be read, and names what was lost
    #[command(after_help = examples::REPAIR)]
    Repair,
    /// Merges files and frees the space of removed modules
    #[command(after_help = examples::COMPACT)]
    Compact,
}

#[derive(Debug, clap::Args)]
pub struct List {
    /// Only modules whose name or label contains this, or whose id begins with it
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only modules of this architecture
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Sort by this
    #[arg(long, value_enum, value_name = "BY", default_value_t = Sort::Name)]
    pub sort: Sort,
    /// Reverse the order
    #[arg(long)]
    pub reverse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// By name, then id
    Name,
    /// The last import first
    Imported,
    /// The largest first
    Stored,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, args = ["keep", "older_than"])]
pub struct Gc {
    /// Keep the N latest builds of each label, name and architecture
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Remove only builds imported longer ago than this: 90d, 12h, 30m or 3600s
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<u64>,
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A size in bytes.
fn size(text: &str) -> Result<u64, String> {
    config::size(text).ok_or_else(|| "not a size; write a number of bytes, or one with a unit, as in 50GB, 800MB, 1000000".to_owned())
}

/// An age in seconds.
fn age(text: &str) -> Result<u64, String> {
    let wrong = || "not an age; write a number of days, hours, minutes or seconds, as in 90d, 12h, 30m, 3600s".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)).ok_or_else(wrong)
}

#[derive(Debug, clap::Args)]
pub struct Export {
    /// A name, a path or an id, optionally with `:ARCH`
    #[arg(value_name = "MODULE", value_parser = module())]
    pub module: OsString,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// If several builds have the name, use the one imported last
    #[arg(long)]
    pub latest: bool,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::CRASH)]
pub enum Crash {
    /// Stores crash reports and groups them
    #[command(after_help = examples::CRASH_ADD)]
    Add(CrashAdd),
    /// Lists crashes in the order of their arrival
    #[command(after_help = examples::CRASH_LIST)]
    List(CrashList),
    /// Shows crashes with the frames that the store resolves now
    #[command(after_help = examples::CRASH_SHOW)]
    Show(CrashShow),
    /// Removes crashes and everything read from them
    #[command(after_help = examples::CRASH_REMOVE)]
    Remove(CrashNamed),
    /// Removes old crashes, by age, number in a group or total size
    #[command(after_help = examples::CRASH_GC)]
    Gc(CrashGc),
    /// Removes all reports of one person
    #[command(after_help = examples::CRASH_FORGET)]
    Forget(CrashForget),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, args = ["keep", "older_than", "max_size"])]
pub struct CrashGc {
    /// Keep the N latest crashes of each group
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Remove only crashes that arrived longer ago than this: 90d, 12h, 30m or 3600s
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<u64>,
    /// Also remove the oldest crashes until all take no more than this: 50GB, 800MB or 1000000
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Also remove the last crash of a group
    #[arg(long)]
    pub last: bool,
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrashForget {
    /// The person's id in the reports: `user.id` of Sentry events
    #[arg(long, value_name = "ID")]
    pub user: String,
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrashAdd {
    /// What to read.
    #[arg(
        required = true,
        value_name = "PATH",
        help = "Crash reports, folders with some, or - for stdin. The format is detected from the content: Sentry events (JSON, NDJSON), Android \
                tombstones and logcat, Apple .crash and .ips, KSCrash JSON, sanitizer reports, Java traces, plain frames and others; a file can \
                have any number of reports"
    )]
    pub paths: Vec<PathBuf>,
    /// The mapping for Java frames of reports that do not name one: a file, a name in the store, or an id, which may be imported later
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct CrashList {
    /// Only crashes of this group
    #[arg(long, value_name = "GROUP", conflicts_with = "failed")]
    pub group: Option<String>,
    /// Only crashes of this release
    #[arg(long, value_name = "RELEASE", conflicts_with = "failed")]
    pub release: Option<String>,
    /// List reports that could not be read, with the reason
    #[arg(long)]
    pub failed: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrashShow {
    /// A crash's id, its first digits, or the report's own id
    #[arg(required = true, value_name = "CRASH")]
    pub crashes: Vec<String>,
    /// Print the original report, byte for byte
    #[arg(long)]
    pub raw: bool,
    /// With --raw: print all reports of the crash, each from the beginning of a line, the shown one first
    #[arg(long, requires = "raw")]
    pub all_reports: bool,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

/// Crashes by id.
#[derive(Debug, clap::Args)]
pub struct CrashNamed {
    /// A crash's id, its first digits, or the report's own id
    #[arg(required = true, value_name = "CRASH")]
    pub crashes: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::SYMBOLICATE)]
pub struct Symbolicate {
    /// A crash report in any format that `crash add` reads, a log, or - for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The mapping for Java frames if the report does not name one: a name or an id
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::RETRACE)]
pub struct RetraceArgs {
    /// Files with stack traces, or - for stdin; a mapping.txt before them is used for all of them, and imported if it is new
    #[arg(required_unless_present_any = ["mapping", "partition_map"], value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The mapping: a file, a name or an id [default: the one that R8 named in each trace, else the only one in the store]
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
    /// A partition map of R8 with the mapping; it is imported first if it is new
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    pub partition_map: Option<PathBuf>,
    /// The pattern of a trace's lines, as in R8: %c class, %m method, %s source file, %l line, %S source file and line
    #[arg(long, value_name = "REGEX")]
    pub regex: Option<String>,
    /// The style of the output; the two differ for ambiguous frames. With --verbose, r8 prints return types and arguments
    #[arg(long, value_enum, value_name = "STYLE", default_value_t)]
    pub style: RetraceStyle,
}

/// Whose output `retrace` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RetraceStyle {
    /// R8's retrace
    #[default]
    R8,
    /// `ProGuard`'s `ReTrace`
    Proguard,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::REPROCESS)]
pub struct Reprocess {
    /// Print what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Look at all crashes, not only those with modules that changed since the last run
    #[arg(long)]
    pub all: bool,
    /// Also write the JSON report to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Change nothing and exit with 1 if one group would gain more than this percentage of all crashes
    #[arg(long, value_name = "PCT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_absorb: Option<u8>,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::GROUPS)]
pub enum Groups {
    /// Lists groups
    #[command(after_help = examples::GROUPS_LIST)]
    List(GroupsList),
    /// Shows the fingerprints, releases, modules and crashes of groups
    #[command(after_help = examples::GROUPS_SHOW)]
    Show(GroupsShow),
    /// Shows what changed between two runs
    #[command(after_help = examples::GROUPS_DIFF)]
    Diff(GroupsDiff),
    /// Lists runs, or the changes of one group
    #[command(after_help = examples::GROUPS_HISTORY)]
    History(GroupsHistory),
    /// Undoes the last `reprocess` or `merge` that was not undone yet
    #[command(after_help = examples::GROUPS_UNDO)]
    Undo(GroupsUndo),
    /// Merges groups into the oldest one; the other ids become aliases of it
    #[command(after_help = examples::GROUPS_MERGE)]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupKind {
    /// All functions that count are known
    Resolved,
    /// Symbols are missing
    Provisional,
    /// Nothing tells the cause; each crash is a group of its own
    Unassigned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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

#[derive(Debug, clap::Args)]
#[command(after_help = examples::MISSING)]
pub struct MissingArgs {
    /// Also list modules that no group waits for
    #[arg(long)]
    pub all: bool,
    /// List at most N modules
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::RULES)]
pub enum RulesArgs {
    /// Checks files of grouping rules
    #[command(after_help = examples::RULES_CHECK)]
    Check(RulesCheck),
    /// Shows for each frame of a crash whether it counts, and which rule says so
    #[command(after_help = examples::RULES_EXPLAIN)]
    Explain(RulesExplain),
    /// Shows the built-in rules
    #[command(after_help = examples::RULES_SHOW)]
    Show,
}

#[derive(Debug, clap::Args)]
pub struct RulesCheck {
    /// Files of rules
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct RulesExplain {
    /// A crash's id, its first digits, or the report's own id
    #[arg(value_name = "CRASH")]
    pub crash: String,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::KEY)]
pub enum Key {
    /// Generates a key in a file that only its owner can read
    #[command(after_help = examples::GENERATE)]
    Generate(Generate),
    /// Changes the key of a sealed store; modules and crashes are not rewritten
    #[command(after_help = examples::ROTATE)]
    Rotate(Rotate),
    /// Shows the ids of the given key and of the store's key, never a key itself
    #[command(after_help = examples::KEY_SHOW)]
    Show,
}

#[derive(Debug, clap::Args)]
pub struct Generate {
    /// The file to create
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The key that will open the store
    #[arg(long, value_name = "FILE")]
    pub new_key_file: PathBuf,
}

/// Modules by name.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// Names, paths or ids, optionally with `:ARCH`
    #[arg(required = true, value_name = "MODULE", value_parser = module())]
    pub modules: Vec<OsString>,
    /// If several builds have the name, use the one imported last
    #[arg(long)]
    pub latest: bool,
}

/// What names a module: any path, but not nothing.
fn module() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|name| if name.is_empty() { Err("empty; pass a name, a path or an id") } else { Ok(name) })
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::VERIFY)]
pub struct Verify {
    /// Names, paths or ids, optionally with `:ARCH`
    #[arg(value_name = "MODULE", value_parser = module())]
    pub modules: Vec<OsString>,
    /// If several builds have the name, use the one imported last
    #[arg(long)]
    pub latest: bool,
    /// Compare this many addresses with the file; 0 for the start of every range
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub sample: usize,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::CHECK)]
pub struct Check {
    /// Object files, dSYM bundles, archives or folders, as for `import`; code and its debug file are matched by id
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What each build needs to have
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Require::Debug)]
    pub require: Require,
    /// Also search this folder for debug files, dSYMs, .dwo and dwz files
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Require {
    /// Debug data: lines and inlined calls
    Debug,
    /// Symbols: names of functions
    Symbols,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::STATS)]
pub struct Stats {}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::COMPLETIONS)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::MAN)]
pub struct Man {
    /// Write a page for each command to this folder; without it, the page of symtool is printed
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}
