//! Who may do what with a store's databases: lock files, held until dropped.
//!
//! ```text
//! write.lock     held by the one process that writes, while it does; writers queue for it
//! read.lock      shared by all that read, for as long as they do; files are deleted only by who gets it alone
//! ```
//!
//! What a writer replaces or removes stays on disk until nobody reads; it is invisible from the
//! moment that it is replaced. A reader that comes while files are being deleted does not wait for
//! that: it opens all files at once, and open files outlive their deletion (reader.rs). The
//! operating system drops the locks of a process that dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Error;

/// A held lock.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

/// Between two tries.
const RETRY: Duration = Duration::from_millis(2);
/// How long a reader tries to get a lock that it can do without.
const SOON: Duration = Duration::from_millis(10);

impl Lock {
    /// For reading, beside other readers. Waits only while another has it alone.
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
        let file = open(path)?;
        wait_for(path, &file, wait, File::try_lock)?;
        Ok(Self(file))
    }

    /// Alone, if that is possible now.
    pub fn alone(path: &Path) -> Option<Self> {
        let file = open(path).ok()?;
        file.try_lock().ok()?;
        Some(Self(file))
    }

    /// For reading, beside other readers; `None` while another has it alone.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn soon(path: &Path) -> Result<Option<Self>, Error> {
        match Self::shared(path, SOON) {
            Err(Error::Locked { .. }) => Ok(None),
            lock => lock.map(Some),
        }
    }
}

fn open(path: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path);
    opened.map_err(|source| Error::io(path, source))
}

fn wait_for(
    path: &Path,
    file: &File,
    wait: Duration,
    lock: impl Fn(&File) -> Result<(), TryLockError>,
) -> Result<(), Error> {
    let until = Instant::now() + wait;
    loop {
        match lock(file) {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(RETRY),
            Err(TryLockError::WouldBlock) => {
                let store = path.parent().unwrap_or(path).to_owned();
                return Err(Error::Locked {
                    store,
                    holder: holder(file),
                    waited_seconds: wait.as_secs(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(Error::io(path, source)),
        }
    }
}

/// Which process holds the lock on `file`, as the kernel knows; `None` if it does not say, or has
/// changed its mind.
fn holder(file: &File) -> Option<u32> {
    let inode = file.metadata().ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // 1: FLOCK  ADVISORY  WRITE 4242 08:01:131090 0 EOF
    let of_file = |line: &&str| {
        let mut fields = line.split_ascii_whitespace().filter(|field| *field != "->").skip(1);
        fields.next() == Some("FLOCK")
            && fields.nth(3).and_then(|place| place.rsplit(':').next()?.parse().ok()) == Some(inode)
    };
    let waits = |line: &&str| line.split_ascii_whitespace().nth(1) == Some("->");
    let pid: u32 = locks
        .lines()
        .filter(of_file)
        .find(|line| !waits(line))?
        .split_ascii_whitespace()
        .nth(4)?
        .parse()
        .ok()?;
    (pid != std::process::id() && Path::new(&format!("/proc/{pid}")).exists()).then_some(pid)
}
