//! Tells how far reading a file has come: [`Progress`].

use std::sync::atomic::{AtomicU64, Ordering};

/// How far reading a file has come; may be looked at from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    units: AtomicU64,
    units_done: AtomicU64,
    bytes: AtomicU64,
    bytes_done: AtomicU64,
    steps: AtomicU64,
}

impl Progress {
    /// Units done, and all units; the latter 0 until they are known.
    pub fn units(&self) -> (u64, u64) {
        (self.units_done.load(Ordering::Relaxed), self.units.load(Ordering::Relaxed))
    }

    /// Bytes of debug entries done, and all of them.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes_done.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Steps that reading debug data took, as they are counted against its limit.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Adds steps that reading debug data took.
    pub(crate) fn spent(&self, steps: u64) {
        self.steps.fetch_add(steps, Ordering::Relaxed);
    }

    /// Adds units that will be read, and bytes of their entries.
    pub(crate) fn expect(&self, units: usize, bytes: usize) {
        self.units.fetch_add(units as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// One more unit is done, with so many bytes of entries.
    pub(crate) fn advance(&self, bytes: usize) {
        self.units_done.fetch_add(1, Ordering::Relaxed);
        self.bytes_done.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
