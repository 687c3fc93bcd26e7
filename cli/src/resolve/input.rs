//! Cuts a stream of requests into runs of whole lines.
//!
//! A run is what has come so far, so that whoever feeds one line and waits gets its answer, and no
//! more than is asked for, so that memory does not grow with the stream.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Bytes of one line that are kept; of a longer one, which no request needs, the rest is dropped.
pub const MAX_LINE_BYTES: usize = 64 << 10;

/// Bytes of requests in the first run, and in any.
const FIRST_RUN_BYTES: usize = 512 << 10;
const MAX_RUN_BYTES: usize = 2 << 20;
const MIN_RUN_BYTES: usize = 4 << 10;

/// Bytes of answers that one run should make: enough to sort well, little enough to stay in cache
/// and memory.
const ANSWER_BYTES: usize = 48 << 20;

/// How much is taken at a time, which follows from how long answers are.
#[derive(Clone, Copy, Debug)]
pub struct RunSize(usize);

impl Default for RunSize {
    fn default() -> Self {
        Self(FIRST_RUN_BYTES)
    }
}

impl RunSize {
    /// Bytes of requests that the next run should have.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// Takes in that a run of `asked` bytes had answers of `answered` bytes.
    pub fn learn(&mut self, asked: usize, answered: usize) {
        let fitting = asked.saturating_mul(ANSWER_BYTES) / answered.max(1);
        self.0 = fitting.clamp(MIN_RUN_BYTES, (self.0 * 2).min(MAX_RUN_BYTES));
    }
}

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

    /// The next whole lines, read `run_bytes` at a time; the last line need not end. `None` at the
    /// end.
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
                // One byte more says that it is too long.
                self.buffer.truncate(MAX_LINE_BYTES + 1);
                self.skipping = true;
            }
        }
        self.taken = self.buffer.len();
        Ok((self.taken > 0).then_some(&self.buffer[..]))
    }
}

/// Bytes that are read from a pipe at a time, as many as one holds on Linux, and how many such
/// pieces may wait.
const PIECE_BYTES: usize = 64 << 10;
const PIECES: usize = 32;

/// A stream that is read ahead of whoever needs it: a pipe gives a few thousand lines at a time,
/// and while they are answered, the next come in.
pub struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    /// Bytes of `piece` that have been taken.
    taken: usize,
    /// What came after it.
    error: Option<io::Error>,
}

impl Ahead {
    /// Begins to read `input`, on a thread that ends with it, or with the program.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn of(input: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(PIECES);
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || read_pieces(input, &sender))?;
        Ok(Self { pieces, piece: Vec::new(), taken: 0, error: None })
    }
}

fn read_pieces(mut input: impl Read, pieces: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = match input.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) => return,
            Ok(bytes) => {
                piece.truncate(bytes);
                Ok(piece)
            }
            Err(error) => Err(error),
        };
        let is_error = read.is_err();
        if pieces.send(read).is_err() || is_error {
            return;
        }
    }
}

impl Ahead {
    /// Whether the next [`Ahead::read`] has something to give within `patience`, or an end.
    pub fn comes_within(&mut self, patience: Duration) -> bool {
        if self.taken < self.piece.len() || self.error.is_some() {
            return true;
        }
        match self.pieces.recv_timeout(patience) {
            Ok(Ok(piece)) => (self.piece, self.taken) = (piece, 0),
            Ok(Err(error)) => self.error = Some(error),
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => {}
        }
        true
    }
}

impl Read for Ahead {
    /// All that has come, as far as there is room; waits if nothing has.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            let rest = &self.piece[self.taken..];
            let bytes = rest.len().min(buffer.len() - filled);
            buffer[filled..filled + bytes].copy_from_slice(&rest[..bytes]);
            filled += bytes;
            self.taken += bytes;
            if filled == buffer.len() {
                return Ok(filled);
            }
            let next = match self.error.take() {
                Some(error) => Some(Err(error)),
                None if filled == 0 => self.pieces.recv().ok(),
                None => self.pieces.try_recv().ok(),
            };
            match next {
                Some(Ok(piece)) => (self.piece, self.taken) = (piece, 0),
                Some(Err(error)) if filled == 0 => return Err(error),
                Some(Err(error)) => {
                    self.error = Some(error);
                    return Ok(filled);
                }
                None => return Ok(filled),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has come is taken together; an error comes after what was read before it.
    #[test]
    fn what_is_read_ahead_comes_in_order() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 > 3 {
                    return Err(io::Error::other("gone"));
                }
                buffer[..2].copy_from_slice(b"a\n");
                Ok(2)
            }
        }
        let mut ahead = Ahead::of(Broken(0)).unwrap();
        let (mut got, mut buffer) = (Vec::new(), [0; 5]);
        let error = loop {
            match ahead.read(&mut buffer) {
                Ok(bytes) => got.extend_from_slice(&buffer[..bytes]),
                Err(error) => break error,
            }
        };
        assert_eq!((&got[..], error.to_string().as_str()), (&b"a\na\na\n"[..], "gone"));
        assert_eq!(ahead.read(&mut buffer).unwrap(), 0);

        let long: Vec<u8> = (0..=250).cycle().take(PIECE_BYTES * PIECES * 2).collect();
        let mut read = Vec::new();
        Ahead::of(io::Cursor::new(long.clone())).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == long);
    }

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
        assert_eq!(got[1].lines().map(str::len).collect::<Vec<_>>(), [MAX_LINE_BYTES + 1, 1]);
    }
}
