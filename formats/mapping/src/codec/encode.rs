//! Encodes a [`ClassRow`] as bytes.

use symtool_module::number_of;

use super::{
    Before, LINE_EXTRA, LINE_LINES, LINE_ONE, LINE_RANGE, LINE_SAME_RANGE, LINE_SAME_SIGNATURE,
    LINE_SAME_WIDTH, LINE_WIDE, MEMBER_OUTLINE, MEMBER_SYNTHESIZED, VERSION,
};
use crate::names::{NameId, Names};
use crate::row::{ClassRow, LineRange, MappedLine, Original};

impl ClassRow {
    /// Appends the row to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put(out, self.obfuscated.0);
        put(out, self.original.0);
        put_name(out, self.source);
        put(out, u32::from(self.synthesized));
        put_names(out, &self.names);
        put_list(out, &self.holders, |out, holder| {
            put(out, holder.name.0);
            put_name(out, holder.source);
        });
        put_list(out, &self.signatures, |out, signature| {
            put_absent(out, signature.holder);
            put(out, signature.name.0);
            put(out, signature.returns.0);
            put(out, signature.arguments.0);
        });
        let mut members = 0;
        put_list(out, &self.methods, |out, method| {
            put(out, method.name.0);
            put(out, method.members_end - members);
            members = method.members_end;
        });
        let mut lines = 0;
        put_list(out, &self.members, |out, member| {
            put(out, member.lines_end - lines);
            lines = member.lines_end;
            let synthesized = if member.synthesized { MEMBER_SYNTHESIZED } else { 0 };
            put(out, synthesized | if member.outline { MEMBER_OUTLINE } else { 0 });
            put_name(out, member.residual);
        });
        let mut before = Before::default();
        put_list(out, &self.lines, |out, line| put_line(out, line, &mut before));
        put_list(out, &self.extras, |out, extra| {
            put_list(out, &extra.rules, |out, rule| {
                put_list(out, &rule.throws, |out, name| put(out, name.0));
                put(out, rule.remove);
            });
            put_list(out, &extra.callsite, |out, (outline, here)| {
                put(out, *outline);
                put(out, *here);
            });
        });
    }
}

fn put(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// The difference from `before` to `number`, modulo 2^32, as zigzag.
fn put_difference(out: &mut Vec<u8>, before: u32, number: u32) {
    let difference = number.wrapping_sub(before).cast_signed();
    put(out, ((difference << 1) ^ (difference >> 31)).cast_unsigned());
}

fn put_absent(out: &mut Vec<u8>, number: Option<u32>) {
    put(out, number.map_or(0, |number| number.saturating_add(1)));
}

fn put_name(out: &mut Vec<u8>, name: Option<NameId>) {
    put_absent(out, name.map(|name| name.0));
}

fn put_list<T>(out: &mut Vec<u8>, list: &[T], mut each: impl FnMut(&mut Vec<u8>, &T)) {
    put(out, number_of(list.len()));
    list.iter().for_each(|item| each(out, item));
}

fn put_names(out: &mut Vec<u8>, names: &Names) {
    let mut start = 0;
    put_list(out, names.ends(), |out, end| {
        put(out, end - start);
        start = *end;
    });
    out.extend_from_slice(names.text().as_bytes());
}

fn put_line(out: &mut Vec<u8>, line: &MappedLine, before: &mut Before) {
    let is_same_range = line.range.is_some() && line.range == before.range;
    let width = line.range.map_or(0, LineRange::width);
    let mut flags = match line.range {
        Some(_) if is_same_range => LINE_SAME_RANGE,
        Some(range) if range.width() > 0 => LINE_RANGE | LINE_WIDE,
        Some(_) => LINE_RANGE,
        None => 0,
    };
    flags |= match line.original {
        Original::Same => 0,
        Original::One(_) => LINE_ONE,
        Original::Lines(span) if span.width() == width => LINE_LINES | LINE_SAME_WIDTH,
        Original::Lines(_) => LINE_LINES,
    };
    flags |= if line.signature == before.signature { LINE_SAME_SIGNATURE } else { 0 };
    flags |= if line.extra.is_some() { LINE_EXTRA } else { 0 };
    put(out, flags);
    if let Some(range) = line.range.filter(|_| !is_same_range) {
        put_difference(out, before.first, range.first);
        if range.width() > 0 {
            put(out, range.width());
        }
        before.first = range.last;
    }
    before.range = line.range;
    if let Some(span) = line.original.span() {
        put_difference(out, before.original, span.first);
        if matches!(line.original, Original::Lines(_)) && span.width() != width {
            put(out, span.width());
        }
        before.original = span.last;
    }
    if line.signature != before.signature {
        put_difference(out, before.signature, line.signature);
        before.signature = line.signature;
    }
    if let Some(extra) = line.extra {
        put(out, extra);
    }
}
