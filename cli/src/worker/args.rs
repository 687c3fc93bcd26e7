//! The arguments of `symtool worker`: the doc comments are its help.

use std::ffi::OsString;
use std::path::PathBuf;

const WORKER: &str = "Examples:
  symtool worker symbolicate < events.ndjson
  symtool worker resolve < addresses.txt
  symtool worker assess < events.ndjson

Each line of stdin has one line on stdout, a JSON object with a status, in the same order. Answers do not depend on the lines around them, and are flushed whenever the input pauses.

Exit codes: 0 every line has an answer, even if it says what is wrong with the line; 75 the store is busy or out of reach, try again later; 2 and 3 wrong usage or a store that cannot be used, where trying again does not help.";

const WORKER_SYMBOLICATE: &str = "Examples:
  symtool worker symbolicate < events.ndjson
  symtool worker symbolicate --end-row < part-7.ndjson

A line is a report as a JSON object, or {\"report\": TEXT, \"key\": ANY}, whose text is a report in any format and whose key is given back.";

const WORKER_RESOLVE: &str = "Examples:
  symtool worker resolve < addresses.txt
  symtool worker resolve --module libxxx.so < offsets.txt

A line is a request as `symtool resolve` takes it, such as MODULE+ADDR.";

const WORKER_ASSESS: &str = "Examples:
  symtool worker assess < events.ndjson
  symtool worker assess --end-row --rules rules.txt < part-7.ndjson

A line is a report as a JSON object, or {\"report\": TEXT, \"was\": {\"fingerprint\": F, \"digest\": D, \"resolved\": N}, \"key\": ANY}, where `was` is from the last answer: a crash whose digest is the same is not assessed again. `symtool groups plan` takes the answers that have a fingerprint, as they are or summed: those with `from` as --flows, the others as --tallies. Of several answers for one `crash`, pass on the one with the greatest `rank`.";

#[derive(Debug, clap::Subcommand)]
#[command(after_help = WORKER)]
pub enum Worker {
    /// Resolves the frames of a report on each line
    #[command(after_help = WORKER_SYMBOLICATE)]
    Symbolicate(WorkerSymbolicate),
    /// Says what the crash on each line is grouped by
    #[command(after_help = WORKER_ASSESS)]
    Assess(WorkerAssess),
    /// Resolves the address on each line
    #[command(after_help = WORKER_RESOLVE)]
    Resolve(WorkerResolve),
}

impl Worker {
    /// Whether a last line says how many answers there were.
    pub fn end_row(&self) -> bool {
        match self {
            Self::Symbolicate(WorkerSymbolicate { end })
            | Self::Assess(WorkerAssess { end, .. })
            | Self::Resolve(WorkerResolve { end, .. }) => end.end_row,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct EndRow {
    /// End with a line that counts the answers, so that a cut stream is seen
    #[arg(long)]
    pub end_row: bool,
}

#[derive(Debug, clap::Args)]
pub struct WorkerSymbolicate {
    #[command(flatten)]
    pub end: EndRow,
}

#[derive(Debug, clap::Args)]
pub struct WorkerAssess {
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    #[command(flatten)]
    pub end: EndRow,
}

#[derive(Debug, clap::Args)]
pub struct WorkerResolve {
    /// The module of requests that name none: a name, a path or an id, optionally with `:ARCH`
    #[arg(long, value_name = "MODULE")]
    pub module: Option<OsString>,
    /// If several builds have the name, use the one imported last
    #[arg(long)]
    pub latest: bool,
    /// Addresses count from the module's image base, as `address - load address` does
    #[arg(long)]
    pub relative: bool,
    /// Addresses are return addresses: look up the call before each
    #[arg(long)]
    pub return_addresses: bool,
    #[command(flatten)]
    pub end: EndRow,
}
