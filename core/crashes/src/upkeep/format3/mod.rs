//! From format 3: a new database beside the old one, with all that it had, checked before it takes
//! its place.
//!
//! ```text
//! chunks   -> their reports as one stream, states, shares of signatures (mod.rs)
//! groups   -> signatures and aliases in rows of their own (groups.rs)
//! runs     -> rows before and after, in parts (runs.rs)
//! ```
//!
//! What the last run knew of modules is not taken over, as modules have other digests now: the next
//! run looks at all crashes again.

mod groups;
mod old_rows;
mod runs;

use std::path::Path;

use rocksdb::{DB, Direction, IteratorMode, ReadOptions};
use serde::de::DeserializeOwned;
use symtool_report::parse;
use zeroize::Zeroizing;

use self::old_rows::{Meta, OldFailed, OldState};
use crate::ids::FingerprintId;
use crate::stored::changes::Old;
use crate::stored::chunk::{Chunk, Chunk3};
use crate::stored::database::Database;
use crate::stored::open::{damaged, options};
use crate::stored::reports::{self, Stream};
use crate::stored::state::{Failed, State};
use crate::stored::stored_report::{StoredReport, Weight};
use crate::stored::{pack, rows};
use crate::upkeep::takeover::WholeChunk;
use symtool_store::database::{holds_files, v3};
use symtool_store::seal::Locked;
use symtool_store::{Error, Store, now_ms};

/// A database of format 3.
struct OldDatabase<'s> {
    store: &'s Store,
    db: DB,
    /// The data key of its rows, if they are sealed.
    key: Option<Zeroizing<[u8; 32]>>,
}

/// Takes the crashes of `old`, a store of format 3, over into `new`, which has none. Both are
/// locked. They are checked and on disk before this returns.
///
/// # Errors
/// Any [`Error`]; damage of the old database is one. `old` is not changed.
pub fn migrate(old: &Store, new: &Store) -> Result<(), Error> {
    if !holds_files(&old.crashes()) {
        return Ok(());
    }
    let old = OldDatabase::open(old, &old.crashes())?;
    let meta: Meta = old.get(b"m")?.unwrap_or_default();
    let database = Database::write(new)?;
    database.defer_counters()?;
    let mut crashes = 0;
    old.each(b"c", |key, value| {
        let number = rows::last_number(key).ok_or_else(|| old.damaged())?;
        crashes += put_chunk(&old, &database, number, old.unpacked::<Chunk3>(&value)?.into())?;
        Ok(())
    })?;
    old.each(b"f", |_, value| put_failed(&old, &database, old.decode(&value)?))?;
    groups::put(&old, &database)?;
    runs::put(&old, &database)?;
    let mut changes = database.changes();
    (changes.head.next_chunk, changes.head.next_run) = (meta.next_chunk, meta.next_run.max(1));
    changes.commit()?;
    database.keep_counters()?;
    if crashes != meta.crashes {
        return Err(damaged(old.store, &format!("it has {crashes} crashes of {}", meta.crashes)));
    }
    database.flush_all()?;
    drop(database);
    // What is on disk is what was written.
    Database::read(new)?.verify().map(drop)
}

/// A chunk with all that belongs to it. Returns how many crashes it has.
fn put_chunk(
    old: &OldDatabase<'_>,
    new: &Database,
    number: u64,
    chunk: Chunk,
) -> Result<u64, Error> {
    let states: Vec<OldState> =
        old.get_packed(&rows::states(number))?.ok_or_else(|| old.damaged())?;
    let states: Vec<State> = states.into_iter().map(OldState::state).collect();
    let mut texts: Vec<Vec<u8>> = vec![Vec::new(); chunk.crashes().len()];
    old.each(&rows::report_parts(number), |_, value| {
        let block = pack::expand(&value).map_err(|_| old.damaged())?;
        for (slot, report) in split(&block).ok_or_else(|| old.damaged())? {
            *texts.get_mut(usize::from(slot)).ok_or_else(|| old.damaged())? = report.to_vec();
        }
        Ok(())
    })?;
    let now = now_ms();
    let mut stored = Vec::with_capacity(texts.len());
    for (crash, text) in chunk.crashes().iter().zip(&texts) {
        let arrived_ms = crash.time_ms.and_then(|time| u64::try_from(time).ok()).unwrap_or(now);
        let weight = parse(text).map(|event| Weight::of(&event)).unwrap_or_default();
        stored.push(StoredReport { bytes: text.len() as u64, arrived_ms, weight });
    }
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    let packed = reports::pack(&texts).map_err(|cause| new.io_error(cause))?;
    let parts = packed.into_iter().map(|part| (part.end, part.bytes)).collect();
    WholeChunk { number, chunk, states, reports: stored, parts }.put(new)
}

