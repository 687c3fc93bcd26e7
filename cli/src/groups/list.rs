//! `symtool groups list`: a line or a JSON object for each group that has crashes.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use symtool_crashes::groups::{Group, GroupSort as Order};
use symtool_crashes::{Crashes, FingerprintKind};
use symtool_store::Store;

use super::args::{GroupKind, GroupSort, GroupsList};
use crate::context::Context;
use crate::exit::Exit;
use crate::moment::iso;
use crate::output;
use crate::table::{Column, Fit, Table};
use crate::terminal::clean;

/// A group: the JSON object that the documentation describes.
#[derive(Debug, Serialize)]
struct Line<'a> {
    id: String,
    title: &'a str,
    kind: &'static str,
    crashes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    releases: Vec<&'a str>,
    aliases: Vec<String>,
}

/// The list on a terminal.
const COLUMNS: &[Column] = &[
    Column::new("GROUP", Fit::Id),
    Column::new("CRASHES", Fit::Number),
    Column::new("LAST SEEN", Fit::Optional(1)),
    Column::new("KIND", Fit::Optional(0)),
    Column::new("TITLE", Fit::Text),
];

/// Runs the command.
pub fn run(context: &Context, store: &Store, args: &GroupsList) -> Result<Exit> {
    let crashes = Crashes::open(store)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut table = Table::for_stdout(COLUMNS, context);
    let mut left = args.limit.unwrap_or(usize::MAX);
    let each = |group: Group| -> Result<bool> {
        if left == 0 || !is_meant(&group, args) {
            return Ok(left > 0);
        }
        left -= 1;
        let line = Line::of(&group);
        if context.json {
            writeln!(out, "{}", output::json(&line)?)?;
        } else if let Some(table) = &mut table {
            table.row(&mut out, line.cells())?;
        } else {
            let last = line.last_seen.as_deref().map_or("-         ", |last| &last[..10]);
            let title = clean(line.title);
            writeln!(out, "{}  {:>7}  {last}  {:<11}  {title}", line.id, line.crashes, line.kind)?;
        }
        Ok(left > 0)
    };
    crashes.each_group(order(args.sort), args.reverse, args.limit.unwrap_or(usize::MAX), each)?;
    table.map_or(Ok(()), |table| table.finish(&mut out))?;
    out.flush()?;
    Ok(Exit::Done)
}

fn order(sort: GroupSort) -> Order {
    match sort {
        GroupSort::Crashes => Order::Crashes,
        GroupSort::First => Order::First,
        GroupSort::Last => Order::Last,
        GroupSort::Title => Order::Title,
        GroupSort::Id => Order::Id,
    }
}

fn is_meant(group: &Group, args: &GroupsList) -> bool {
    let has_word = |word: &String| {
        let aliases = group
            .aliases
            .iter()
            .chain([&group.id])
            .any(|id| id.to_string().starts_with(word.as_str()));
        aliases || group.title().contains(word.as_str())
    };
    let is_kind = match args.kind {
        None => true,
        Some(GroupKind::Resolved) => group.kind() == FingerprintKind::Resolved,
        Some(GroupKind::Provisional) => group.kind() == FingerprintKind::Provisional,
        Some(GroupKind::Unassigned) => group.kind() == FingerprintKind::Unassigned,
    };
    let is_release =
        args.release.as_ref().is_none_or(|release| group.tally.releases.contains_key(release));
    let is_many = args.min_crashes.is_none_or(|least| group.tally.crashes >= least);
    is_kind && is_release && is_many && (args.words.is_empty() || args.words.iter().any(has_word))
}

impl<'a> Line<'a> {
    fn of(group: &'a Group) -> Self {
        Self {
            id: group.id.to_string(),
            title: group.title(),
            kind: group.kind().name(),
            crashes: group.tally.crashes,
            first_seen: group.tally.first_ms.map(iso),
            last_seen: group.tally.last_ms.map(iso),
            releases: group.tally.releases.keys().map(String::as_str).collect(),
            aliases: group.aliases.iter().map(ToString::to_string).collect(),
        }
    }
    /// On a terminal.
    fn cells(&self) -> Vec<String> {
        let last = self.last_seen.as_deref().map_or("-", |last| &last[..10]);
        vec![
            self.id.clone(),
            self.crashes.to_string(),
            last.to_owned(),
            self.kind.to_owned(),
            clean(self.title).into_owned(),
        ]
    }
}
