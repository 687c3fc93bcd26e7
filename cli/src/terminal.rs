//! What a terminal gets besides text: colours if wanted, the number of columns, and text in which
//! nothing moves the cursor.

use std::borrow::Cow;
use std::env;
use std::io::{self, IsTerminal};

use clap::ValueEnum;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set; with `CLICOLOR_FORCE` elsewhere too
    Auto,
    /// Even in a pipe
    Always,
    /// Not at all
    Never,
}

impl Color {
    /// The choice that is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        <Self as ValueEnum>::from_str(name, false).ok()
    }
}

/// Escape sequences to put before and after text; all empty where nothing is to be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Before what the eye should find first.
    pub bold: &'static str,
    /// Before what may be passed over.
    pub dim: &'static str,
    /// Before what went wrong.
    pub red: &'static str,
    /// Before what may go wrong.
    pub yellow: &'static str,
    /// After any of them.
    pub reset: &'static str,
}

impl Paint {
    /// No colours.
    pub const OFF: Self = Self { bold: "", dim: "", red: "", yellow: "", reset: "" };
    const ON: Self = Self {
        bold: "\x1b[1m",
        dim: "\x1b[2m",
        red: "\x1b[1;31m",
        yellow: "\x1b[1;33m",
        reset: "\x1b[0m",
    };

    /// The paint for `stream`: the flag decides, then the environment, then the `configured`
    /// choice, then what the stream is (<https://no-color.org>, <https://bixense.com/clicolors>).
    pub fn of(flag: Option<Color>, configured: Option<Color>, stream: &impl IsTerminal) -> Self {
        let is_set =
            |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let by_stream =
            || stream.is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let is_wanted = match (flag, configured) {
            (Some(Color::Always), _) => true,
            (Some(Color::Never), _) => false,
            // Any value counts, that of 0 too.
            _ if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
            _ if is_set("CLICOLOR_FORCE") => true,
            _ if env::var_os("CLICOLOR").is_some_and(|value| value == "0") => false,
            (None, Some(Color::Always)) => true,
            (None, Some(Color::Never)) => false,
            (Some(Color::Auto), _) | (None, Some(Color::Auto) | None) => by_stream(),
        };
        if is_wanted { Self::ON } else { Self::OFF }
    }
}

/// Fewer columns than these are taken for a terminal that does not know its size.
const MIN_COLUMNS: usize = 20;

/// Columns of the terminal that is stdout; `None` if it is none.
pub fn stdout_columns() -> Option<usize> {
    columns(terminal_size::terminal_size_of(io::stdout()))
}

/// Columns of the terminal that is stderr; `None` if it is none.
pub fn stderr_columns() -> Option<usize> {
    columns(terminal_size::terminal_size_of(io::stderr()))
}

fn columns(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Option<usize> {
    size.map(|(width, _)| usize::from(width.0)).filter(|columns| *columns >= MIN_COLUMNS)
}

/// Whether a terminal does something else with `char` than to show it where it stands: control
/// characters, and those that change the direction of what follows (Unicode Standard Annex 9).
pub fn moves_cursor(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` in one line: `\n`, `\r` and `\t` for ends of lines and tabs, and U+FFFD for every other
/// control character: names in files can have any, and a terminal would obey them.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(moves_cursor) {
        return text.into();
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '\n' => clean.push_str("\\n"),
            '\r' => clean.push_str("\\r"),
            '\t' => clean.push_str("\\t"),
            _ if moves_cursor(char) => clean.push(char::REPLACEMENT_CHARACTER),
            _ => clean.push(char),
        }
    }
    clean.into()
}

/// `text` in at most `columns`, with its middle left out if need be: a path's ends say most.
pub fn elide(text: &str, columns: usize) -> Cow<'_, str> {
    if columns_of(text) <= columns {
        return text.into();
    }
    let room = columns.saturating_sub(1);
    let front = prefix(text.chars(), room / 3);
    let back: String =
        prefix(text.chars().rev(), room - columns_of(&front)).chars().rev().collect();
    format!("{front}…{back}").into()
}

/// Columns that `text` takes.
pub fn columns_of(text: &str) -> usize {
    text.width()
}

fn prefix(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut left = columns;
    chars
        .take_while(|char| {
            let columns = char.width().unwrap_or(0);
            let fits = columns <= left;
            left = left.saturating_sub(columns);
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(clean("libx.so"), "libx.so");
        assert_eq!(clean("a\x1b[2J\nb\u{9b}c\rd\té"), "a\u{fffd}[2J\\nb\u{fffd}c\\rd\\té");
    }

    #[test]
    fn the_middle_is_left_out() {
        for (text, columns, want) in [
            ("libx.so", 7, "libx.so"),
            ("Payload/App.app/App", 10, "Pay…pp/App"),
            ("libx.so", 1, "…"),
            ("äöü.so", 5, "ä….so"),
            ("äöü.so", 6, "äöü.so"),
            ("日本語.so", 8, "日…語.so"),
            ("日本語.so", 9, "日本語.so"),
        ] {
            assert_eq!(elide(text, columns), want, "{text} {columns}");
            assert!(columns_of(&elide(text, columns)) <= columns);
        }
    }
}
