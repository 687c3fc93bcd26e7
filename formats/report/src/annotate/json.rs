//! Writes resolved frames into JSON: the keys that each format has for them, and one more object
//! for each inlined call.
//!
//! | | Sentry | Apple `.ips` | `KSCrash` |
//! | --- | --- | --- | --- |
//! | name | `function`, `raw_function`; Java's `module` | `symbol` | `symbol_name` |
//! | its start | | `symbolLocation`, from it | `symbol_addr` |
//! | source | `filename`, `abs_path`, `lineno`, `colno` | `sourceFile`, `sourceLine` | as Apple: it has no keys of its own |
//! | inlined | objects behind it, the innermost last | `inline`, objects before it | as Apple |
//!
//! rust-minidump has `function`, `function_offset`, `file`, `line`, and a list `inlines` within the
//! frame; ABRT has `function_name` only.

use std::ops::Range;

use crate::event::Format;
use crate::event::frame::{At, Frame};
use crate::scan::text::same_offsets;

use super::object::{Change, Object};
use super::resolved::{Calls, JavaFrame, ResolvedFrame};
use super::words::{base, known, quoted};

/// Bytes of a value, and of the blanks around an object, that are repeated for an inlined call.
/// Addresses, numbers and paths are shorter.
const MAX_COPIED_BYTES: usize = 4096;

/// Keys that say where a frame is: what an inlined call shares with the frame that it is in.
const SHARED: [&str; 12] = [
    "instruction_addr",
    "addr_mode",
    "package",
    "platform",
    "image_addr",
    "in_app",
    "trust",
    "adjust_instruction_addr",
    "imageOffset",
    "imageIndex",
    "object_addr",
    "object_name",
];

