//! Counts the steps of reading an image, which may not be more than its size allows: [`Work`].

use super::limits::{MIN_STEPS, STEPS_PER_BYTE};
use crate::drops::UnwindDropReason;

/// Steps that are left.
#[derive(Debug)]
pub struct Work(u64);

impl Work {
    /// The steps for `bytes` bytes.
    pub fn for_bytes(bytes: usize) -> Self {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        Self(MIN_STEPS.saturating_add(bytes.saturating_mul(STEPS_PER_BYTE)))
    }

    /// Spends `steps`.
    ///
    /// # Errors
    /// [`UnwindDropReason::TooMuchWork`] once all are spent.
    pub fn spend(&mut self, steps: usize) -> Result<(), UnwindDropReason> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or(0);
        left.map(|_| ()).ok_or(UnwindDropReason::TooMuchWork)
    }
}
