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
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

pub use board::{Board, Shown};
pub use meter::{Meter, Reached, Unit};

use crate::args::Global;
use crate::terminal;
use layout::Parts;

/// Between two drawings, in milliseconds.
const REDRAW_MS: u64 = 100;

/// Columns of a terminal that does not know its size.
const DEFAULT_COLUMNS: usize = 80;

/// The line that is on the terminal.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

thread_local! {
    /// Whether this thread has put the line aside: it may not do so twice.
    static IS_ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether anybody would see a line.
pub fn is_wanted(global: &Global) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !global.quiet && !global.json && !is_dumb && std::io::stderr().is_terminal()
}

/// Does `work`, which writes to the terminal, with the line out of the way.
pub fn beside<T>(work: impl FnOnce() -> T) -> T {
    let Some(bar) = drawn().filter(|_| !IS_ASIDE.get()) else { return work() };
    IS_ASIDE.set(true);
    let done = bar.suspend(work);
    IS_ASIDE.set(false);
    done
}

/// Takes the line off the terminal, for good.
fn clear() {
    if let Some(bar) = drawn() {
        bar.finish_and_clear();
    }
}

fn drawn() -> Option<ProgressBar> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The line on the terminal, until dropped.
#[derive(Debug)]
struct Line(ProgressBar);

impl Line {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::no_length().with_style(style);
        *DRAWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        interrupt::watch();
        Self(bar)
    }

    fn draw(&self, parts: &Parts) {
        let columns = terminal::stderr_columns().unwrap_or(DEFAULT_COLUMNS);
        // The last column stays free: some terminals would go on to the next line.
        self.0.set_message(layout::fit(parts, columns - 1));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
        *DRAWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