/// The keys of one object and what becomes of them.
type Changes = Vec<(&'static str, Change)>;

/// Writes the object at `place` with what is known of `frame`.
pub fn write(
    report: &[u8],
    format: Format,
    place: Range<usize>,
    frame: &Frame,
    calls: &Calls<'_>,
    out: &mut Vec<u8>,
) {
    let bytes = &report[place.clone()];
    let text = same_offsets(bytes);
    let changes = match (format, calls) {
        (Format::Sentry, Calls::Native(calls)) => sentry(frame, calls),
        (Format::Sentry, Calls::Java(calls)) => java(calls),
        (Format::Ips, Calls::Native(calls)) => ips(frame, calls),
        (Format::KsCrash, Calls::Native(calls)) => kscrash(frame, calls),
        (Format::Minidump, Calls::Native(calls)) => minidump(calls),
        (Format::Abrt, Calls::Native(calls)) => abrt(calls),
        _ => Vec::new(),
    };
    let (Some(object), Some((outer, inlined))) = (Object::read(bytes, &text), changes.split_last())
    else {
        return out.extend_from_slice(bytes);
    };
    let blanks = blanks_before(&report[..place.start]);
    let copy = |changes: &Changes, out: &mut Vec<u8>| {
        object.write(
            changes,
            |name, value| SHARED.contains(&name) && value.len() <= MAX_COPIED_BYTES,
            out,
        );
    };
    let part = |out: &mut Vec<u8>| {
        out.push(b',');
        out.extend_from_slice(blanks);
    };
    // Sentry lists the oldest first.
    let is_reversed = format == Format::Sentry;
    if !is_reversed {
        for changes in inlined {
            copy(changes, out);
            part(out);
        }
    }
    let outer: Changes =
        outer.iter().map(|(name, change)| (*name, with_status(&object, name, change))).collect();
    object.write(&outer, |_, _| true, out);
    if is_reversed {
        for changes in inlined.iter().rev() {
            part(out);
            copy(changes, out);
        }
    }
}

/// Writes the opening brace at `place`, and behind it the keys that App Store Connect has in such
/// an object; of inlined calls it knows nothing. The rest of the object is not touched: it holds
/// the frame's callers.
pub fn write_into(
    report: &[u8],
    place: Range<usize>,
    frame: &Frame,
    calls: &[ResolvedFrame],
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(report.get(place).unwrap_or_default());
    let Some(outer) = calls.last().filter(|_| frame.function.is_none()) else { return };
    let mut keys = vec![("symbolName", quoted(known(&outer.function)))];
    keys.extend(outer.function_offset.map(|offset| ("offsetIntoSymbol", offset.to_string())));
    if let Some(base) = base(outer) {
        keys.push(("fileName", quoted(base)));
        keys.extend((outer.line > 0).then(|| ("lineNumber", outer.line.to_string())));
    }
    for (key, value) in keys {
        out.extend_from_slice(format!("\"{key}\":{value},").as_bytes());
    }
}

/// The blanks that an element of a list has before it.
fn blanks_before(before: &[u8]) -> &[u8] {
    let near = &before[before.len().saturating_sub(MAX_COPIED_BYTES)..];
    let blanks =
        near.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
    if blanks == MAX_COPIED_BYTES { b"" } else { &near[near.len() - blanks..] }
}

/// `change`, but of `data` only the status, if it is an object.
fn with_status(object: &Object<'_>, key: &str, change: &Change) -> Change {
    let data = object.value("data").filter(|_| key == "data");
    let status = data.and_then(|data| {
        let text = std::str::from_utf8(data).ok()?;
        let mut written = Vec::new();
        let status = Change::Set("\"symbolicated\"".to_owned());
        Object::read(data, text)?.write(
            &[("symbolicator_status", status)],
            |_, _| true,
            &mut written,
        );
        String::from_utf8(written).ok()
    });
    status.map_or_else(|| change.clone(), Change::Set)
}

fn string(text: &str) -> Change {
    Change::Set(quoted(text))
}

fn number_or_none(number: u32) -> Change {
    if number > 0 { Change::Set(number.to_string()) } else { Change::Remove }
}

/// `filename` and `data.symbolicator_status` are as Sentry's symbolicator has them.
fn sentry(frame: &Frame, calls: &[ResolvedFrame]) -> Vec<Changes> {
    let of = |(index, call): (usize, &ResolvedFrame)| {
        let raw_function = call.raw_function.as_deref().map_or(Change::Remove, string);
        let mut changes =
            vec![("function", string(known(&call.function))), ("raw_function", raw_function)];
        if let (Some(path), Some(base)) = (&call.file, base(call)) {
            changes.extend([("filename", string(base)), ("abs_path", string(path))]);
            changes.extend([
                ("lineno", number_or_none(call.line)),
                ("colno", number_or_none(call.column)),
            ]);
        }
        if index > 0 && frame.at == At::Instruction {
            // It is no longer the first one, the address of which is taken as it is.
            changes.push(("adjust_instruction_addr", Change::Set("false".to_owned())));
        }
        changes
            .push(("data", Change::Set("{\"symbolicator_status\":\"symbolicated\"}".to_owned())));
        changes
    };
    calls.iter().enumerate().map(of).collect()
}

fn java(calls: &[JavaFrame]) -> Vec<Changes> {
    let of = |call: &JavaFrame| {
        let mut changes =
            vec![("module", string(&call.class)), ("function", string(known(&call.method)))];
        match call.file.as_deref().map(quoted) {
            Some(file) => changes.extend([
                ("filename", Change::Set(file.clone())),
                ("abs_path", Change::Replace(file)),
            ]),
            None => changes.extend([("filename", Change::Remove), ("abs_path", Change::Remove)]),
        }
        changes.push(("lineno", number_or_none(call.line)));
        changes
    };
    calls.iter().map(of).collect()
}

fn ips(frame: &Frame, calls: &[ResolvedFrame]) -> Vec<Changes> {
    let of = |(index, call): (usize, &ResolvedFrame)| {
        let mut changes = vec![("symbol", string(known(&call.function)))];
        if index + 1 < calls.len() {
            changes.extend([
                ("symbolLocation", Change::Set("0".to_owned())),
                ("inline", Change::Set("true".to_owned())),
            ]);
        } else if !frame.inlined {
            changes.push((
                "symbolLocation",
                call.function_offset
                    .map_or(Change::Remove, |offset| Change::Set(offset.to_string())),
            ));
        }
        changes.extend(apple_source(call));
        changes
    };
    calls.iter().enumerate().map(of).collect()
}

fn kscrash(frame: &Frame, calls: &[ResolvedFrame]) -> Vec<Changes> {
    let of = |(index, call): (usize, &ResolvedFrame)| {
        let mut changes = vec![("symbol_name", string(known(&call.function)))];
        if index + 1 < calls.len() {
            changes.push(("inline", Change::Set("true".to_owned())));
        } else {
            let start = frame
                .address
                .zip(call.function_offset)
                .and_then(|(address, offset)| address.checked_sub(offset));
            changes.push((
                "symbol_addr",
                start.map_or(Change::Remove, |start| Change::Set(start.to_string())),
            ));
        }
        changes.extend(apple_source(call));
        changes
    };
    calls.iter().enumerate().map(of).collect()
}

/// rust-minidump lists inlined calls within their frame.
fn minidump(calls: &[ResolvedFrame]) -> Vec<Changes> {
    let place = |call: &ResolvedFrame| {
        let file = call.file.as_deref().map_or(Change::Remove, string);
        vec![
            ("function", string(known(&call.function))),
            ("file", file),
            ("line", number_or_none(call.line)),
        ]
    };
    let Some((outer, inlined)) = calls.split_last() else { return Vec::new() };
    let mut changes = place(outer);
    if let Some(offset) = outer.function_offset {
        changes.push(("function_offset", Change::Set(format!("\"0x{offset:016x}\""))));
    }
    if !inlined.is_empty() {
        let objects: Vec<String> = inlined.iter().map(inline).collect();
        changes.push(("inlines", Change::Set(format!("[{}]", objects.join(",")))));
    }
    vec![changes]
}

fn inline(call: &ResolvedFrame) -> String {
    let file = call.file.as_deref().map_or_else(|| "null".to_owned(), quoted);
    let line = if call.line > 0 { call.line.to_string() } else { "null".to_owned() };
    format!("{{\"file\":{file},\"function\":{},\"line\":{line}}}", quoted(known(&call.function)))
}

/// ABRT has keys for names only.
fn abrt(calls: &[ResolvedFrame]) -> Vec<Changes> {
    calls
        .last()
        .map(|outer| vec![("function_name", string(known(&outer.function)))])
        .into_iter()
        .collect()
}

fn apple_source(call: &ResolvedFrame) -> Changes {
    match base(call) {
        Some(base) => vec![("sourceFile", string(base)), ("sourceLine", number_or_none(call.line))],
        None => Vec::new(),
    }
}
