//! Old groups flowing into new ones: as a picture, and as a list for small screens and screen
//! readers.

use std::fmt::Write;

use maud::{Markup, html};
use symtool_core::report::{Flow, RunSummary};
use symtool_crashes::GroupId;

use super::text::{counted, long, short};

/// Height of a line of the picture.
const LINE: f64 = 15.0;

/// Width of the picture.
const WIDTH: u32 = 1040;

/// Where lines begin.
const FROM: f64 = 150.0;

/// Where lines end.
const TO: f64 = 470.0;

/// Columns of a title in the picture.
const TITLE_COLUMNS: usize = 76;

/// Digits of an id in the picture, with its letter.
const ID_DIGITS: usize = 12;

/// Thickness of a line that stands for no crashes, and for all of them.
const THICKNESS: (f64, f64) = (2.0, 9.0);

/// The flows of `run`.
pub fn flows(run: &RunSummary) -> Markup {
    html! {
        div.card {
            (picture(&run.flows))
            ul.flows {
                @for flow in &run.flows {
                    li {
                        span.t { (long(&flow.title, TITLE_COLUMNS)) } " " code { (flow.group) } " from "
                        @for (at, origin) in flow.from.iter().enumerate() {
                            @if at > 0 { ", " }
                            code { (origin.group) }
                            @if let Some(crashes) = origin.crashes { " (" (counted(crashes, "crash", "crashes")) ")" }
                        }
                        @if flow.more > 0 { " and " (counted(flow.more, "other", "others")) }
                    }
                }
            }
        }
        @if run.more_flows > 0 {
            p.dim { (counted(run.more_flows, "group", "groups")) " more changed in this run." }
        }
    }
}

/// A line for each origin on the left; the group between its lines on the right.
fn picture(flows: &[Flow]) -> Markup {
    let most = flows.iter().flat_map(|flow| &flow.from).filter_map(|origin| origin.crashes).max();
    let most = most.unwrap_or(0);
    let rows = |flow: &Flow| flow.from.len() + usize::from(flow.more > 0);
    let height = LINE * as_float(flows.iter().map(rows).sum::<usize>() + 1);
    let first = |at: usize| flows.iter().take(at).map(rows).sum::<usize>();
    html! {
        svg.flow viewBox={ "0 0 " (WIDTH) " " (height) } aria-hidden="true" {
            @for (at, flow) in flows.iter().enumerate() {
                @let begins = first(at);
                @let middle = LINE * (as_float(2 * begins + rows(flow)) / 2.0 + 0.5);
                @for (at, origin) in flow.from.iter().enumerate() {
                    @let line = LINE * as_float(begins + at + 1);
                    path d=(curve(line, middle)) stroke-width=(thickness(origin.crashes, most)) {}
                    text x=(FROM - 6.0) y=(line + 3.5) text-anchor="end" { (id(origin.group)) }
                }
                @if flow.more > 0 {
                    text x=(FROM - 6.0) y=(LINE * as_float(begins + flow.from.len() + 1) + 3.5) text-anchor="end" {
                        "and " (flow.more) " more"
                    }
                }
                text.to x=(TO + 8.0) y=(middle + 3.5) { (short(&flow.title, TITLE_COLUMNS)) }
            }
        }
    }
}

/// From a place on the left to one on the right.
fn curve(from: f64, to: f64) -> String {
    let (near, far) = (FROM + (TO - FROM) * 0.55, FROM + (TO - FROM) * 0.45);
    let mut path = String::new();
    // Writing to a String does not fail.
    let _ = write!(path, "M{FROM} {from:.1}C{near} {from:.1} {far} {to:.1} {TO} {to:.1}");
    path
}

/// As the root of a share, so that few crashes are seen beside many.
fn thickness(crashes: Option<u64>, most: u64) -> String {
    let share = crashes.map_or(0.0, |crashes| as_share(crashes, most).sqrt());
    format!("{:.1}", THICKNESS.0 + (THICKNESS.1 - THICKNESS.0) * share)
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn")]
fn as_share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn")]
fn as_float(number: usize) -> f64 {
    number as f64
}

/// The first digits of an id.
fn id(group: GroupId) -> String {
    group.to_string().chars().take(ID_DIGITS).collect()
}
