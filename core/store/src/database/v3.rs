//! Reading modules of store format 3.
//!
//! ```text
//! key      area(1) module(16) generation(4) kind(1) last(8), big-endian; area 0 = records, 1 = all other blocks
//!
//! offset size  block, little-endian
//! 0      1     suite: 0 = compressed; 1 = AES-256-GCM-SIV; 2 = the same, and 68 bytes of wrapped data key before the data
//! 1      8     first address or number covered
//! 9      4     bytes of the block once expanded
//! 13     8     suite 0: XXH3-64 of everything before and after this field
//! 13     68    suite 2: id of the master key (8), nonce (12), wrapped data key (48)
//! …      …     zstd frame; suites 1 and 2: encrypted, tag (16)
//! ```
//!
//! Nothing writes this any more: stores are migrated (migrate.rs), and segments taken as they come.

use std::collections::BTreeMap;
use std::path::Path;

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce, Tag};
use rocksdb::{DB, IngestExternalFileOptions};
use xxhash_rust::xxh3::Xxh3;
use zeroize::Zeroizing;

use super::reader::{iterator, read_options};
use super::{Error, FAMILY, Store, options};
use crate::block::{Compressed, Damage, Kind, link};
use crate::module::{FORMAT, ModuleRecord};
use crate::module::{ModuleKey, key};
use crate::pack::Packed;
use crate::seal::{KEY_BYTES as SECRET_BYTES, KeyId, Locked, MasterKey};
use crate::unpack::Contents;

/// Bytes of a key.
pub const KEY_BYTES: usize = 30;
const NUMBER_AT: usize = 17;
const KIND_AT: usize = 21;
const BLOCKS_AREA: u8 = 1;

const SUITE_OPEN: u8 = 0;
const SUITE_SEALED: u8 = 1;
const SUITE_FOOTER: u8 = 2;
const CHECKSUM_AT: usize = 13;
const HEADER_BYTES: usize = 21;
const ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const WRAPPED_BYTES: usize = ID_BYTES + NONCE_BYTES + SECRET_BYTES + TAG_BYTES;
/// Version of what was authenticated with each block.
const VERSION: u8 = 1;

/// A module that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its name and id, or its key.
    pub module: String,
    /// What is wrong with it.
    pub why: String,
}

/// The modules of `db`, with what could not be read.
///
/// # Errors
/// If the database cannot be read, or needs another key than `master`.
pub fn modules(db: &DB, store: &Store) -> Result<(Vec<Packed>, Vec<Unread>), Error> {
    let database = |cause| store.database_error(cause);
    let mut newest: BTreeMap<ModuleKey, Opened> = BTreeMap::new();
    let (mut read, mut unread) = (read_options(), Vec::new());
    read.set_iterate_upper_bound([BLOCKS_AREA]);
    let Some(mut records) = iterator(db, read) else { return Ok((Vec::new(), unread)) };
    records.seek_to_first();
    while let Some((key, value)) = records.item() {
        if let Some(module) = module_of(key) {
            match open_footer(key, value, store.key.as_ref()) {
                // Of one module the highest generation comes last.
                Ok(opened) => drop(newest.insert(module, opened)),
                Err(Locked::Needs(wanted)) => return Err(store.needs_key(wanted)),
                Err(Locked::Damaged(damage)) => {
                    unread.push(Unread {
                        module: format!("a module filed under {module}"),
                        why: format!("the record: {damage}"),
                    });
                }
            }
        }
        records.next();
    }
    records.status().map_err(database)?;
    let mut modules = Vec::new();
    for (key, opened) in newest {
        let mut blocks = blocks(db, &opened).map_err(database)?;
        let mut record = opened.record;
        record.format = FORMAT;
        record.bytes_stored = blocks.iter().map(Compressed::stored_bytes).sum();
        match Contents::read(&record, &blocks).problems.first() {
            Some(problem) => {
                unread.push(Unread {
                    module: format!("{} ({})", record.name, record.short_id()),
                    why: problem.to_string(),
                });
            }
            None => {
                link(&mut blocks);
                modules.push(Packed { record, key, blocks });
            }
        }
    }
    Ok((modules, unread))
}

