//! Progress on stderr: in, counters that the work moves on; out, one line, if stderr is a terminal.
//!
//! ```text
//! board.rs   an import: files that are read side by side
//! meter.rs   one count that goes up: requests, blocks, addresses
//! layout.rs  what of it fits the terminal
//! ```
//!
//! At most one line is drawn at a time. Whatever else is written to the terminal is written [`beside`] it, and a
//! signal that ends the process takes it off first (`interrupt.rs`).

mod board;
mod interrupt;
mod layout;
mod meter;

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

pub use board::{Board, Shown};
pub use meter::{Meter, Reached, Unit};

use crate::args::Global;
use crate::terminal;
use layout::Parts;

/// Between two drawings, in milliseconds.
const REDRAW_MS: u64 = 100;

/// Columns of a terminal that does not know its size.
const DEFAULT_COLUMNS: usize = 80;

/// To the start of the line, and nothing in it.
const ERASE: &str = "\r\x1b[2K";

/// The line that is on the terminal. The cursor stays at its end: what keys echo is erased with it.
static DRAWN: Mutex<Option<String>> = Mutex::new(None);

thread_local! {
    /// Whether this thread has put the line aside: it may not do so twice.
    static IS_ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether anybody would see a line.
pub fn is_wanted(global: &Global) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !global.quiet && !global.json && !is_dumb && io::stderr().is_terminal()
}

/// Does `work`, which writes to the terminal, with the line out of the way.
pub fn beside<T>(work: impl FnOnce() -> T) -> T {
    if IS_ASIDE.get() {
        return work();
    }
    let drawn = drawn();
    let Some(line) = &*drawn else {
        drop(drawn);
        return work();
    };
    write(ERASE);
    IS_ASIDE.set(true);
    let done = work();
    IS_ASIDE.set(false);
    write(line);
    done
}

fn drawn() -> MutexGuard<'static, Option<String>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody is hurt if progress cannot be written.
fn write(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Takes the line off the terminal; no other is drawn as long as what this returns is kept. `None` if something that is
/// written [`beside`] it does not come to an end.
fn clear() -> Option<MutexGuard<'static, Option<String>>> {
    for _ in 0..CLEAR_TRIES {
        let mut drawn = match DRAWN.try_lock() {
            Ok(drawn) => drawn,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(CLEAR_RETRY);
                continue;
            }
        };
        if drawn.take().is_some() {
            write(ERASE);
        }
        return Some(drawn);
    }
    None
}

/// How often, and after what time, [`clear`] tries to get hold of the line.
const CLEAR_TRIES: u32 = 50;
const CLEAR_RETRY: Duration = Duration::from_millis(2);

/// The line on the terminal, until dropped.
#[derive(Debug)]
struct Line {
    /// What the program does.
    verb: &'static str,
}

impl Line {
    fn new(verb: &'static str) -> Self {
        interrupt::watch();
        Self { verb }
    }

    fn draw(&self, parts: &Parts) {
        let columns = terminal::stderr_columns().unwrap_or(DEFAULT_COLUMNS);
        // The last columns stay free: some terminals would go on to the next line, and so would keys that echo (`^C`).
        let line = layout::fit(self.verb, parts, columns - ECHO_COLUMNS);
        let mut drawn = drawn();
        write(&format!("{ERASE}{line}"));
        *drawn = Some(line);
    }
}

/// Columns that an echoed key takes, and one.
const ECHO_COLUMNS: usize = 3;

impl Drop for Line {
    fn drop(&mut self) {
        if drawn().take().is_some() {
            write(ERASE);
        }
    }
}
