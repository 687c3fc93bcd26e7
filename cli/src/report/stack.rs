//! A crash on a page: its stack, and what is known of it besides.

use maud::{Markup, html};
use symtool_core::report::{CrashDetails, Facet, FrameDetails};
use symtool_core::sources::SourceLines;

use super::text::{counted, grouped, long, minute, visible};
use crate::advice;
use crate::terminal::columns_of;

/// Columns of a function's name, beyond which its middle is left out.
const NAME_COLUMNS: usize = 110;

/// Columns of a path.
const PATH_COLUMNS: usize = 60;

/// Columns of a value of a facet.
const VALUE_COLUMNS: usize = 40;

/// The stack of `crash`, the crashing side first.
pub fn stack(crash: &CrashDetails) -> Markup {
    html! {
        @if let Some(message) = &crash.message {
            p.pre.t { (visible(message)) }
        }
        ol.stack { @for frame in &crash.frames { (function(frame)) } }
        @if crash.more_frames > 0 {
            p.dim { (counted(crash.more_frames, "function", "functions")) " more: " code { (advice::show_crash(&crash.id)) } }
        }
        @if crash.frames.is_empty() { p.dim { "The report has no stack." } }
    }
}

fn function(frame: &FrameDetails) -> Markup {
    let name = frame.function.as_deref().or(frame.address.as_deref()).unwrap_or("?");
    // An address says which module it lies in.
    let module = frame.module.as_deref().filter(|_| frame.function.is_some());
    html! {
        li class=(class(frame)) {
            b { @if frame.part { "● " } @if !frame.inlined { (frame.frame) } }
            div {
                (long(name, NAME_COLUMNS))
                @if frame.inlined { " " em { "inlined" } }
                @if let Some(trust) = frame.trust { " " em { (trust) } }
            }
            div {
                @if let Some(module) = module { (long(module, VALUE_COLUMNS)) " " }
                (place(frame))
                @if let Some(why) = &frame.why_not { " " i { (visible(why)) } }
            }
            @if let (Some(context), Some(line)) = (&frame.context, frame.line) { (source(context, line)) }
        }
    }
}

/// Lines of source, of which `line` is marked.
fn source(SourceLines { first_line, lines }: &SourceLines, line: u32) -> Markup {
    html! {
        pre.src {
            @for (number, text) in (*first_line..).zip(lines) {
                @let text = format!("{number:>6}  {}\n", visible(&text.replace('\t', "    ")));
                @if number == line { mark { (text) } } @else { (text) }
            }
        }
    }
}

/// How a frame looks: without symbols, the application's, or the system's; and whether it is part
/// of the fingerprint.
fn class(frame: &FrameDetails) -> &'static str {
    match (frame.source, frame.in_app, frame.part) {
        ("none", _, true) => "u p",
        ("none", _, false) => "u",
        (_, true, true) => "a p",
        (_, true, false) => "a",
        (_, false, true) => "s p",
        (_, false, false) => "s",
    }
}

/// Where the function's line is. Of a long path the name of the file stands first, and the whole
/// path on demand.
fn place(frame: &FrameDetails) -> Markup {
    let file = frame.file.as_deref();
    let is_long = file.is_some_and(|file| columns_of(file) > PATH_COLUMNS);
    let shown = file.map(|file| if is_long { file_name(file) } else { file });
    let place = match (shown, frame.line) {
        (Some(file), Some(line)) => format!("{}:{line}", visible(file)),
        (Some(file), None) => visible(file).into_owned(),
        (None, Some(line)) => format!(":{line}"),
        (None, None) => return html! {},
    };
    html! {
        @match &frame.link {
            Some(link) => a href=(link) rel="noreferrer noopener" { (place) },
            None => (place),
        }
        @if let Some(file) = file.filter(|_| is_long) {
            " " details.long { summary { "path" } (visible(file)) }
        }
    }
}

/// What stands behind the last separator of `path`.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// What is known of a crash besides its stack, as entries of a list.
pub fn facts(crash: &CrashDetails) -> Markup {
    let time = crash.time.as_deref().map(minute);
    let arrived = crash.arrived.as_deref().map(minute);
    let facts = [
        ("Crash", Some(crash.id.as_str())),
        ("Event", crash.event_id.as_deref()),
        ("Time", time.as_deref()),
        ("Arrived", arrived.as_deref()),
        ("Release", crash.release.as_deref()),
        ("Platform", crash.platform.as_deref()),
        ("System", crash.system.as_deref()),
        ("Device", crash.device.as_deref()),
        ("Architecture", crash.arch.as_deref()),
        ("Thread", crash.crashed_thread.as_deref()),
        ("Report", Some(crash.format)),
        ("Source", Some(crash.source.as_str())),
    ];
    html! {
        @for (what, value) in facts {
            @if let Some(value) = value { dt { (what) } dd.t { (long(value, VALUE_COLUMNS)) } }
        }
    }
}

/// Crashes by the values of something, as an entry of a list.
pub fn facet(what: &str, facet: &Facet, all: u64) -> Markup {
    html! {
        @if !facet.values.is_empty() {
            dt { (what) }
            @for value in &facet.values {
                dd.v {
                    (bar(value.crashes, all))
                    span { (long(&value.value, VALUE_COLUMNS)) }
                    b { (grouped(value.crashes)) }
                }
            }
            @if facet.more > 0 { dd.dim { "and " (counted(facet.more, "other", "others")) } }
        }
    }
}

/// `part` of `all` as a bar: the style has a class for every twentieth.
pub fn bar(part: u64, all: u64) -> Markup {
    let width = if all == 0 { 0 } else { part.saturating_mul(20).div_ceil(all).min(20) };
    html! { i class={ "w" (width) } {} }
}
