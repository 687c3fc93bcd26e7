//! Parses one line of a mapping.
//!
//! ```text
//! com.a.Main -> a.b:                                          class
//!     int count -> a                                          field
//!     4:6:void com.a.Util.twice(int,long):20:22 -> b          method, inlined from another class
//!     │   │    └ holder  │     └ arguments │        └ obfuscated name
//!     │   └ returns      └ name            └ original lines: none, one, or first and last
//!     └ obfuscated lines: none, or first and last
//! ```

use memchr::memchr;

use super::row::{LineRange, Original};

/// The names of a class.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClassLine<'a> {
    pub(super) original: &'a str,
    pub(super) obfuscated: &'a str,
}

/// A member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MemberLine<'a> {
    Field,
    Method(MethodLine<'a>),
}

/// A method and its lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MethodLine<'a> {
    pub(super) range: Option<LineRange>,
    /// Return type, name and arguments as they stand there.
    pub(super) signature: &'a str,
    pub(super) original: Original,
    pub(super) obfuscated: &'a str,
}

/// Why a line is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadLine {
    Shape,
    LineNumbers,
}

/// The class that a line begins: `ORIGINAL -> OBFUSCATED:`.
pub(super) fn class(line: &str) -> Option<ClassLine<'_>> {
    let names = line.trim_end().strip_suffix(':')?;
    let (original, obfuscated) = arrow(names)?;
    let (original, obfuscated) = (original.trim(), obfuscated.trim());
    (is_class(original) && is_class(obfuscated)).then_some(ClassLine { original, obfuscated })
}

/// The names that people give to classes have all sorts of characters; blanks and the mapping's own
/// are none of them.
fn is_class(name: &str) -> bool {
    !name.is_empty()
        && !name.bytes().any(|byte| {
            byte <= b' ' || matches!(byte, b':' | b'(' | b')' | b',' | b'"' | b'#' | b'{' | b'}')
        })
}

/// The member of a line without the blanks around it.
pub(super) fn member(line: &str) -> Result<MemberLine<'_>, BadLine> {
    let (range, rest) = obfuscated_lines(line)?;
    let blank = memchr(b' ', rest.as_bytes()).filter(|blank| *blank > 0).ok_or(BadLine::Shape)?;
    let name = rest[blank..].trim_start();
    let Some(open) = memchr(b'(', rest.as_bytes()).filter(|open| *open > blank) else {
        let (name, obfuscated) = arrow(name).ok_or(BadLine::Shape)?;
        let is_field = !name.trim().is_empty() && !obfuscated.trim().is_empty();
        return if is_field && range.is_none() {
            Ok(MemberLine::Field)
        } else {
            Err(BadLine::Shape)
        };
    };
    let close = open + memchr(b')', &rest.as_bytes()[open..]).ok_or(BadLine::Shape)?;
    let (lines, obfuscated) = arrow(&rest[close + 1..]).ok_or(BadLine::Shape)?;
    let obfuscated = obfuscated.trim();
    if obfuscated.is_empty() || obfuscated.contains(' ') {
        return Err(BadLine::Shape);
    }
    Ok(MemberLine::Method(MethodLine {
        range,
        signature: &rest[..=close],
        original: original_lines(lines.trim())?,
        obfuscated,
    }))
}

/// What stands before and behind the first `->`. No name before it has a `>`.
fn arrow(text: &str) -> Option<(&str, &str)> {
    let end = memchr(b'>', text.as_bytes())?;
    Some((text[..end].strip_suffix('-')?, &text[end + 1..]))
}

/// `FIRST:LAST:` before a method.
fn obfuscated_lines(line: &str) -> Result<(Option<LineRange>, &str), BadLine> {
    if !line.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return Ok((None, line));
    }
    let (first, rest) = line.split_once(':').ok_or(BadLine::LineNumbers)?;
    let (last, rest) = rest.split_once(':').ok_or(BadLine::LineNumbers)?;
    Ok((Some(LineRange::new(number(first)?, number(last)?)), rest.trim_start()))
}

/// Nothing, `:LINE` or `:FIRST:LAST` behind one.
fn original_lines(text: &str) -> Result<Original, BadLine> {
    let Some(text) = text.strip_prefix(':') else {
        return if text.is_empty() { Ok(Original::Same) } else { Err(BadLine::Shape) };
    };
    match text.split_once(':') {
        Some((first, last)) => Ok(Original::Lines(LineRange::new(number(first)?, number(last)?))),
        None => Ok(Original::One(number(text)?)),
    }
}

