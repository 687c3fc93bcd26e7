//! The lines of a trace as a regular expression tells them: R8's `--regex`.
//!
//! | in the expression | stands for |
//! | --- | --- |
//! | `%c`, `%C` | a class, with dots or with slashes |
//! | `%m` | a method |
//! | `%s`, `%l`, `%S` | a source file, a line, both with a colon between them |
//! | `%t`, `%a` | a return type, the types of arguments |
//! | `\%` | a percent sign |
//!
//! An expression has to match the whole line. R8, `StackTraceRegularExpressionParser`; its `%f`, a
//! field, is refused, as fields are not kept.

use std::fmt::Write;

use std::ops::Range;

use regex::bytes::{Captures, Regex};

/// A segment of a name. R8, `javaIdentifierSegment`, in Unicode's categories.
const SEGMENT: &str = r"[-\p{L}\p{Nl}\p{Sc}\p{Pc}][-\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mn}\p{Mc}]*";

/// A compiled expression.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    /// What each group of the expression stands for, in their order; absent for groups that are the
    /// expression's own.
    groups: Vec<Option<Part>>,
}

/// Why an expression is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no regular expression.
    #[error("it is no regular expression: {0}")]
    Syntax(String),
    /// It has a sign that stands for nothing.
    #[error(
        "%{0} stands for nothing; write %c, %C, %m, %s, %l, %S, %t or %a, or \\% for a percent sign"
    )]
    Unknown(char),
    /// It names fields.
    #[error("%f, a field, cannot be retraced: fields of mappings are not kept")]
    Field,
    /// It ends with a percent sign.
    #[error("it ends with %; write \\% for a percent sign")]
    Open,
}

/// What is told of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// With dots, or with slashes.
    Class {
        has_slashes: bool,
    },
    Method,
    File,
    Line,
    FileAndLine,
    Returns,
    Arguments,
}

/// The parts of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) class: Option<(Range<usize>, bool)>,
    pub(super) method: Option<Range<usize>>,
    pub(super) file: Option<Range<usize>>,
    /// With the colon before it, if there is one.
    pub(super) line: Option<Range<usize>>,
    /// Whether a colon is put before a line.
    pub(super) has_colon: bool,
    pub(super) returns: Option<Range<usize>>,
    pub(super) arguments: Option<Range<usize>>,
}

impl Part {
    fn named(letter: char) -> Result<Self, PatternError> {
        Ok(match letter {
            'c' => Self::Class { has_slashes: false },
            'C' => Self::Class { has_slashes: true },
            'm' => Self::Method,
            's' => Self::File,
            'l' => Self::Line,
            'S' => Self::FileAndLine,
            't' => Self::Returns,
            'a' => Self::Arguments,
            'f' => return Err(PatternError::Field),
            other => return Err(PatternError::Unknown(other)),
        })
    }

    fn expression(self) -> String {
        let kind = format!(r"(?:{SEGMENT}\.)*{SEGMENT}[\[\]]*");
        match self {
            Self::Class { has_slashes: false } => format!(r"(?:{SEGMENT}\.)*{SEGMENT}"),
            Self::Class { has_slashes: true } => format!(r"(?:{SEGMENT}/)*{SEGMENT}"),
            Self::Method => format!(r"(?:{SEGMENT}|<init>|<clinit>)"),
            Self::File => r"(?::+[^\d:\s]|[^:])*".to_owned(),
            Self::Line => r"\d*".to_owned(),
            Self::FileAndLine => ".*".to_owned(),
            Self::Returns => kind,
            Self::Arguments => format!(r"(?:(?:{kind}\s*,\s*)*{kind})?"),
        }
    }
}

