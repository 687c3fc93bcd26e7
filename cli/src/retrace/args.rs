//! The arguments of `symtool retrace`: the doc comments are its help, and the examples stand below
//! them.

use std::ffi::OsString;
use std::path::PathBuf;

const RETRACE: &str = "Examples:
  symtool retrace trace.txt
  symtool retrace mapping.txt trace.txt     as R8's retrace
  symtool retrace trace.txt --mapping 5f8c1d02
  adb logcat | symtool retrace -

Each trace is retraced with the mapping that R8 wrote into its frames (r8-map-id-...), unless --mapping names one.

All other text passes through unchanged.";

#[derive(Debug, clap::Args)]
#[command(after_help = RETRACE)]
pub struct RetraceArgs {
    /// Files with stack traces, or - for stdin; a mapping.txt before them is used for all of them,
    /// and imported if it is new
    #[arg(required_unless_present_any = ["mapping", "partition_map"], value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The mapping: a file, a name or an id [default: the one that R8 named in each trace, else the
    /// only one in the store]
    #[arg(long, value_name = "MAPPING")]
    pub mapping: Option<OsString>,
    /// A partition map of R8 with the mapping; it is imported first if it is new
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    pub partition_map: Option<PathBuf>,
    /// The pattern of a trace's lines, as in R8: %c class, %m method, %s source file, %l line, %S
    /// source file and line
    #[arg(long, value_name = "REGEX")]
    pub regex: Option<String>,
    /// The style of the output; the two differ for ambiguous frames. With --verbose, r8 prints
    /// return types and arguments
    #[arg(long, value_enum, value_name = "STYLE", default_value_t)]
    pub style: RetraceStyle,
}

/// Whose output `retrace` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RetraceStyle {
    /// R8's retrace
    #[default]
    R8,
    #[value(help = "ProGuard's ReTrace")]
    Proguard,
}
