//! Writes resolved frames of machine code into texts: a name in the line, and lines behind it.
//!
//! ```text
//! Android     #01 pc 0000000000012eed  /lib/liba.so (clip(int)+60) (BuildId: 1122…)     the outermost function, as the system names it
//!                 edge(int) at /src/edge.h:7:3                                          then all, as addr2line -fpi prints them
//!                  (inlined by) clip(int) at /src/clip.cc:12:5
//! sanitizer   #1 0x55aa in edge(int) /src/edge.h:7:3                                    each a frame, as a sanitizer prints them
//!             #2 0x55aa in clip(int) /src/clip.cc:12:5
//! others      liba.so+0x1234                                                            as they are, and the lines behind
//!                 edge(int) at /src/edge.h:7:3
//! ```

use crate::scan::text::word;

use super::place::FrameLine;
use super::resolved::ResolvedFrame;
use super::words::{name, place};

/// What lines behind a frame are indented by, besides its own prefix.
const INDENT: &str = "    ";

/// Writes `line` with the functions in it. `shift` is what the number of a sanitizer's frame grows
/// by; without it, numbers stay.
pub fn write(
    line: &FrameLine<'_>,
    calls: &[ResolvedFrame],
    shift: Option<usize>,
    out: &mut Vec<u8>,
) {
    if is_sanitizer(line.bytes) {
        return match (shift, calls) {
            (Some(shift), _) => sanitizer(line, calls, shift, out),
            (None, [inlined @ .., outer]) => {
                sanitizer(line, std::slice::from_ref(outer), 0, out);
                if !inlined.is_empty() {
                    behind(line, calls, out);
                }
            }
            (None, []) => out.extend_from_slice(line.bytes),
        };
    }
    let Some(outer) = calls.last() else { return out.extend_from_slice(line.bytes) };
    let Some(slot) = android_slot(&line.text) else {
        out.extend_from_slice(line.bytes);
        return behind(line, calls, out);
    };
    let front = line.bytes[..slot.start].trim_ascii_end();
    out.extend_from_slice(front);
    let offset = outer.function_offset.map_or_else(String::new, |offset| format!("+{offset}"));
    out.extend_from_slice(format!(" ({}{offset})", name(&outer.function)).as_bytes());
    out.extend_from_slice(&line.bytes[slot.end..]);
    if calls.len() > 1 || place(outer).is_some() {
        behind(line, calls, out);
    }
}

/// Writes all functions behind the line, unless they are there already.
fn behind(line: &FrameLine<'_>, calls: &[ResolvedFrame], out: &mut Vec<u8>) {
    let mut text = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        line.next(&mut text);
        let by = if index > 0 { " (inlined by) " } else { "" };
        let place = place(call);
        text.extend_from_slice(
            format!(
                "{INDENT}{by}{} at {}",
                name(&call.function),
                place.as_deref().unwrap_or("??:0")
            )
            .as_bytes(),
        );
    }
    if !line.behind.starts_with(&text) {
        out.extend_from_slice(&text);
    }
}

/// Where the function of an Android frame stands, or belongs: behind path and notes, before the
/// build id.
fn android_slot(text: &str) -> Option<std::ops::Range<usize>> {
    let line = text.strip_prefix("native: ").unwrap_or(text);
    let (_, rest) = word(line.strip_prefix('#')?)?;
    let (_, rest) = word(rest.strip_prefix("pc ")?)?;
    let start = text.len() - rest.len();
    let end =
        text.strip_suffix(')').and_then(|front| front.rfind("(BuildId")).unwrap_or(text.len());
    let end = text[..end].trim_end().len();
    let mut at = text.get(start..end)?.find(" (").map_or(end, |at| start + at + 1);
    loop {
        let notes = &text[at..end];
        let rest = match notes.strip_prefix("(offset ").and_then(|notes| notes.split_once(')')) {
            Some((_, rest)) => rest,
            None => match notes.strip_prefix("(deleted)") {
                Some(rest) => rest,
                None => break,
            },
        };
        at = end - rest.trim_start().len();
    }
    let notes = &text[at..end];
    (notes.is_empty() || notes.starts_with('(') && notes.ends_with(')')).then_some(at..end)
}

/// Whether `line` is `#N 0xADDRESS`, and then nothing, ` in …` or a module. gdb and systemd put two
/// blanks before the address, LLVM and Chromium put functions behind it at once.
pub fn is_sanitizer(line: &[u8]) -> bool {
    let digits = line.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    let Some(rest) = line
        .get(1 + digits..)
        .and_then(|rest| rest.strip_prefix(b" 0x"))
        .filter(|_| line.starts_with(b"#") && digits > 0)
    else {
        return false;
    };
    let behind = &rest[rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()..];
    behind.is_empty() || [&b" in "[..], b"  ", b" ("].iter().any(|start| behind.starts_with(start))
}

/// `#N 0xADDRESS in FUNCTION FILE:LINE:COLUMN`, a line for each function. Where no file is known,
/// the module stays.
fn sanitizer(line: &FrameLine<'_>, calls: &[ResolvedFrame], shift: usize, out: &mut Vec<u8>) {
    let text = &line.text;
    let number = 1..1 + text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    let (width, first) = (number.len(), text[number.clone()].parse::<usize>().ok());
    let address = text[number.end..].find("0x").map_or(number.end, |at| number.end + at);
    let address_end = text[address..].find([' ', '\t']).map_or(text.len(), |at| address + at);
    let head =
        |index: usize| match first.and_then(|first| first.checked_add(shift)?.checked_add(index)) {
            Some(number) => format!("#{number:0width$}"),
            None => text[..number.end].to_owned(),
        };
    if calls.is_empty() {
        out.extend_from_slice(head(0).as_bytes());
        return out.extend_from_slice(&line.bytes[number.end..]);
    }
    let module = module_at(&text[address_end..]).map(|at| &line.bytes[address_end + at..]);
    for (index, call) in calls.iter().enumerate() {
        out.extend_from_slice(head(index).as_bytes());
        out.extend_from_slice(&line.bytes[number.end..address_end]);
        out.extend_from_slice(format!(" in {}", name(&call.function)).as_bytes());
        match (place(call), module) {
            (Some(place), _) => out.extend_from_slice(format!(" {place}").as_bytes()),
            (None, Some(module)) => out.extend_from_slice(&[b" ", module].concat()),
            (None, None) => {}
        }
        if index + 1 < calls.len() {
            line.next(out);
        }
    }
}

/// Where `(PATH+0xN)` begins in what follows a sanitizer's address.
fn module_at(rest: &str) -> Option<usize> {
    let front = rest.rsplit_once("(BuildId").map_or(rest, |(front, _)| front).trim_end();
    let within = front.strip_suffix(')')?;
    within.contains("+0x").then(|| within.rfind(" (").map(|at| at + 1))?
}
