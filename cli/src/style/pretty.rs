//! The style for people.

use symtool_core::sources::SourceLines;
use symtool_store::resolve::Frame;

use super::Folded;
use super::text::put_number;
use crate::terminal::{Paint, clean};

/// Writes one frame of an answer.
pub fn frame(
    frame: &Frame<'_>,
    name: &[u8],
    folded: &Folded<'_>,
    is_first: bool,
    paint: Paint,
    out: &mut Vec<u8>,
) {
    if !is_first {
        [paint.dim, "  (inlined by) ", paint.reset]
            .iter()
            .for_each(|text| out.extend_from_slice(text.as_bytes()));
    }
    out.extend_from_slice(paint.bold.as_bytes());
    put_clean(or_unknown(name), out);
    out.extend_from_slice(paint.reset.as_bytes());
    if !frame.file.is_empty() {
        out.extend_from_slice(b" at ");
        put_clean(frame.file, out);
        for number in [frame.line, frame.column].into_iter().take_while(|number| *number != 0) {
            out.push(b':');
            put_number(number, out);
        }
    }
    out.push(b'\n');
    folded.each(frame, |name| {
        [paint.dim, "  (same code as) ", paint.reset]
            .iter()
            .for_each(|text| out.extend_from_slice(text.as_bytes()));
        put_clean(or_unknown(name), out);
        out.push(b'\n');
    });
}

/// Writes lines of source, of which `line` is marked.
pub fn source(
    SourceLines { first_line, lines }: &SourceLines,
    line: u32,
    paint: Paint,
    out: &mut Vec<u8>,
) {
    for (number, text) in (*first_line..).zip(lines) {
        let (mark, start) = if number == line { ('>', "") } else { (' ', paint.dim) };
        out.extend_from_slice(format!("{start}  {mark}{number:>6} | ").as_bytes());
        put_clean(text.replace('\t', "    ").as_bytes(), out);
        out.extend_from_slice(if number == line { "" } else { paint.reset }.as_bytes());
        out.push(b'\n');
    }
}

/// `text` without control characters, which a terminal would obey.
pub fn put_clean(text: &[u8], out: &mut Vec<u8>) {
    // Those of Latin-1 begin with 0xc2 in UTF-8, those that change the direction with 0xd8 or 0xe2.
    // All bytes are looked at, many at once.
    if text.iter().filter(|byte| matches!(byte, 0..0x20 | 0x7f | 0xc2 | 0xd8 | 0xe2)).count() > 0 {
        out.extend_from_slice(clean(&String::from_utf8_lossy(text)).as_bytes());
    } else {
        out.extend_from_slice(text);
    }
}

fn or_unknown(text: &[u8]) -> &[u8] {
    if text.is_empty() { b"??" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_people_have_no_control_characters() {
        for (name, want) in [
            (&b"f\x1b[2J\n\xc2\x9b"[..], "f\u{fffd}[2J\\n\u{fffd}"),
            ("ü\u{a0}".as_bytes(), "ü\u{a0}"),
            ("f\u{202e}g\u{2066}–".as_bytes(), "f\u{fffd}g\u{fffd}–"),
        ] {
            let mut out = Vec::new();
            put_clean(name, &mut out);
            assert_eq!(out, want.as_bytes());
        }
    }
}
