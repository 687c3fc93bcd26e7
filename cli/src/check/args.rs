//! The arguments of `symtool check`: the doc comments are its help, and the examples stand below
//! them.

use std::path::PathBuf;

const CHECK: &str = "Examples:
  symtool check build/libxxx.so
  symtool check libxxx.so libxxx.so.debug   a pair
  symtool check app.apk --debug-dir symbols/
  symtool check --require symbols vendor/libyyy.so
  symtool check app.aab mapping.txt
  symtool check --format github build/
  symtool check --format sarif build/ > symbols.sarif

A file is good if it has a build-id or UUID and intact debug data; a mapping, if it has classes, all its lines can be read, and its contents are those that R8 hashed (pg_map_hash). The debug data may be in a debug file of the same build: beside it, in a --debug-dir, or among the arguments. No store is needed.

Exit codes: 0 all are good; 1 some are not, each is named with what to do; 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = CHECK)]
pub struct Check {
    /// Object files, dSYM bundles, mappings, archives or folders, as for `import`; code and its
    /// debug file are matched by id
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What each build needs to have
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Require::Debug)]
    pub require: Require,
    /// How results are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text, conflicts_with = "json")]
    pub format: Format,
    /// Also search this folder for debug files, dSYMs, .dwo and dwz files
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
}

/// Formats of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line for each file, and one for each problem
    Text,
    /// An object for each file, as with --json
    Json,
    /// Annotations of GitHub Actions: a workflow command for each problem
    Github,
    /// A Code Quality report of GitLab
    Gitlab,
    /// A log in SARIF 2.1.0, as code scanning takes it
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Require {
    /// Debug data: lines and inlined calls
    Debug,
    /// Symbols: names of functions
    Symbols,
}
