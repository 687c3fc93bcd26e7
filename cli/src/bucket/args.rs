//! The arguments of `symtool bucket`: the doc comments are its help, and the examples stand below
//! them.

use clap::Subcommand;

const PROBE: &str = "Examples:
  symtool bucket probe --store s3://symbols/team

32 concurrent requests try to create one object, and then to replace it. Each time exactly one may succeed, and the others must be told that they failed. Imports rely on this, and refuse a bucket whose storage fails the check.";

const GC: &str = "Examples:
  symtool bucket gc --store s3://symbols/team --dry-run
  symtool bucket gc --store s3://symbols/team

A writer that was killed, or that lost a race with another one, leaves segments and markers that no module refers to. They take up space but do no other harm.";

const BUCKET: &str = "Examples:
  symtool bucket probe --store s3://symbols/team
  symtool bucket gc --store s3://symbols/team --dry-run";

#[derive(Debug, Subcommand)]
#[command(after_help = BUCKET)]
pub enum Bucket {
    /// Checks that several processes can safely write to the storage at once
    #[command(after_help = PROBE)]
    Probe,
    /// Removes objects that no module has referred to for a day
    #[command(after_help = GC)]
    Gc(BucketGc),
}

#[derive(Debug, clap::Args)]
pub struct BucketGc {
    /// Count what would be removed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
