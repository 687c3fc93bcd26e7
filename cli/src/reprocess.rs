//! `symtool reprocess`: regroups stored crashes under the symbols and rules of today, and prints
//! what changed. Made for cron: quiet if nothing changed, and a killed run leaves the store as
//! before or as after.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::{Reprocessed, RunStatus, ShardDone};
use symtool_crashes::reprocess::{Shard, ShardWritten, ShardsMissing};
use symtool_crashes::{Missing, Report};
use symtool_grouping::rules::Rules;
use symtool_store::Store;

use crate::context::Context;
use crate::counted;
use crate::exit::{self, Exit, TryLater};
use crate::groups::joined;
use crate::notify::{Notices, NotifyArgs};
use crate::output::{self, Draft};
use crate::progress::{self, Meter, Reached, Unit};
use crate::rules;
use crate::terminal::clean;

const REPROCESS: &str = "Examples:
  symtool reprocess --dry-run
  symtool reprocess --max-absorb 20 --report last.json
  17 3 * * *  symtool -q reprocess --max-absorb 20    in a crontab
  symtool reprocess --notify-command tell-team
  symtool reprocess --shard 3/16
  symtool reprocess --finish

Only crashes with frames in modules that changed since the last run are looked at; all of them if rules have changed. A run is atomic: a killed run has changed nothing or everything. A crash that would have fewer frames resolved stays as it was.";

#[derive(Debug, clap::Args)]
#[command(after_help = REPROCESS)]
pub struct Reprocess {
    /// Print what would change, and change nothing
    #[arg(long, conflicts_with_all = ["notify", "notify_command"])]
    pub dry_run: bool,
    /// Look at all crashes, not only those with modules that changed since the last run
    #[arg(long)]
    pub all: bool,
    /// Also write the JSON report to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Only assess the crashes of shard I of N, from 0, and leave the run to --finish; N alone is
    /// shard `$JOB_COMPLETION_INDEX` of N
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with_all = ["dry_run", "report", "max_absorb", "notify", "notify_command", "finish"])]
    pub shard: Option<Shard>,
    /// Finish a run whose shards are all done; exit with 75 if some are not
    #[arg(long)]
    pub finish: bool,
    /// Change nothing and exit with 1 if one group would gain more than this percentage of all
    /// crashes
    #[arg(long, value_name = "PCT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_absorb: Option<u8>,
    /// Apply the grouping rules in this file after the built-in ones
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    #[command(flatten)]
    pub notify: NotifyArgs,
}

/// What a run did, or would do.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Told<'a> {
    version: u32,
    status: RunStatus,
    #[serde(flatten)]
    report: &'a Report,
    /// Modules that crashes still wait for; those that most groups wait for.
    missing: Vec<StillMissing<'a>>,
}

/// A module that crashes still wait for.
#[derive(Debug, JsonSchema, Serialize)]
struct StillMissing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    id: &'a str,
    waiting: u64,
    groups: u64,
}

/// Missing modules that are named; `symtool missing` lists all.
const MISSING: usize = 10;

/// Aliases of one group that are named; `groups show` and `--json` name all.
const ALIASES: usize = 4;

/// Runs the command.
pub fn run(context: &Context, args: &Reprocess) -> Result<Exit> {
    let rules = rules::load(context, args.rules.as_deref())?;
    let store = context.open_store()?;
    if let Some(shard) = args.shard {
        return run_shard(context, args, &rules, (&store, shard)).map_err(exit::or_try_later);
    }
    let notices = Notices::of(context, &args.notify)?;
    notices.begin(&store)?;
    let draft = args.report.as_deref().map(|path| Draft::open(path, "the report")).transpose()?;
    let meter = Meter::new(progress::is_wanted(context), "reprocessing", Unit::Of("crashes"));
    let reprocess = symtool_core::Reprocess {
        rules: &rules,
        all: args.all,
        dry_run: args.dry_run,
        max_absorb: args.max_absorb,
    };
    let progress = |all, done| meter.set(Reached { count: done, part: Some((done, all)) });
    let reprocessed = if args.finish {
        finish(reprocess, &store, progress)
    } else {
        Ok(reprocess.run(&store, progress)?)
    };
    drop(meter);
    let Reprocessed { status, report, missing, counted: newly_counted } = reprocessed?;
    counted::note(&store, newly_counted);
    let told = Told {
        version: output::VERSION,
        status,
        report: &report,
        missing: still_missing(&missing),
    };
    if let Some(draft) = draft {
        let text = serde_json::to_string_pretty(&told)? + "\n";
        draft.save(&text).with_context(|| {
            let path = draft.path().display();
            format!("{path}: the report cannot be written; the run itself is done")
        })?;
    }
    let mut out = std::io::stdout().lock();
    if context.json {
        writeln!(out, "{}", serde_json::to_string(&told)?)?;
    } else if !context.quiet {
        told.write(&mut out)?;
    }
    out.flush()?;
    if let (RunStatus::Refused, Some(gain), Some(most)) =
        (status, &report.largest_gain, args.max_absorb)
    {
        say!(
            "refused: group {} would gain {} crashes, {} % of all (--max-absorb {most}); see --dry-run, change the rules, or raise \
             --max-absorb",
            gain.group,
            gain.crashes,
            gain.percent
        );
    }
    notices.deliver(&store, Exit::failed_if(status == RunStatus::Refused))
}

/// What a shard did.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ShardTold {
    shard: String,
    /// Crashes that it has assessed.
    assessed: u64,
    /// Whether another attempt at the shard had been done before, whose work the run takes.
    known: bool,
}

