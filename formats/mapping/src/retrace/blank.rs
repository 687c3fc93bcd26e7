//! Blanks between the words of a trace, those of Unicode included.
//!
//! People copy traces out of browsers, chats and word processors, which indent with no-break and
//! wide spaces and leave marks that have no width. R8 allows any of Unicode's separators behind a
//! frame; here they are blanks everywhere.

/// Bytes of the blank that `text` begins with; 0 if it begins with none.
fn first(text: &[u8]) -> usize {
    match text {
        [b' ' | b'\t' | 0x0b | 0x0c | b'\r', ..] => 1,
        // NEL, no-break space.
        [0xc2, 0x85 | 0xa0, ..] => 2,
        // Ogham space; U+2000 to U+200F and U+2028 to U+202F: spaces of all widths, and marks of
        // direction; U+205F, U+2060; the ideographic space; the byte order mark.
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8f | 0xa8..=0xaf, ..]
        | [0xe2, 0x81, 0x9f | 0xa0, ..]
        | [0xe3, 0x80, 0x80, ..]
        | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

/// Bytes of the blank that `text` ends with; 0 if it ends with none.
fn last(text: &[u8]) -> usize {
    (1..=3)
        .find(|count| text.len().checked_sub(*count).is_some_and(|at| first(&text[at..]) == *count))
        .unwrap_or(0)
}

/// Whether a blank stands at `at`.
pub(super) fn is_at(line: &[u8], at: usize) -> bool {
    line.get(at..).is_some_and(|rest| first(rest) > 0)
}

/// The first place from `at` on where no blank stands.
pub(super) fn skip(line: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(count) = line.get(end..).map(first).filter(|count| *count > 0) {
        end += count;
    }
    end
}

/// `line` without the blanks at its end.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let mut line = line;
    loop {
        match last(line) {
            0 => return line,
            count => line = &line[..line.len() - count],
        }
    }
}

/// `line` without the blanks at both ends.
pub(super) fn trim(line: &[u8]) -> &[u8] {
    trim_end(&line[skip(line, 0).min(line.len())..])
}

/// Whether `before` ends within a word, as a regular expression's `\b` tells it. Bytes that are no
/// text count as a word's.
pub(super) fn ends_in_word(before: &[u8]) -> bool {
    match before.last() {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || *byte == b'_',
        Some(_) => {
            let start = before.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
            std::str::from_utf8(&before[start..])
                .ok()
                .and_then(|text| text.chars().next_back())
                .is_none_or(char::is_alphanumeric)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_unicode() {
        for blank in [
            ' ', '\t', '\u{a0}', '\u{2003}', '\u{200b}', '\u{202f}', '\u{205f}', '\u{3000}',
            '\u{feff}', '\u{1680}', '\u{85}',
        ] {
            let text = format!("{blank}{blank}x{blank}");
            let (text, width) = (text.as_bytes(), blank.len_utf8());
            assert_eq!(
                (skip(text, 0), trim(text), is_at(text, 2 * width)),
                (2 * width, &b"x"[..], false),
                "{blank:?}"
            );
            assert!(!ends_in_word(&text[..width]), "{blank:?}");
        }
        for other in ["é", "x", "\u{300}", "…", "語"] {
            assert_eq!(
                (skip(other.as_bytes(), 0), trim(other.as_bytes())),
                (0, other.as_bytes()),
                "{other}"
            );
        }
        assert_eq!(
            (trim(b""), trim(b" \xc2"), trim("\u{a0}\u{a0}".as_bytes())),
            (&b""[..], &b"\xc2"[..], &b""[..])
        );
    }

    #[test]
    fn words_end() {
        for (before, is_word) in [
            ("", false),
            ("c", true),
            ("_", true),
            ("é", true),
            ("•", false),
            ("-", false),
            ("\u{a0}", false),
            ("語", true),
        ] {
            assert_eq!(ends_in_word(before.as_bytes()), is_word, "{before}");
        }
        assert!(ends_in_word(b"\xff"));
    }
}