fn put_failed(old: &OldDatabase<'_>, new: &Database, failed: OldFailed) -> Result<(), Error> {
    let OldFailed { id, source, error, report } = failed;
    let report = pack::expand(&report).map_err(|_| old.damaged())?;
    let packed = reports::pack(&[&report]).map_err(|cause| new.io_error(cause))?;
    let mut changes = new.changes();
    reports::put(new, &mut changes, Stream::Failed(id), packed)?;
    let bytes = report.len() as u64;
    changes.put(
        rows::failed(id),
        Old::Absent,
        &Failed { id, source, error, arrived_ms: now_ms(), bytes },
    )?;
    changes.commit()
}

/// `count { slot length }* report*`, as reports were stored together.
fn split(block: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let (head, mut rest): (Vec<(u16, u32)>, &[u8]) = postcard::take_from_bytes(block).ok()?;
    let mut reports = Vec::with_capacity(head.len());
    for (slot, length) in head {
        let (report, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        reports.push((slot, report));
        rest = after;
    }
    Some(reports)
}

impl<'s> OldDatabase<'s> {
    fn open(store: &'s Store, path: &Path) -> Result<Self, Error> {
        let db = DB::open_for_read_only(&options(), path, false)
            .map_err(|cause| store.crashes_error(cause))?;
        let wrapped = db.get(b"k").map_err(|cause| store.crashes_error(cause))?;
        let key = wrapped.map(|wrapped| v3::row_key(&wrapped, store.key())).transpose().map_err(
            |locked| match locked {
                Locked::Needs(wanted) => store.needs_key(wanted),
                Locked::Damaged(_) => damaged(store, "its key is damaged"),
            },
        )?;
        Ok(Self { store, db, key })
    }

    fn row(&self, key: &[u8], bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        match &self.key {
            Some(secret) => v3::open_row(secret, key, &bytes).ok_or_else(|| self.damaged()),
            None => Ok(bytes),
        }
    }

    fn bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let found = self.db.get(key).map_err(|cause| self.store.crashes_error(cause))?;
        found.map(|bytes| self.row(key, bytes)).transpose()
    }

    fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.bytes(key)?.map(|bytes| self.decode(&bytes)).transpose()
    }

    fn get_packed<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.bytes(key)?.map(|bytes| self.unpacked(&bytes)).transpose()
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        postcard::from_bytes(bytes).map_err(|_| self.damaged())
    }

    fn unpacked<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        self.decode(&pack::expand(bytes).map_err(|_| self.damaged())?)
    }

    /// Calls `each` with every row whose key begins with `prefix`, in the order of keys.
    fn each(
        &self,
        prefix: &[u8],
        mut each: impl FnMut(&[u8], Vec<u8>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut read = ReadOptions::default();
        read.set_verify_checksums(true);
        for row in self.db.iterator_opt(IteratorMode::From(prefix, Direction::Forward), read) {
            let (key, value) = row.map_err(|cause| self.store.crashes_error(cause))?;
            if !key.starts_with(prefix) {
                break;
            }
            each(&key, self.row(&key, value.into_vec())?)?;
        }
        Ok(())
    }

    fn damaged(&self) -> Error {
        damaged(self.store, "a row of format 3 cannot be read")
    }
}

