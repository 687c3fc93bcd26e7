//! Decodes a [`ClassRow`], and checks that all of its indices lead somewhere.

use super::{
    Before, LINE_EXTRA, LINE_LINES, LINE_ONE, LINE_RANGE, LINE_SAME_RANGE, LINE_SAME_SIGNATURE,
    LINE_SAME_WIDTH, LINE_WIDE, MEMBER_OUTLINE, MEMBER_SYNTHESIZED, RowError, VERSION,
};
use crate::names::{NameId, Names};
use crate::row::{
    ClassRow, Extra, Holder, LineRange, MappedLine, Member, Method, Original, RewriteRule,
    Signature,
};

impl ClassRow {
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
        let holders = bytes.list(Reader::holder)?;
        let signatures = bytes.list(Reader::signature)?;
        let mut members_end = 0u32;
        let methods = bytes.list(|bytes| {
            let method = bytes.method(members_end)?;
            members_end = method.members_end;
            Ok(method)
        })?;
        let mut lines_end = 0u32;
        let members = bytes.list(|bytes| {
            let member = bytes.member(lines_end)?;
            lines_end = member.lines_end;
            Ok(member)
        })?;
        let mut before = Before::default();
        let lines = bytes.list(|bytes| bytes.line(&mut before))?;
        let extras = bytes.list(Reader::extra)?;
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

    fn holder(&mut self) -> Result<Holder, RowError> {
        Ok(Holder { name: NameId(self.number()?), source: self.absent()?.map(NameId) })
    }

    fn signature(&mut self) -> Result<Signature, RowError> {
        let holder = self.absent()?;
        let [name, returns, arguments] =
            [self.number()?, self.number()?, self.number()?].map(NameId);
        Ok(Signature { holder, name, returns, arguments })
    }

    /// A method whose members begin at `members_start`.
    fn method(&mut self, members_start: u32) -> Result<Method, RowError> {
        let name = NameId(self.number()?);
        let members_end =
            members_start.checked_add(self.number()?).ok_or(RowError("too many members"))?;
        Ok(Method { name, members_end })
    }

    /// A member whose lines begin at `lines_start`.
    fn member(&mut self, lines_start: u32) -> Result<Member, RowError> {
        let lines_end =
            lines_start.checked_add(self.number()?).ok_or(RowError("too many lines"))?;
        let flags = self.number()?;
        let (synthesized, outline) = (flags & MEMBER_SYNTHESIZED != 0, flags & MEMBER_OUTLINE != 0);
        Ok(Member { lines_end, synthesized, outline, residual: self.absent()?.map(NameId) })
    }

    fn extra(&mut self) -> Result<Extra, RowError> {
        let rules = self.list(|bytes| {
            Ok(RewriteRule {
                throws: bytes.list(|bytes| Ok(NameId(bytes.number()?)))?,
                remove: bytes.number()?,
            })
        })?;
        let callsite = self.list(|bytes| Ok((bytes.number()?, bytes.number()?)))?;
        Ok(Extra { rules, callsite })
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
