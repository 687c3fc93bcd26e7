//! The files of shards: each is there whole or not at all, and the first attempt that is done has
//! made it.
//!
//! ```text
//! STORE/runs/RUN/I-of-N   what shard I of N has found out; blocks, each behind its length, sealed as rows are
//! ```
//!
//! RUN is a hash of the crashes, the symbols and the rules, and of what was asked for: what was
//! found out in other circumstances is in another folder. The end of a run removes them all.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use symtool_store::database::durable;
use xxhash_rust::xxh3::xxh3_128;

use super::{Answer, Shard, ShardAnswers};
use crate::fingerprint::{Assessor, ENGINE, Fingerprint, keep_smallest};
use crate::stored::{Crashes, FingerprintKind, pack};
use symtool_store::Error;

/// Answers of a block.
const BLOCK_ANSWERS: usize = 1 << 16;

/// Bytes of the length before a block.
const LENGTH_BYTES: usize = 8;

/// What became of the work of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardWritten {
    /// It is written.
    New,
    /// Another attempt had written it before.
    Known,
}

/// Shards that are not done, of a run with the crashes, symbols and rules of today.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardsMissing {
    /// No shard is done.
    #[error("no shard of a run with today's crashes, symbols and rules is done")]
    All,
    /// Some are, these are not.
    #[error("{} of {count} shards are not done, first {}", .missing.len(), .missing.first().map_or_else(String::new, Shard::to_string))]
    Some {
        /// How many there are.
        count: u32,
        /// Those that are not done.
        missing: Vec<Shard>,
    },
}

/// Some of what a shard has found out.
#[derive(Serialize, Deserialize)]
struct Block {
    /// How many blocks there are.
    blocks: usize,
    answers: Vec<Answer>,
    fingerprints: Vec<StoredFingerprint>,
}

#[derive(Serialize, Deserialize)]
struct StoredFingerprint {
    id: crate::ids::FingerprintId,
    kind: FingerprintKind,
    title: String,
    frames: Vec<String>,
    waits: Vec<[u8; 16]>,
}

impl Crashes {
    /// Writes what a shard of a run has found out, unless another attempt has.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn write_shard(
        &self,
        assessor: &Assessor<'_>,
        all: bool,
        shard: Shard,
        answers: &ShardAnswers,
    ) -> Result<ShardWritten, Error> {
        let folder = self.run_folder(assessor, all);
        durable::create_folder(&folder).map_err(|cause| Error::io(&folder, cause))?;
        let path = folder.join(file_name(shard));
        let write = || -> io::Result<ShardWritten> {
            let mut draft = tempfile::NamedTempFile::new_in(&folder)?;
            for (number, block) in answers.blocks().enumerate() {
                let bytes = pack::encode_packed(&block)?;
                let sealed = self.database.seal.close(&block_key(shard, number), &bytes)?;
                draft.write_all(&(sealed.len() as u64).to_le_bytes())?;
                draft.write_all(&sealed)?;
            }
            draft.as_file().sync_all()?;
            match draft.persist_noclobber(&path) {
                Ok(_) => durable::sync_folder(&path).map(|()| ShardWritten::New),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    Ok(ShardWritten::Known)
                }
                Err(error) => Err(error.error),
            }
        };
        write().map_err(|cause| Error::io(&path, cause))
    }

    /// What all shards of a run have found out, if they are done.
    ///
    /// # Errors
    /// Any [`Error`]; inside, which are not done.
    pub fn read_shards(
        &self,
        assessor: &Assessor<'_>,
        all: bool,
    ) -> Result<Result<ShardAnswers, ShardsMissing>, Error> {
        let folder = self.run_folder(assessor, all);
        let done = match done(&folder) {
            Ok(done) => done,
            Err(cause) => return Err(Error::io(&folder, cause)),
        };
        // The division of which most is done; of equals the coarser one.
        let missing = |count: u32| -> Vec<Shard> {
            let all = (0..count).filter_map(|index| Shard::new(index, count));
            all.filter(|shard| !done.contains(shard)).collect()
        };
        let counts: BTreeSet<u32> = done.iter().map(|shard| shard.count).collect();
        let best = counts.into_iter().map(|count| (missing(count), count));
        let Some((missing, count)) = best.min_by_key(|(missing, count)| (missing.len(), *count))
        else {
            return Ok(Err(ShardsMissing::All));
        };
        if !missing.is_empty() {
            return Ok(Err(ShardsMissing::Some { count, missing }));
        }
        let mut answers = ShardAnswers::default();
        for shard in done.into_iter().filter(|shard| shard.count == count) {
            answers.absorb(self.read_shard(&folder.join(file_name(shard)), shard)?);
        }
        Ok(Ok(answers))
    }

    /// Removes what shards of all runs have found out.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn forget_shards(&self) -> Result<(), Error> {
        let runs = self.database.store().path().join(RUNS);
        durable::remove_folder(&runs).map_err(|cause| Error::io(&runs, cause))
    }

    fn read_shard(&self, path: &Path, shard: Shard) -> Result<ShardAnswers, Error> {
        let bytes = fs::read(path).map_err(|cause| Error::io(path, cause))?;
        let damaged = || {
            let fact = "this file of a shard is damaged; remove it, and run the shard again";
            Error::io(path, io::Error::new(io::ErrorKind::InvalidData, fact))
        };
        let (mut rest, mut answers) = (&bytes[..], ShardAnswers::default());
        let (mut number, mut blocks) = (0, None);
        while let Some((length, after)) = rest.split_first_chunk::<LENGTH_BYTES>() {
            let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
            let (sealed, after) = after.split_at_checked(length).ok_or_else(damaged)?;
            let packed = self.database.seal.open(&block_key(shard, number), sealed);
            let block = packed.ok().and_then(|packed| pack::expand(&packed).ok());
            let block: Option<Block> = block.and_then(|bytes| postcard::from_bytes(&bytes).ok());
            let block = block.ok_or_else(damaged)?;
            blocks = Some(block.blocks);
            answers.take(block);
            (rest, number) = (after, number + 1);
        }
        if rest.is_empty() && blocks == Some(number) { Ok(answers) } else { Err(damaged()) }
    }

    fn run_folder(&self, assessor: &Assessor<'_>, all: bool) -> PathBuf {
        let head = self.database.head();
        let mut bytes = Vec::new();
        // Not the number of the last change: marks and notices change nothing that is assessed.
        for number in [head.next_chunk, head.next_run, head.crashes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&assessor.rules().version().to_le_bytes());
        bytes.extend_from_slice(&ENGINE.to_le_bytes());
        bytes.push(u8::from(all));
        let modules: BTreeSet<([u8; 16], u64)> = assessor.modules().digests().collect();
        for (key, digest) in modules {
            bytes.extend_from_slice(&key);
            bytes.extend_from_slice(&digest.to_le_bytes());
        }
        let run = format!("{:032x}", xxh3_128(&bytes));
        self.database.store().path().join(RUNS).join(run)
    }
}

