//! Where class, method, file and line stand in one line of a trace.
//!
//! ```text
//! 06-01 12:00:00.000 E AndroidRuntime:  at app//a.b.c.d(SourceFile:12) ~[store.jar:1.0]
//!                                       │     └ class │ └ file     └ line
//!                                       └ at          └ method
//! Caused by: a.b.c: text      - locked <0x0a1b2c3d> (a a.b.c)      [CIRCULAR REFERENCE: a.b.c]
//!            └ word                                    └ word                           └ word
//! ```

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

use super::blank;
use crate::limits::MAX_WORDS;

/// A frame. Ranges are of bytes of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameLine {
    /// Where `at` is.
    pub(super) at: usize,
    pub(super) class: Range<usize>,
    pub(super) method: Range<usize>,
    pub(super) file: Range<usize>,
    /// The line's digits; empty if there are none.
    pub(super) line: Range<usize>,
    /// Where the closing parenthesis is.
    pub(super) close: usize,
}

/// Whose idea of a line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// R8's, and modules, loaders and jars as Java prints them.
    R8,
    /// `ProGuard`'s.
    Proguard,
}

impl Grammar {
    fn is_blank(self, line: &[u8], at: usize) -> bool {
        match self {
            Self::R8 => blank::is_at(line, at),
            Self::Proguard => line.get(at).is_some_and(|byte| is_ascii_blank(*byte)),
        }
    }

    /// The first place from `at` on where no blank stands.
    fn skip(self, line: &[u8], at: usize) -> usize {
        match self {
            Self::R8 => blank::skip(line, at),
            Self::Proguard => {
                at + line
                    .get(at..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|byte| is_ascii_blank(**byte))
                    .count()
            }
        }
    }
}

fn is_ascii_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}

/// The frame in a line: `at CLASS.METHOD(FILE:LINE)`, then nothing or a jar.
pub(super) fn frame(line: &[u8], grammar: Grammar) -> Option<FrameLine> {
    // Most lines of a log are none.
    memchr(b'(', line)?;
    let is_at = |at: &usize| line.get(at + 1) == Some(&b't') && !blank::ends_in_word(&line[..*at]);
    let calls = memchr_iter(b'a', line).filter(is_at).filter_map(|at| call(line, at, grammar));
    calls.take(MAX_WORDS).find_map(|call| call.frame(line, grammar))
}

/// `at CLASS.METHOD(`.
struct Call {
    at: usize,
    class: Range<usize>,
    method: Range<usize>,
    open: usize,
}

fn call(line: &[u8], at: usize, grammar: Grammar) -> Option<Call> {
    let start = grammar.skip(line, at + 2);
    if start == at + 2 {
        return None;
    }
    let end = start
        + (start..line.len()).position(|at| line[at] == b'(' || grammar.is_blank(line, at))?;
    let open = grammar.skip(line, end);
    if line.get(open) != Some(&b'(') {
        return None;
    }
    // `java.base@17/`, `app//`, `loader/module@1.0/`.
    let modules = line[start..end]
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(start, |slash| start + slash + 1);
    let dot = modules + line[modules..end].iter().rposition(|byte| *byte == b'.')?;
    let (class, method) = (modules..dot, dot + 1..end);
    let is_call = match grammar {
        Grammar::R8 => is_class(&line[class.clone()]) && is_method(&line[method.clone()]),
        Grammar::Proguard => {
            modules == start
                && is_proguard_class(&line[class.clone()])
                && is_proguard_class(&line[method.clone()])
        }
    };
    is_call.then_some(Call { at, class, method, open })
}

impl Call {
    fn frame(self, line: &[u8], grammar: Grammar) -> Option<FrameLine> {
        let Self { at, class, method, open } = self;
        let closes = memchr_iter(b')', &line[open..]).map(|close| open + close).take(MAX_WORDS);
        let close = { closes }.find(|close| is_end(&line[close + 1..], grammar))?;
        let (file, line) = file_and_line(line, open + 1..close, grammar)?;
        Some(FrameLine { at, class, method, file, line, close })
    }
}

/// Whether nothing follows a frame, or a jar (`~[store.jar:1.2]`; Log4j leaves out the tilde where
/// it knows the jar).
fn is_end(rest: &[u8], grammar: Grammar) -> bool {
    let (rest, jar) = match grammar {
        Grammar::R8 => {
            (blank::trim(rest), blank::trim(rest).strip_prefix(b"~").unwrap_or(blank::trim(rest)))
        }
        Grammar::Proguard => (
            rest.trim_ascii_start(),
            rest.trim_ascii_start().strip_prefix(b"~").unwrap_or_default(),
        ),
    };
    rest.is_empty() || (jar.starts_with(b"[") && jar.ends_with(b"]"))
}

