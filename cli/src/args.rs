//! The command line, as clap parses it: what all commands share. Doc comments are the help texts. A
//! command has its arguments and its examples in its own file.
//!
//! Examples are indented and fit 60 columns where they can; a paragraph is one line, which is
//! wrapped as it is printed.

use std::path::PathBuf;

use clap::builder::{RangedU64ValueParser, StyledStr};
use clap::{CommandFactory, Parser, Subcommand};

#[cfg(feature = "bucket")]
use crate::bucket::Bucket;
use crate::bundle::Bundle;
use crate::check::Check;
use crate::complete_names::CompleteNames;
use crate::completions::Completions;
use crate::config;
use crate::crash::Crash;
use crate::groups::Groups;
use crate::import::Import;
use crate::key::Key;
use crate::man::Man;
use crate::missing::MissingArgs;
use crate::modules::Modules;
use crate::report::ReportArgs;
use crate::reprocess::Reprocess;
use crate::resolve::Resolve;
use crate::retrace::RetraceArgs;
use crate::rules::RulesArgs;
use crate::stats::Stats;
use crate::symbolicate::Symbolicate;
use crate::terminal::Color;
use crate::worker::Worker;

/// More threads than any machine can use.
pub const MAX_JOBS: usize = 1024;

/// A year.
pub const MAX_WAIT_SECONDS: u64 = 31_536_000;

const SYMTOOL: &str = "Examples:
  symtool import libxxx.so.debug         one debug file
  symtool import build/ App.xcarchive    folders, archives
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --batch addrs.txt      many addresses
  symtool modules list                   what is stored
  symtool crash add reports/             store and group
  symtool reprocess                      after an import
  symtool check build/libxxx.so          before an upload

Defaults for all commands can be set in symtool.toml.

Exit codes: 0 done; 1 done, but some input failed; 2 wrong usage; 3 the store cannot be used; 75 try again later: a bucket, a receiver of notices or what a worker needs was out of reach.";

const ADDR2LINE: &str = "Examples:
  symtool addr2line -fipCe libxxx.so.debug 0x5a602a
  symtool addr2line --help
  ln -s $(command -v symtool) ~/bin/addr2line

The options are those of addr2line; --help lists them. Called through a link of that name, symtool is that tool.";

const LLVM_SYMBOLIZER: &str = "Examples:
  symtool llvm-symbolizer --obj libxxx.so.debug 0x5a602a
  symtool llvm-symbolizer --help
  ln -s $(command -v symtool) ~/bin/llvm-symbolizer

The options are those of llvm-symbolizer; --help lists them. Called through a link of that name, symtool is that tool.";

const ATOS: &str = "Examples:
  symtool atos -o App.dSYM -arch arm64 -l 0x100000000 0x100004a2c
  symtool atos --help
  ln -s $(command -v symtool) ~/bin/atos

The options are those of atos; --help lists them. Called through a link of that name, symtool is that tool.";

const NDK_STACK: &str = "Examples:
  symtool ndk-stack -sym obj/local/arm64-v8a -dump log.txt
  adb logcat | symtool ndk-stack -sym obj/local/arm64-v8a
  ln -s $(command -v symtool) ~/bin/ndk-stack

The options are those of ndk-stack; --help lists them. Called through a link of that name, symtool is that tool.";

/// Imports debug files once, resolves addresses from the store, and regroups crashes when symbols
/// arrive late.
#[derive(Debug, Parser)]
#[command(version, disable_version_flag = true, arg_required_else_help = true, max_term_width = 100, after_help = SYMTOOL)]
pub struct Args {
    /// Print the version; with -v also the commit, the target and the store format
    #[arg(short = 'V', long, action = clap::ArgAction::Version)]
    pub version: Option<bool>,
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The folder of the store, or a bucket, as in `s3://BUCKET/PREFIX` [default: `$SYMTOOL_STORE`, else `$XDG_DATA_HOME/symtool`, else
    /// ~/.local/share/symtool]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    #[command(flatten)]
    pub remote: Remote,
    /// Read the key of a sealed store from this file; a new store is sealed with it
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "key_command")]
    pub key_file: Option<PathBuf>,
    /// Read the key from the output of this command [default: the key in `$SYMTOOL_KEY`]
    #[arg(long, global = true, value_name = "CMD")]
    pub key_command: Option<String>,
    /// The settings file [default: `$SYMTOOL_CONFIG`, else symtool/symtool.toml in
    /// `$XDG_CONFIG_HOME` or ~/.config]
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
    /// Also print which store is used, where debug files are searched for, and how long each step
    /// takes
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
}

