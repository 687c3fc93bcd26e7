//! The arguments of `symtool import`: the doc comments are its help, and the examples stand below
//! them.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use symtool_core::import::FileId;

const IMPORT: &str = "Examples:
  symtool import libxxx.so.debug
  symtool import app.apk MyApp.xcarchive build/
  symtool import MyApp.app/MyApp:arm64   one slice
  symtool import libxxx.so --debug-dir /srv/debug
  symtool import symbols/libxxx.so/*/libxxx.so.sym
  symtool import mapping.txt --id 550e8400-e29b-41d4-a716-446655440000
  symtool import symbols.tar.zst --dry-run
  symtool import build/ --json > import.ndjson

A file that is in the store already is `unchanged`. Another file of the same build completes it.";

#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT)]
pub struct Import {
    /// Object files, dSYM bundles, Breakpad symbol files, mappings, archives (zip, apk, aar, ipa,
    /// jar, ar, tar, deb, rpm), files packed by gzip, xz or zstd, what `bundle` and `modules export`
    /// wrote, or folders with any of them; `FILE:ARCH` selects one architecture of a universal file
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also search this folder for debug files, dSYMs, .o, .dwo and dwz files
    #[arg(long = "debug-dir", value_name = "DIR")]
    pub debug_dirs: Vec<PathBuf>,
    /// Search this folder for .bcsymbolmap files, which have the names hidden by a bitcode build
    /// (`__hidden#1_`)
    #[arg(long = "bcsymbolmap", value_name = "DIR")]
    pub symbol_map_dirs: Vec<PathBuf>,
    /// The id by which crash reports refer to the mapping, such as the UUID of Sentry's Gradle
    /// plugin [default: R8's `pg_map_id`, else a UUID of the contents]; or the id of the build that
    /// a Breakpad symbol file without a MODULE line is of
    #[arg(long, value_name = "ID", value_parser = file_id)]
    pub id: Option<FileId>,
    /// A name for the imported modules, such as com.example.shop@1.4.0 [default: for mappings, the
    /// path below the folder]. All commands accept it, and `modules gc` counts builds by it,
    /// without what follows the @
    #[arg(long = "label", value_name = "LABEL", value_parser = NonEmptyStringValueParser::new())]
    pub labels: Vec<String>,
    /// Import files again that are in the store already
    #[arg(long)]
    pub force: bool,
    /// List what would be imported, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Report a file that cannot be imported only once: as long as it stays the same and fails for
    /// the same reason, it does not count. FILE keeps those that failed
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub known_failures: Option<PathBuf>,
}

fn file_id(text: &str) -> Result<FileId, String> {
    FileId::parse(text)
        .ok_or_else(|| "not an id; pass a UUID, or 8 to 128 hexadecimal digits".to_owned())
}
