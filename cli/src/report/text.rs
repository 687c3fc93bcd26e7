//! Text of reports on a page: nothing in it moves the cursor or turns the direction of what
//! follows, and long names are shortened in their middle and whole on demand.

use std::borrow::Cow;

use maud::{Markup, html};

use crate::terminal::{columns_of, elide, moves_cursor};

/// `text` with `\u{1b}` for each control character and each one that changes the direction. Ends of
/// lines stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |char: char| char != '\n' && moves_cursor(char);
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '\t' => visible.push_str("\\t"),
            '\r' => visible.push_str("\\r"),
            char if is_hidden(char) => visible.extend(char.escape_unicode()),
            char => visible.push(char),
        }
    }
    visible.into()
}

/// `text` in at most `columns`, with its middle left out.
pub fn short(text: &str, columns: usize) -> String {
    elide(&visible(text), columns).replace('\n', " ")
}

/// `text`; if it takes more than `columns`, shortened, and whole once it is opened.
pub fn long(text: &str, columns: usize) -> Markup {
    let whole = visible(text);
    html! {
        @if columns_of(&whole) <= columns {
            (whole)
        } @else {
            details.long {
                summary { (short(text, columns)) }
                (whole)
            }
        }
    }
}

/// `number` with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `number` and `one`, or `many` unless it is 1.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `2017-01-26 10:05` of an ISO time.
pub fn minute(iso: &str) -> String {
    iso.get(..16).unwrap_or(iso).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(visible("a<b>\n"), "a<b>\n");
        let shown = visible("\x1b[31mred\t\u{202e}gnp.exe\u{85}");
        assert_eq!(shown, "\\u{1b}[31mred\\t\\u{202e}gnp.exe\\u{85}");
    }

    #[test]
    fn long_names_are_whole_on_demand() {
        let name = format!("ns::{}::end", "a".repeat(600));
        let page = long(&name, 40).into_string();
        assert!(page.contains(&name) && page.contains("<summary>ns::aaaaaaaaa…"), "{page}");
        assert_eq!(long("a<b>", 40).into_string(), "a&lt;b&gt;");
    }

    #[test]
    fn thousands() {
        for (number, want) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), want);
        }
    }
}