/// The folder of all runs.
const RUNS: &str = "runs";

fn file_name(shard: Shard) -> String {
    format!("{}-of-{}", shard.index, shard.count)
}

/// What a block is sealed for: it is no block of another shard, and in its place.
fn block_key(shard: Shard, number: usize) -> Vec<u8> {
    format!("{}/{number}", file_name(shard)).into_bytes()
}

/// The shards whose files are in `folder`.
fn done(folder: &Path) -> io::Result<BTreeSet<Shard>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let mut found = BTreeSet::new();
    for entry in entries {
        let name = entry?.file_name();
        let parts = name.to_str().and_then(|name| name.split_once("-of-"));
        let shard =
            parts.and_then(|(index, count)| Shard::new(index.parse().ok()?, count.parse().ok()?));
        found.extend(shard);
    }
    Ok(found)
}

impl ShardAnswers {
    /// One at least: a file without any was cut off.
    fn blocks(&self) -> impl Iterator<Item = Block> {
        let mut answers: Vec<Answer> = self.by_crash.values().copied().collect();
        answers.sort_unstable_by_key(|answer| answer.crash);
        let mut fingerprints: Vec<&Fingerprint> = self.fingerprints.values().collect();
        fingerprints.sort_unstable_by_key(|fingerprint| fingerprint.id);
        let stored = |fingerprint: &&Fingerprint| StoredFingerprint {
            id: fingerprint.id,
            kind: fingerprint.kind,
            title: fingerprint.title.clone(),
            frames: fingerprint.frames.clone(),
            waits: fingerprint.waits.clone(),
        };
        let count = answers.len().max(fingerprints.len()).div_ceil(BLOCK_ANSWERS).max(1);
        (0..count).map(move |number| {
            let from = number * BLOCK_ANSWERS;
            Block {
                blocks: count,
                answers: answers.iter().skip(from).take(BLOCK_ANSWERS).copied().collect(),
                fingerprints: fingerprints
                    .iter()
                    .skip(from)
                    .take(BLOCK_ANSWERS)
                    .map(stored)
                    .collect(),
            }
        })
    }

    fn take(&mut self, block: Block) {
        self.by_crash.extend(block.answers.into_iter().map(|answer| (answer.crash, answer)));
        let fingerprints = block.fingerprints.into_iter().map(|stored| {
            let StoredFingerprint { id, kind, title, frames, waits } = stored;
            (id, Fingerprint { id, kind, title, frames, waits })
        });
        keep_smallest(&mut self.fingerprints, fingerprints);
    }
}
