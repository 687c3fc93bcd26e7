//! Counts what reading debug data costs. Tables refer to each other, so a few bytes can ask for
//! work without end: a thousand functions that share one list of a thousand ranges, a thousand
//! units that share one table of files. Honest files use almost every byte once.
//!
//! Work is counted in steps, over all threads. How many a file asks for does not depend on the
//! order in which they read, so neither does what comes of it: either there are enough, or its
//! debug data is left out as a whole.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{MIN_STEPS, STEPS_PER_BYTE};

/// Steps that are left for one file and the files that belong to it.
#[derive(Debug)]
pub struct Work {
    spent: AtomicU64,
    limit: u64,
}

/// There are no steps left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent;

impl Work {
    /// Steps for `bytes` of debug sections.
    pub fn for_bytes(bytes: u64) -> Self {
        Self {
            spent: AtomicU64::new(0),
            limit: MIN_STEPS.saturating_add(STEPS_PER_BYTE.saturating_mul(bytes)),
        }
    }

    /// Takes `steps`, before or after they are made: what is taken at once has to be small.
    ///
    /// # Errors
    /// If there are none left.
    pub fn spend(&self, steps: u64) -> Result<(), Spent> {
        // Far below 2^64, as everyone stops at the first error.
        let before =
            self.spent.fetch_add(steps.min(self.limit.saturating_add(1)), Ordering::Relaxed);
        if before.saturating_add(steps) > self.limit { Err(Spent) } else { Ok(()) }
    }

    /// Steps taken so far, as far as there are any.
    pub fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed).min(self.limit)
    }

    /// Whether more was asked for than there is.
    pub fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed) > self.limit
    }
}

/// Ends the reading of what is at hand; whoever asks next finds that the work is spent.
impl From<Spent> for gimli::Error {
    fn from(_: Spent) -> Self {
        Self::UnsupportedOffset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_to_the_last() {
        let work = Work::for_bytes(10);
        let limit = MIN_STEPS + 10 * STEPS_PER_BYTE;
        assert_eq!(work.spend(limit), Ok(()));
        assert!(!work.is_spent());
        assert_eq!(work.spend(1), Err(Spent));
        assert!(work.is_spent());
        assert_eq!(work.spend(u64::MAX), Err(Spent));
        assert_eq!(work.spend(0), Err(Spent));
    }

    #[test]
    fn a_large_file_has_all_steps_there_are() {
        assert_eq!(Work::for_bytes(u64::MAX).spend(u64::MAX / 2), Ok(()));
    }
}