fn run_shard(
    context: &Context,
    args: &Reprocess,
    rules: &Rules,
    (store, shard): (&Store, Shard),
) -> Result<Exit> {
    let meter = Meter::new(progress::is_wanted(context), "assessing", Unit::Of("chunks"));
    let reprocess =
        symtool_core::Reprocess { rules, all: args.all, dry_run: false, max_absorb: None };
    let ShardDone { assessed, written } = reprocess.shard(store, shard, |all, done| {
        meter.set(Reached { count: done, part: Some((done, all)) });
    })?;
    drop(meter);
    let known = written == ShardWritten::Known;
    let mut out = std::io::stdout().lock();
    if context.json {
        let told = ShardTold { shard: shard.to_string(), assessed, known };
        writeln!(out, "{}", output::json(&told)?)?;
    } else if !context.quiet {
        let note = if known { "; another attempt had been done before" } else { "" };
        writeln!(out, "shard {shard}: {assessed} crashes assessed{note}")?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Finishes a run whose shards are all done.
fn finish(
    reprocess: symtool_core::Reprocess<'_>,
    store: &Store,
    progress: impl Fn(u64, u64) + Sync,
) -> Result<Reprocessed> {
    let finished = reprocess.finish(store, progress);
    let finished = finished.map_err(|error| exit::or_try_later(error.into()))?;
    finished.map_err(|missing| not_done(&missing).into())
}

/// Shards may still be at work.
fn not_done(missing: &ShardsMissing) -> TryLater {
    let which = match missing {
        ShardsMissing::All => "I/N, for I from 0 to N - 1".to_owned(),
        ShardsMissing::Some { missing, .. } => {
            missing.first().map_or_else(String::new, ToString::to_string)
        }
    };
    TryLater(format!("{missing}; wait until they are, or run symtool reprocess --shard {which}"))
}

/// `I/N`, or `N` of a job whose environment says which.
fn shard(text: &str) -> Result<Shard, String> {
    let (index, count) = match text.split_once('/') {
        Some((index, count)) => (index.to_owned(), count),
        None => (std::env::var("JOB_COMPLETION_INDEX").unwrap_or_default(), text),
    };
    let shard = index.parse().ok().zip(count.parse().ok());
    shard.and_then(|(index, count)| Shard::new(index, count)).ok_or_else(|| {
        "not I/N with I less than N, as in 0/16; N alone needs $JOB_COMPLETION_INDEX".to_owned()
    })
}

fn still_missing(missing: &[Missing]) -> Vec<StillMissing<'_>> {
    let waiting = missing.iter().filter(|module| module.waiting > 0).take(MISSING);
    waiting
        .map(|module| StillMissing {
            name: module.name.as_deref(),
            id: &module.id,
            waiting: module.waiting,
            groups: module.groups,
        })
        .collect()
}

impl Told<'_> {
    fn write(&self, out: &mut impl Write) -> Result<()> {
        let counts = &self.report.crashes;
        for cause in &self.report.modules {
            let name = cause.name.as_deref().map_or("a module", |name| name);
            writeln!(
                out,
                "{:<9} {} ({}): {} crashes moved",
                cause.change,
                clean(name),
                cause.id,
                cause.moved
            )?;
        }
        if self.report.rules_changed {
            writeln!(out, "rules have changed")?;
        }
        writeln!(
            out,
            "{} of {} crashes selected, {} assessed: {} better resolved, {} moved, {} kept; {} affected groups \
             became {}",
            counts.selected,
            counts.stored,
            counts.assessed,
            counts.improved,
            counts.moved,
            counts.kept,
            counts.groups_before,
            counts.groups_after
        )?;
        if counts.walked > 0 {
            writeln!(out, "{} minidumps were walked again", counts.walked)?;
        }
        if counts.not_walked > 0 {
            writeln!(
                out,
                "{} minidumps were not walked again: only their frames are kept",
                counts.not_walked
            )?;
        }
        write_changes(out, self.report)?;
        for module in &self.missing {
            let name = clean(module.name.unwrap_or("?"));
            writeln!(
                out,
                "missing   {name} ({}): {} crashes in {} groups wait for it",
                module.id, module.waiting, module.groups
            )?;
        }
        match (self.status, self.report.run) {
            (RunStatus::Applied, Some(run)) => {
                writeln!(out, "run {run}; undo it with: symtool groups undo {run}")?;
            }
            (RunStatus::DryRun, _) => writeln!(out, "nothing was changed (--dry-run)")?,
            _ => {}
        }
        Ok(())
    }
}

/// Writes which groups changed, a line each.
pub fn write_changes(out: &mut impl Write, report: &Report) -> Result<()> {
    for merge in &report.merged {
        let named = &merge.aliases[..merge.aliases.len().min(ALIASES)];
        let more = match merge.aliases.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (aliases, title) = (joined(named), clean(&merge.title));
        writeln!(
            out,
            "merged    {aliases}{more} ({} crashes) into {} {title}",
            merge.crashes, merge.group
        )?;
    }
    for split in &report.split {
        for part in &split.into {
            let title = clean(&part.title);
            writeln!(
                out,
                "split     {} crashes of {} go to {} {title}",
                part.crashes, split.group, part.group
            )?;
        }
    }
    for rename in &report.renamed {
        writeln!(
            out,
            "renamed   {} from {} to {}",
            rename.group,
            clean(&rename.from),
            clean(&rename.to)
        )?;
    }
    Ok(())
}
