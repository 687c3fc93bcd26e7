//! `symtool groups list`: a line or a JSON object for each group that has crashes.

use std::collections::HashSet;
use std::io::Write;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::dump::BareDumps;
use symtool_crashes::groups::{
    Facets, Group, GroupMarks, GroupSort as Order, GroupState, LatestReleases,
};
use symtool_crashes::{Crashes, FingerprintKind, GroupId};
use symtool_module::is_same_arch;

use super::args::{GroupKind, GroupSort, GroupsList};
use super::mark::Marks;
use super::plan;
use crate::context::Context;
use crate::exit::Exit;
use crate::moment::iso;
use crate::output;
use crate::table::{Column, Fit, Table};
use crate::terminal::clean;

/// A group.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Line<'a> {
    id: String,
    title: &'a str,
    kind: FingerprintKind,
    crashes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    releases: Vec<&'a str>,
    aliases: Vec<String>,
    /// Whether it first came in the latest release of its application.
    new: bool,
    /// Whether it was resolved and came again in a later release.
    regressed: bool,
    #[serde(flatten)]
    marks: Marks,
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
pub fn run(context: &Context, args: &GroupsList) -> Result<Exit> {
    let source = match &args.state {
        Some(path) => Source::State(plan::read(path)?),
        None => Source::Store(Box::new(Crashes::open(&context.open_store()?)?)),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut table = Table::for_stdout(COLUMNS, context);
    let mut left = args.limit.unwrap_or(usize::MAX);
    let filter = Filter::of(&source, args)?;
    let each = |group: Group| -> Result<bool> {
        let marks = filter.marks(&group)?;
        if left == 0 || !is_meant(&group, args) || !filter.is_meant(&group, args, &marks) {
            return Ok(left > 0);
        }
        left -= 1;
        let line = Line::of(&group, filter.latest.has_new(&group), marks);
        if context.json {
            writeln!(out, "{}", output::json(&line)?)?;
        } else if let Some(table) = &mut table {
            table.row(&mut out, line.cells())?;
        } else {
            let last = line.last_seen.as_deref().map_or("-         ", |last| &last[..10]);
            let title = clean(line.title);
            writeln!(
                out,
                "{}  {:>7}  {last}  {:<11}  {title}",
                line.id,
                line.crashes,
                line.kind.name()
            )?;
        }
        Ok(left > 0)
    };
    source.each_group(args, each)?;
    table.map_or(Ok(()), |table| table.finish(&mut out))?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Where groups are.
enum Source {
    Store(Box<Crashes>),
    State(GroupState),
}

impl Source {
    /// Calls `each` with every group, in the order that `args` ask for, until it says no.
    fn each_group(
        &self,
        args: &GroupsList,
        mut each: impl FnMut(Group) -> Result<bool>,
    ) -> Result<()> {
        let (order, at_once) = (order(args.sort), args.limit.unwrap_or(usize::MAX));
        match self {
            Self::Store(crashes) => crashes.each_group(order, args.reverse, at_once, each),
            Self::State(state) => {
                let mut groups = state.groups();
                order.sort(&mut groups, args.reverse);
                for group in groups {
                    if !each(group)? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }
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

/// What decides on groups besides what they are themselves.
struct Filter<'c> {
    /// What has marks, if there are any.
    marked: Option<&'c Crashes>,
    latest: LatestReleases,
    /// Groups with crashes on the system and architecture that are asked for.
    ran_there: Option<HashSet<GroupId>>,
}

impl<'c> Filter<'c> {
    fn of(source: &'c Source, args: &GroupsList) -> Result<Self> {
        let crashes = match source {
            Source::Store(crashes) => &**crashes,
            Source::State(state) => {
                return Ok(Self { marked: None, latest: state.latest_releases(), ran_there: None });
            }
        };
        let marked = if crashes.has_marks()? { Some(crashes) } else { None };
        let latest = crashes.latest_releases()?;
        let ran_there = if args.os.is_some() || args.arch.is_some() {
            let groups = crashes.groups()?;
            let facets = crashes.facets(&groups, None, &BareDumps)?;
            let ran = groups.iter().zip(&facets).filter(|(_, facets)| ran_on(facets, args));
            Some(ran.map(|(group, _)| group.id).collect())
        } else {
            None
        };
        Ok(Self { marked, latest, ran_there })
    }

    fn marks(&self, group: &Group) -> Result<GroupMarks> {
        Ok(self.marked.map(|crashes| crashes.marks(group)).transpose()?.unwrap_or_default())
    }

    fn is_meant(&self, group: &Group, args: &GroupsList, marks: &GroupMarks) -> bool {
        let is_new = || match &args.release {
            Some(release) => group.is_new_in(release),
            None => self.latest.has_new(group),
        };
        let is_either = (args.new && is_new()) || (args.regressed && marks.is_regressed(group));
        let is_news = !(args.new || args.regressed) || is_either;
        let ran_there = self.ran_there.as_ref().is_none_or(|ran| ran.contains(&group.id));
        is_news && ran_there
    }
}

/// Whether a crash ran on the system and one on the architecture that `args` asks for.
fn ran_on(facets: &Facets, args: &GroupsList) -> bool {
    let is_system = |os: &String| {
        let begins = |system: &String| {
            let rest = system.get(..os.len()).filter(|name| name.eq_ignore_ascii_case(os));
            rest.is_some()
                && (system.len() == os.len() || system[os.len()..].starts_with([' ', '.']))
        };
        facets.systems.keys().any(begins)
    };
    args.os.as_ref().is_none_or(is_system)
        && args
            .arch
            .as_ref()
            .is_none_or(|arch| facets.archs.keys().any(|is| is_same_arch(is, arch)))
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
    let is_recent =
        args.since.is_none_or(|since| group.tally.last_ms.is_some_and(|last| last >= since));
    let has_text = args.grep.as_ref().is_none_or(|text| {
        let text = text.to_lowercase();
        let frames = group.signatures.iter().flat_map(|signature| &signature.frames);
        let titles = group.signatures.iter().map(|signature| &signature.title);
        frames.chain(titles).any(|name| name.to_lowercase().contains(&text))
    });
    is_kind
        && is_release
        && is_many
        && is_recent
        && has_text
        && (args.words.is_empty() || args.words.iter().any(has_word))
}

impl<'a> Line<'a> {
    fn of(group: &'a Group, new: bool, marks: GroupMarks) -> Self {
        Self {
            id: group.id.to_string(),
            title: group.title(),
            kind: group.kind(),
            crashes: group.tally.crashes,
            first_seen: group.tally.first_ms.map(iso),
            last_seen: group.tally.last_ms.map(iso),
            releases: group.tally.releases.keys().map(String::as_str).collect(),
            aliases: group.aliases.iter().map(ToString::to_string).collect(),
            new,
            regressed: marks.is_regressed(group),
            marks: Marks::from(marks),
        }
    }
    /// On a terminal.
    fn cells(&self) -> Vec<String> {
        let last = self.last_seen.as_deref().map_or("-", |last| &last[..10]);
        vec![
            self.id.clone(),
            self.crashes.to_string(),
            last.to_owned(),
            self.kind.name().to_owned(),
            clean(self.title).into_owned(),
        ]
    }
}