/// Of what is between the parentheses. A colon with digits alone behind it, or nothing, begins the
/// line.
fn file_and_line(
    line: &[u8],
    inside: Range<usize>,
    grammar: Grammar,
) -> Option<(Range<usize>, Range<usize>)> {
    let text = &line[inside.clone()];
    let colon = text.iter().rposition(|byte| *byte == b':');
    let number = |colon: usize| inside.start + colon + 1..inside.end;
    match grammar {
        Grammar::R8 => {
            Some(match colon.filter(|colon| text[colon + 1..].iter().all(u8::is_ascii_digit)) {
                Some(colon) => (inside.start..inside.start + colon, number(colon)),
                None => (inside.clone(), inside.end..inside.end),
            })
        }
        Grammar::Proguard => {
            let file = &text[..colon.unwrap_or(text.len())];
            let digits = colon
                .map(|colon| text[colon + 1..].strip_prefix(b"-").unwrap_or(&text[colon + 1..]));
            let is_number = digits
                .is_none_or(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
            let is_file = !file.iter().any(|byte| matches!(byte, b':' | b'(' | b')'));
            (is_number && is_file).then(|| {
                (
                    inside.start..inside.start + file.len(),
                    colon.map_or(inside.end..inside.end, number),
                )
            })
        }
    }
}

/// Where the names of classes may stand in a line that is no frame, first to last: behind a colon
/// or a quote and blanks, or at its start; behind each is a colon, or the line's end. At most
/// [`MAX_WORDS`].
pub(super) fn words(line: &[u8], grammar: Grammar) -> Vec<Range<usize>> {
    let end = if grammar == Grammar::R8 { blank::trim_end(line).len() } else { line.len() };
    let line = &line[..end];
    let is_start = |at: &usize| matches!(line[*at], b':' | b'"') && grammar.is_blank(line, at + 1);
    let starts = (0..line.len()).filter(is_start).map(|at| grammar.skip(line, at + 1));
    let mut words = Vec::new();
    for start in std::iter::once(0).chain(starts) {
        let is_stop = |at: &usize| matches!(line[*at], b':' | b'"') || grammar.is_blank(line, *at);
        let stop = (start..end).find(is_stop).unwrap_or(end);
        let word = &line[start..stop];
        let is_name = match grammar {
            Grammar::R8 => is_class(word),
            Grammar::Proguard => is_proguard_class(word),
        };
        if is_name && matches!(line.get(stop), None | Some(b':')) && words.len() < MAX_WORDS {
            words.push(start..stop);
        }
    }
    words
}

/// The class of a line that Android and Java write about an object: a lock, or an exception that
/// was printed already.
pub(super) fn object(line: &[u8]) -> Option<Range<usize>> {
    let circular = b"[CIRCULAR REFERENCE:";
    if let Some(at) = memmem::find(line, circular) {
        let start = blank::skip(line, at + circular.len());
        let line = blank::trim_end(line);
        let end = line
            .get(start..)?
            .iter()
            .position(|byte| matches!(byte, b':' | b']'))
            .map_or(line.len(), |end| start + end);
        return is_class(&line[start..end]).then_some(start..end);
    }
    // `- locked <0x0a1b2c3d> (a a.b.c)`; of a class object, `(a java.lang.Class<a.b.c>)`.
    if !line[blank::skip(line, 0)..].starts_with(b"- ") {
        return None;
    }
    let start = memmem::find(line, b"> (a ")? + 5;
    let end = start + memchr(b')', &line[start..])?;
    let class_of = b"java.lang.Class<";
    let (start, end) =
        match line[start..end].strip_prefix(class_of).and_then(|class| class.strip_suffix(b">")) {
            Some(class) => (start + class_of.len(), start + class_of.len() + class.len()),
            None => (start, end),
        };
    let end = start + line[start..end].iter().position(|byte| *byte == b'[').unwrap_or(end - start);
    is_class(&line[start..end]).then_some(start..end)
}

/// Names with dots between them, of the characters that Java and Android allow. Letters beyond
/// ASCII are not told from other signs.
pub(super) fn is_class(name: &[u8]) -> bool {
    name.split(|byte| *byte == b'.').all(is_identifier)
}

pub(super) fn is_method(name: &[u8]) -> bool {
    is_identifier(name) || matches!(name, b"<init>" | b"<clinit>")
}

/// D8 makes classes whose names begin with a hyphen: `-$$Lambda$Main$x`.
fn is_identifier(name: &[u8]) -> bool {
    let is_start = |byte: &u8| {
        byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$' | b'-') || *byte >= 0x80
    };
    name.first().is_some_and(is_start)
        && name.iter().all(|byte| is_start(byte) || byte.is_ascii_digit())
}

fn is_proguard_class(name: &[u8]) -> bool {
    let is_part = |part: &[u8]| {
        !part.is_empty()
            && !part.iter().any(|byte| {
                is_ascii_blank(*byte) || matches!(byte, b'"' | b':' | b'/' | b'(' | b')')
            })
    };
    name.split(|byte| *byte == b'.').all(is_part)
}
