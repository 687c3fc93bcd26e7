//! The text of a retrace: whole lines as they come, after those that still wait.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Result, anyhow};

use super::limits::{PATIENCE, RUN_BYTES};
use crate::resolve::input::Ahead;

/// A text that is being read.
pub struct Input {
    source: Source,
    /// What was read and not taken yet.
    buffer: Vec<u8>,
    /// Bytes of it that are whole lines, or a piece of one that is very long.
    whole: usize,
    is_ended: bool,
}

enum Source {
    File(File),
    Stream(Ahead),
}

/// What there is to be retraced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comes {
    /// More lines.
    Lines,
    /// None for a while: those that wait have waited long enough.
    Nothing,
    /// No more, ever.
    End,
}

impl Input {
    /// The text of the file at `path`, or of stdin if that is `-`.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let source = if path.as_os_str() == "-" {
            Source::Stream(Ahead::of(io::stdin())?)
        } else {
            let name = path.display();
            Source::File(File::open(path).map_err(|error| {
                anyhow!("{name}: {error}; name a file with stack traces, or - for stdin")
            })?)
        };
        Ok(Self { source, buffer: Vec::new(), whole: 0, is_ended: false })
    }

    /// The whole lines that were read and not taken.
    pub fn lines(&self) -> &[u8] {
        &self.buffer[..self.whole]
    }

    /// Takes the first `count` bytes of them.
    pub fn take(&mut self, count: usize) {
        self.buffer.drain(..count);
        self.whole -= count;
    }

    /// Reads on.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn read(&mut self) -> io::Result<Comes> {
        while !self.is_ended {
            if let Source::Stream(stream) = &mut self.source
                && self.whole > 0
                && !stream.comes_within(PATIENCE)
            {
                return Ok(Comes::Nothing);
            }
            let before = self.buffer.len();
            self.buffer.resize(before + RUN_BYTES, 0);
            let read = match &mut self.source {
                Source::File(file) => file.read(&mut self.buffer[before..]),
                Source::Stream(stream) => stream.read(&mut self.buffer[before..]),
            };
            self.buffer.truncate(before + read.as_ref().map_or(0, |count| *count));
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => self.is_ended = read? == 0,
            }
            let end =
                memchr::memrchr(b'\n', &self.buffer[self.whole..]).map(|at| self.whole + at + 1);
            // A line without end is passed on in pieces.
            let is_endless = self.buffer.len() - self.whole >= RUN_BYTES;
            if self.is_ended || is_endless {
                self.whole = end.filter(|_| !self.is_ended).unwrap_or(self.buffer.len());
                return Ok(if self.is_ended { Comes::End } else { Comes::Lines });
            }
            if let Some(end) = end {
                self.whole = end;
                return Ok(Comes::Lines);
            }
        }
        Ok(Comes::End)
    }
}
