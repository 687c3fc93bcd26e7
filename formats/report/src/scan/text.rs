//! A report's bytes as a string in which every offset is that of the bytes, and its lines, words
//! and numbers.

use std::borrow::Cow;

use crate::event::frame::Span;
use crate::limits::MAX_TEXT_BYTES;

/// `bytes` as text of the same length: each byte that belongs to no UTF-8 character becomes a `?`,
/// so that offsets stay what they are.
pub fn same_offsets(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    Cow::Owned(text)
}

/// One line of a text.
#[derive(Clone, Copy, Debug)]
pub struct TextLine<'a> {
    /// The line without its end.
    pub text: &'a str,
    /// From 1.
    pub number: usize,
    /// Where it stands, without its end.
    pub span: Span,
    /// Whether the text ends in it, so that it may have been cut off.
    pub is_open: bool,
}

/// The lines of `text`, which end in `\n` or `\r\n`.
pub fn lines(text: &str) -> impl Iterator<Item = TextLine<'_>> {
    let mut at = 0;
    (1..).zip(text.split_inclusive('\n')).map(move |(number, whole)| {
        let start = at;
        at += whole.len();
        let line =
            whole.strip_suffix('\n').map_or(whole, |line| line.strip_suffix('\r').unwrap_or(line));
        TextLine {
            text: line,
            number,
            span: Span::new(start, start + line.len()),
            is_open: !whole.ends_with('\n'),
        }
    })
}

/// `text` as a string to keep, of at most [`MAX_TEXT_BYTES`].
pub fn kept(text: &str) -> String {
    if text.len() <= MAX_TEXT_BYTES {
        return text.to_owned();
    }
    let end = (0..=MAX_TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

/// `text` without blanks around it as a string to keep, or as an id or a name that is one, if there
/// is any.
pub fn some<T: From<String>>(text: &str) -> Option<T> {
    let text = text.trim();
    (!text.is_empty()).then(|| kept(text).into())
}

/// A hexadecimal number, with or without `0x`.
pub fn hex(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    // `from_str_radix` takes a sign.
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, 16).ok() }
}

/// A hexadecimal number that begins with `0x`.
pub fn prefixed_hex(text: &str) -> Option<u64> {
    text.starts_with("0x").then(|| hex(text))?
}

/// Whether `text` is decimal digits.
pub fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first word of `text`, and what follows it without the blanks between.
pub fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}

/// Where the first quote or backslash is, eight bytes at a time: strings are too short for anything
/// wider.
pub fn first_stop(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    // The lowest byte that is zero has its upper bit set; none below it does.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(words.len() * 8 + found)
}

/// What lies between the first `before` and the next `after`.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(within, _)| within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_stay() {
        let bytes = b"a\xffb\xc3\xa9\xe2\x82c";
        let text = same_offsets(bytes);
        assert_eq!(text, "a?bé??c");
        assert_eq!(text.len(), bytes.len());
    }

    #[test]
    fn lines_and_their_places() {
        let text = "one\r\n\ntwo";
        let all: Vec<(&str, usize, Span, bool)> =
            lines(text).map(|line| (line.text, line.number, line.span, line.is_open)).collect();
        let want = [
            ("one", 1, Span { start: 0, end: 3 }, false),
            ("", 2, Span { start: 5, end: 5 }, false),
            ("two", 3, Span { start: 6, end: 9 }, true),
        ];
        assert_eq!(all, want);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn numbers() {
        for (text, want) in [
            ("0x10", Some(16)),
            ("ff", Some(255)),
            ("+1", None),
            ("-1", None),
            ("0x", None),
            ("", None),
            ("g", None),
        ] {
            assert_eq!(hex(text), want, "{text}");
        }
        assert_eq!(hex("ffffffffffffffff"), Some(u64::MAX));
        assert_eq!(hex("10000000000000000"), None);
        assert_eq!(prefixed_hex("10"), None);
    }

    #[test]
    fn words() {
        assert_eq!(word("  a  b c"), Some(("a", "b c")));
        assert_eq!(word("a"), Some(("a", "")));
        assert_eq!(word("  "), None);
        assert_eq!(between("a (b) c", "(", ")"), Some("b"));
        assert_eq!(between("a (b", "(", ")"), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "é".repeat(MAX_TEXT_BYTES);
        assert_eq!(kept(&format!("x{long}")).len(), MAX_TEXT_BYTES - 1);
        assert_eq!(some::<String>("  "), None);
    }

    #[test]
    fn stops_at_every_place() {
        for length in 0..40 {
            for at in 0..length {
                for stop in [b'"', b'\\'] {
                    // Bytes that differ from a stop by little.
                    for other in [b'#', b'!', b']', b'[', 0, 0xa2, 0xff] {
                        let mut bytes = vec![other; length];
                        bytes[at] = stop;
                        assert_eq!(first_stop(&bytes), Some(at));
                        bytes[length - 1] = stop;
                        assert_eq!(first_stop(&bytes), Some(at));
                    }
                }
            }
        }
        assert_eq!(first_stop(b"0123456789"), None);
    }
}
