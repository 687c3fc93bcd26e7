//! The command line: in, arguments; out, [`Args`].

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use symtool_core::store::Store;

/// Imports debug files into a range store once, and resolves addresses from it in batches.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  symtool import libxxx.so.debug                  put its symbols into the store
  symtool modules list                            what the store holds
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --batch addrs.txt               lines such as: libxxx.so.debug 0x5a602a
  zcat addrs.gz | symtool resolve --batch - --style json > frames.ndjson

Exit codes: 0 done; 1 done, but some input failed; 2 wrong usage; 3 the store cannot be used.";

/// Options of every command.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// The store's folder [default: symtool in `$XDG_DATA_HOME`, else in ~/.local/share]
    #[arg(long, global = true, value_name = "DIR", env = "SYMTOOL_STORE", hide_env_values = true)]
    pub store: Option<PathBuf>,
    /// How long to wait for another process that uses the store
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=31_536_000))]
    pub wait: u64,
    /// Threads to use [default: one per core]
    #[arg(short, long, global = true, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub jobs: Option<usize>,
    /// Results as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress, and no messages but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Global {
    /// The store that the command works on.
    pub fn open_store(&self) -> Result<Store> {
        let path = match &self.store {
            Some(path) => path.clone(),
            None => default_store().context("no home folder to keep a store in; name one with --store")?,
        };
        Ok(Store::at(&path, Duration::from_secs(self.wait)))
    }
}

fn default_store() -> Option<PathBuf> {
    let folder = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))?;
    Some(data.join("symtool"))
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Puts the symbols of debug files into the store
    Import(Import),
    /// Answers addresses with functions, files and lines
    Resolve(Resolve),
    /// Shows what the store holds
    #[command(subcommand)]
    Modules(Modules),
    /// Is binutils' addr2line: the same options, the same output
    #[command(name = "addr2line", disable_help_flag = true)]
    Addr2line,
    /// Is llvm-symbolizer: the same options, the same output
    #[command(name = "llvm-symbolizer", disable_help_flag = true)]
    LlvmSymbolizer,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file that is in the store already is left as it is (`unchanged`); another file of the same build completes it.\n\n\
Examples:\n  symtool import libxxx.so.debug\n  symtool import build/ --json > import.ndjson"
)]
pub struct Import {
    /// Object files, dSYM bundles, archives that have some (zip, apk, aar, ipa, jar, ar), or folders to search for
    /// any of them; `FILE:ARCH` picks one architecture of a universal file
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Where debug files, dSYMs, .o, .dwo and dwz files are looked for too, besides the file's own folder
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
    /// Where the .bcsymbolmap files are that tell hidden names (`__hidden#1_`), as in the folder `BCSymbolMaps` of an .xcarchive
    #[arg(long = "bcsymbolmap", value_name = "DIR")]
    pub symbol_map_dirs: Vec<PathBuf>,
    /// Import again what is in the store already
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Request lines, one a line, addresses in hexadecimal with or without 0x:
  ADDR   MODULE ADDR   MODULE+ADDR   MODULE!ADDR   \"name with spaces\" ADDR   CODE MODULE ADDR
MODULE is a name, a path, or a build-id or a prefix of one of 8 digits or more.
Blank lines and lines that begin with # pass. Addresses are the file's own (virtual) addresses.

Examples:
  symtool resolve --module libxxx.so.debug 0x5a602a 0x5a6100
  symtool resolve --batch addrs.txt --style json")]
pub struct Resolve {
    /// Addresses, or other requests
    #[arg(value_name = "ADDR", value_parser = clap::builder::NonEmptyStringValueParser::new(), conflicts_with = "batch", required_unless_present = "batch")]
    pub addresses: Vec<String>,
    /// Read requests from a file, or from stdin if it is -
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// The module of requests that name none: a name, a path, or an id
    #[arg(long, value_name = "MODULE")]
    pub module: Option<String>,
    /// Of several builds of one name, take the one that was imported last
    #[arg(long)]
    pub latest: bool,
    /// How answers are written [default: pretty, or json with --json]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub style: Option<Style>,
    /// Print names as the linker knows them
    #[arg(long)]
    pub no_demangle: bool,
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
pub enum Modules {
    /// Lists all modules
    List,
    /// Shows what is known of some modules, and what was dropped from them
    Show {
        /// A name, a path, or an id
        #[arg(required = true, value_name = "MODULE")]
        modules: Vec<String>,
    },
    /// Removes modules with all that was imported of them
    Remove {
        /// A name, a path, or an id
        #[arg(required = true, value_name = "MODULE")]
        modules: Vec<String>,
    },
    /// Checks every block of some modules, and their answers against the file where one is given
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Without MODULE, all modules are checked. For a path, answers at sampled addresses are worked out anew from
that file by another reader (the addr2line crate) and compared.

Exit codes: 0 all is well; 1 answers differ, or a module or file was not found; 3 the store is damaged.

Examples:
  symtool modules verify
  symtool modules verify libxxx.so.debug --sample 100000")]
pub struct Verify {
    /// A name, a path, or an id
    #[arg(value_name = "MODULE")]
    pub modules: Vec<String>,
    /// Compare this many addresses of a file; 0 for the start of every range
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub sample: usize,
}
