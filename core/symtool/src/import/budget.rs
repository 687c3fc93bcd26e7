//! Limits the memory of files that wait: permits for bytes, returned when dropped.

use std::sync::{Condvar, Mutex, PoisonError};

use super::limits::MAX_HELD_BYTES;

/// Memory that an import may use for what waits: unpacked members and packed modules.
#[derive(Debug, Default)]
pub struct MemoryBudget {
    bytes: Mutex<u64>,
    given_back: Condvar,
}

/// Some bytes, until dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    budget: &'a MemoryBudget,
    bytes: u64,
}

impl MemoryBudget {
    /// Waits until there is room for `bytes`, or until nothing is held but `own`, which the caller
    /// holds itself and will not give back before this returns.
    pub fn wait_for(&self, bytes: u64, own: u64) -> Permit<'_> {
        let held = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |held: &mut u64| *held > own && held.saturating_add(bytes) > MAX_HELD_BYTES;
        let mut held =
            self.given_back.wait_while(held, is_full).unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_add(bytes);
        Permit { budget: self, bytes }
    }

    /// Counts `bytes` that are there already.
    pub fn add(&self, bytes: u64) -> Permit<'_> {
        let mut held = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_add(bytes);
        Permit { budget: self, bytes }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut held = self.budget.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_sub(self.bytes);
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_does_not_fit_waits() {
        let held = MemoryBudget::default();
        let first = held.wait_for(MAX_HELD_BYTES, 0);
        let came = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                held.wait_for(1, 0);
                came.store(true, Ordering::SeqCst);
            });
            std::thread::sleep(Duration::from_millis(50));
            assert!(!came.load(Ordering::SeqCst));
            drop(first);
        });
        assert!(came.load(Ordering::SeqCst));
        assert_eq!(*held.bytes.lock().unwrap(), 0);
    }

    #[test]
    fn too_much_is_held_alone() {
        let held = MemoryBudget::default();
        let archive = held.wait_for(u64::MAX, 0);
        // A member of that archive: nobody else will give anything back.
        let _member = held.wait_for(5, u64::MAX);
        drop(archive);
    }
}
