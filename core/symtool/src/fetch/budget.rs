//! How much may come, and until when: [`Budget`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What all transfers together may take.
#[derive(Debug)]
pub struct Budget {
    bytes: AtomicU64,
    /// `None` if that is further away than clocks reach.
    end: Option<Instant>,
}

/// What is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The bytes.
    Bytes,
    /// The time.
    Time,
}

impl Budget {
    pub fn new(bytes: u64, within: Duration) -> Self {
        Self { bytes: AtomicU64::new(bytes), end: Instant::now().checked_add(within) }
    }

    /// Bytes that may still come.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, unless fewer are left.
    pub fn take(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// The time that is left, if any is.
    pub fn time(&self) -> Option<Duration> {
        let left =
            self.end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_there_is() {
        let budget = Budget::new(10, Duration::MAX);
        assert!(budget.take(7) && !budget.take(4) && budget.take(3) && budget.take(0));
        assert_eq!((budget.bytes(), budget.time()), (0, Some(Duration::MAX)));
        assert_eq!(Budget::new(1, Duration::ZERO).time(), None);
    }
}
