//! What was read of the input and not written yet: reports are replaced, all else goes out as it
//! came.

use std::cell::RefCell;
use std::io::{self, BufRead, Read, Write};
use std::rc::Rc;

use symtool_report::limits::MAX_REPORT_BYTES;

/// Bytes that were read and not written yet.
pub struct Kept<W> {
    out: W,
    /// The offset of the first of them.
    offset: u64,
    bytes: Vec<u8>,
    /// Why some could not be written when there were too many.
    failed: Option<io::Error>,
}

/// Of what was read, no more than this can belong to a report that is still to come: two of the
/// largest.
const MAX_KEPT_BYTES: usize = 2 * MAX_REPORT_BYTES + (1 << 20);

impl<W: Write> Kept<W> {
    pub fn new(out: W) -> Self {
        Self { out, offset: 0, bytes: Vec::new(), failed: None }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * MAX_KEPT_BYTES {
            self.failed = self.write_first(MAX_KEPT_BYTES).err();
        }
    }

    /// Writes what stands before the report of `length` bytes at `offset`, and what `write` does
    /// instead of the report.
    pub fn replace<E: From<io::Error>>(
        &mut self,
        offset: u64,
        length: usize,
        write: impl FnOnce(&mut W) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = usize::try_from(offset.saturating_sub(self.offset))
            .map_or(self.bytes.len(), |count| count.min(self.bytes.len()));
        self.write_first(before)?;
        write(&mut self.out)?;
        self.drop_first(length.min(self.bytes.len()));
        Ok(self.out.flush()?)
    }

    /// Writes all that is left.
    pub fn finish(&mut self) -> io::Result<()> {
        self.write_first(self.bytes.len())?;
        self.out.flush()
    }

    fn write_first(&mut self, count: usize) -> io::Result<()> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.out.write_all(&self.bytes[..count])?;
        self.drop_first(count);
        Ok(())
    }

    fn drop_first(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.offset += count as u64;
    }
}

/// A reader that keeps what is read.
pub struct Tee<R, W> {
    pub input: R,
    pub kept: Rc<RefCell<Kept<W>>>,
}

impl<R: BufRead, W: Write> Read for Tee<R, W> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead, W: Write> BufRead for Tee<R, W> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Ok(available) = self.input.fill_buf() {
            self.kept.borrow_mut().keep(&available[..count.min(available.len())]);
        }
        self.input.consume(count);
    }
}
