//! The command line: in, arguments; out, [`Args`]. What `--help` teaches by is in `examples.rs`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, RangedU64ValueParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use symtool_core::store::Store;
use symtool_formats::debug::Search;

use crate::config::{self, Config};
use crate::examples;
use crate::key;
use crate::messages::Level;
use crate::terminal::Color;

/// More threads than any machine has use for.
pub const MAX_JOBS: usize = 1024;

/// A year.
pub const MAX_WAIT_SECONDS: u64 = 31_536_000;

/// Unless said otherwise.
const WAIT_SECONDS: u64 = 10;

/// Imports debug files into a range store once, and resolves addresses from it in batches.
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
    /// The store's folder [default: `$SYMTOOL_STORE`, else symtool in `$XDG_DATA_HOME`, else in ~/.local/share]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// The master key of a sealed store, by a file; a new store is sealed with it
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "key_command")]
    pub key_file: Option<PathBuf>,
    /// The same, by a command that prints it, as of a key management service [default: what `$SYMTOOL_KEY` holds]
    #[arg(long, global = true, value_name = "CMD")]
    pub key_command: Option<String>,
    /// Settings to use [default: `$SYMTOOL_CONFIG`, else symtool/symtool.toml in `$XDG_CONFIG_HOME`, else in ~/.config]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How long to wait for another process that uses the store [default: 10]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=MAX_WAIT_SECONDS))]
    pub wait: Option<u64>,
    /// Threads to use [default: one per core]
    #[arg(short, long, global = true, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_JOBS as u64))]
    pub jobs: Option<usize>,
    /// Results as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Only results that were asked for, and errors: no progress, no warnings, no lines of what was done
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say what is done: which store, where debug files are looked for, what takes how long
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to colour messages and answers [default: auto]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        hide_possible_values = true,
        help = "When to colour: auto, always or never [default: auto]"
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
        if let Some(migrated) = store.migrate()? {
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
    /// Puts the symbols of debug files into the store
    Import(Import),
    /// Answers addresses with functions, files and lines
    Resolve(Resolve),
    /// Says whether debug files are good to upload
    Check(Check),
    /// Shows what the store holds, checks it, removes from it
    #[command(subcommand)]
    Modules(Modules),
    /// Is binutils' addr2line: the same options, the same output
    #[command(name = "addr2line", disable_help_flag = true, after_help = examples::ADDR2LINE)]
    Addr2line,
    /// Is llvm-symbolizer: the same options, the same output
    #[command(name = "llvm-symbolizer", disable_help_flag = true, after_help = examples::LLVM_SYMBOLIZER)]
    LlvmSymbolizer,
    /// Stores crash reports, shows them, removes them
    #[command(subcommand)]
    Crash(Crash),
    /// Resolves the frames of a crash report or a log, and writes it out again
    Symbolicate(Symbolicate),
    /// Retraces Java and Kotlin stack traces with the mappings of `ProGuard` and R8
    Retrace(RetraceArgs),
    /// Looks at stored crashes again, with symbols that came since, and regroups them
    Reprocess(Reprocess),
    /// Shows groups of crashes, how they came about, merges and undoes
    #[command(subcommand)]
    Groups(Groups),
    /// Lists modules without symbols that stored crashes wait for
    Missing(MissingArgs),
    /// Checks grouping rules, and explains what they make of a crash
    #[command(subcommand)]
    Rules(RulesArgs),
    /// Makes keys for sealed stores, changes them, shows which is which
    #[command(subcommand)]
    Key(Key),
    /// Shows how well the store is packed, by kind of block
    Stats(Stats),
    /// Writes a script that makes a shell complete commands and options
    Completions(Completions),
    /// Writes manual pages
    Man(Man),
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::IMPORT)]
pub struct Import {
    /// Object files, dSYM bundles, archives that have some (zip, apk, aar, ipa, jar, ar), or folders to search for
    /// any of them; `FILE:ARCH` picks one architecture of a universal file; or what `modules export` wrote
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Where debug files, dSYMs, .o, .dwo and dwz files are looked for too, besides the file's own folder
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
    /// Where the .bcsymbolmap files are that tell hidden names (`__hidden#1_`), as in the folder `BCSymbolMaps` of an .xcarchive
    #[arg(long = "bcsymbolmap", value_name = "DIR")]
    pub symbol_map_dirs: Vec<PathBuf>,
    /// The id that crash reports know the mapping (mapping.txt) by, such as the UUID of Sentry's Gradle plugin; by default R8's own
    /// (`pg_map_id`), else a UUID of its contents
    #[arg(long, value_name = "UUID", value_parser = MappingId::parse)]
    pub id: Option<MappingId>,
    /// What modules are called besides, such as com.example.shop@1.4.0; for mappings by default their path below the folder given. Names them in
    /// commands, and is the name by which `modules gc` counts builds, without what follows the @
    #[arg(long = "label", value_name = "LABEL", value_parser = NonEmptyStringValueParser::new())]
    pub labels: Vec<String>,
    /// Import again what is in the store already
    #[arg(long)]
    pub force: bool,
}