/// The modules of a segment.
///
/// # Errors
/// If it cannot be read, is damaged or needs another key.
pub fn read_segment(store: &Store, path: &Path) -> Result<Vec<Packed>, Error> {
    let damaged = |fact: String| Error::Segment { path: path.to_owned(), fact };
    // A table cannot be read but from a database: one that is gone afterwards.
    let folder = tempfile::tempdir().map_err(|cause| Error::io(&std::env::temp_dir(), cause))?;
    let copy = folder.path().join("segment.sst");
    std::fs::copy(path, &copy).map_err(|cause| Error::io(path, cause))?;
    let open = || {
        let mut options = options();
        options.create_if_missing(true);
        let db = DB::open_cf(&options, folder.path().join("db"), [FAMILY])?;
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        db.ingest_external_file_opts(&ingest, vec![copy.clone()])?;
        Ok(db)
    };
    let db = open().map_err(|error: rocksdb::Error| damaged(error.to_string()))?;
    let of_segment = Store { path: path.to_owned(), ..store.clone() };
    match modules(&db, &of_segment) {
        Ok((_, unread)) if !unread.is_empty() => Err(damaged(unread[0].why.clone())),
        Ok((modules, _)) if modules.is_empty() => Err(damaged("it holds no module".to_owned())),
        Ok((modules, _)) => Ok(modules),
        Err(Error::Database { cause, .. }) => Err(damaged(cause.to_string())),
        Err(error) => Err(error),
    }
}

/// A record that was read.
struct Opened {
    /// The part of keys that its blocks share with it, but for the area.
    generation: [u8; KIND_AT - 1],
    record: ModuleRecord,
    cipher: Option<Aes256GcmSiv>,
}

fn module_of(key: &[u8]) -> Option<ModuleKey> {
    (key.len() == KEY_BYTES)
        .then(|| key.get(1..NUMBER_AT)?.try_into().ok().map(ModuleKey))
        .flatten()
}

fn open_footer(key: &[u8], bytes: &[u8], master: Option<&MasterKey>) -> Result<Opened, Locked> {
    let generation =
        key.get(1..KIND_AT).and_then(|part| part.try_into().ok()).ok_or(Damage::Header)?;
    let (raw, cipher) = match bytes.first() {
        Some(&SUITE_OPEN) => (block(key, bytes, None)?.expand()?.raw, None),
        Some(&SUITE_FOOTER) => {
            let wrapped =
                bytes.get(CHECKSUM_AT..CHECKSUM_AT + WRAPPED_BYTES).ok_or(Damage::Header)?;
            let secret = unwrap(wrapped, key, master)?;
            let cipher = Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*secret));
            (block(key, bytes, Some(&cipher))?.expand()?.raw, Some(cipher))
        }
        suite => return Err(Damage::Suite(suite.copied().unwrap_or_default()).into()),
    };
    let record: ModuleRecord = serde_json::from_slice(&raw).map_err(|_| Damage::Contents)?;
    Ok(Opened { generation, record, cipher })
}

/// The data key in `wrapped`, of the generation whose record is at `key`.
fn unwrap(
    wrapped: &[u8],
    key: &[u8],
    master: Option<&MasterKey>,
) -> Result<Zeroizing<[u8; SECRET_BYTES]>, Locked> {
    let (id, rest) = wrapped.split_at(ID_BYTES);
    let wanted = KeyId(id.try_into().map_err(|_| Damage::Header)?);
    let master = master.filter(|key| key.id() == wanted).ok_or(Locked::Needs(wanted))?;
    let (nonce, rest) = rest.split_at(NONCE_BYTES);
    let (data, tag) = rest.split_at(rest.len() - TAG_BYTES);
    let mut associated = b"symtool data key\0".to_vec();
    associated.extend_from_slice(key);
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    secret.copy_from_slice(data);
    let (nonce, tag) = (
        Nonce::try_from(nonce).map_err(|_| Damage::Header)?,
        Tag::try_from(tag).map_err(|_| Damage::Header)?,
    );
    master
        .cipher
        .decrypt_inout_detached(&nonce, &associated, secret.as_mut_slice().into(), &tag)
        .map_err(|_| Damage::Seal)?;
    Ok(secret)
}

