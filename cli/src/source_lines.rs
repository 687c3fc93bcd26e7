//! Lines of source around locations: the options that say where source is, and how lines are shown.

use std::path::PathBuf;

use anyhow::Result;
use symtool_core::sources::{PathMap, SourceLines, Sources};

/// Lines before and after a location, unless `--source-context` says how many.
const AROUND: u32 = 3;

/// More lines than anybody reads.
const MAX_AROUND: u32 = 1_000;

/// Options of commands that show source.
#[derive(Debug, Default, clap::Args)]
pub struct SourceArgs {
    /// Show N lines of source before and after each location [default: 3 with --source-dir]
    #[arg(long, value_name = "N", requires = "source_dir", value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_AROUND)))]
    pub source_context: Option<u32>,
    /// Show lines of source from this folder, from a source bundle of sentry-cli, or from a debug
    /// file that has source in it; repeatable
    #[arg(long, value_name = "PATH")]
    pub source_dir: Vec<PathBuf>,
    /// Look for source below FROM in TO instead, which is a folder or a path in each --source-dir;
    /// repeatable
    #[arg(long, value_name = "FROM=TO", requires = "source_dir", value_parser = path_map)]
    pub map: Vec<PathMap>,
}

/// Reads `FROM=TO`.
fn path_map(text: &str) -> Result<PathMap, String> {
    let parts = text.split_once('=').filter(|(from, _)| !from.is_empty());
    let (from, to) = parts.ok_or("not FROM=TO, as in /ci/build=/home/me/app")?;
    Ok(PathMap { from: from.to_owned(), to: to.to_owned() })
}

/// Where source is at hand, and how much of it is shown.
#[derive(Debug)]
pub struct SourceContext {
    /// Where.
    pub sources: Sources,
    /// Lines before and after each location.
    pub around: u32,
}

impl SourceContext {
    /// What `args` say; `None` if no source is to be shown.
    ///
    /// # Errors
    /// If one of the places cannot be read.
    pub fn of(args: &SourceArgs) -> Result<Option<Self>> {
        if args.source_dir.is_empty() {
            return Ok(None);
        }
        let sources = Sources::open(&args.source_dir, args.map.clone())?;
        Ok(Some(Self { sources, around: args.source_context.unwrap_or(AROUND) }))
    }

    /// Lines around line `line` of `file`.
    pub fn at(&self, file: &[u8], line: u32) -> Option<SourceLines> {
        self.sources.around(&String::from_utf8_lossy(file), line, self.around)
    }
}
