//! The pages: of groups, and of one crash.

use maud::{Markup, html};
use symtool_core::report::{CrashReport, MissingModule, Overview, RunName, RunSummary};

use super::flows::flows;
use super::frame::page;
use super::group::group;
use super::stack::{bar, facts, stack};
use super::text::{counted, grouped, long, minute, short, visible};
use crate::advice;

/// Columns of a title in a heading.
const TITLE_COLUMNS: usize = 100;

/// Columns of the name of a module.
const MODULE_COLUMNS: usize = 40;

/// The page of `overview`; of one group, if only that was asked for.
pub fn of_groups(overview: &Overview, is_one: bool) -> String {
    let run = overview.run.as_ref().filter(|_| !is_one);
    let has_flows = run.is_some_and(|run| !run.flows.is_empty());
    let title = match (run, overview.groups.first()) {
        (_, Some(group)) if is_one => short(&group.title, TITLE_COLUMNS),
        (Some(run), _) => headline(run),
        _ => {
            let crashes = counted(overview.crashes, "crash", "crashes");
            format!("{crashes} in {}", counted(overview.groups_total, "group", "groups"))
        }
    };
    let header = html! {
        h1 { (title) }
        @if let Some(run) = run { p.dim { (happened(run)) } }
        @if let Some(since) = &overview.since { p.dim { "Crashes since " (minute(since)) "." } }
    };
    let links = [
        ("flows", "How groups changed", has_flows),
        ("groups", "Groups", true),
        ("missing", "Missing modules", !overview.missing.is_empty() && !is_one),
    ];
    let links: Vec<(&str, &str)> = links
        .into_iter()
        .filter(|(.., is_there)| *is_there)
        .map(|(id, text, _)| (id, text))
        .collect();
    let main = html! {
        @if !is_one { (figures(overview, run)) }
        @if let Some(run) = run.filter(|_| has_flows) {
            section aria-labelledby="flows" { h2 #flows { "How groups changed" } (flows(run)) }
        }
        section aria-labelledby="groups" {
            h2 #groups { (if is_one { "Group" } else { "Groups, most crashes first" }) }
            (groups(overview, is_one))
        }
        @if !is_one { (missing(&overview.missing, overview.missing_total)) }
    };
    page(&format!("symtool: {title}"), &header, &links, &main)
}

/// The page of one crash.
pub fn of_crash(report: &CrashReport) -> String {
    let CrashReport { crash, title, group_crashes, missing: modules } = report;
    let header = html! {
        h1.t { (short(title, TITLE_COLUMNS)) }
        p.dim {
            "One of " (counted(*group_crashes, "crash", "crashes")) " of group " code { (crash.group) } ". In a terminal: "
            code { (advice::show_crash(&crash.id)) }
        }
        p { @for words in [&crash.exception, &crash.signal].into_iter().flatten() { span.t { (visible(words)) } " " } }
    };
    let main = html! {
        section aria-labelledby="stack" {
            h2 #stack { "Stack" }
            (legend())
            div.body.card {
                div {
                    @if short(title, TITLE_COLUMNS) != *title { h3 { span.t { (visible(title)) } } }
                    (stack(crash))
                }
                dl.facts { (facts(crash)) }
            }
        }
        (missing(modules, modules.len() as u64))
    };
    page(&format!("symtool: crash {}", crash.id), &header, &[], &main)
}

/// What a run did, in a few words.
fn headline(run: &RunSummary) -> String {
    let RunSummary { run: number, groups_before: before, groups_after: after, .. } = run;
    match run.kind {
        RunName::Undo => format!("Run {number} undid run {}", run.undid.unwrap_or_default()),
        _ if *before == 0 && *after == 0 => format!("Run {number} changed no group"),
        _ => format!(
            "Run {number}: {} became {}",
            counted(*before, "group", "groups"),
            grouped(*after)
        ),
    }
}

/// What a run did and why, and how to take it back.
fn happened(run: &RunSummary) -> Markup {
    let moved = counted(run.moved, "crash", "crashes");
    let why = match (run.kind, run.modules, run.rules_changed) {
        (RunName::Merge, ..) => ", merged by hand".to_owned(),
        (RunName::Undo, ..) | (_, 0, false) => String::new(),
        (_, 0, true) => ", because rules changed".to_owned(),
        (_, modules, is_ruled) => {
            let rules = if is_ruled { " and rules changed" } else { "" };
            format!(", because symbols of {} changed{rules}", counted(modules, "module", "modules"))
        }
    };
    html! {
        (minute(&run.at)) ": " (moved) " of " (grouped(run.stored)) " moved" (why) ". "
        @if let Some(by) = run.undone_by { "Run " (by) " has undone it." }
        @else if run.can_undo { "To take it back: " code { (advice::undo(run.run)) } }
    }
}

/// A number and what it counts.
fn figures(overview: &Overview, run: Option<&RunSummary>) -> Markup {
    let mut figures = vec![(grouped(overview.crashes), "crashes")];
    if let Some(run) = run {
        figures.push((grouped(run.improved), "have more frames resolved"));
        let (before, after) = (grouped(run.groups_before), grouped(run.groups_after));
        figures.push((format!("{before} → {after}"), "groups that changed"));
        let percent = run.largest_gain.as_ref().map_or(0, |gain| gain.percent);
        figures.push((format!("{percent}%"), "of all crashes: largest gain of a group"));
    } else {
        figures.push((grouped(overview.groups_total), "groups"));
    }
    figures.push((grouped(overview.missing_total), "missing modules that crashes wait for"));
    html! {
        dl.tiles { @for (number, what) in figures { div { dt { (what) } dd { (number) } } } }
    }
}

fn groups(overview: &Overview, is_one: bool) -> Markup {
    let shown = overview.groups.len() as u64;
    html! {
        (legend())
        ol { @for (at, one) in overview.groups.iter().enumerate() { (group(overview, one, is_one || at == 0)) } }
        @if shown == 0 { p.dim { "There are no crashes." } }
        @if !is_one && shown < overview.groups_total && shown > 0 {
            p.dim { (counted(overview.groups_total - shown, "group", "groups")) " more: " code { (advice::LIST_GROUPS) } }
        }
    }
}

/// What the looks of functions mean.
fn legend() -> Markup {
    html! {
        p.legend {
            b { "●" } " in the fingerprint · " b.a { "own" } " · system · " span.u { "no symbols" } " · "
            em { "inlined" } " into the next · " em { "scan" } " how the stack was walked"
        }
    }
}

/// Modules without symbols, those that most groups wait for first.
fn missing(modules: &[MissingModule], total: u64) -> Markup {
    let most = modules.iter().map(|module| module.waiting).max().unwrap_or(0);
    let more = total.saturating_sub(modules.len() as u64);
    html! {
        @if !modules.is_empty() {
            section aria-labelledby="missing" {
                h2 #missing { "Missing modules, most waiting groups first" }
                table {
                    thead { tr {
                        th scope="col" { "Module" } th scope="col" { "Id" }
                        th.b scope="col" aria-hidden="true" {} th.num scope="col" { "Waiting" }
                        th.num scope="col" { "Crashes" } th.num scope="col" { "Groups" }
                    } }
                    tbody { @for module in modules { (row(module, most)) } }
                }
                @if more > 0 { p.dim { (counted(more, "module", "modules")) " more: " code { (advice::LIST_MISSING) } } }
            }
        }
    }
}

fn row(module: &MissingModule, most: u64) -> Markup {
    html! {
        tr {
            td {
                span.t { (long(module.name.as_deref().unwrap_or("?"), MODULE_COLUMNS)) }
                @if let Some(arch) = &module.arch { " " small { (visible(arch)) } }
                @if let Some(path) = module.path.as_ref().filter(|path| module.name.as_ref() != Some(path)) {
                    div.dim.t { (long(path, MODULE_COLUMNS)) }
                }
            }
            td { code { (visible(&module.id)) } }
            td.b { (bar(module.waiting, most)) }
            td.num { (grouped(module.waiting)) }
            td.num { (grouped(module.crashes)) }
            td.num { (grouped(module.groups)) }
        }
    }
}
