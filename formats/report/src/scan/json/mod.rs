//! Reads JSON value by value, with the place of each. Nothing else is kept.
//!
//! A reader says what it expects of a value; what is there instead is skipped and absent, so that a
//! field of a type that nobody expected never costs the report. What is skipped is checked for
//! ended strings and matching brackets only. Nesting costs no stack: readers descend along the
//! fields that they know.

pub mod fields;
pub mod scalar;
mod tokens;
mod tree;

use std::borrow::Cow;

use crate::event::frame::Span;
use crate::limits::MAX_JSON_DEPTH;
use scalar::Scalar;

/// Reads one document from its beginning to its end.
pub struct Json<'a> {
    text: &'a str,
    at: usize,
}

/// Why a document cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The byte at which it cannot.
    pub at: usize,
    /// What is wrong there.
    pub fact: &'static str,
    /// Whether the text ends there, so that it may be right as far as it goes.
    pub is_end: bool,
}

/// What reading a value leads to.
pub type Read<T> = Result<T, JsonError>;

impl<'a> Json<'a> {
    /// A reader at the first byte of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// A reader at the first byte of `text` that is not blank; a byte order mark is.
    pub fn at_document(text: &'a str) -> Self {
        Self {
            text,
            at: text.len() - text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len(),
        }
    }

    /// A reader at byte `at` of `text`, so that places are those in the whole.
    pub fn at(text: &'a str, at: usize) -> Self {
        Self { text, at: if text.is_char_boundary(at) { at } else { text.len() } }
    }

    /// The first byte of the next value.
    pub fn position(&mut self) -> usize {
        self.blanks();
        self.at
    }

