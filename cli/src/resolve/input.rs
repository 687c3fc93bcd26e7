//! Requests as they come in: in, a stream of bytes; out, runs of whole lines.
//!
//! A run is what has come so far, so that whoever feeds one line and waits gets its answer, and no more than is
//! asked for, so that memory does not grow with the stream.

use std::io::{self, Read};

/// Bytes of one line that are kept; of a longer one, which no request needs, the rest is dropped.
const MAX_LINE_BYTES: usize = 64 << 10;

/// A stream of lines.
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that the last run took.
    taken: usize,
    /// Whether the rest of a line that was too long is still to come.
    skipping: bool,
    ended: bool,
}

impl<R: Read> Lines<R> {
    /// Before the first line.
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), taken: 0, skipping: false, ended: false }
    }

    /// The next whole lines, read `run_bytes` at a time; the last line need not end. `None` at the end.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn next_run(&mut self, run_bytes: usize) -> io::Result<Option<&[u8]>> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        while !self.ended {
            let before = self.buffer.len();
            self.buffer.resize(before + run_bytes, 0);
            let read = loop {
                match self.input.read(&mut self.buffer[before..]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            self.buffer.truncate(before + read);
            self.ended = read == 0;
            let mut searched = before;
            if self.skipping {
                let Some(end) = self.buffer[before..].iter().position(|&byte| byte == b'\n') else {
                    self.buffer.truncate(before);
                    continue;
                };
                // What was kept of the long line stands before what was read now.
                self.buffer.drain(before..before + end);
                self.skipping = false;
                searched = 0;
            }
            if let Some(end) = self.buffer[searched..].iter().rposition(|&byte| byte == b'\n') {
                self.taken = searched + end + 1;
                return Ok(Some(&self.buffer[..self.taken]));
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                self.buffer.truncate(MAX_LINE_BYTES);
                self.skipping = true;
            }
        }
        self.taken = self.buffer.len();
        Ok((self.taken > 0).then_some(&self.buffer[..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one read at a time.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn runs(pieces: &[&'static [u8]]) -> Vec<String> {
        let mut lines = Lines::new(Pieces(pieces.to_vec()));
        let mut runs = Vec::new();
        while let Some(run) = lines.next_run(100_000).unwrap() {
            runs.push(String::from_utf8(run.to_vec()).unwrap());
        }
        runs
    }

    #[test]
    fn whole_lines_as_they_come() {
        assert_eq!(runs(&[b"a\nb\nc", b"d\n", b"e"]), ["a\nb\n", "cd\n", "e"]);
        assert_eq!(runs(&[]), Vec::<String>::new());
        assert_eq!(runs(&[b"x"]), ["x"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let long: &'static [u8] = Box::leak(vec![b'x'; 90_000].into_boxed_slice());
        let got = runs(&[b"a\n", long, long, b"xx\nb\n"]);
        assert_eq!(got.len(), 2);
        assert_eq!(got[1].lines().map(str::len).collect::<Vec<_>>(), [MAX_LINE_BYTES, 1]);
    }
}
