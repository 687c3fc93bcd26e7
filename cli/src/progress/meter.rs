//! The progress of one growing count, with its rate and the time left.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::layout::{Parts, bytes, short};
use super::{Line, REDRAW_MS};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things of this name.
    Of(&'static str),
}

/// A count, seen until dropped.
#[derive(Debug)]
pub struct Meter {
    line: Option<Line>,
    unit: Unit,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    drawn: Option<Instant>,
    now: String,
}

/// How far work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// What was counted.
    pub count: u64,
    /// What is done of the whole, in any unit, and the whole; `None` if that is not known.
    pub part: Option<(u64, u64)>,
}

impl Meter {
    /// A meter of `unit` for `verb`, seen if `wanted`.
    pub fn new(wanted: bool, verb: &'static str, unit: Unit) -> Self {
        Self {
            line: wanted.then(|| Line::new(verb)),
            unit,
            start: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// Says what is being done now.
    pub fn show(&self, now: &str) {
        if self.line.is_some() {
            now.clone_into(&mut self.state().now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far the work has come.
    pub fn set(&self, reached: Reached) {
        let Some(line) = &self.line else { return };
        let mut state = self.state();
        if state.drawn.is_some_and(|drawn| drawn.elapsed() < Duration::from_millis(REDRAW_MS)) {
            return;
        }
        state.drawn = Some(Instant::now());
        let took = self.start.elapsed();
        line.draw(&Parts {
            share: reached.part.map(|(done, all)| share(done, all)),
            counted: match self.unit {
                _ if reached.count == 0 => String::new(),
                Unit::Bytes => bytes(reached.count),
                Unit::Of(name) => format!("{} {name}", short(reached.count)),
            },
            rate: rate(reached.count, took, self.unit).unwrap_or_default(),
            left: reached.part.and_then(|(done, all)| left(done, all, took)),
            now: state.now.clone(),
        });
    }
}

/// `done` of `all`, of 1.
#[expect(clippy::cast_precision_loss, reason = "a hundredth is seen")]
pub fn share(done: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { done as f64 / all as f64 }
}

/// `count` a second, once there is enough of both to say so.
pub fn rate(count: u64, took: Duration, unit: Unit) -> Option<String> {
    if count == 0 || took < Duration::from_millis(REDRAW_MS) {
        return None;
    }
    let per_second = u64::try_from(u128::from(count) * 1_000 / took.as_millis().max(1)).ok()?;
    Some(match unit {
        Unit::Bytes => format!("{}/s", bytes(per_second)),
        Unit::Of(_) => format!("{}/s", short(per_second)),
    })
}

/// The time left, if the rest goes as fast as what is done.
pub fn left(done: u64, all: u64, took: Duration) -> Option<Duration> {
    // Before that it would be a guess.
    if done == 0 || done >= all || took < Duration::from_millis(5 * REDRAW_MS) {
        return None;
    }
    let millis = took.as_millis() * u128::from(all - done) / u128::from(done);
    u64::try_from(millis).ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_times() {
        let second = Duration::from_secs(1);
        assert_eq!(rate(2_400_000, second, Unit::Of("requests")).as_deref(), Some("2.4M/s"));
        assert_eq!(rate(5_000_000, 2 * second, Unit::Bytes).as_deref(), Some("2.50 MB/s"));
        assert_eq!(rate(0, second, Unit::Bytes), None);
        assert_eq!(left(1, 4, second), Some(3 * second));
        assert_eq!(left(u64::MAX - 1, u64::MAX, second), Some(Duration::ZERO));
        for (done, all) in [(0, 4), (4, 4), (5, 4)] {
            assert_eq!(left(done, all, second), None);
        }
        assert!(share(1, 0) < f64::EPSILON);
    }
}
