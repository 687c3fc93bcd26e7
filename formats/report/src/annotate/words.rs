//! Names and locations as text that stays within its line, or as JSON values.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::event::image::file_name;
use crate::scan::text::kept;

use super::resolved::ResolvedFrame;

/// `name` for a text of lines: whatever would end the line or move the cursor is a `?`. Cut at
/// [`crate::limits::MAX_TEXT_BYTES`].
pub fn name(name: &str) -> Cow<'_, str> {
    clean(known(name))
}

/// `name`; `??`, as `llvm-symbolizer` prints it, if there is none.
pub fn known(name: &str) -> &str {
    if name.trim().is_empty() { "??" } else { name }
}

fn clean(text: &str) -> Cow<'_, str> {
    if text.len() > crate::limits::MAX_TEXT_BYTES {
        return Cow::Owned(clean(&kept(text)).into_owned());
    }
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, "?"))
    } else {
        Cow::Borrowed(text)
    }
}

/// `FILE[:LINE[:COLUMN]]`, if there is a file.
pub fn place(call: &ResolvedFrame) -> Option<String> {
    let file = call.file.as_deref().filter(|file| !file.trim().is_empty())?;
    let mut place = clean(file).into_owned();
    for number in [call.line, call.column].into_iter().take_while(|number| *number > 0) {
        place.push(':');
        place.push_str(&number.to_string());
    }
    Some(place)
}

/// `FILE:LINE` with the file's name only, as Apple writes it, if there is a file; no line is 0.
pub fn short_place(call: &ResolvedFrame) -> Option<String> {
    let file = base(call)?;
    Some(format!("{}:{}", clean(file), call.line))
}

/// The file's name without its path.
pub fn base(call: &ResolvedFrame) -> Option<&str> {
    call.file.as_deref().map(file_name).filter(|file| !file.trim().is_empty())
}

/// `text` as a JSON string. All but ASCII is escaped, whatever the document's encoding is.
pub fn quoted(text: &str) -> String {
    let text: Cow<'_, str> = if text.len() > crate::limits::MAX_TEXT_BYTES {
        Cow::Owned(kept(text))
    } else {
        Cow::Borrowed(text)
    };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(quoted, "\\u{unit:04x}");
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, line: u32, column: u32) -> ResolvedFrame {
        ResolvedFrame { file: Some(file.to_owned()), line, column, ..ResolvedFrame::default() }
    }

    #[test]
    fn names_stay_in_their_line() {
        assert_eq!(name("a\r\nb\u{85}c\u{1b}[0m"), "a??b?c?[0m");
        assert_eq!(name(" \t"), "??");
        assert_eq!(name("caf\u{e9}"), "café");
        assert_eq!(name(&"x".repeat(1 << 20)).len(), crate::limits::MAX_TEXT_BYTES);
    }

    #[test]
    fn places() {
        assert_eq!(place(&at("/a/b.c", 3, 7)).as_deref(), Some("/a/b.c:3:7"));
        assert_eq!(place(&at("/a/b.c", 3, 0)).as_deref(), Some("/a/b.c:3"));
        // A column without line says nothing.
        assert_eq!(place(&at("/a/b.c", 0, 7)).as_deref(), Some("/a/b.c"));
        assert_eq!(place(&at(" ", 3, 7)), None);
        assert_eq!(short_place(&at("/a/b.c", 0, 7)).as_deref(), Some("b.c:0"));
        assert_eq!(short_place(&at("/a/", 1, 1)), None);
    }

    #[test]
    fn strings_of_json() {
        let text = "a\"b\\c\n\r\t\u{0}\u{7f}é\u{2028}😀";
        let quoted = quoted(text);
        assert_eq!(quoted, r#""a\"b\\c\n\r\t\u0000\u007f\u00e9\u2028\ud83d\ude00""#);
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }
}
