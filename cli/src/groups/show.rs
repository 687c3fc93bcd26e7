//! `symtool groups show`: what makes a group, where its crashes happened, and which modules they
//! are in.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::dump::BareDumps;
use symtool_core::time::day;
use symtool_crashes::groups::{Counts, Facets, Group, GroupMarks};
use symtool_crashes::{Crashes, FingerprintKind};
use symtool_store::Store;

use super::args::GroupsShow;
use super::mark::Marks;
use crate::context::Context;
use crate::exit::Exit;
use crate::moment::iso;
use crate::output;
use crate::terminal::clean;

/// A group.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Shown<'a> {
    id: String,
    title: &'a str,
    kind: FingerprintKind,
    crashes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    releases: &'a BTreeMap<String, u64>,
    systems: Counts,
    devices: Counts,
    archs: Counts,
    /// By day.
    days: BTreeMap<String, u64>,
    /// Modules that the crashes have frames in, by name.
    modules: BTreeMap<String, u64>,
    aliases: Vec<String>,
    signatures: Vec<Fingerprint<'a>>,
    /// Some of its crashes.
    examples: Vec<String>,
    /// Whether it was resolved and came again in a later release.
    regressed: bool,
    #[serde(flatten)]
    marks: Marks,
}

#[derive(Debug, JsonSchema, Serialize)]
struct Fingerprint<'a> {
    id: String,
    kind: FingerprintKind,
    crashes: u64,
    frames: &'a [String],
}

/// Crashes that are named.
const EXAMPLES: usize = 5;

/// Fingerprints that are written for people; scripts get all.
const SIGNATURES: usize = 5;

/// Runs the command.
pub fn run(context: &Context, store: &Store, args: &GroupsShow) -> Result<Exit> {
    let crashes = Crashes::open(store)?;
    let mut out = std::io::stdout().lock();
    let mut failed = false;
    for text in &args.groups {
        match super::one(&crashes, text) {
            Ok(group) => {
                let (modules, examples) = modules(&crashes, &group)?;
                let facets =
                    crashes.facets(std::slice::from_ref(&group), None, &BareDumps)?.remove(0);
                let marks = crashes.marks(&group)?;
                let shown = Shown::of(&group, (modules, examples), facets, marks);
                if context.json {
                    writeln!(out, "{}", output::json(&shown)?)?;
                } else {
                    shown.write(&mut out)?;
                }
            }
            Err(error) => {
                say!("{}", error.reason()?);
                failed = true;
            }
        }
    }
    out.flush()?;
    Ok(Exit::failed_if(failed))
}

/// In how many crashes of `group` which modules have frames; and some of the crashes.
fn modules(crashes: &Crashes, group: &Group) -> Result<(BTreeMap<String, u64>, Vec<String>)> {
    let (mut modules, mut examples): (BTreeMap<String, u64>, Vec<String>) = Default::default();
    crashes.each_of(&crashes.crashes_of(group)?, |listed| {
        if examples.len() < EXAMPLES {
            examples.push(listed.crash.id.to_string());
        }
        let images = listed
            .chunk
            .images_of(listed.crash)
            .iter()
            .filter_map(|image| listed.chunk.image(*image));
        let mut names: Vec<&str> =
            images.filter_map(|image| listed.chunk.text_of(image.name)).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            *modules.entry(name.to_owned()).or_default() += 1;
        }
        Ok(true)
    })?;
    Ok((modules, examples))
}

impl<'a> Shown<'a> {
    fn of(
        group: &'a Group,
        (modules, examples): (BTreeMap<String, u64>, Vec<String>),
        facets: Facets,
        marks: GroupMarks,
    ) -> Self {
        let signature = |signature: &'a symtool_crashes::groups::GroupFingerprint| Fingerprint {
            id: signature.id.to_string(),
            kind: signature.kind,
            crashes: signature.crashes,
            frames: &signature.frames,
        };
        Self {
            id: group.id.to_string(),
            title: group.title(),
            kind: group.kind(),
            crashes: group.tally.crashes,
            first_seen: group.tally.first_ms.map(iso),
            last_seen: group.tally.last_ms.map(iso),
            releases: &group.tally.releases,
            systems: facets.systems,
            devices: facets.devices,
            archs: facets.archs,
            days: facets.days.into_iter().map(|(days, count)| (day(days), count)).collect(),
            modules,
            aliases: group.aliases.iter().map(ToString::to_string).collect(),
            signatures: group.signatures.iter().map(signature).collect(),
            examples,
            regressed: marks.is_regressed(group),
            marks: Marks::from(marks),
        }
    }

    fn write(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "{}", clean(self.title))?;
        writeln!(out, "group       {} ({})", self.id, self.kind.name())?;
        writeln!(out, "crashes     {}", self.crashes)?;
        for (what, time) in [("first seen", &self.first_seen), ("last seen", &self.last_seen)] {
            if let Some(time) = time {
                writeln!(out, "{what:<10}  {time}")?;
            }
        }
        write_counts(out, "releases", self.releases)?;
        write_counts(out, "systems", &self.systems)?;
        write_counts(out, "devices", &self.devices)?;
        write_counts(out, "archs", &self.archs)?;
        write_counts(out, "modules", &self.modules)?;
        if !self.aliases.is_empty() {
            writeln!(out, "aliases     {}", self.aliases.join(" "))?;
        }
        self.marks.write(out)?;
        if self.regressed {
            writeln!(out, "regressed   it came again in a later release")?;
        }
        writeln!(out, "examples    {}", self.examples.join(" "))?;
        for signature in self.signatures.iter().take(SIGNATURES) {
            writeln!(out, "fingerprint {} ({} crashes)", signature.kind.name(), signature.crashes)?;
            for frame in signature.frames {
                writeln!(out, "            {}", clean(frame))?;
            }
        }
        if let Some(more) = self.signatures.len().checked_sub(SIGNATURES).filter(|more| *more > 0) {
            writeln!(out, "            and {more} other fingerprints; --json lists all")?;
        }
        Ok(())
    }
}

fn write_counts(out: &mut impl Write, what: &str, counts: &BTreeMap<String, u64>) -> Result<()> {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    for (at, (name, count)) in counts.into_iter().enumerate() {
        writeln!(out, "{:<10}  {} ({count})", if at == 0 { what } else { "" }, clean(name))?;
    }
    Ok(())
}
