//! What was acknowledged: how far each database of a store had come when a command last said that
//! something is stored.
//!
//! ```text
//! symtool acknowledged 1
//! sequence 12                 of the last change
//! rows 5                      modules, or rows of crashes, after it
//! sum 0a1b…                   of hashes of all of them
//! check 0f3a…
//! ```
//!
//! The file is replaced after each change and before the command reports it. A database whose own
//! last change has a lower number has lost something; one with a higher number was killed before it
//! could report.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Error, Store, durable};

const VERSION: &str = "symtool acknowledged 1";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// That of modules.
    Symbols,
    /// That of crashes and groups.
    Crashes,
}

impl Database {
    /// Its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symbols => "symbols",
            Self::Crashes => "crashes",
        }
    }
}

/// How far a database has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Number of the last change, from 1.
    pub sequence: u64,
    /// How many modules there are, or rows of crashes.
    pub rows: u64,
    /// Of all of them.
    pub sum: RowSum,
}

/// The sum of hashes of rows, whatever their order: a change adds and takes away what it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSum(pub [u64; 4]);

impl RowSum {
    /// With the row whose key and contents are these. `key` is the store's for sums; all zeros in
    /// an open store.
    pub fn add(&mut self, key: &[u8; 32], row: &[u8], value: &[u8]) {
        self.0
            .iter_mut()
            .zip(lanes(key, row, value))
            .for_each(|(sum, lane)| *sum = sum.wrapping_add(lane));
    }

    /// Without it.
    pub fn subtract(&mut self, key: &[u8; 32], row: &[u8], value: &[u8]) {
        self.0
            .iter_mut()
            .zip(lanes(key, row, value))
            .for_each(|(sum, lane)| *sum = sum.wrapping_sub(lane));
    }
}

fn lanes(key: &[u8; 32], row: &[u8], value: &[u8]) -> [u64; 4] {
    let mut hash = blake3::Hasher::new_keyed(key);
    hash.update(&(row.len() as u64).to_le_bytes());
    hash.update(row);
    hash.update(value);
    let hash = hash.finalize();
    let mut lanes = hash
        .as_bytes()
        .chunks_exact(8)
        .map(|lane| lane.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)));
    std::array::from_fn(|_| lanes.next().unwrap_or_default())
}

impl Ack {
    /// What was acknowledged of `database`; `None` if nothing was.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub fn read(store: &Store, database: Database) -> Result<Option<Self>, Error> {
        let path = path(store, database);
        let Some(text) = durable::read(&path).map_err(|cause| Error::io(&path, cause))? else {
            return Ok(None);
        };
        durable::checked(&text).and_then(Self::parse).map(Some).ok_or(Error::AckDamaged(path))
    }

    /// Makes it known, on disk before this returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, store: &Store, database: Database) -> Result<(), Error> {
        self.draft(store, database)?.make_known()
    }

    /// Makes it ready to be known: a change that is made after that does not fail because the disk
    /// has no room to say so.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn draft(&self, store: &Store, database: Database) -> Result<AckDraft, Error> {
        let path = path(store, database);
        let [a, b, c, d] = self.sum.0;
        let lines = format!(
            "{VERSION}\nsequence {}\nrows {}\nsum {a:016x}{b:016x}{c:016x}{d:016x}\n",
            self.sequence, self.rows
        );
        let draft = durable::Draft::of(&path, durable::with_check(&lines).as_bytes())
            .map_err(|cause| Error::io(&path, cause))?;
        Ok(AckDraft { draft, path })
    }

    fn parse(lines: &str) -> Option<Self> {
        let mut lines = lines.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        if value("symtool") != VERSION.strip_prefix("symtool ") {
            return None;
        }
        let (sequence, rows, sum) =
            (value("sequence")?.parse().ok()?, value("rows")?.parse().ok()?, value("sum")?);
        let mut parts = [0; 4];
        for (at, lane) in parts.iter_mut().enumerate() {
            *lane = u64::from_str_radix(sum.get(at * 16..(at + 1) * 16)?, 16).ok()?;
        }
        Some(Self { sequence, rows, sum: RowSum(parts) })
    }

    /// What is wrong with a database that says `found`, if this was acknowledged; `None` if it has
    /// all of that.
    pub fn missing_from(&self, found: &Self, store: &Store, database: Database) -> Option<Error> {
        let is_lost = found.sequence < self.sequence;
        let is_another = found.sequence == self.sequence && found != self;
        (is_lost || is_another).then(|| Error::Unacknowledged {
            store: store.path.clone(),
            database: database.name(),
            acknowledged: self.sequence,
            found: found.sequence,
        })
    }
}

/// What is about to be acknowledged.
#[derive(Debug)]
pub struct AckDraft {
    draft: durable::Draft,
    path: PathBuf,
}

impl AckDraft {
    /// Makes it known, on disk before this returns.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn make_known(self) -> Result<(), Error> {
        let Self { draft, path } = self;
        draft.place().map_err(|cause| Error::io(&path, cause))
    }
}

/// Where it stands.
pub(crate) fn path(store: &Store, database: Database) -> PathBuf {
    store.path.join(format!("{}.ack", database.name()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn acknowledgements_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path(), Duration::ZERO);
        assert_eq!(Ack::read(&store, Database::Symbols).unwrap(), None);
        let mut ack = Ack { sequence: 7, rows: 2, ..Ack::default() };
        ack.sum.add(&[0; 32], b"row", b"value");
        ack.write(&store, Database::Symbols).unwrap();
        assert_eq!(Ack::read(&store, Database::Symbols).unwrap(), Some(ack));
        assert_eq!(Ack::read(&store, Database::Crashes).unwrap(), None);
        let path = path(&store, Database::Symbols);
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 1]).unwrap();
        assert!(matches!(Ack::read(&store, Database::Symbols), Err(Error::AckDamaged(_))));
    }

    #[test]
    fn less_or_other_than_was_acknowledged_is_missing() {
        let store = Store::at("st".as_ref(), Duration::ZERO);
        let ack = |sequence, rows| Ack { sequence, rows, ..Ack::default() };
        let misses = |acknowledged: Ack, found: Ack| {
            acknowledged.missing_from(&found, &store, Database::Symbols).is_some()
        };
        assert!(!misses(ack(3, 5), ack(3, 5)));
        assert!(!misses(ack(3, 5), ack(4, 6)));
        assert!(misses(ack(3, 5), ack(2, 5)));
        assert!(misses(ack(3, 5), ack(3, 6)));
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let (mut one, mut other) = (RowSum::default(), RowSum::default());
        for (row, value) in [("a", "1"), ("b", "2")] {
            one.add(&[7; 32], row.as_bytes(), value.as_bytes());
        }
        for (row, value) in [("b", "2"), ("c", "3"), ("a", "1")] {
            other.add(&[7; 32], row.as_bytes(), value.as_bytes());
        }
        assert_ne!(one, other);
        other.subtract(&[7; 32], b"c", b"3");
        assert_eq!(one, other);
        let mut moved = RowSum::default();
        moved.add(&[7; 32], b"a1", b"");
        moved.add(&[7; 32], b"b", b"2");
        assert_ne!(one, moved);
    }
}
