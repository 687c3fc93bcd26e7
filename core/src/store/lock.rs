//! Who may do what with a store's database: in, one of the store's two lock files; out, a lock that is held until dropped.
//!
//! ```text
//! write.lock  held by the one process that writes, while it does; writers queue for it
//! read.lock   shared by all that read, for as long as they do; files are deleted only by who gets it alone
//! ```
//!
//! So readers and writers do not wait for each other. What a writer replaces or removes stays on disk until nobody reads;
//! it is invisible from the moment that it is replaced. The operating system drops the locks of a process that dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Error;

/// A held lock.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

/// Between two tries.
const RETRY_MS: u64 = 10;

impl Lock {
    /// For reading, beside other readers. Waits only while files are being deleted.
    ///
    /// # Errors
    /// [`Error::Locked`] if that takes longer than `wait`.
    pub fn shared(path: &Path, wait: Duration) -> Result<Self, Error> {
        // In a store that may not be written it is enough to read the file.
        let file = File::open(path).or_else(|_| open(path))?;
        wait_for(path, &file, wait, File::try_lock_shared)?;
        Ok(Self(file))
    }

    /// Alone.
    ///
    /// # Errors
    /// [`Error::Locked`] with the process that holds it, if another does for longer than `wait`.
    pub fn exclusive(path: &Path, wait: Duration) -> Result<Self, Error> {
        let mut file = open(path)?;
        wait_for(path, &file, wait, File::try_lock)?;
        // Whoever waits in vain says who was in the way. That it cannot be written is no reason to stop.
        let text = format!("{}\n", std::process::id());
        let _ = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(text.as_bytes()));
        Ok(Self(file))
    }

    /// Whether another process holds it alone.
    pub fn is_held(path: &Path) -> bool {
        File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Alone, if that is possible now.
    pub fn alone(path: &Path) -> Option<Self> {
        let file = open(path).ok()?;
        file.try_lock().ok()?;
        Some(Self(file))
    }
}

fn open(path: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    opened.map_err(|source| Error::io(path, source))
}

fn wait_for(path: &Path, file: &File, wait: Duration, lock: impl Fn(&File) -> Result<(), TryLockError>) -> Result<(), Error> {
    let until = Instant::now() + wait;
    loop {
        match lock(file) {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(Duration::from_millis(RETRY_MS)),
            Err(TryLockError::WouldBlock) => {
                let store = path.parent().unwrap_or(path).to_owned();
                return Err(Error::Locked { store, holder: holder(path), waited_seconds: wait.as_secs() });
            }
            Err(TryLockError::Error(source)) => return Err(Error::io(path, source)),
        }
    }
}

/// Which process was the last to lock it alone.
fn holder(path: &Path) -> Option<u32> {
    let mut text = String::new();
    File::open(path).ok()?.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
