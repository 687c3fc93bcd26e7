//! `symtool report`: crashes, groups and what a run did as one page that can be passed on, or as
//! JSON.

mod flows;
mod frame;
mod group;
mod page;
mod stack;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result};
use serde::Serialize;
use symtool_core::report::{ReportError, Reporter, Scope};
use symtool_crashes::Crashes;
use symtool_store::Store;

use crate::args::date;
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::notify::{Notices, NotifyArgs};
use crate::output::{self, Draft};
use crate::source_lines::{SourceArgs, SourceContext};
use crate::{crash, groups, rules};

const REPORT: &str = "Examples:
  symtool report -o report.html
  symtool report --run 4 -o run-4.html
  symtool report --group g00112233 -o group.html
  symtool report --crash c1f2e3 -o crash.html
  symtool report --crash c1f2e3 --source-dir . -o crash.html
  symtool report --since 2026-11-01 --json

The page is one file that loads nothing and needs no script. `source-link` in symtool.toml makes lines of source links; --source-dir shows them on the page of one group or crash.";

#[derive(Debug, clap::Args)]
#[command(after_help = REPORT)]
pub struct ReportArgs {
    /// What this run did [default: the last run]
    #[arg(long, value_name = "N")]
    pub run: Option<u64>,
    /// Only this group: its id or alias, or its first digits
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Only crashes since this date or time, as in 2026-11-01 or 2026-11-01T08:00:00Z
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub since: Option<i64>,
    /// The page of one crash: its id, its first digits, or the report's own id
    #[arg(long, value_name = "CRASH", conflicts_with_all = ["run", "group", "since", "limit"])]
    pub crash: Option<String>,
    /// Show at most N groups, those with most crashes
    #[arg(long, value_name = "N", default_value_t = symtool_core::report::limits::SHOWN_GROUPS)]
    pub limit: usize,
    /// Write the page to this file, `-` for stdout; not needed with --json
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub notify: NotifyArgs,
}

/// Runs the command.
pub fn run(context: &Context, args: &ReportArgs) -> Result<Exit> {
    if args.output.is_none() && !context.json {
        return Err(
            Usage("no file for the page; name one with -o FILE, or use --json".into()).into()
        );
    }
    let store = context.open_store()?;
    let notices = Notices::of(context, &args.notify)?;
    notices.begin(&store)?;
    write(context, args, &store)?;
    notices.deliver(&store, Exit::Done)
}

/// Writes the page, and the JSON.
fn write(context: &Context, args: &ReportArgs, store: &Store) -> Result<()> {
    let rules = rules::load(context, args.rules.as_deref())?;
    let source = SourceContext::of(&args.source)?;
    let crashes = Crashes::open(store)?;
    let reader = store.read()?;
    let catalog = reader.catalog();
    let assessor = symtool_core::assessor(&reader, &catalog, &rules)?;
    let reporter = Reporter {
        crashes: &crashes,
        assessor: &assessor,
        link: context.config.source_link.as_ref(),
        sources: source.as_ref().map(|source| (&source.sources, source.around)),
    };
    if let Some(text) = &args.crash {
        let report = reporter.crash(crash::one(&crashes, text)?)?;
        let report = report.with_context(|| format!("{text}: the crash was removed meanwhile"))?;
        return tell(context, args.output.as_deref(), &report, page::of_crash);
    }
    let group = args.group.as_deref().map(|text| groups::one_id(&crashes, text)).transpose()?;
    let scope = Scope { run: args.run, group, since_ms: args.since, limit: args.limit };
    let overview = reporter.overview(&scope).map_err(|error| match error {
        ReportError::Store(error) => Error::from(error),
        error @ ReportError::NoSuchRun(_) => {
            Error::msg(format!("{error}; `symtool groups history` lists runs"))
        }
    })?;
    tell(context, args.output.as_deref(), &overview, |overview| {
        page::of_groups(overview, group.is_some())
    })
}

/// Writes `value` as a page to `path`, and as JSON if that is wanted.
fn tell<T: Serialize>(
    context: &Context,
    path: Option<&Path>,
    value: &T,
    page: impl Fn(&T) -> String,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match path {
        Some(path) if path == Path::new("-") => out.write_all(page(value).as_bytes())?,
        Some(path) => {
            let draft = Draft::open(path, "the page")?;
            draft
                .save(&page(value))
                .with_context(|| format!("{}: the page cannot be written", path.display()))?;
        }
        None => {}
    }
    if context.json {
        writeln!(out, "{}", output::json(value)?)?;
    }
    out.flush()?;
    Ok(())
}
