//! Messages on stderr, a line each, as far as the user wants to see them.
//!
//! | macro | what for | told |
//! | --- | --- | --- |
//! | `say!` | what failed, and what to do | always |
//! | `warn!` | what may not be as the user thinks | unless `-q` |
//! | `note!` | what was done | unless `-q` |
//! | `detail!` | where was looked, what took how long | with `-v` |

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::OnceLock;

use crate::progress;
use crate::terminal::{Paint, clean};

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What failed.
    Quiet,
    /// What the user should know.
    #[default]
    Normal,
    /// Every step.
    Verbose,
}

/// How messages are written.
#[derive(Clone, Copy, Debug)]
struct Voice {
    level: Level,
    paint: Paint,
}

static VOICE: OnceLock<Voice> = OnceLock::new();

/// Messages are written so from now on, until the end.
pub fn begin(level: Level, paint: Paint) {
    VOICE.get_or_init(|| Voice { level, paint });
}

fn voice() -> Voice {
    VOICE.get().copied().unwrap_or(Voice { level: Level::Normal, paint: Paint::OFF })
}

/// Whether messages of `level` are told.
pub fn is_told(level: Level) -> bool {
    voice().level >= level
}

/// Tells `text`, whatever the level, in red.
pub fn error(text: Arguments<'_>) {
    tell(voice().paint.red, text);
}

/// Tells `text` in yellow.
pub fn warning(text: Arguments<'_>) {
    tell(voice().paint.yellow, text);
}

/// Tells `text`.
pub fn plain(text: Arguments<'_>) {
    tell(voice().paint.dim, text);
}

/// Nobody can be told if writing fails.
fn tell(start: &str, text: Arguments<'_>) {
    let reset = voice().paint.reset;
    let text = text.to_string();
    let line = format!("{start}symtool:{reset} {}\n", clean(&text));
    // In one piece: other processes may write to the same terminal.
    progress::beside(|| drop(io::stderr().write_all(line.as_bytes())));
}

/// What failed, and what to do.
macro_rules! say {
    ($($text:tt)*) => { $crate::messages::error(format_args!($($text)*)) };
}

/// What may not be as the user thinks.
macro_rules! warn {
    ($($text:tt)*) => {
        if $crate::messages::is_told($crate::messages::Level::Normal) { $crate::messages::warning(format_args!($($text)*)) }
    };
}

/// What was done.
macro_rules! note {
    ($($text:tt)*) => {
        if $crate::messages::is_told($crate::messages::Level::Normal) { $crate::messages::plain(format_args!($($text)*)) }
    };
}

/// Each step, for who wants to know.
macro_rules! detail {
    ($($text:tt)*) => {
        if $crate::messages::is_told($crate::messages::Level::Verbose) { $crate::messages::plain(format_args!($($text)*)) }
    };
}
