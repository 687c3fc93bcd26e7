//! Who may use a store's database: in, the store's lock file; out, a lock that is held until dropped.
//!
//! Many readers, or one writer. A writer holds the lock only while it writes a finished module (some 50 ms), not
//! while it reads debug data. The operating system drops the lock of a process that dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Error;

/// A held lock.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

/// Between two tries.
const RETRY_MS: u64 = 20;

impl Lock {
    /// For reading, beside other readers.
    ///
    /// # Errors
    /// [`Error::Locked`] if a writer holds the store for longer than `wait`.
    pub fn shared(path: &Path, wait: Duration) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).open(path).map_err(|source| Error::io(path, source))?;
        Self::wait(path, file, wait, File::try_lock_shared)
    }

    /// For writing, alone.
    ///
    /// # Errors
    /// [`Error::Locked`] if others hold the store for longer than `wait`.
    pub fn exclusive(path: &Path, wait: Duration) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(|source| Error::io(path, source))?;
        Self::wait(path, file, wait, File::try_lock)
    }

    fn wait(path: &Path, file: File, wait: Duration, lock: impl Fn(&File) -> Result<(), TryLockError>) -> Result<Self, Error> {
        let until = Instant::now() + wait;
        loop {
            match lock(&file) {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(Duration::from_millis(RETRY_MS)),
                Err(TryLockError::WouldBlock) => {
                    let store = path.parent().unwrap_or(path).to_owned();
                    return Err(Error::Locked { store, waited_seconds: wait.as_secs() });
                }
                Err(TryLockError::Error(source)) => return Err(Error::io(path, source)),
            }
        }
    }
}
