//! Trying again with growing pauses, for so long and no longer.

use std::thread;
use std::time::{Duration, Instant};

use crate::limits::{FIRST_PAUSE_MS, LONGEST_PAUSE_MS};

/// How long something is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    within: Duration,
}

/// A try that went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<E> {
    /// How.
    pub error: E,
    /// Whether another may go well.
    pub retry: Retry,
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It would go wrong again.
    Never,
    /// After a pause.
    Soon,
    /// Not before this time has passed: the other side asks for it.
    After(Duration),
}

impl Backoff {
    /// No try begins later than `within` after the first one; zero means one try.
    pub fn within(within: Duration) -> Self {
        Self { within }
    }

    /// Calls `attempt` until it goes well, would go wrong for ever, or the time is over. Pauses
    /// double, and are between half and all of what they could be, so that many who wait for one
    /// receiver do not all come back at once.
    ///
    /// # Errors
    /// The last failure.
    pub fn run<T, E>(
        self,
        mut attempt: impl FnMut() -> Result<T, Failure<E>>,
    ) -> Result<T, Failure<E>> {
        let (begun, mut pause_ms) = (Instant::now(), FIRST_PAUSE_MS);
        loop {
            let failure = match attempt() {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let own = Duration::from_millis(fastrand::u64(pause_ms / 2..=pause_ms));
            let pause = match failure.retry {
                Retry::Never => return Err(failure),
                Retry::Soon => own,
                Retry::After(asked) => asked.max(own),
            };
            if begun.elapsed().checked_add(pause).is_none_or(|until| until > self.within) {
                return Err(failure);
            }
            thread::sleep(pause);
            pause_ms = (2 * pause_ms).min(LONGEST_PAUSE_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many tries there were, and how they ended.
    fn tries(within_ms: u64, retry: Retry, good: usize) -> (usize, bool) {
        let mut tries = 0;
        let ended = Backoff::within(Duration::from_millis(within_ms)).run(|| {
            tries += 1;
            if tries == good { Ok(()) } else { Err(Failure { error: (), retry }) }
        });
        (tries, ended.is_ok())
    }

    #[test]
    fn as_often_as_there_is_time() {
        assert_eq!(tries(0, Retry::Soon, 1), (1, true));
        assert_eq!(tries(0, Retry::Soon, 2), (1, false));
        assert_eq!(tries(600_000, Retry::Soon, 2), (2, true));
        assert_eq!(tries(600_000, Retry::Never, 2), (1, false));
        // What the other side asks for is longer than there is time, or than there is any.
        assert_eq!(tries(1_000, Retry::After(Duration::from_secs(3_600)), 2), (1, false));
        assert_eq!(tries(1_000, Retry::After(Duration::MAX), 2), (1, false));
        assert_eq!(tries(600_000, Retry::After(Duration::from_millis(1)), 2), (2, true));
    }
}
