//! Parses the JSON of notes key by key, as leniently as R8 does.
//!
//! R8's reader is lenient and its documentation makes use of that: `{ id: 'sourceFile' }` has a
//! bare key and single quotes.

use std::borrow::Cow;

use super::limits::MAX_NOTE_DEPTH;

/// Text that is no JSON.
#[derive(Debug)]
pub(super) struct DamagedNote;

/// What is left to read.
pub(super) struct LenientJson<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> LenientJson<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, depth: 0 }
    }

    /// An object: `each` gets every key, and has to read its value.
    pub(super) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &str) -> Result<(), DamagedNote>,
    ) -> Result<(), DamagedNote> {
        self.list('{', '}', |json| {
            let key = json.scalar()?;
            json.expect(':')?;
            each(json, &key)
        })
    }

    /// A list: `each` has to read every value.
    pub(super) fn array(
        &mut self,
        each: impl FnMut(&mut Self) -> Result<(), DamagedNote>,
    ) -> Result<(), DamagedNote> {
        self.list('[', ']', each)
    }

    fn list(
        &mut self,
        open: char,
        close: char,
        mut each: impl FnMut(&mut Self) -> Result<(), DamagedNote>,
    ) -> Result<(), DamagedNote> {
        self.expect(open)?;
        self.depth += 1;
        if self.depth > MAX_NOTE_DEPTH {
            return Err(DamagedNote);
        }
        while !self.take(close) {
            each(self)?;
            if !self.take(',') && !self.is_next(close) {
                return Err(DamagedNote);
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// A string, number or word.
    pub(super) fn scalar(&mut self) -> Result<Cow<'a, str>, DamagedNote> {
        self.blanks();
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            Some(_) => {
                let end = self
                    .rest
                    .find(|c: char| c.is_whitespace() || "{}[],:\"'".contains(c))
                    .unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                if word.is_empty() { Err(DamagedNote) } else { Ok(Cow::Borrowed(word)) }
            }
            None => Err(DamagedNote),
        }
    }

    /// A number of lines, as number or string.
    pub(super) fn number(&mut self) -> Result<u32, DamagedNote> {
        self.scalar()?.parse().map_err(|_| DamagedNote)
    }

    /// Any value.
    pub(super) fn skip(&mut self) -> Result<(), DamagedNote> {
        self.blanks();
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(|json, _| json.skip()),
            Some(b'[') => self.array(Self::skip),
            _ => self.scalar().map(|_| ()),
        }
    }

    /// That nothing follows.
    pub(super) fn end(&mut self) -> Result<(), DamagedNote> {
        self.blanks();
        if self.rest.is_empty() { Ok(()) } else { Err(DamagedNote) }
    }

    fn quoted(&mut self, quote: char) -> Result<Cow<'a, str>, DamagedNote> {
        let text = &self.rest[quote.len_utf8()..];
        let end = text.find([quote, '\\']).ok_or(DamagedNote)?;
        if text[end..].starts_with(quote) {
            self.rest = &text[end + quote.len_utf8()..];
            return Ok(Cow::Borrowed(&text[..end]));
        }
        let mut string = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => string.push(escaped(&mut chars)?),
                c if c == quote => {
                    self.rest = chars.as_str();
                    return Ok(Cow::Owned(string));
                }
                c => string.push(c),
            }
        }
        Err(DamagedNote)
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn is_next(&mut self, c: char) -> bool {
        self.blanks();
        self.rest.starts_with(c)
    }

    fn take(&mut self, c: char) -> bool {
        let is_next = self.is_next(c);
        if is_next {
            self.rest = &self.rest[c.len_utf8()..];
        }
        is_next
    }

    fn expect(&mut self, c: char) -> Result<(), DamagedNote> {
        if self.take(c) { Ok(()) } else { Err(DamagedNote) }
    }
}

/// What follows a backslash. Halves of a surrogate pair read as U+FFFD each: no name has any.
fn escaped(chars: &mut std::str::Chars) -> Result<char, DamagedNote> {
    match chars.next().ok_or(DamagedNote)? {
        'n' => Ok('\n'),
        't' => Ok('\t'),
        'r' => Ok('\r'),
        'b' => Ok('\u{8}'),
        'f' => Ok('\u{c}'),
        'u' => {
            let digits = chars.as_str().get(..4).ok_or(DamagedNote)?;
            let code = u32::from_str_radix(digits, 16).map_err(|_| DamagedNote)?;
            *chars = chars.as_str()[4..].chars();
            Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        }
        c => Ok(c),
    }
}
