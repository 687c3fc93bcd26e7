//! The arguments of `symtool crash`: the doc comments are its help, and the examples stand below
//! them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ArgGroup;

use crate::args::{age, size};
use crate::notify::NotifyArgs;

const CRASH: &str = "Examples:
  symtool crash add reports/
  symtool crash list
  symtool crash show c1f2e3";

const CRASH_ADD: &str = "Examples:
  symtool crash add event.json tombstone_00 MyApp.crash
  symtool crash add reports/
  zcat events.ndjson.gz | symtool crash add -

A report that is stored already (by its event id, or else its bytes) is not counted again. Reports that cannot be read are named and kept; `crash list --failed` lists them.";

const CRASH_LIST: &str = "Examples:
  symtool crash list --group g00112233
  symtool crash list --release 2.4.1 --json
  symtool crash list --failed";

const CRASH_SHOW: &str = "Examples:
  symtool crash show c1f2e3
  symtool crash show --raw c1f2e3 > report.json";

const CRASH_REMOVE: &str = "Examples:
  symtool crash remove c1f2e3";

const CRASH_GC: &str = "Examples:
  symtool crash gc --older-than 180d --dry-run
  symtool crash gc --keep 100 --older-than 30d
  symtool crash gc --max-size 20GB
  symtool crash gc --older-than 30d --drop-dumps

With --keep and --older-than, only crashes that match both are removed. A group keeps its last crash unless --last is given. A crash whose minidump was dropped keeps its frames: it is not walked again when symbols come. Runs that moved removed crashes are named first: they cannot be undone for these.";

const CRASH_FORGET: &str = "Examples:
  symtool crash forget --user 4711 --dry-run
  symtool crash forget --user 4711

Reports that cannot be read are searched, too. Nothing of what was removed stays on disk.";

#[derive(Debug, clap::Subcommand)]
#[command(after_help = CRASH)]
pub enum Crash {
    /// Stores crash reports and groups them
    #[command(after_help = CRASH_ADD)]
    Add(CrashAdd),
    /// Lists crashes in the order of their arrival
    #[command(after_help = CRASH_LIST)]
    List(CrashList),
    /// Shows crashes with the frames that the store resolves now
    #[command(after_help = CRASH_SHOW)]
    Show(CrashShow),
    /// Removes crashes and everything read from them
    #[command(after_help = CRASH_REMOVE)]
    Remove(CrashNamed),
    /// Removes old crashes, by age, number in a group or total size
    #[command(after_help = CRASH_GC)]
    Gc(CrashGc),
    /// Removes all reports of one person
    #[command(after_help = CRASH_FORGET)]
    Forget(CrashForget),
}

#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("kept")
    .required(true)
    .multiple(true)
    .args(["keep", "older_than", "max_size"]))]
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
    /// Remove only the bytes of minidumps, and keep the crashes with their frames
    #[arg(long, conflicts_with_all = ["max_size", "last"])]
    pub drop_dumps: bool,
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
                tombstones and logcat, Apple .crash and .ips, KSCrash JSON, sanitizer reports, Java traces, plain frames, minidumps and others; a file can \
                have any number of reports"
    )]
    pub paths: Vec<PathBuf>,
    /// The mapping for Java frames of reports that do not name one: a file, a name in the store, or
    /// an id, which may be imported later
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    #[command(flatten)]
    pub notify: NotifyArgs,
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
    /// Print the original report or minidump, byte for byte
    #[arg(long)]
    pub raw: bool,
    /// With --raw: print all reports of the crash, each from the beginning of a line, the shown one
    /// first
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
