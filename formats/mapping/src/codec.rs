//! Encodes a [`ClassRow`] as bytes, and decodes it.
//!
//! Numbers are LEB128, signed ones in zigzag. An absent number is 0, any other is one more.
//!
//! ```text
//! version      1
//! class        obfuscated, original, source file?, synthesized
//! names        count, length of each, all their bytes
//! holders      count, then name, source file?
//! signatures   count, then holder?, name, returns, arguments
//! methods      count, then name, members
//! members      count, then lines, flags (1 synthesized, 2 outline), residual signature?
//! lines        count, then flags, what they announce: see `LINE_*`
//! extras       count, then rules (count, then throws, remove), callsite (count, then pairs)
//! ```
//!
//! Version history: 1, the first.

use super::names::{NameId, Names};
use super::row::{
    ClassRow, Extra, Holder, LineRange, MappedLine, Member, Method, Original, RewriteRule,
    Signature,
};

const VERSION: u8 = 1;

const MEMBER_SYNTHESIZED: u32 = 1;
const MEMBER_OUTLINE: u32 = 2;

/// A range of obfuscated lines: its first, as difference to the range before, and if [`LINE_WIDE`],
/// how much wider than one line.
const LINE_RANGE: u32 = 1;
const LINE_WIDE: u32 = 2;
/// The range of the line before.
const LINE_SAME_RANGE: u32 = 4;
/// Original lines: the first, as difference to the one before. One of [`LINE_ONE`], [`LINE_LINES`],
/// the latter with its width unless it has that of the range ([`LINE_SAME_WIDTH`]).
const LINE_ONE: u32 = 8;
const LINE_LINES: u32 = 16;
const LINE_SAME_WIDTH: u32 = 32;
/// The signature of the line before.
const LINE_SAME_SIGNATURE: u32 = 64;
/// An index into the extras.
const LINE_EXTRA: u32 = 128;

/// Bytes that are no row, or one of a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damaged row of a mapping ({0}); import the mapping again")]
pub struct RowError(&'static str);

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

    /// The row that `bytes` are, all of them.
    ///
    /// # Errors
    /// [`RowError`] if they are no row that [`ClassRow::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut bytes = Reader(bytes);
        if bytes.byte()? != VERSION {
            return Err(RowError("another version"));
        }
        let obfuscated = NameId(bytes.number()?);
        let original = NameId(bytes.number()?);
        let source = bytes.absent()?.map(NameId);
        let synthesized = bytes.number()? != 0;
        let names = bytes.names()?;
        let holders = bytes.list(|bytes| {
            Ok(Holder { name: NameId(bytes.number()?), source: bytes.absent()?.map(NameId) })
        })?;
        let signatures = bytes.list(|bytes| {
            let holder = bytes.absent()?;
            let [name, returns, arguments] =
                [bytes.number()?, bytes.number()?, bytes.number()?].map(NameId);
            Ok(Signature { holder, name, returns, arguments })
        })?;
        let mut members_end = 0u32;
        let methods = bytes.list(|bytes| {
            let name = NameId(bytes.number()?);
            members_end =
                members_end.checked_add(bytes.number()?).ok_or(RowError("too many members"))?;
            Ok(Method { name, members_end })
        })?;
        let mut lines_end = 0u32;
        let members = bytes.list(|bytes| {
            lines_end = lines_end.checked_add(bytes.number()?).ok_or(RowError("too many lines"))?;
            let flags = bytes.number()?;
            let (synthesized, outline) =
                (flags & MEMBER_SYNTHESIZED != 0, flags & MEMBER_OUTLINE != 0);
            Ok(Member { lines_end, synthesized, outline, residual: bytes.absent()?.map(NameId) })
        })?;
        let mut before = Before::default();
        let lines = bytes.list(|bytes| bytes.line(&mut before))?;
        let extras = bytes.list(|bytes| {
            let rules = bytes.list(|bytes| {
                Ok(RewriteRule {
                    throws: bytes.list(|bytes| Ok(NameId(bytes.number()?)))?,
                    remove: bytes.number()?,
                })
            })?;
            Ok(Extra {
                rules,
                callsite: bytes.list(|bytes| Ok((bytes.number()?, bytes.number()?)))?,
            })
        })?;
        if !bytes.0.is_empty() {
            return Err(RowError("bytes behind it"));
        }
        let row = Self {
            names,
            obfuscated,
            original,
            source,
            synthesized,
            holders,
            signatures,
            methods,
            members,
            lines,
            extras,
        };
        row.check().map(|()| row)
    }

    /// That all indices lead somewhere, so that nobody has to look again.
    fn check(&self) -> Result<(), RowError> {
        let end = |last: Option<u32>| last.unwrap_or(0) as usize;
        let is_sound = end(self.methods.last().map(|method| method.members_end))
            == self.members.len()
            && end(self.members.last().map(|member| member.lines_end)) == self.lines.len()
            && self.signatures.iter().all(|signature| {
                signature.holder.is_none_or(|holder| (holder as usize) < self.holders.len())
            })
            && self.lines.iter().all(|line| (line.signature as usize) < self.signatures.len())
            && self
                .lines
                .iter()
                .all(|line| line.extra.is_none_or(|extra| (extra as usize) < self.extras.len()))
            && self.methods.is_sorted_by(|a, b| self.names.get(a.name) < self.names.get(b.name));
        // Names that are not there read as empty.
        if is_sound { Ok(()) } else { Err(RowError("an index without target")) }
    }
}

