//! Reads what JSON values are made of: strings, numbers, words.

use std::borrow::Cow;

use super::{Json, Read};
use crate::scan::text::first_stop;

impl<'a> Json<'a> {
    /// The string that begins here.
    pub(super) fn quoted(&mut self) -> Read<Cow<'a, str>> {
        let start = self.at + 1;
        self.at = start;
        if self.stop()? == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let (mut text, mut from) = (String::new(), start);
        while self.stop()? == b'\\' {
            text.push_str(&self.text[from..self.at]);
            text.push(self.escape()?);
            from = self.at;
        }
        text.push_str(&self.text[from..self.at]);
        self.at += 1;
        Ok(Cow::Owned(text))
    }

    /// Goes behind the string that begins here.
    pub(super) fn skip_string(&mut self) -> Read<()> {
        self.at += 1;
        while self.stop()? == b'\\' {
            // What is escaped is one byte at least, and no quote follows it in the others.
            self.at += 2;
        }
        self.at += 1;
        Ok(())
    }

    /// Goes to the next quote or backslash, whichever it is.
    fn stop(&mut self) -> Read<u8> {
        let rest = self.bytes().get(self.at..).unwrap_or_default();
        match first_stop(rest) {
            Some(count) => {
                self.at += count;
                Ok(rest[count])
            }
            None => {
                self.at = self.text.len();
                Err(self.cut())
            }
        }
    }

    /// The character of the escape that begins here. A half of a surrogate pair without the other
    /// is U+FFFD.
    fn escape(&mut self) -> Read<char> {
        let kind = *self.bytes().get(self.at + 1).ok_or_else(|| self.cut())?;
        let plain = match kind {
            b'"' | b'\\' | b'/' => kind as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return Err(self.wrong("an escape that JSON does not have")),
        };
        self.at += 2;
        Ok(plain)
    }

    fn code_point(&mut self) -> Read<char> {
        let high = self.code_unit()?;
        if (0xd800..0xdc00).contains(&high)
            && self.bytes().get(self.at..self.at + 2) == Some(b"\\u")
        {
            let behind = self.at;
            let low = self.code_unit()?;
            if (0xdc00..0xe000).contains(&low) {
                return Ok(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                    .unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = behind;
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The four digits of `\uXXXX`.
    fn code_unit(&mut self) -> Read<u32> {
        let digits = self.bytes().get(self.at + 2..self.at + 6).ok_or_else(|| self.cut())?;
        let unit = digits
            .iter()
            .try_fold(0, |unit, digit| Some(unit << 4 | (*digit as char).to_digit(16)?));
        let unit = unit.ok_or_else(|| self.wrong("an escape that is no number"))?;
        self.at += 6;
        Ok(unit)
    }

    /// The number that begins here, as it is written.
    pub(super) fn number(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest
            .bytes()
            .position(|byte| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
        let number = &rest[..end.unwrap_or(rest.len())];
        self.at += number.len();
        number
    }

    /// Goes behind `literal`.
    pub(super) fn literal(&mut self, literal: &'static str) -> Read<()> {
        let rest = &self.bytes()[self.at..];
        if rest.starts_with(literal.as_bytes()) {
            self.at += literal.len();
            return Ok(());
        }
        Err(if literal.as_bytes().starts_with(rest) {
            self.cut()
        } else {
            self.wrong("neither a value nor a bracket")
        })
    }
}