fn number(text: &str) -> Result<u32, BadLine> {
    let text = text.trim();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(BadLine::LineNumbers)
}

/// The parts of a [`MethodLine::signature`]: return type, class and name with a dot between them,
/// arguments.
pub(super) fn signature(text: &str) -> (&str, Option<&str>, &str, &str) {
    let (returns, rest) = text.split_once(' ').unwrap_or(("", text));
    let (name, arguments) = rest.split_once('(').unwrap_or((rest, ""));
    let (name, arguments) = (name.trim(), arguments.strip_suffix(')').unwrap_or(arguments));
    match name.rsplit_once('.') {
        Some((holder, name)) => (returns, Some(holder), name, arguments),
        None => (returns, None, name, arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(line: &str) -> MethodLine<'_> {
        match member(line) {
            Ok(MemberLine::Method(method)) => method,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn classes() {
        let found = Some(ClassLine { original: "com.a.Main", obfuscated: "a.b" });
        assert_eq!(class("com.a.Main -> a.b:"), found);
        assert_eq!(class("com.a.Main->a.b: "), found);
        assert!(class("com.a.package-info -> com.a.package-info:").is_some());
        assert!(class("ComposeStackTrace -> $$compose:").is_some());
        for line in ["a -> b", "-> b:", "a -> :", "a b -> c:", "a", "# a -> b:", "{\"a -> b:"] {
            assert_eq!(class(line), None, "{line}");
        }
    }

    /// All forms of line numbers.
    #[test]
    fn methods() {
        let lines = |first, last| LineRange { first, last };
        for (line, range, original) in [
            ("void m() -> x", None, Original::Same),
            ("void m():7 -> x", None, Original::One(7)),
            ("void m():7:9 -> x", None, Original::Lines(lines(7, 9))),
            ("1:2:void m() -> x", Some(lines(1, 2)), Original::Same),
            ("1:2:void m():7 -> x", Some(lines(1, 2)), Original::One(7)),
            ("1:2:void m():7:9 -> x", Some(lines(1, 2)), Original::Lines(lines(7, 9))),
            ("0:65535:void m():0:0 -> x", Some(lines(0, 65535)), Original::Lines(lines(0, 0))),
            ("5:3:void m():9:7 -> x", Some(lines(3, 5)), Original::Lines(lines(7, 9))),
            ("1 : 2 : void m() : 7 : 9 -> x ", Some(lines(1, 2)), Original::Lines(lines(7, 9))),
        ] {
            assert_eq!(
                method(line),
                MethodLine { range, signature: "void m()", original, obfuscated: "x" },
                "{line}"
            );
        }
        assert_eq!(method("void <init>() -> <init>").signature, "void <init>()");
        assert_eq!(
            method("void com.a.B.access$100(int, java.lang.String[]) -> a").signature,
            "void com.a.B.access$100(int, java.lang.String[])"
        );
    }

    #[test]
    fn fields() {
        for line in ["int count -> a", "com.a.B[] com.a.C.list -> b"] {
            assert_eq!(member(line), Ok(MemberLine::Field), "{line}");
        }
    }

    #[test]
    fn bad_members() {
        for line in [
            "",
            "void",
            "void m()",
            "void m() ->",
            "void m() -> a b",
            "void m( -> a",
            "void m() x -> a",
            "1:2:int count -> a",
            "int -> a",
        ] {
            assert_eq!(member(line), Err(BadLine::Shape), "{line}");
        }
        for line in [
            "1:void m() -> x",
            "4294967296:1:void m() -> x",
            "1:+2:void m() -> x",
            "1:2:void m(): -> x",
            "void m():x -> x",
            "1",
        ] {
            assert_eq!(member(line), Err(BadLine::LineNumbers), "{line}");
        }
    }

    #[test]
    fn signatures() {
        assert_eq!(signature("void m()"), ("void", None, "m", ""));
        assert_eq!(
            signature("int com.a.B.<init>(int,long[])"),
            ("int", Some("com.a.B"), "<init>", "int,long[]")
        );
    }
}
