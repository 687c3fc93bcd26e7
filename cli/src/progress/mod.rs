//! Progress on stderr: one line, if stderr is a terminal.
//!
//! ```text
//! board.rs   an import: files that are read side by side
//! meter.rs   one count that goes up: requests, blocks, addresses
//! layout.rs  what of it fits the terminal
//! screen.rs  the terminal, on which indicatif draws it
//! ```
//!
//! At most one line is drawn at a time. Whatever else is written to the terminal is written
//! [`beside`] it, and a signal that ends the process takes it off first (`interrupt.rs`).

mod board;
mod interrupt;
mod layout;
mod meter;
mod screen;

use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub use board::Board;
pub use meter::{Meter, Reached, Unit};

use crate::context::Context;
use layout::Parts;
use screen::Screen;

/// Between two drawings, in milliseconds.
const REDRAW_MS: u64 = 100;

/// Drawings a second at most; whoever draws waits for [`REDRAW_MS`] anyway.
const MAX_HZ: u8 = 20;

/// The line that is on the terminal. It is drawn and erased under this lock only, so that [`clear`]
/// never waits for its own.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

thread_local! {
    /// Whether this thread has put the line aside: it may not do so twice.
    static IS_ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether anybody would see a line.
pub fn is_wanted(context: &Context) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !context.quiet && !context.json && !is_dumb && io::stderr().is_terminal()
}

/// Does `work`, which writes to the terminal, with the line out of the way.
pub fn beside<T>(work: impl FnOnce() -> T) -> T {
    if IS_ASIDE.get() {
        return work();
    }
    let drawn = drawn();
    let Some(bar) = &*drawn else {
        drop(drawn);
        return work();
    };
    IS_ASIDE.set(true);
    let done = bar.suspend(work);
    IS_ASIDE.set(false);
    done
}

fn drawn() -> MutexGuard<'static, Option<ProgressBar>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the line off the terminal; no other is drawn as long as what this returns is kept. `None`
/// if something that is written [`beside`] it does not come to an end.
fn clear() -> Option<MutexGuard<'static, Option<ProgressBar>>> {
    for _ in 0..CLEAR_TRIES {
        let mut drawn = match DRAWN.try_lock() {
            Ok(drawn) => drawn,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(CLEAR_RETRY);
                continue;
            }
        };
        erase(&mut drawn);
        return Some(drawn);
    }
    None
}

/// Takes `drawn` off the terminal.
fn erase(drawn: &mut Option<ProgressBar>) {
    if let Some(bar) = drawn.take() {
        bar.finish_and_clear();
    }
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
        let line = layout::fit(self.verb, parts, Screen::columns());
        drawn().get_or_insert_with(bar).set_message(line);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        erase(&mut drawn());
    }
}

/// A bar of indicatif's that is a message.
fn bar() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Screen::default()), MAX_HZ);
    ProgressBar::with_draw_target(None, target).with_style(style)
}