impl Pattern {
    /// Compiles `expression`.
    ///
    /// # Errors
    /// [`PatternError`] if it is none, or has a sign that stands for nothing.
    pub fn parse(expression: &str) -> Result<Self, PatternError> {
        let (mut written, mut parts) = (String::with_capacity(4 * expression.len()), Vec::new());
        let mut chars = expression.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    // Not an escape of any expression but ours.
                    Some('%') => written.push('%'),
                    Some(escaped) => written.extend(['\\', escaped]),
                    None => written.push('\\'),
                },
                '%' => {
                    let part = Part::named(chars.next().ok_or(PatternError::Open)?)?;
                    // Writing to memory does not fail.
                    let _ = write!(written, "(?P<part{}>{})", parts.len(), part.expression());
                    parts.push(part);
                }
                c => written.push(c),
            }
        }
        let regex = Regex::new(&format!(r"\A(?:{written})\z"))
            .map_err(|error| PatternError::Syntax(error.to_string()))?;
        let named =
            |name: &str| parts.get(name.strip_prefix("part")?.parse::<usize>().ok()?).copied();
        let groups = regex.capture_names().map(|name| name.and_then(named)).collect();
        Ok(Self { regex, groups })
    }

    /// The parts of `line`. `None` if it is not what the expression describes.
    pub(super) fn line(&self, line: &[u8]) -> Option<Parsed> {
        let captures = self.regex.captures(line)?;
        let mut parsed = Parsed::default();
        for (part, range) in self.ranges(&captures) {
            match part {
                // Of several classes only the first is retraced; the word is Java's.
                Part::Class { .. }
                    if parsed.class.is_some() || &line[range.clone()] == b"Suppressed" => {}
                Part::Class { has_slashes } => parsed.class = Some((range, has_slashes)),
                Part::Method => parsed.method = Some(range),
                Part::File => parsed.file = Some(range),
                Part::Line => {
                    parsed.has_colon = range.start > 0 && line[range.start - 1] == b':';
                    parsed.line = Some(range.start - usize::from(parsed.has_colon)..range.end);
                }
                Part::FileAndLine => {
                    let file_end = range.start + end_of_file(&line[range.clone()]);
                    (parsed.file, parsed.line, parsed.has_colon) =
                        (Some(range.start..file_end), Some(file_end..range.end), true);
                }
                Part::Returns => parsed.returns = Some(range),
                Part::Arguments => parsed.arguments = Some(range),
            }
        }
        Some(parsed)
    }

    fn ranges<'p>(
        &'p self,
        captures: &'p Captures<'_>,
    ) -> impl Iterator<Item = (Part, Range<usize>)> + 'p {
        self.groups
            .iter()
            .zip(captures.iter())
            .filter_map(|(part, found)| Some(((*part)?, found?.range())))
    }
}

/// Where the file of `FILE:LINE` ends: before a colon with digits behind it.
fn end_of_file(text: &[u8]) -> usize {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let before = text.len() - digits;
    if digits > 0 && before > 0 && text[before - 1] == b':' { before - 1 } else { text.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_are_none() {
        assert_eq!(Pattern::parse("%c.%f").unwrap_err(), PatternError::Field);
        assert_eq!(Pattern::parse("%x").unwrap_err(), PatternError::Unknown('x'));
        assert_eq!(Pattern::parse("a%").unwrap_err(), PatternError::Open);
        for expression in ["(", "\\", "a{99999}{99999}", "(?<=x)%c"] {
            assert!(
                matches!(Pattern::parse(expression), Err(PatternError::Syntax(_))),
                "{expression}"
            );
        }
    }

    #[test]
    fn whole_lines_match() {
        let pattern = Pattern::parse(r"%c\.%m\(%s(?::%l)?\)").unwrap();
        assert_eq!(pattern.line(b" a.b.c(D.java:12)"), None);
        let parsed = pattern.line(b"a.b.c(D.java:12)").unwrap();
        assert_eq!(
            (parsed.class, parsed.method, parsed.file),
            (Some((0..3, false)), Some(4..5), Some(6..12))
        );
        assert_eq!((parsed.line, parsed.has_colon), (Some(12..15), true));
        assert_eq!(pattern.line(b"a.b.c(D.java)").unwrap().line, None);
    }
}
