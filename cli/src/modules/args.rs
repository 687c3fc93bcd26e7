//! The arguments of `symtool modules`: the doc comments are its help, and the examples stand below
//! them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::args::age;

const MODULES: &str = "Examples:
  symtool modules list
  symtool modules show libxxx.so.debug
  symtool modules verify";

const LIST: &str = "Examples:
  symtool modules list
  symtool modules list libxxx --sort imported
  symtool modules list --limit 100 --after libxxx.so
  symtool modules list --json | jq -r .id

On a terminal, ids are cut to 12 digits, which are enough to name a module.";

const SHOW: &str = "Examples:
  symtool modules show libxxx.so.debug
  symtool modules show 4a575717325c
  symtool modules show --latest libxxx.so.debug
  symtool modules show MyApp.app:arm64";

const REMOVE: &str = "Examples:
  symtool modules remove 4a575717325c
  symtool modules remove libxxx.so.debug libyyy.so.debug";

const GC: &str = "Examples:
  symtool modules gc --keep 5
  symtool modules gc --older-than 365d --dry-run
  symtool modules gc --keep 2 --older-than 90d

With both options, only builds that are old and have enough newer ones are removed.";

const EXPORT: &str = "Examples:
  symtool modules export libxxx.so -o libxxx.segment
  symtool import libxxx.segment      elsewhere
  symtool modules export libxxx.so --breakpad -o libxxx.so.sym
  symtool modules export --layout breakpad /srv/symbols
  symtool modules export --layout debuginfod /srv/debuginfod libxxx.so libxxx.so.debug
  symtool modules export --layout ssqp /srv/symstore build/
  symtool modules export --layout gdb /usr/lib/debug libxxx.so.debug

Without --breakpad and --layout the file contains the module as it is stored. From a sealed store it is sealed, and the other store needs the same key. Symbol files are readable by everybody.

All layouts but breakpad have original files, which the store does not keep: pass files, folders or archives with them. Each is copied to where its id is looked for.";

const REPAIR: &str = "Examples:
  symtool modules repair

Checks every block and drops modules with a damaged one; import their files again. The old database is kept until the new one is on disk.

Exit codes: 0 nothing was lost; 1 something was lost and is named; 3 the store cannot be used.";

const COMPACT: &str = "Examples:
  symtool modules compact

Waits for readers and writers to finish, for at most --wait SECONDS.";

const VERIFY: &str = "Examples:
  symtool modules verify
  symtool modules verify libxxx.so.debug --sample 100000

Without MODULE, all modules are checked. With a path, answers at sampled addresses are also compared with those of a second reader (the addr2line crate) of that file.

Exit codes: 0 intact; 1 answers differ, or a module or file was not found; 3 the store is damaged.";

#[derive(Debug, clap::Subcommand)]
#[command(after_help = MODULES)]
pub enum Modules {
    /// Lists modules
    #[command(after_help = LIST)]
    List(List),
    /// Shows the files of modules, and what was left out of them and why
    #[command(after_help = SHOW)]
    Show(Named),
    /// Removes modules
    #[command(after_help = REMOVE)]
    Remove(Named),
    /// Checks every block of modules; with a path, also compares answers with that file
    Verify(Verify),
    /// Removes old builds
    #[command(after_help = GC)]
    Gc(Gc),
    /// Writes a module to a file that can be imported into another store, or files for symbol
    /// servers
    #[command(after_help = EXPORT)]
    Export(Export),
    /// Keeps everything that can be read, and names what was lost
    #[command(after_help = REPAIR)]
    Repair,
    /// Merges files and frees the space of removed modules
    #[command(after_help = COMPACT)]
    Compact,
}

#[derive(Debug, clap::Args)]
pub struct List {
    /// Only modules whose name or label contains this, or whose id begins with it
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only modules of this architecture
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<symtool_module::Arch>,
    /// Sort by this
    #[arg(long, value_enum, value_name = "BY", default_value_t = Sort::Name)]
    pub sort: Sort,
    /// Reverse the order
    #[arg(long)]
    pub reverse: bool,
    /// List at most N modules
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Begin behind this module: a name, a path or an id, optionally with `:ARCH`
    #[arg(long, value_name = "MODULE", value_parser = module())]
    pub after: Option<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
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

#[derive(Debug, clap::Args)]
pub struct Export {
    /// A name, a path or an id, optionally with `:ARCH`; with --layout several, or all if there is
    /// none; for all layouts but breakpad files, folders and archives
    #[arg(value_name = "MODULE", value_parser = module())]
    pub modules: Vec<OsString>,
    /// The file to write [default with --breakpad: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write a Breakpad symbol file
    #[arg(long)]
    pub breakpad: bool,
    /// Write files where a symbol server or debugger of this layout (breakpad, debuginfod, gdb, lldb
    /// or ssqp) looks for them
    #[arg(long, num_args = 2, value_names = ["LAYOUT", "DIR"], conflicts_with_all = ["output", "breakpad"])]
    pub layout: Option<Vec<OsString>>,
    /// Write linkage names into symbol files as they are
    #[arg(long)]
    pub no_demangle: bool,
    /// If several builds have the name, use the one imported last
    #[arg(long)]
    pub latest: bool,
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
    OsStringValueParser::new().try_map(|name| {
        if name.is_empty() { Err("empty; pass a name, a path or an id") } else { Ok(name) }
    })
}

#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY)]
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
