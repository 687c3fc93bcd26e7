//! The arguments of `symtool resolve`: the doc comments are its help, and the examples stand below
//! them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use crate::source_lines::SourceArgs;

const RESOLVE: &str = "Examples:
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --module 4a575717325c 0x5a602a   by id
  symtool resolve --module MyApp:arm64 0x100003f2c
  symtool resolve --batch addrs.txt --style json
  zcat addrs.gz | symtool resolve --batch - > frames.txt
  symtool resolve --source-dir . --module libxxx.so 0x5a602a

Requests are one on each line, with hexadecimal addresses (0x is optional). Blank lines and # comments are ignored:
  ADDR   MODULE ADDR   MODULE+ADDR   MODULE!ADDR
  CODE MODULE ADDR   \"name with spaces\" ADDR

MODULE is a name, a path, a label, or a build-id or UUID (the first 8 digits are enough). Each can be followed by :ARCH, such as :amd64 or :x86_64, which are the same.

Addresses are the file's own (virtual) addresses by default. Convert a runtime address with: address - load address + image base. `modules show` prints the image base.";

#[derive(Debug, Default, clap::Args)]
#[command(after_help = RESOLVE)]
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
    /// Also name the functions that the linker folded into the one at the address (ICF); --style
    /// json always does
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
    #[command(flatten)]
    pub source: SourceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Style {
    /// For people: one line for each frame
    Pretty,
    /// As llvm-symbolizer --output-style=GNU: function and location on a line each
    Gnu,
    /// As llvm-symbolizer --output-style=LLVM: the same with columns, and a blank line after each
    /// answer
    Llvm,
    /// As llvm-symbolizer --output-style=JSON
    LlvmJson,
    /// One object on each line, with the status of every request
    Json,
}
