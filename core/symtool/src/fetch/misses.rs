//! Files that sources did not have, or had wrong: asked for again only after some time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::{MAX_LIST_BYTES, MAX_MISSES};
use crate::export::replace;

/// Those that are known, by the tag of their address.
#[derive(Debug)]
pub struct Misses {
    path: PathBuf,
    known: Mutex<BTreeMap<String, Miss>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Miss {
    /// When it may be asked for again, in seconds since 1970.
    again: i64,
    /// Of a wrong file: as long as it is the same, it need not come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was not there lately.
    Missed,
    /// Nothing, except the `ETag` of a wrong file that was there.
    Nothing(Option<String>),
}

impl Misses {
    /// Those of the list at `path`; one that cannot be read says nothing.
    pub fn read(path: &Path) -> Self {
        let mut text = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(MAX_LIST_BYTES).read_to_end(&mut text)).ok();
        let known = read.and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path: path.to_owned(), known: Mutex::new(known) }
    }

    /// What is known of the file with this `tag`.
    pub fn get(&self, tag: &str) -> Known {
        match self.known().get(tag) {
            Some(miss) if miss.again > now() => Known::Missed,
            miss => Known::Nothing(miss.and_then(|miss| miss.etag.clone())),
        }
    }

    /// Remembers for `time` that the file is not there, or that it is the wrong one with `etag`.
    pub fn add(&self, tag: &str, time: Duration, etag: Option<String>) {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let again = now().saturating_add(seconds);
        self.known().insert(tag.to_owned(), Miss { again, etag });
    }

    /// Forgets it: the file was there.
    pub fn remove(&self, tag: &str) {
        self.known().remove(tag);
    }

    /// Writes the list. Those that may be asked for again are left out, unless a wrong file is
    /// known; of too many, those that soon may.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self) -> io::Result<()> {
        let mut kept = self.known().clone();
        kept.retain(|_, miss| miss.again > now() || miss.etag.is_some());
        if kept.len() > MAX_MISSES {
            let mut times: Vec<i64> = kept.values().map(|miss| miss.again).collect();
            times.sort_unstable();
            let least = times[times.len() - MAX_MISSES];
            kept.retain(|_, miss| miss.again > least);
        }
        replace(&self.path, |out| {
            serde_json::to_writer(&mut *out, &kept)?;
            out.write_all(b"\n")
        })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Miss>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_asked_for_again_after_their_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("misses.json");
        let misses = Misses::read(&path);
        let long = Duration::from_secs(1 << 40);
        misses.add("absent", long, None);
        misses.add("over", Duration::ZERO, None);
        misses.add("wrong", Duration::ZERO, Some("\"1\"".to_owned()));
        misses.add("forever", Duration::MAX, None);
        misses.add("there", long, None);
        misses.remove("there");
        misses.write().unwrap();
        let misses = Misses::read(&path);
        let known = |tag| misses.get(tag);
        assert_eq!((known("absent"), known("forever")), (Known::Missed, Known::Missed));
        assert_eq!((known("over"), known("there")), (Known::Nothing(None), Known::Nothing(None)));
        assert_eq!(known("wrong"), Known::Nothing(Some("\"1\"".to_owned())));
        assert_eq!(misses.known().len(), 3);
        std::fs::write(&path, "no list").unwrap();
        assert_eq!(Misses::read(&path).get("absent"), Known::Nothing(None));
    }
}
