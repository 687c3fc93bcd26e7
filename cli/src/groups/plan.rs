//! `symtool groups state`, `plan` and `of`: groups as a file, for crashes that are counted elsewhere.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use symtool_crashes::groups::{CrashSums, GroupState, Planned};
use symtool_crashes::{CrashId, Crashes, FingerprintId, Found, GroupId};
use symtool_store::Store;

use super::args::{GroupsOf, GroupsPlan, GroupsState};
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::output::{self, Draft};

/// Reads the state in the file at `path`.
pub fn read(path: &Path) -> Result<GroupState> {
    GroupState::read(open(path)?).with_context(|| {
        format!(
            "{}: no state of groups; `symtool groups state` and `plan` write one",
            path.display()
        )
    })
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    Ok(BufReader::new(file))
}

/// Writes the state of the store's groups.
pub fn state(store: &Store, args: &GroupsState) -> Result<Exit> {
    let state = Crashes::open(store)?.group_state()?;
    match &args.output {
        Some(path) => write(&state, path)?,
        None => state.write(io::BufWriter::new(io::stdout().lock()))?,
    }
    Ok(Exit::Done)
}

fn write(state: &GroupState, path: &Path) -> Result<()> {
    Draft::open(path, "the state")?
        .save_with(|out| state.write(out))
        .with_context(|| format!("{}: the state cannot be written", path.display()))
}

/// What a plan has made of groups.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PlanTold {
    /// Crashes that were counted.
    crashes: u64,
    /// Crashes that go to another fingerprint.
    moved: u64,
    /// Groups that had crashes, new ones among them.
    groups_before: u64,
    /// Groups that have crashes.
    groups_after: u64,
    /// Groups that became aliases of others.
    merged: u64,
    /// Crashes of the state before that nothing counts: they were removed, or a part is missing.
    missing: u64,
}

/// Makes the next state.
pub fn run(context: &Context, args: &GroupsPlan) -> Result<Exit> {
    let before = args.state.as_deref().map(read).transpose()?.unwrap_or_default();
    let mut sums = CrashSums::default();
    for (paths, are_flows) in [(&args.tallies, false), (&args.flows, true)] {
        for path in paths {
            sums.add_lines(open(path)?, are_flows)
                .with_context(|| format!("{}: cannot be added up", path.display()))?;
        }
    }
    let (next, planned) =
        before.next(sums).context("give --tallies or --flows a line that says so")?;
    write(&next, &args.output)?;
    let Planned { crashes, moved, groups_before, groups_after, merged, missing } = planned;
    let mut out = io::stdout().lock();
    if context.json {
        let told = PlanTold { crashes, moved, groups_before, groups_after, merged, missing };
        writeln!(out, "{}", output::json(&told)?)?;
    } else if !context.quiet {
        writeln!(
            out,
            "{crashes} crashes, {moved} moved; {groups_before} groups became {groups_after}, {merged} merged"
        )?;
    }
    out.flush()?;
    if missing > 0 {
        note!(
            "{missing} crashes of the state before are not counted: unless they were removed, a file of --tallies or --flows is missing"
        );
    }
    Ok(Exit::Done)
}

/// The group of a fingerprint.
#[derive(Debug, JsonSchema, Serialize)]
pub struct OfTold {
    /// As it was asked for, if it is a crash, or the line names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    crash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    crash: Option<String>,
    #[serde(default)]
    fingerprint: Option<String>,
}

/// Says which groups fingerprints or crashes are in.
pub fn of(context: &Context, args: &GroupsOf) -> Result<Exit> {
    let known = match &args.state {
        Some(path) => Known { state: read(path)?, crashes: None },
        None => {
            let crashes = Crashes::open(&context.open_store()?)?;
            Known { state: crashes.group_state()?, crashes: Some(crashes) }
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut are_missing = false;
    let mut tell = |told: &OfTold| -> Result<()> {
        are_missing |= told.group.is_none();
        let group = told.group.as_deref().unwrap_or("-");
        if context.json {
            writeln!(out, "{}", output::json(told)?)?;
        } else {
            let asked = told.crash.as_ref().or(told.fingerprint.as_ref());
            writeln!(out, "{}  {group}", asked.map_or("-", String::as_str))?;
        }
        Ok(())
    };
    for id in &args.ids {
        if id != "-" {
            tell(&known.of_id(id)?)?;
            continue;
        }
        for line in io::stdin().lock().lines() {
            let line = line?;
            if !line.trim().is_empty() {
                tell(&known.of_line(line.trim())?)?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::failed_if(are_missing))
}

/// What is asked.
struct Known {
    state: GroupState,
    /// The store, if it is one.
    crashes: Option<Crashes>,
}

impl Known {
    fn of_id(&self, id: &str) -> Result<OfTold> {
        if let Some(fingerprint) = FingerprintId::parse(id) {
            return Ok(self.told(None, Some(fingerprint)));
        }
        let Some(crashes) = self.crashes.as_ref().filter(|_| id.starts_with(CrashId::LETTER))
        else {
            let fact =
                format!("{id}: no fingerprint; `symtool worker assess` tells that of a crash");
            return Err(Usage(fact).into());
        };
        match crashes.find(id)? {
            Found::One(at) => Ok(self.told(Some(id), crashes.fingerprint_at(at)?)),
            Found::Several(_) => {
                let fact =
                    format!("{id}: the ids of several crashes begin like this; write more of it");
                Err(Usage(fact).into())
            }
            Found::Unknown => Ok(self.told(Some(id), None)),
        }
    }

    fn of_line(&self, line: &str) -> Result<OfTold> {
        if !line.starts_with('{') {
            return self.of_id(line);
        }
        let asked: Asked =
            serde_json::from_str(line).context("a line of stdin is no JSON object")?;
        let fingerprint = asked.fingerprint.as_deref().and_then(FingerprintId::parse);
        Ok(self.told(asked.crash.as_deref(), fingerprint))
    }

    fn told(&self, crash: Option<&str>, fingerprint: Option<FingerprintId>) -> OfTold {
        let group: Option<GroupId> = fingerprint.and_then(|id| self.state.group_of(id));
        OfTold {
            crash: crash.map(str::to_owned),
            fingerprint: fingerprint.map(|id| id.to_string()),
            group: group.map(|group| group.to_string()),
        }
    }
}