/// The id of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingId(pub Vec<u8>);

impl MappingId {
    fn parse(text: &str) -> Result<Self, String> {
        let id = symtool_formats::mapping::hex_bytes(text);
        id.map(Self).ok_or_else(|| "a UUID, or another id of 8 to 128 hexadecimal digits, was expected".to_owned())
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::RESOLVE)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Resolve {
    /// Addresses, or other requests
    #[arg(value_name = "ADDR", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "batch", required_unless_present = "batch")]
    pub addresses: Vec<String>,
    /// Read requests from a file, or from stdin if it is -
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// The module of requests that name none: a name, a path, or an id, each perhaps with `:ARCH`
    #[arg(long, value_name = "MODULE")]
    pub module: Option<OsString>,
    /// The same, by its object file, which is imported first if the store does not have it
    #[arg(short = 'e', long = "exe", value_name = "FILE", conflicts_with = "module")]
    pub file: Option<PathBuf>,
    /// Of several builds of one name, take the one that was imported last
    #[arg(long)]
    pub latest: bool,
    /// How answers are written [default: pretty, or json with --json]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub style: Option<Style>,
    /// Print names as the linker knows them
    #[arg(long)]
    pub no_demangle: bool,
    /// One frame an address: the function that the linker knows, at the innermost line
    #[arg(long)]
    pub no_inlines: bool,
    /// Name functions of equal code too, which the linker has folded into the one that is named; --style json always does
    #[arg(long)]
    pub aliases: bool,
    /// Addresses count from where the image is loaded: from the module's image base, not from 0
    #[arg(long)]
    pub relative: bool,
    /// Addresses are those that calls return to: answer for the calls
    #[arg(long)]
    pub return_addresses: bool,
    /// Exit with 1 also where a module knows nothing of an address
    #[arg(long)]
    pub strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// For people: one line a frame
    Pretty,
    /// As llvm-symbolizer --output-style=GNU: a line for the function, one for file and line
    Gnu,
    /// As llvm-symbolizer: the same with columns, and a blank line after each answer
    Llvm,
    /// As llvm-symbolizer --output-style=JSON
    LlvmJson,
    /// One object a line, with the status of every request
    Json,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::MODULES)]
pub enum Modules {
    /// Lists modules
    #[command(after_help = examples::LIST)]
    List(List),
    /// Shows what is known of some modules, and what was dropped from them
    #[command(after_help = examples::SHOW)]
    Show(Named),
    /// Removes modules with all that was imported of them
    #[command(after_help = examples::REMOVE)]
    Remove(Named),
    /// Checks every block of some modules, and their answers against the file where one is given
    Verify(Verify),
    /// Removes old builds
    #[command(after_help = examples::GC)]
    Gc(Gc),
    /// Writes a module to a file that `import` takes into another store
    #[command(after_help = examples::EXPORT)]
    Export(Export),
    /// Drops modules that are damaged, and says which
    #[command(after_help = examples::REPAIR)]
    Repair,
    /// Puts files together and gives back what removed modules took
    #[command(after_help = examples::COMPACT)]
    Compact,
}

#[derive(Debug, clap::Args)]
pub struct List {
    /// Only modules with this in their name or label, or at the beginning of their id
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only modules of this architecture, by any of its names
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// What to sort by
    #[arg(long, value_enum, value_name = "BY", default_value_t = Sort::Name)]
    pub sort: Sort,
    /// The other way round
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
    /// Of each label, name and architecture, keep the N builds that were imported last
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Remove only what was imported longer ago than this: 90d, 12h, 30m or 3600s
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<u64>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A size in bytes.
fn size(text: &str) -> Result<u64, String> {
    config::size(text).ok_or_else(|| "it is no size; write a number of bytes, or one with a unit, as in 50GB, 800MB, 1000000".to_owned())
}

/// An age in seconds.
fn age(text: &str) -> Result<u64, String> {
    let wrong = || "it is no age; write a number of days, hours, minutes or seconds, as in 90d, 12h, 30m, 3600s".to_owned();
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
    /// A name, a path, or an id, perhaps with `:ARCH`
    #[arg(value_name = "MODULE", value_parser = module())]
    pub module: OsString,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Of several builds of one name, take the one that was imported last
    #[arg(long)]
    pub latest: bool,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::CRASH)]
