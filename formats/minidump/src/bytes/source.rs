//! Dumps that are not held in memory.

use std::fmt;

/// A dump whose bytes lie elsewhere. Only those that are needed are fetched.
pub trait DumpSource: fmt::Debug {
    /// How many bytes it has.
    fn size(&self) -> u64;

    /// Fills `buffer` with the bytes at `offset`, all of which it has. Whether they could be
    /// fetched: if not, the dump is read as if they were not there, and the source has to tell why.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> bool;
}