/// The data key of rows of crashes, which format 3 wraps by the master key for a module that there
/// is not.
///
/// # Errors
/// [`Locked`].
pub fn row_key(
    wrapped: &[u8],
    master: Option<&MasterKey>,
) -> Result<Zeroizing<[u8; SECRET_BYTES]>, Locked> {
    if wrapped.len() != WRAPPED_BYTES {
        return Err(Damage::Header.into());
    }
    let mut key = [0xff; KEY_BYTES];
    key[0] = 0;
    key[NUMBER_AT..KIND_AT].fill(0);
    unwrap(wrapped, &key, master)
}

/// The value of a row of crashes that is sealed with `secret`: a nonce (12), the encrypted value,
/// and a tag (16).
pub fn open_row(secret: &[u8; SECRET_BYTES], key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = bytes.split_at_checked(NONCE_BYTES)?;
    let (value, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
    let (nonce, tag) = (Nonce::try_from(nonce).ok()?, Tag::try_from(tag).ok()?);
    let mut value = value.to_vec();
    let cipher = Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*secret));
    cipher.decrypt_inout_detached(&nonce, key, value.as_mut_slice().into(), &tag).ok()?;
    Some(value)
}

fn blocks(db: &DB, opened: &Opened) -> Result<Vec<Compressed>, rocksdb::Error> {
    let mut first = vec![BLOCKS_AREA];
    first.extend_from_slice(&opened.generation);
    let mut after = first.clone();
    after.extend_from_slice(&[u8::MAX; KEY_BYTES - KIND_AT + 1]);
    let mut read = read_options();
    read.set_iterate_upper_bound(after);
    let mut blocks = Vec::new();
    let Some(mut iterator) = iterator(db, read) else { return Ok(blocks) };
    iterator.seek(first);
    while let Some((key, value)) = iterator.item() {
        if let Some((kind, last)) = place(key) {
            let block = block(key, value, opened.cipher.as_ref());
            blocks.push(block.unwrap_or_else(|damage| Compressed::broken(kind, last, damage)));
        }
        iterator.next();
    }
    iterator.status().map(|()| blocks)
}

fn place(key: &[u8]) -> Option<(Kind, u64)> {
    let last = u64::from_be_bytes(key.get(KIND_AT + 1..)?.try_into().ok()?);
    Some((key::kind_of(*key.get(KIND_AT)?)?, last))
}

/// The block at `key`.
fn block(key: &[u8], bytes: &[u8], cipher: Option<&Aes256GcmSiv>) -> Result<Compressed, Damage> {
    let (kind, last) = place(key).ok_or(Damage::Header)?;
    let head = bytes.get(..CHECKSUM_AT).ok_or(Damage::Header)?;
    let number = |at: std::ops::Range<usize>| {
        head[at].iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let raw_bytes = u32::try_from(number(9..CHECKSUM_AT)).map_err(|_| Damage::Header)?;
    let data = match (head[0], cipher) {
        (SUITE_OPEN, None) => {
            let (header, data) = bytes.split_at_checked(HEADER_BYTES).ok_or(Damage::Header)?;
            let mut hash = Xxh3::new();
            hash.update(head);
            hash.update(data);
            if header[CHECKSUM_AT..] != hash.digest().to_le_bytes() {
                return Err(Damage::Checksum);
            }
            data.to_vec()
        }
        (SUITE_SEALED | SUITE_FOOTER, Some(cipher)) => {
            let data_at = CHECKSUM_AT + if kind == Kind::Record { WRAPPED_BYTES } else { 0 };
            let data = bytes.get(data_at..).ok_or(Damage::Header)?;
            let (data, tag) = data
                .len()
                .checked_sub(TAG_BYTES)
                .and_then(|at| data.split_at_checked(at))
                .ok_or(Damage::Header)?;
            let (mut data, tag) = (data.to_vec(), Tag::try_from(tag).map_err(|_| Damage::Header)?);
            let mut nonce = [0; NONCE_BYTES];
            nonce[..8].copy_from_slice(&last.to_be_bytes());
            nonce[8] = kind as u8;
            let mut associated = vec![VERSION];
            associated.extend_from_slice(key);
            associated.extend_from_slice(head);
            cipher
                .decrypt_inout_detached(
                    &nonce.into(),
                    &associated,
                    data.as_mut_slice().into(),
                    &tag,
                )
                .map_err(|_| Damage::Seal)?;
            data
        }
        (suite, _) => return Err(Damage::Suite(suite)),
    };
    Ok(Compressed::new((kind, number(1..9), last), 0, raw_bytes, data))
}
