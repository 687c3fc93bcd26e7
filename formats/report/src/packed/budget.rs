//! Bounds what packed bytes unpack to: what is read of them and what comes out are counted.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::limits::{MAX_PACKED_EXPANSION, MIN_UNPACKED_BYTES};

/// What was read of the packed bytes, and unpacked of them.
#[derive(Clone, Default)]
pub struct Budget {
    read: Rc<Cell<u64>>,
    unpacked: Rc<Cell<u64>>,
}

impl Budget {
    /// `input`, whose bytes are packed ones.
    pub fn counted<R: Read>(&self, input: R) -> impl Read + use<R> {
        Counted { input, count: Rc::clone(&self.read) }
    }

    /// `input`, whose bytes were unpacked.
    pub fn bounded<R: Read>(&self, input: R) -> impl Read + use<R> {
        Bounded { input, budget: self.clone() }
    }
}

/// A reader whose bytes are counted.
struct Counted<R> {
    input: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        self.count.set(self.count.get().saturating_add(count as u64));
        Ok(count)
    }
}

/// A reader of what was unpacked: it fails when that is too much.
struct Bounded<R> {
    input: R,
    budget: Budget,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        let unpacked = self.budget.unpacked.get().saturating_add(count as u64);
        self.budget.unpacked.set(unpacked);
        let most =
            self.budget.read.get().saturating_mul(MAX_PACKED_EXPANSION).max(MIN_UNPACKED_BYTES);
        if unpacked > most {
            return Err(io::Error::other(format!(
                "it unpacks to more than {most} bytes; unpack it, and pass the reports in it"
            )));
        }
        Ok(count)
    }
}