/// How a bucket is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Remote {
    /// The folder that caches a bucket [default: one in `$XDG_CACHE_HOME` or ~/.cache]
    #[arg(long, global = true, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Answer from the cache of the bucket alone; what is not there is an error
    #[arg(long, global = true)]
    pub offline: bool,
    /// Wait this long for an answer from the bucket, including failed tries; a segment may take 20 times as long [default: 30]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=MAX_WAIT_SECONDS))]
    pub timeout: Option<u64>,
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
    /// Packs the symbols of a build into one file, which `import` takes elsewhere
    Bundle(Bundle),
    /// Lists, verifies, removes and repairs the modules of the store
    #[command(subcommand)]
    Modules(Modules),
    /// Works like addr2line of binutils: the same options, the same output
    #[command(name = "addr2line", disable_help_flag = true, after_help = ADDR2LINE)]
    Addr2line,
    /// Works like llvm-symbolizer: the same options, the same output
    #[command(name = "llvm-symbolizer", disable_help_flag = true, after_help = LLVM_SYMBOLIZER)]
    LlvmSymbolizer,
    /// Works like Apple's atos: the same options, the same output
    #[command(name = "atos", disable_help_flag = true, after_help = ATOS)]
    Atos,
    /// Works like ndk-stack of Android's NDK: the same options, the same output
    #[command(name = "ndk-stack", disable_help_flag = true, after_help = NDK_STACK)]
    NdkStack,
    /// Stores, shows and removes crash reports
    #[command(subcommand)]
    Crash(Crash),
    /// Prints a crash report or a log with its frames resolved
    Symbolicate(Symbolicate),
    /// Retraces Java and Kotlin stack traces with mappings of `ProGuard` and R8
    Retrace(RetraceArgs),
    /// Regroups stored crashes with the symbols that were imported since
    Reprocess(Reprocess),
    /// Answers line by line, for engines that run programs over parts of their data
    #[command(subcommand)]
    Worker(Worker),
    /// Lists, shows and merges groups of crashes, and undoes runs
    #[command(subcommand)]
    Groups(Groups),
    /// Lists modules whose symbols are missing, with the crashes that wait for them
    Missing(MissingArgs),
    /// Writes a page on crashes, groups and what a run did
    Report(ReportArgs),
    /// Checks grouping rules, and explains how a crash was grouped
    #[command(subcommand)]
    Rules(RulesArgs),
    /// Checks and cleans buckets
    #[cfg(feature = "bucket")]
    #[command(subcommand)]
    Bucket(Bucket),
    /// Generates, rotates and identifies keys of sealed stores
    #[command(subcommand)]
    Key(Key),
    /// Shows the size of the store, by kind of module and of block
    Stats(Stats),
    /// Prints a completion script for a shell
    Completions(Completions),
    /// Prints names that go on with a command line
    #[command(name = "complete-names", hide = true)]
    CompleteNames(CompleteNames),
    /// Prints or writes manual pages
    Man(Man),
}

/// The command line with help in plain words: backticks are for rustdoc.
pub fn command() -> clap::Command {
    plain(Args::command())
}

fn plain(mut command: clap::Command) -> clap::Command {
    let text = |text: &StyledStr| text.to_string().replace('`', "");
    if let Some(about) = command.get_about().map(text) {
        command = command.about(about);
    }
    if let Some(about) = command.get_long_about().map(text) {
        command = command.long_about(about);
    }
    if let Some(help) = command.get_after_help().map(text) {
        command = command.after_help(help);
    }
    let command = command.mut_args(|mut arg| {
        if let Some(help) = arg.get_help().map(text) {
            arg = arg.help(help);
        }
        if let Some(help) = arg.get_long_help().map(text) {
            arg = arg.long_help(help);
        }
        arg
    });
    command.mut_subcommands(plain)
}

/// A size in bytes.
pub fn size(text: &str) -> Result<u64, String> {
    config::size(text).ok_or_else(|| {
        "not a size; write a number of bytes, or one with a unit, as in 50GB, 800MB, 1000000"
            .to_owned()
    })
}

/// A date or a time, in milliseconds since 1970.
pub fn date(text: &str) -> Result<i64, String> {
    symtool_core::time::milliseconds(text)
        .ok_or_else(|| "not a date; write it as in 2026-11-01 or 2026-11-01T08:00:00Z".to_owned())
}

/// An age in seconds.
pub fn age(text: &str) -> Result<u64, String> {
    let wrong = || {
        "not an age; write a number of days, hours, minutes or seconds, as in 90d, 12h, 30m, 3600s"
            .to_owned()
    };
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
