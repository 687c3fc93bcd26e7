//! Counts the work of reading a section or an image, which may not exceed what its size allows.

use crate::drops::UnwindDropReason;
use crate::limits::{MIN_STEPS, STEPS_PER_BYTE};

/// Steps that are left. A step is to read an entry, to look at one register of a rule, to apply an
/// unwind code, or to decode an instruction.
#[derive(Debug)]
pub struct Budget(u64);

impl Budget {
    /// For reading this many bytes.
    pub fn for_bytes(bytes: usize) -> Self {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        Self(MIN_STEPS.saturating_add(STEPS_PER_BYTE.saturating_mul(bytes)))
    }

    /// Takes `steps` off it; a number that is none of 64 bits takes all.
    ///
    /// # Errors
    /// [`UnwindDropReason::TooMuchWork`] if fewer are left; then none are.
    pub fn spend(&mut self, steps: impl TryInto<u64>) -> Result<(), UnwindDropReason> {
        match self.0.checked_sub(steps.try_into().unwrap_or(u64::MAX)) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => {
                self.0 = 0;
                Err(UnwindDropReason::TooMuchWork)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_once_too_much_was_asked() {
        let mut budget = Budget::for_bytes(2);
        assert_eq!(budget.spend(MIN_STEPS + 2 * STEPS_PER_BYTE - 1), Ok(()));
        assert_eq!(budget.spend(2_usize), Err(UnwindDropReason::TooMuchWork));
        assert_eq!(budget.spend(1), Err(UnwindDropReason::TooMuchWork));
        assert_eq!(Budget::for_bytes(usize::MAX).spend(u64::MAX), Ok(()), "no overflow");
    }
}