pub enum Crash {
    /// Stores crash reports, each in its group
    #[command(after_help = examples::CRASH_ADD)]
    Add(CrashAdd),
    /// Lists crashes in the order in which they came
    #[command(after_help = examples::CRASH_LIST)]
    List(CrashList),
    /// Shows a crash with its frames as the store resolves them now
    #[command(after_help = examples::CRASH_SHOW)]
    Show(CrashShow),
    /// Removes crashes with all that was kept of them
    #[command(after_help = examples::CRASH_REMOVE)]
    Remove(CrashNamed),
    /// Removes crashes that are old, many of one group, or more than fit
    #[command(after_help = examples::CRASH_GC)]
    Gc(CrashGc),
    /// Removes all reports of one person
    #[command(after_help = examples::CRASH_FORGET)]
    Forget(CrashForget),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, args = ["keep", "older_than", "max_size"])]
pub struct CrashGc {
    /// Of each group, keep the N crashes that came last
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Remove only what came longer ago than this: 90d, 12h, 30m or 3600s
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<u64>,
    /// Besides, remove what came first until all crashes take no more than this: 50GB, 800MB or 1000000
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Also the last crash of a group, which stays otherwise
    #[arg(long)]
    pub last: bool,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrashForget {
    /// The person's id, as reports have it: `user.id` of Sentry's events
    #[arg(long, value_name = "ID")]
    pub user: String,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrashAdd {
    /// What to read.
    #[arg(
        required = true,
        value_name = "PATH",
        help = "Crash reports, folders of some, or - for stdin. Told by their content: Sentry events (JSON, NDJSON), Android tombstones and \
                logcat, Apple .crash and .ips, KSCrash JSON, sanitizer reports, Java traces, plain frames; any number of them in one file"
    )]
    pub paths: Vec<PathBuf>,
    /// The mapping of Java frames, for reports that do not name one: its file, its name in the store, or its id, imported already or later
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
    /// Grouping rules that come after the built-in ones
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
    /// Reports that could not be read, and why
    #[arg(long)]
    pub failed: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrashShow {
    /// The id of a crash, its first digits, or the report's own id
    #[arg(required = true, value_name = "CRASH")]
    pub crashes: Vec<String>,
    /// The report as it came, byte for byte
    #[arg(long)]
    pub raw: bool,
    /// With --raw: all reports of the crash, the shown one first, each from the beginning of a line
    #[arg(long, requires = "raw")]
    pub all_reports: bool,
    /// Grouping rules that come after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

/// Crashes by id.
#[derive(Debug, clap::Args)]
pub struct CrashNamed {
    /// The id of a crash, its first digits, or the report's own id
    #[arg(required = true, value_name = "CRASH")]
    pub crashes: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::SYMBOLICATE)]
pub struct Symbolicate {
    /// A crash report of any format that `crash add` reads, a log, or - for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The mapping of Java frames, by name or id, where the report does not name it
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::RETRACE)]
pub struct RetraceArgs {
    /// Files with stack traces, or - for stdin; a mapping.txt before them is imported if it is new, and used for all of them
    #[arg(required_unless_present_any = ["mapping", "partition_map"], value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The mapping, by its file, name or id [default: the one that R8 has named in each trace, or the only one in the store]
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
    /// The mapping, by a partition map of R8, which is imported first if it is new
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    pub partition_map: Option<PathBuf>,
    /// What lines of a trace look like, as R8's --regex: %c class, %m method, %s source file, %l line, %S both
    #[arg(long, value_name = "REGEX")]
    pub regex: Option<String>,
    /// Whose output to write: they differ where a frame is ambiguous. With --verbose, R8's has return types and arguments
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
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Look at all crashes, and not only at those with modules that came, changed or went since the last run
    #[arg(long)]
    pub all: bool,
    /// Write the JSON report to this file too
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Change nothing and exit with 1 if one group would gain more than this share of all crashes, in percent
    #[arg(long, value_name = "PCT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_absorb: Option<u8>,
    /// Grouping rules that come after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::GROUPS)]
pub enum Groups {
    /// Lists groups, those with most crashes first
    #[command(after_help = examples::GROUPS_LIST)]
    List(GroupsList),
    /// Shows what makes a group, and where its crashes happened
    #[command(after_help = examples::GROUPS_SHOW)]
    Show(GroupsShow),
    /// Shows what lies between two runs
    #[command(after_help = examples::GROUPS_DIFF)]
    Diff(GroupsDiff),
    /// Lists runs, or what they did to one group
    #[command(after_help = examples::GROUPS_HISTORY)]
    History(GroupsHistory),
    /// Undoes the last run that stands, of `reprocess` or `merge`
    #[command(after_help = examples::GROUPS_UNDO)]
    Undo(GroupsUndo),
    /// Makes several groups one; the oldest survives, the others' ids stand for it
    #[command(after_help = examples::GROUPS_MERGE)]
    Merge(GroupsMerge),
}

#[derive(Debug, clap::Args)]
pub struct GroupsList {
    /// Only groups with this in their title, or at the beginning of their id or an alias
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only groups of this kind
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<GroupKind>,
    /// Only groups with crashes in this release
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<String>,
    /// Only groups with so many crashes or more
    #[arg(long, value_name = "N")]
    pub min_crashes: Option<u64>,
    /// What to sort by
    #[arg(long, value_enum, value_name = "BY", default_value_t = GroupSort::Crashes)]
    pub sort: GroupSort,
    /// The other way round
    #[arg(long)]
    pub reverse: bool,
    /// No more than N groups
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupKind {
    /// All functions that count are known
    Resolved,
    /// Symbols are missing
    Provisional,
    /// Nothing tells the cause: crashes that stand alone
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
    /// The id of a group or of an alias, or its first digits
    #[arg(required = true, value_name = "GROUP")]
    pub groups: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsDiff {
    /// The number of the earlier run; 0 for before the first
    #[arg(value_name = "FROM")]
    pub from: u64,
    /// The number of the later run [default: the last]
    #[arg(value_name = "TO")]
    pub to: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsHistory {
    /// The id of a group or of an alias, or its first digits
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsUndo {
    /// The number of the run, which has to be the last that stands
    #[arg(value_name = "RUN")]
    pub run: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub struct GroupsMerge {
    /// The ids of groups or of aliases, or their first digits
    #[arg(required = true, num_args = 2.., value_name = "GROUP")]
    pub groups: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::MISSING)]
pub struct MissingArgs {
    /// Also modules that crashes have frames in but no group waits for
    #[arg(long)]
    pub all: bool,
    /// No more than N modules
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::RULES)]
pub enum RulesArgs {
    /// Checks files of rules
    #[command(after_help = examples::RULES_CHECK)]
    Check(RulesCheck),
    /// Shows frame by frame what of a crash counted, and which rule said so
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
    /// The id of a crash, its first digits, or the report's own id
    #[arg(value_name = "CRASH")]
    pub crash: String,
    /// Grouping rules that come after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples::KEY)]
pub enum Key {
    /// Makes a key, in a file that only its owner may read
    #[command(after_help = examples::GENERATE)]
    Generate(Generate),
    /// Changes the key of a sealed store; blocks stay as they are, only the keys in the footers of modules are wrapped anew
    #[command(after_help = examples::ROTATE)]
    Rotate(Rotate),
    /// Shows the ids of the key given and of the store's key; never a key
    #[command(after_help = examples::KEY_SHOW)]
    Show,
}

#[derive(Debug, clap::Args)]
pub struct Generate {
    /// The file to make
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
    /// A name, a path, or an id, each perhaps with `:ARCH`
    #[arg(required = true, value_name = "MODULE", value_parser = module())]
    pub modules: Vec<OsString>,
    /// Of several builds of one name, take the one that was imported last
    #[arg(long)]
    pub latest: bool,
}

/// What names a module: any path, but not nothing.
fn module() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|name| if name.is_empty() { Err("it is empty; pass a name, a path or an id") } else { Ok(name) })
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::VERIFY)]
pub struct Verify {
    /// A name, a path, or an id, each perhaps with `:ARCH`
    #[arg(value_name = "MODULE", value_parser = module())]
    pub modules: Vec<OsString>,
    /// Of several builds of one name, take the one that was imported last
    #[arg(long)]
    pub latest: bool,
    /// Compare this many addresses of a file; 0 for the start of every range
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub sample: usize,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples::CHECK)]
pub struct Check {
    /// Object files, dSYM bundles, archives, or folders, as for `import`; code and its debug file are matched by id
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What each build has to have
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Require::Debug)]
    pub require: Require,
    /// Where debug files, dSYMs, .dwo and dwz files are looked for too, besides the file's own folder
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Require {
    /// Lines and inlined calls
    Debug,
    /// The names of functions
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
    /// Where to write a page for each command; without it, the page of symtool goes to stdout
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}
