//! Requests that failed: prints the first few, and decides the exit code.

use std::ffi::OsString;

use crate::exit::Exit;

/// Failed requests that are named one by one.
const MAX_NAMED: u64 = 10;

/// Requests that failed: the first few are named, all are counted.
#[derive(Debug, Default)]
pub struct Failures {
    count: u64,
    /// Those that are not named line by line.
    silent: u64,
    /// The module that was said to be wrong before any request.
    pub said: Option<OsString>,
}

impl Failures {
    /// Counts the request of a line, and says why it failed.
    pub fn count(&mut self, line: u64, reason: &str) {
        self.count += 1;
        if self.count - self.silent <= MAX_NAMED {
            say!("line {line}: {reason}");
        }
    }

    /// Counts requests of which has been told, or whose answer tells.
    pub fn count_silently(&mut self, requests: u64) {
        self.count += requests;
        self.silent += requests;
    }

    /// How the command ends.
    pub fn finish(&self) -> Exit {
        if self.count - self.silent > MAX_NAMED {
            say!("{} requests failed in total; --style json prints the status of each", self.count);
        }
        Exit::failed_if(self.count > 0)
    }
}