    /// Reads an object: `each` gets its keys in their order, and has to read or skip the value of
    /// each. Anything but an object is skipped.
    ///
    /// # Errors
    /// The document ends early or is wrong; what `each` says.
    pub fn object(&mut self, mut each: impl FnMut(&mut Self, &str) -> Read<()>) -> Read<()> {
        if self.peek()? != b'{' {
            return self.skip();
        }
        if !self.first(b'}')? {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            each(self, &key)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads an array: `each` has to read or skip one element. Anything but an array is skipped.
    ///
    /// # Errors
    /// The document ends early or is wrong; what `each` says.
    pub fn array(&mut self, mut each: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if self.peek()? != b'[' {
            return self.skip();
        }
        if !self.first(b']')? {
            return Ok(());
        }
        loop {
            each(self)?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    /// Enters a container, and says whether it has anything in it; one that has not is left at
    /// once.
    fn first(&mut self, close: u8) -> Read<bool> {
        self.at += 1;
        let is_empty = self.peek()? == close;
        self.at += usize::from(is_empty);
        Ok(!is_empty)
    }

    /// A key and its colon.
    fn key(&mut self) -> Read<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return Err(self.wrong("a key is missing"));
        }
        let key = self.quoted()?;
        if self.peek()? != b':' {
            return Err(self.wrong("a key without value"));
        }
        self.at += 1;
        Ok(key)
    }

    /// Reads what `each` reads, and says where it stood.
    ///
    /// # Errors
    /// What `each` says.
    pub fn spanned(&mut self, each: impl FnOnce(&mut Self) -> Read<()>) -> Read<Span> {
        let start = self.position();
        each(self)?;
        Ok(Span::new(start, self.at))
    }

    /// Whether the next value is an array.
    ///
    /// # Errors
    /// The document ends.
    pub fn is_array(&mut self) -> Read<bool> {
        Ok(self.peek()? == b'[')
    }

    /// Reads a value that is no container; `None` for one, and for `null`.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn scalar(&mut self) -> Read<Option<Scalar<'a>>> {
        match self.peek()? {
            b'"' => self.quoted().map(|text| Some(Scalar::Text(text))),
            b't' => self.literal("true").map(|()| Some(Scalar::Bool(true))),
            b'f' => self.literal("false").map(|()| Some(Scalar::Bool(false))),
            b'-' | b'0'..=b'9' => Ok(Some(Scalar::Number(self.number()))),
            _ => self.skip().map(|()| None),
        }
    }

    /// Skips one value.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn skip(&mut self) -> Read<()> {
        let (mut depth, mut arrays) = (0, 0_u128);
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                open @ (b'{' | b'[') => {
                    if depth == MAX_JSON_DEPTH {
                        return Err(self.wrong("too many values within each other"));
                    }
                    depth += 1;
                    arrays = arrays << 1 | u128::from(open == b'[');
                    self.at += 1;
                }
                close @ (b'}' | b']') => {
                    if depth == 0 || (arrays & 1 == 1) != (close == b']') {
                        return Err(self.wrong("a bracket that nothing opens"));
                    }
                    depth -= 1;
                    arrays >>= 1;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'-' | b'0'..=b'9' => drop(self.number()),
                b't' => self.literal("true")?,
                b'f' => self.literal("false")?,
                b'n' => self.literal("null")?,
                _ => return Err(self.wrong("neither a value nor a bracket")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// What follows the last value that was read.
    pub fn rest(&mut self) -> &'a str {
        self.blanks();
        &self.text[self.at..]
    }

    /// Makes sure that nothing follows the last value that was read on its line, and no other
    /// document on the next ones.
    ///
    /// # Errors
    /// Something does.
    pub fn end_of_line(&mut self) -> Read<()> {
        let behind = self.at;
        let rest = self.rest();
        let is_below = self.text[behind..self.at].contains('\n')
            && !rest.starts_with(['{', '[', '}', ']', ',', '"']);
        if rest.is_empty() || is_below {
            Ok(())
        } else {
            Err(self.wrong("something follows the document's end"))
        }
    }

    /// Makes sure that nothing follows the last value that was read.
    ///
    /// # Errors
    /// Something does.
    pub fn end(&mut self) -> Read<()> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.wrong("something follows the document's end"))
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes().get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Read<u8> {
        self.blanks();
        self.bytes().get(self.at).copied().ok_or_else(|| self.cut())
    }

    /// Behind an element: whether a comma follows it, else `close` does.
    fn goes_on(&mut self, close: u8) -> Read<bool> {
        let next = self.peek()?;
        if next != b',' && next != close {
            return Err(self.wrong("neither a comma nor the closing bracket"));
        }
        self.at += 1;
        Ok(next == b',')
    }

    fn cut(&self) -> JsonError {
        JsonError { at: self.text.len(), fact: "a value is not ended", is_end: true }
    }

    fn wrong(&self, fact: &'static str) -> JsonError {
        JsonError { at: self.at, fact, is_end: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Read<()> {
        let mut json = Json::new(text);
        json.skip()?;
        json.end()
    }

    #[test]
    fn values_and_their_places() {
        let text =
            r#" { "a" : [1, {"b": "x\n\u00e9\ud83d\ude00"}, null], "c": true, "d": -1.5e3 } "#;
        let mut seen = Vec::new();
        let mut json = Json::new(text);
        json.object(|json, key| {
            if key != "a" {
                seen.push(format!("{key} {}", json.scalar()?.unwrap().text()));
                return Ok(());
            }
            json.array(|json| {
                let span = json.spanned(|json| {
                    json.object(|json, _| {
                        seen.push(json.text()?.unwrap());
                        Ok(())
                    })
                })?;
                seen.push(text[span.range()].to_owned());
                Ok(())
            })
        })
        .unwrap();
        assert!(json.end().is_ok());
        assert_eq!(
            seen,
            ["1", "x\né😀", r#"{"b": "x\n\u00e9\ud83d\ude00"}"#, "null", "c true", "d -1.5e3"]
        );
    }

    #[test]
    fn every_cut_is_seen_as_one() {
        let text = r#"{"a":[1,{"b":"x\né\u0041"},null,true],"c":{}}"#;
        assert!(all(text).is_ok());
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(all(&text[..end]).unwrap_err().is_end, "{end}");
        }
    }

    #[test]
    fn what_is_wrong() {
        for (text, at) in [("{]", 1), ("[1}", 2), ("x", 0), ("{} {}", 3), ("[nul1]", 1), ("]", 0)] {
            let error = all(text).unwrap_err();
            assert!(!error.is_end && error.at == at, "{text}: {error:?}");
        }
        for text in ["{1:2}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"\\x\":1}", "{\"\\u12g4\":1}"] {
            assert!(!Json::new(text).object(|json, _| json.skip()).unwrap_err().is_end, "{text}");
        }
    }

    #[test]
    fn halves_of_pairs() {
        for (text, want) in [
            (r#""\ud800x""#, "\u{fffd}x"),
            (r#""\ud800\u0041""#, "\u{fffd}A"),
            (r#""\udc00""#, "\u{fffd}"),
        ] {
            assert_eq!(Json::new(text).scalar().unwrap().unwrap().text(), want);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(all(&nested(MAX_JSON_DEPTH as usize)).is_ok());
        assert!(!all(&nested(MAX_JSON_DEPTH as usize + 1)).unwrap_err().is_end);
        assert!(!all(&"[".repeat(1 << 20)).unwrap_err().is_end);
    }
}