/// The signature at the end of a key, behind its area.
fn signature_of(key: &[u8]) -> Option<FingerprintId> {
    key.get(1..).and_then(FingerprintId::from_key)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::stored::{CrashWriter, Crashes, Listed};
    use symtool_store::seal::MasterKey;

    fn fixture(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/stores").join(name)
    }

    fn lines(name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(fixture(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A copy of a fixture, as it is today.
    fn migrated(folder: &Path, name: &str, key: Option<MasterKey>) -> Result<CrashWriter, Error> {
        for entry in walk(&fixture(name)) {
            let to = folder.join(entry.strip_prefix(fixture(name)).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(entry, to).unwrap();
        }
        let store = Store::at(folder, Duration::ZERO).with_key(key);
        assert!(store.migrate(migrate)?.is_some());
        CrashWriter::open(&store)
    }

    fn walk(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
    }

    fn groups(crashes: &Crashes) -> Vec<(String, String, u64, Vec<String>)> {
        let mut groups: Vec<_> = crashes
            .groups()
            .unwrap()
            .into_iter()
            .map(|group| {
                let aliases = group.aliases.iter().map(ToString::to_string).collect();
                (group.id.to_string(), group.title().to_owned(), group.tally.crashes, aliases)
            })
            .collect();
        groups.sort();
        groups
    }

    fn groups_of(name: &str) -> Vec<(String, String, u64, Vec<String>)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let aliases =
            |group: &Value| group["aliases"].as_array().unwrap().iter().map(text).collect();
        let mut groups: Vec<_> = lines(name)
            .iter()
            .map(|group| {
                (
                    text(&group["id"]),
                    text(&group["title"]),
                    group["crashes"].as_u64().unwrap(),
                    aliases(group),
                )
            })
            .collect();
        groups.sort();
        groups
    }

    /// The crashes are those that the program of format 3 listed, and their reports are whole.
    fn check_crashes(writer: &CrashWriter, name: &str) {
        let (mut listed, mut at) = (Vec::new(), Vec::new());
        let each = |crash: Listed<'_>| {
            let (id, group) = (crash.crash.id.to_string(), crash.group.to_string());
            listed.push((id, group, u64::from(crash.state.resolved)));
            at.push((crash.at, crash.chunk.text_of(crash.crash.event_id).unwrap().to_owned()));
            Ok(true)
        };
        writer.each(each).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = |crash: &Value| {
            (text(&crash["id"]), text(&crash["group"]), crash["resolved"].as_u64().unwrap())
        };
        assert_eq!(listed, lines(&format!("{name}.crashes")).iter().map(of).collect::<Vec<_>>());
        let reports = std::fs::read_to_string(fixture("reports.ndjson")).unwrap();
        for (at, event) in at {
            let report = writer.report(at).unwrap().unwrap();
            let want = reports.lines().find(|line| line.contains(&event)).unwrap();
            assert_eq!(String::from_utf8(report).unwrap().trim(), want);
        }
    }

    #[test]
    fn a_store_of_format_3_is_taken_over() {
        let key =
            MasterKey::parse(&std::fs::read_to_string(fixture("format3.key")).unwrap()).unwrap();
        for (name, key) in [("format3-open", None), ("format3-sealed", Some(key))] {
            let folder = tempfile::tempdir().unwrap();
            let writer = migrated(folder.path(), name, key).unwrap();
            assert_eq!(writer.database.head().crashes, 23);
            check_crashes(&writer, name);
            assert_eq!(groups(&writer), groups_of(&format!("{name}.groups")));
            let mut failed = Vec::new();
            let each = |report| {
                failed.push(report);
                Ok(true)
            };
            writer.each_failed(each).unwrap();
            assert_eq!(
                writer.failed_report(&failed[0]).unwrap(),
                std::fs::read(fixture("cut.json")).unwrap()
            );
            let history = lines(&format!("{name}.history"));
            let runs: Vec<Value> = writer
                .runs()
                .unwrap()
                .iter()
                .map(|run| serde_json::to_value(run).unwrap())
                .collect();
            assert_eq!(runs, history);
            writer.database.verify().unwrap();
            // What it can undo, so can this version.
            writer.undo(None).unwrap();
            assert_eq!(groups(&writer), groups_of(&format!("{name}.undone")));
            writer.database.verify().unwrap();
        }
    }

    #[test]
    fn damage_of_the_old_database_ends_the_migration() {
        let folder = tempfile::tempdir().unwrap();
        migrated(&folder.path().join("whole"), "format3-open", None).unwrap();
        let damaged = folder.path().join("damaged");
        std::fs::create_dir_all(damaged.join("crashes")).unwrap();
        for path in walk(&fixture("format3-open/crashes")) {
            let mut bytes = std::fs::read(&path).unwrap();
            if path.extension().is_some_and(|extension| extension == "sst") {
                bytes[100] ^= 1;
            }
            std::fs::write(damaged.join("crashes").join(path.file_name().unwrap()), bytes).unwrap();
        }
        std::fs::write(damaged.join("FORMAT"), "symtool store 3\n").unwrap();
        let store = Store::at(&damaged, Duration::ZERO);
        assert!(store.migrate(migrate).is_err());
        assert_eq!(
            std::fs::read_to_string(damaged.join("FORMAT")).unwrap(),
            "symtool store 3\n",
            "nothing was changed"
        );
    }
}
