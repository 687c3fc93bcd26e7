//! A group on a page: a line, which opens to what is known of the group.

use std::fmt::Write;

use maud::{Markup, html};
use symtool_core::report::{ChangeName, GroupChange, GroupDetails, Overview, Tag};
use symtool_core::time;

use super::stack::{facet, facts, stack};
use super::text::{counted, grouped, long, minute, short, visible};
use crate::advice;
use crate::groups::joined;

/// Columns of a title in the line of its group.
const TITLE_COLUMNS: usize = 120;

/// Columns of a title among others.
const OLD_TITLE_COLUMNS: usize = 60;

/// Columns of an exception.
const EXCEPTION_COLUMNS: usize = 60;

/// Height of the tallest day.
const DAY_HEIGHT: u64 = 16;

/// `group` of `overview`, open or not.
pub fn group(overview: &Overview, group: &GroupDetails, is_open: bool) -> Markup {
    html! {
        li id=(group.id) {
            details.group open[is_open] {
                summary { (line(group)) }
                div.body {
                    div {
                        @if short(&group.title, TITLE_COLUMNS) != group.title {
                            h3 { span.t { (visible(&group.title)) } }
                        }
                        @if let Some(crash) = &group.example { (stack(crash)) }
                    }
                    dl.facts { (about(overview, group)) }
                }
            }
        }
    }
}

/// The line of a group.
fn line(group: &GroupDetails) -> Markup {
    html! {
        span.rank { (grouped(group.rank)) }
        span.title {
            b.t { (short(&group.title, TITLE_COLUMNS)) }
            small { (exception(group)) }
        }
        span.tags { @for tag in &group.tags { (label(*tag)) } }
        (days(&group.days))
        span.num.big { (grouped(group.crashes)) span.vh { " crashes" } }
        span.num.pct { (format!("{:.1}", group.percent)) "%" }
    }
}

fn exception(group: &GroupDetails) -> String {
    let Some(crash) = &group.example else { return String::new() };
    let words: Vec<&str> =
        [&crash.exception, &crash.signal].into_iter().flatten().map(String::as_str).collect();
    let words = if words.len() == 2 && words[0] == words[1] {
        words[0].to_owned()
    } else {
        words.join(" ")
    };
    short(&words, EXCEPTION_COLUMNS)
}

fn label(tag: Tag) -> Markup {
    let (class, text) = match tag {
        Tag::New => ("tag w", "new"),
        Tag::Regressed => ("tag w", "regressed"),
        Tag::Merged => ("tag", "merged"),
        Tag::Split => ("tag", "split"),
        Tag::Renamed => ("tag", "renamed"),
        Tag::SymbolsMissing => ("tag w", "symbols missing"),
        Tag::Unassigned => ("tag x", "unassigned"),
    };
    html! { b class=(class) { (text) } }
}

/// A bar for each day.
fn days(days: &[u64]) -> Markup {
    let most = days.iter().copied().max().unwrap_or(0).max(1);
    let mut path = "M0 17".to_owned();
    for crashes in days {
        let height = crashes.saturating_mul(DAY_HEIGHT).div_ceil(most);
        // Writing to a String does not fail.
        let _ = write!(path, "V{}h3", 17 - height.min(DAY_HEIGHT));
    }
    html! {
        svg.sp viewBox={ "0 0 " (3 * days.len().max(1)) " 18" } aria-hidden="true" { path d={ (path) "V17z" } {} }
    }
}

/// What is known of a group besides its stack.
fn about(overview: &Overview, group: &GroupDetails) -> Markup {
    html! {
        dt { "First and last seen" }
        dd {
            (group.first_seen.as_deref().map_or("unknown".to_owned(), minute)) " – "
            (group.last_seen.as_deref().map_or("unknown".to_owned(), minute))
        }
        (by_day(overview, group))
        (facet("Releases", &group.releases, group.crashes))
        (facet("Systems", &group.systems, group.crashes))
        (facet("Devices", &group.devices, group.crashes))
        (facet("Architectures", &group.archs, group.crashes))
        (facet("Modules", &group.modules, group.crashes))
        dt { "Group" }
        dd { code { (group.id) } ", " (group.kind) }
        @if !group.aliases.is_empty() {
            dt { "Also known as" }
            dd {
                code { (joined(&group.aliases)) }
                @if group.more_aliases > 0 { " and " (counted(group.more_aliases, "other", "others")) }
            }
        }
        @if !group.history.is_empty() {
            dt { "History" }
            @for change in &group.history { dd { (history(change)) } }
        }
        dt { "In a terminal" }
        dd { code { (advice::show_group(&group.id)) } }
        @if let Some(crash) = &group.example {
            dt { "The crash whose stack this is" }
            dd { details { summary { code { (crash.id) } } dl.facts { (facts(crash)) } } }
        }
    }
}

/// The days that have crashes, in words.
fn by_day(overview: &Overview, group: &GroupDetails) -> Markup {
    let first = overview.days.as_ref().and_then(|days| time::milliseconds(&days.first));
    let words = |first: i64| {
        let mut words = String::new();
        for (day, crashes) in (0..).zip(&group.days).filter(|(_, crashes)| **crashes > 0) {
            let date = time::iso(first + day * symtool_crashes::groups::DAY_MS);
            // Writing to a String does not fail.
            let _ =
                write!(words, "{} {}, ", date.get(5..10).unwrap_or_default(), grouped(*crashes));
        }
        words.trim_end_matches(", ").to_owned()
    };
    html! {
        @if let Some(words) = first.map(words).filter(|words| !words.is_empty()) {
            dt { "Crashes by day" }
            dd { small { (words) } }
        }
    }
}

/// What a run did to the group.
fn history(change: &GroupChange) -> Markup {
    let others = html! {
        @for (at, group) in change.groups.iter().enumerate() { @if at > 0 { ", " } code { (group) } }
        @if change.more > 0 { " and " (counted(change.more, "other", "others")) }
    };
    html! {
        (change.at.get(..10).unwrap_or_default()) ", run " (change.run) ": "
        @match change.change {
            ChangeName::Merged => { (others) " merged into it" },
            ChangeName::Split => { "crashes went to " (others) },
            ChangeName::SplitFrom => { "crashes came from " (others) },
            ChangeName::Renamed => { "renamed from " (long(change.from.as_deref().unwrap_or_default(), OLD_TITLE_COLUMNS)) },
        }
    }
}
