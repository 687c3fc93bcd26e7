//! Cuts stdin into whole lines, as many at a time as have come: what is answered together never
//! waits for more.

use std::io::{self, BufRead, BufReader, Read, Write};

use anyhow::Result;
use rayon::prelude::*;

/// Bytes that are read at a time.
const READ_BYTES: usize = 1 << 20;

/// Lines, and bytes of them, that are answered together at most.
const MAX_LINES: usize = 1024;
const MAX_BYTES: usize = 8 << 20;

/// Bytes of a line that are kept: twice those of the largest report, as it may be written as a JSON
/// string.
const MAX_LINE_BYTES: usize = 128 << 20;

/// What comes next.
enum Next {
    Line(Vec<u8>),
    TooLong,
    End,
}

/// A stream of lines.
pub struct LineStream<R> {
    input: BufReader<R>,
}

impl<R: Read> LineStream<R> {
    /// Before the first line.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(READ_BYTES, input) }
    }

    /// The next lines, one at least, without their ends; `None` is a line that is too long. Waits
    /// for the first only. Empty at the end.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn take(&mut self) -> io::Result<Vec<Option<Vec<u8>>>> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        loop {
            match self.next()? {
                Next::Line(line) => {
                    bytes += line.len();
                    lines.push(Some(line));
                }
                Next::TooLong => lines.push(None),
                Next::End => break,
            }
            let has_more = memchr::memchr(b'\n', self.input.buffer()).is_some();
            if !has_more || lines.len() == MAX_LINES || bytes >= MAX_BYTES {
                break;
            }
        }
        Ok(lines)
    }

    fn next(&mut self) -> io::Result<Next> {
        let mut line = Vec::new();
        let most = MAX_LINE_BYTES as u64 + 1;
        if self.input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(Next::End);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_LINE_BYTES {
            drop(line);
            self.input.skip_until(b'\n')?;
            return Ok(Next::TooLong);
        }
        Ok(Next::Line(line))
    }
}

/// Answers all lines of stdin by what `answer` makes of each, in their order, and returns how many
/// there were. Lines that have come together are answered side by side.
///
/// # Errors
/// Those of stdin, of stdout and of `answer`.
pub fn answer_all(answer: impl Fn(Option<&[u8]>) -> Result<Vec<u8>> + Sync) -> Result<u64> {
    let (mut lines, mut out, mut rows) = (LineStream::new(io::stdin().lock()), io::stdout(), 0);
    loop {
        let taken = lines.take()?;
        if taken.is_empty() {
            return Ok(rows);
        }
        let answers = taken.par_iter().map(|line| answer(line.as_deref()));
        let answers: Vec<Vec<u8>> = answers.collect::<Result<_>>()?;
        out.write_all(&answers.concat())?;
        out.flush()?;
        rows += answers.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one read at a time, and counts the reads.
    struct Pieces(Vec<&'static [u8]>, usize);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn text(lines: Vec<Option<Vec<u8>>>) -> Vec<String> {
        lines.into_iter().map(|line| String::from_utf8(line.unwrap()).unwrap()).collect()
    }

    #[test]
    fn what_has_come_is_taken_without_a_wait() {
        let mut lines = LineStream::new(Pieces(vec![b"a\nb\nc", b"d\n\n", b"e"], 0));
        assert_eq!(text(lines.take().unwrap()), ["a", "b"]);
        assert_eq!(lines.input.get_ref().1, 1, "nothing more was read");
        assert_eq!(text(lines.take().unwrap()), ["cd", ""]);
        assert_eq!(text(lines.take().unwrap()), ["e"]);
        assert!(lines.take().unwrap().is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line() {
        let long = io::repeat(b'x').take(MAX_LINE_BYTES as u64 + 7);
        let mut lines = LineStream::new(long.chain(&b"\nb\n"[..]));
        assert_eq!(lines.take().unwrap(), [None, Some(b"b".to_vec())]);
    }
}
