//! The arguments of `symtool bucket`: the doc comments are its help, and the examples stand below
//! them.

use clap::Subcommand;

const PROBE: &str = "Examples:
  symtool bucket probe --store s3://symbols/team

32 requests at a time race to create one object, and then to replace it: exactly one has to win, and the others have to be told. Commits stand on that, and import refuses a bucket where it is not so.";

const GC: &str = "Examples:
  symtool bucket gc --store s3://symbols/team --dry-run
  symtool bucket gc --store s3://symbols/team

A writer that was killed, or that lost to another one, leaves segments and markers that no module refers to. They cost space and nothing else.";

const BUCKET: &str = "Examples:
  symtool bucket probe --store s3://symbols/team
  symtool bucket gc --store s3://symbols/team --dry-run";

#[derive(Debug, Subcommand)]
#[command(after_help = BUCKET)]
pub enum Bucket {
    /// Checks whether the storage can be written by several at once
    #[command(after_help = PROBE)]
    Probe,
    /// Removes what no module refers to, and what is older than a day
    #[command(after_help = GC)]
    Gc(BucketGc),
}

#[derive(Debug, clap::Args)]
pub struct BucketGc {
    /// Count what would be removed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
