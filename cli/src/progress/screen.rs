//! The terminal that indicatif draws on: stderr, written once for each drawing.

use std::io::{self, Write};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use crate::terminal;

/// Columns of a terminal that does not know its size.
const DEFAULT_COLUMNS: usize = 80;

/// Columns that an echoed key takes, and one.
const ECHO_COLUMNS: usize = 3;

/// Stderr, with a margin at the right: indicatif fills its line to the end with spaces, and keys
/// that echo after it (`^C`) would go on in the next line, where nothing erases what is above. Some
/// terminals go on there when a line is full, too.
#[derive(Debug, Default)]
pub struct Screen {
    /// What was not written yet.
    pending: Mutex<String>,
}

impl Screen {
    /// Columns of a line without the margin, now.
    pub fn columns() -> usize {
        terminal::stderr_columns().unwrap_or(DEFAULT_COLUMNS).saturating_sub(ECHO_COLUMNS)
    }

    fn pending(&self) -> MutexGuard<'_, String> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the cursor by `number` in a direction (ECMA-48, sections 8.3.18 to 8.3.22).
    fn move_cursor(&self, number: usize, direction: char) {
        if number > 0 {
            let mut pending = self.pending();
            pending.push_str("\x1b[");
            pending.push_str(&number.to_string());
            pending.push(direction);
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from(Self::columns()).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, number: usize) -> io::Result<()> {
        self.move_cursor(number, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, number: usize) -> io::Result<()> {
        self.move_cursor(number, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, number: usize) -> io::Result<()> {
        self.move_cursor(number, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, number: usize) -> io::Result<()> {
        self.move_cursor(number, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        let mut pending = self.pending();
        pending.push_str(text);
        pending.push('\n');
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.pending().push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let pending = mem::take(&mut *self.pending());
        io::stderr().write_all(pending.as_bytes())
    }
}
