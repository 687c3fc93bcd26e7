//! Reads a line sign by sign, and says where something in it is wrong.

/// Where in the line, what is wrong, what to write instead.
pub type Wrong = (usize, String, String);

pub fn wrong<T>(at: usize, fact: impl Into<String>, advice: impl Into<String>) -> Result<T, Wrong> {
    Err((at, fact.into(), advice.into()))
}

/// A place in a line.
pub struct Cursor<'a> {
    pub line: &'a str,
    /// Byte of the line.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn blanks(&mut self) {
        self.at = self.line.len() - self.rest().trim_start().len();
    }

    pub fn take(&mut self, sign: char) -> bool {
        let is_next = self.rest().starts_with(sign);
        self.at += if is_next { sign.len_utf8() } else { 0 };
        is_next
    }

    pub fn expect(&mut self, sign: char, advice: &str) -> Result<(), Wrong> {
        self.blanks();
        if self.take(sign) {
            Ok(())
        } else {
            wrong(self.at, format!("`{sign}` is missing"), advice)
        }
    }

    pub fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|sign: char| !(sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.' | '-')))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }
}

pub fn first_word(rest: &str) -> &str {
    rest.split_whitespace().next().unwrap_or_default()
}
