//! Keys of the database of crashes: in, what a row is about; out, bytes whose first says which area it lies in.
//!
//! ```text
//! key                                    value
//! m                                      Meta: what comes next, and what the last run knew
//! c chunk(8)                             Chunk: what grouping needs of some crashes that came together
//! r chunk(8) last slot(2)                their reports, some at a time
//! s chunk(8)                             what came of each of them: Vec<State>
//! i crash(10)                            where a crash is: chunk, slot
//! x image(16) chunk(8)                   slots of crashes with frames in the image; first 16 bytes of its id
//! n signature(16)                        SignatureRow: what it is made of, and its group
//! t signature(16)                        Tally: how many crashes have it, from when to when, in which releases and chunks
//! g group(8)                             GroupRow: its signatures, and its aliases
//! a group(8)                             the group that this alias stands for
//! f crash(10)                            Failed: a report that cannot be read
//! h run(8)                               RunRow: what a run did
//! j run(8) part(4)                       how to undo it
//! ```
//!
//! Numbers are big-endian, so that chunks and runs follow each other as they came.

use super::ids::{CrashId, GroupId, SignatureId};
use symtool_formats::crash::ImageId;

/// What comes next.
pub const META: &[u8] = b"m";

/// The areas, each with what its rows have in common.
pub mod area {
    /// Chunks of crashes.
    pub const CHUNKS: &[u8] = b"c";
    /// Where crashes are.
    pub const CRASHES: &[u8] = b"i";
    /// Crashes by image.
    pub const IMAGES: &[u8] = b"x";
    /// Signatures.
    pub const SIGNATURES: &[u8] = b"n";
    /// Counts of signatures.
    pub const TALLIES: &[u8] = b"t";
    /// Groups.
    pub const GROUPS: &[u8] = b"g";
    /// Aliases of groups.
    pub const ALIASES: &[u8] = b"a";
    /// Reports that cannot be read.
    pub const FAILED: &[u8] = b"f";
    /// Runs.
    pub const RUNS: &[u8] = b"h";
}

fn key(area: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(28);
    key.push(area);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// A chunk.
pub fn chunk(chunk: u64) -> Vec<u8> {
    key(b'c', &[&chunk.to_be_bytes()])
}

/// The reports up to `last` of a chunk.
pub fn reports(chunk: u64, last: u16) -> Vec<u8> {
    key(b'r', &[&chunk.to_be_bytes(), &last.to_be_bytes()])
}

/// What all reports of a chunk have in common.
pub fn all_reports(chunk: u64) -> Vec<u8> {
    key(b'r', &[&chunk.to_be_bytes()])
}

/// The states of a chunk.
pub fn states(chunk: u64) -> Vec<u8> {
    key(b's', &[&chunk.to_be_bytes()])
}

/// Where a crash is.
pub fn crash(id: CrashId) -> Vec<u8> {
    key(b'i', &[&id.0])
}

/// Crashes with frames in an image.
pub fn image(image: &[u8; 16], chunk: u64) -> Vec<u8> {
    key(b'x', &[image, &chunk.to_be_bytes()])
}

/// The same in all chunks.
pub fn all_of_image(image: &[u8; 16]) -> Vec<u8> {
    key(b'x', &[image])
}

/// The key of the index for each id that `id` may stand for.
pub fn image_keys(id: Option<&ImageId>) -> impl Iterator<Item = [u8; 16]> {
    id.into_iter().flat_map(ImageId::keys)
}

/// A signature.
pub fn signature(id: SignatureId) -> Vec<u8> {
    key(b'n', &[&id.0])
}

/// The count of a signature.
pub fn tally(id: SignatureId) -> Vec<u8> {
    key(b't', &[&id.0])
}

/// A group.
pub fn group(id: GroupId) -> Vec<u8> {
    key(b'g', &[&id.0])
}

/// An alias of a group.
pub fn alias(id: GroupId) -> Vec<u8> {
    key(b'a', &[&id.0])
}

/// A report that cannot be read.
pub fn failed(id: CrashId) -> Vec<u8> {
    key(b'f', &[&id.0])
}

/// A run.
pub fn run(run: u64) -> Vec<u8> {
    key(b'h', &[&run.to_be_bytes()])
}

/// A part of what undoes a run.
pub fn undo(run: u64, part: u32) -> Vec<u8> {
    key(b'j', &[&run.to_be_bytes(), &part.to_be_bytes()])
}

/// All parts of it.
pub fn all_undo(run: u64) -> Vec<u8> {
    key(b'j', &[&run.to_be_bytes()])
}

/// The number that `key` ends with.
pub fn last_number(key: &[u8]) -> Option<u64> {
    let at = key.len().checked_sub(8)?;
    key.get(at..)?.try_into().ok().map(u64::from_be_bytes)
}