/// What lines are differences to.
#[derive(Default)]
struct Before {
    range: Option<LineRange>,
    first: u32,
    original: u32,
    signature: u32,
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
    put(out, u32::try_from(list.len()).unwrap_or(u32::MAX));
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

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, RowError> {
        let (byte, rest) = self.0.split_first().ok_or(RowError("it ends early"))?;
        self.0 = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u32, RowError> {
        let mut number = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(number).map_err(|_| RowError("a number too large"));
            }
        }
        Err(RowError("a number too long"))
    }

    fn absent(&mut self) -> Result<Option<u32>, RowError> {
        Ok(self.number()?.checked_sub(1))
    }

    fn difference(&mut self, before: u32) -> Result<u32, RowError> {
        let zigzag = self.number()?;
        let difference = (zigzag >> 1) ^ 0u32.wrapping_sub(zigzag & 1);
        Ok(before.wrapping_add(difference))
    }

    /// As many as it announces; each takes a byte or more, so that no announcement takes memory
    /// that the bytes do not back.
    fn list<T>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T, RowError>,
    ) -> Result<Vec<T>, RowError> {
        let count = self.number()? as usize;
        if count > self.0.len() {
            return Err(RowError("it ends early"));
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(each(self)?);
        }
        Ok(list)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], RowError> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(RowError("it ends early"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn names(&mut self) -> Result<Names, RowError> {
        let mut end = 0u32;
        let ends = self.list(|bytes| {
            end = end.checked_add(bytes.number()?).ok_or(RowError("names too long"))?;
            Ok(end)
        })?;
        let text = std::str::from_utf8(self.bytes(end as usize)?)
            .map_err(|_| RowError("a name that is no text"))?;
        Names::from_parts(text.to_owned(), ends).ok_or(RowError("a name that is no text"))
    }

    fn line(&mut self, before: &mut Before) -> Result<MappedLine, RowError> {
        let flags = self.number()?;
        let range = if flags & LINE_SAME_RANGE != 0 {
            before.range
        } else if flags & LINE_RANGE != 0 {
            let width =
                |bytes: &mut Self| if flags & LINE_WIDE != 0 { bytes.number() } else { Ok(0) };
            let range = self.span(before.first, width)?;
            before.first = range.last;
            Some(range)
        } else {
            None
        };
        before.range = range;
        let original = if flags & (LINE_ONE | LINE_LINES) == 0 {
            Original::Same
        } else {
            let range_width = range.map_or(0, LineRange::width);
            let span =
                self.span(before.original, |bytes| match flags & (LINE_LINES | LINE_SAME_WIDTH) {
                    LINE_LINES => bytes.number(),
                    0 => Ok(0),
                    _ => Ok(range_width),
                })?;
            before.original = span.last;
            if flags & LINE_ONE != 0 { Original::One(span.first) } else { Original::Lines(span) }
        };
        if flags & LINE_SAME_SIGNATURE == 0 {
            before.signature = self.difference(before.signature)?;
        }
        let extra = if flags & LINE_EXTRA != 0 { Some(self.number()?) } else { None };
        Ok(MappedLine { range, original, signature: before.signature, extra })
    }

    /// A first line, as difference to `before`, and a width.
    fn span(
        &mut self,
        before: u32,
        width: impl FnOnce(&mut Self) -> Result<u32, RowError>,
    ) -> Result<LineRange, RowError> {
        let first = self.difference(before)?;
        let last = first.checked_add(width(self)?).ok_or(RowError("lines out of range"))?;
        Ok(LineRange { first, last })
    }
}
