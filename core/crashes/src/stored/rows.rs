//! Keys of the database of crashes: what a row is about, as bytes whose first says which area it
//! lies in.
//!
//! ```text
//! key                                    value
//! m                                      Head: the commit that was the last, the sum of all other rows, what comes next
//! v                                      LastRun: the rules and the program that the last run applied
//! d image(16)                            of a module that the last run knew, by what the index of images files it under: its digest
//! c chunk(8)                             Chunk: what grouping needs of some crashes that came together; packed
//! l chunk(8)                             their reports: Vec<StoredReport>, one behind the other in one stream; packed
//! k chunk(8)                             a copy of that row, without which nobody knows where a report ends
//! r chunk(8) end(8)                      a part of that stream up to this offset, of 1 MiB at most; packed
//! s chunk(8)                             what came of each of them: Vec<State>; packed
//! p chunk(8)                             Pending: it was assessed with other modules or rules than the last run's
//! i crash(10)                            where the crash is whose report is shown: chunk, slot
//! w crash(10) chunk(8) slot(2)           where another report of it is; empty
//! x image(16) chunk(8)                   slots of crashes with frames in the image; first 16 bytes of its id
//! n signature(16)                        FingerprintRow: what it is made of, and its group
//! t signature(16)                        Tally: how many crashes have it, from when to when, in which releases
//! u signature(16) chunk(8)               Share: how many of these are in the chunk, from when to when
//! g group(8)                             GroupRow: the group is there, and what its id is made from
//! y group(8) signature(16)               the signature belongs to the group; empty
//! N group(8)                             GroupMarks: what people say of the group; stays when it is merged
//! W name                                 what is kept for somebody who is told of news (groups/news.rs); packed
//! a alias(8)                             the group that this alias stands for
//! b group(8) alias(8)                    the same, by the group; empty
//! f crash(10)                            Failed: a report that cannot be read
//! q crash(10) end(8)                     a part of that report up to this offset, of 1 MiB at most; packed
//! h run(8)                               RunRow: a run that was carried out. Without it, parts of the run are a killed one's
//! j run(8) kind(1) part(4)               its report, the rows that it changed, the crashes that it moved (journal.rs); packed
//! o image(16)                            ImageTally: crashes with frames in the image, those that wait for it, and groups of these
//! U image(16)                            DumpTally: minidumps whose walk asked for the image's unwind data
//! e image(16)                            ImageFacts: how reports describe the image
//! z signature(16)                        images that crashes with the signature wait for, if there are any: Vec<[u8; 16]>
//! B image(16) group(8)                   how many signatures of the group have crashes that wait for the image
//! G group(8)                             GroupTally: how many crashes the group has, from when to when
//! O order(1) undated(1) rank(8) group(8) groups that have crashes, sorted (counters/mod.rs); empty
//! M                                      runs may name chunks below this number (joined.rs)
//! J chunk(8)                             Slot: where the first crash of a chunk is that was joined with others
//! ```
//!
//! From `o` to `O` rows are counters (counters/mod.rs): all of them can be counted again from the rows
//! before. In their keys an image stands by the first of its keys.
//!
//! Numbers are big-endian, so that chunks and runs follow each other as they came. How values are
//! stored is in changes.rs. Rows of other areas belong to a later version: they are counted in the
//! sum, and kept.

use crate::ids::{CrashId, FingerprintId, GroupId};
use crate::stored::state::Slot;
use symtool_report::ImageId;

/// The last commit.
pub const HEAD: &[u8] = b"m";
/// What the last run applied.
pub const LAST_RUN: &[u8] = b"v";
/// Below which number runs may name chunks.
pub const NAMED_BELOW: &[u8] = b"M";

/// The areas, each with what its rows have in common.
pub mod area {
    /// What the last run knew of modules.
    pub const KNOWN: &[u8] = b"d";
    /// Chunks of crashes.
    pub const CHUNKS: &[u8] = b"c";
    /// Reports of chunks.
    pub const STORED_REPORTS: &[u8] = b"l";
    /// Parts of the reports of chunks.
    pub const REPORT_PARTS: &[u8] = b"r";
    /// States of chunks.
    pub const STATES: &[u8] = b"s";
    /// Chunks that a run has to look at.
    pub const PENDING: &[u8] = b"p";
    /// Where crashes are.
    pub const CRASHES: &[u8] = b"i";
    /// Where other reports of crashes are.
    pub const OTHER_REPORTS: &[u8] = b"w";
    /// Crashes by image.
    pub const IMAGES: &[u8] = b"x";
    /// Fingerprints.
    pub const SIGNATURES: &[u8] = b"n";
    /// Counts of signatures.
    pub const TALLIES: &[u8] = b"t";
    /// Groups.
    pub const GROUPS: &[u8] = b"g";
    /// Signatures by group.
    pub const MEMBERS: &[u8] = b"y";
    /// What people say of groups.
    pub const MARKS: &[u8] = b"N";
    /// What is kept for those who are told of news.
    pub const KEPT_FOR: &[u8] = b"W";
    /// Aliases of groups.
    pub const ALIASES: &[u8] = b"a";
    /// Aliases by group.
    pub const ALIASES_OF: &[u8] = b"b";
    /// Reports that cannot be read.
    pub const FAILED: &[u8] = b"f";
    /// Their texts.
    pub const FAILED_PARTS: &[u8] = b"q";
    /// Runs.
    pub const RUNS: &[u8] = b"h";
    /// Parts of runs.
    pub const JOURNAL: &[u8] = b"j";
    /// Chunks that were joined with others.
    pub const JOINED: &[u8] = b"J";
    /// Counts of images.
    pub const IMAGE_TALLIES: &[u8] = b"o";
    /// Counts of minidumps by image.
    pub const DUMP_TALLIES: &[u8] = b"U";
    /// Descriptions of images.
    pub const IMAGE_FACTS: &[u8] = b"e";
    /// Images that signatures wait for.
    pub const WAITS: &[u8] = b"z";
    /// Groups that wait for images.
    pub const WAITING_GROUPS: &[u8] = b"B";
    /// Counts of groups.
    pub const GROUP_TALLIES: &[u8] = b"G";
    /// Groups in some orders.
    pub const GROUP_ORDERS: &[u8] = b"O";
}

fn key(area: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(28);
    key.push(area);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// What the last run knew of the modules filed under `image`.
pub fn known(image: &[u8; 16]) -> Vec<u8> {
    key(b'd', &[image])
}

/// A chunk.
pub fn chunk(chunk: u64) -> Vec<u8> {
    key(b'c', &[&chunk.to_be_bytes()])
}

/// The reports of a chunk.
pub fn stored_reports(chunk: u64) -> Vec<u8> {
    key(b'l', &[&chunk.to_be_bytes()])
}

/// The copy of what [`stored_reports`] has.
pub fn stored_reports_copy(chunk: u64) -> Vec<u8> {
    key(b'k', &[&chunk.to_be_bytes()])
}

/// The part of the stream of a chunk's reports that ends before the offset `end`.
pub fn report_part(chunk: u64, end: u64) -> Vec<u8> {
    key(b'r', &[&chunk.to_be_bytes(), &end.to_be_bytes()])
}

/// All parts of it.
pub fn report_parts(chunk: u64) -> Vec<u8> {
    key(b'r', &[&chunk.to_be_bytes()])
}

/// The states of a chunk.
pub fn states(chunk: u64) -> Vec<u8> {
    key(b's', &[&chunk.to_be_bytes()])
}

/// A chunk that a run has to look at.
pub fn pending(chunk: u64) -> Vec<u8> {
    key(b'p', &[&chunk.to_be_bytes()])
}

/// Where a crash is.
pub fn crash(id: CrashId) -> Vec<u8> {
    key(b'i', &[&id.0])
}

/// Where another report of a crash is.
pub fn other_report(id: CrashId, at: Slot) -> Vec<u8> {
    key(b'w', &[&id.0, &at.chunk.to_be_bytes(), &at.slot.to_be_bytes()])
}

/// All of them.
pub fn other_reports(id: CrashId) -> Vec<u8> {
    key(b'w', &[&id.0])
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
pub fn signature(id: FingerprintId) -> Vec<u8> {
    key(b'n', &[&id.0])
}

/// The count of a signature.
pub fn tally(id: FingerprintId) -> Vec<u8> {
    key(b't', &[&id.0])
}

/// The count of a signature in a chunk.
pub fn share(id: FingerprintId, chunk: u64) -> Vec<u8> {
    key(b'u', &[&id.0, &chunk.to_be_bytes()])
}

/// The same in all chunks.
pub fn shares(id: FingerprintId) -> Vec<u8> {
    key(b'u', &[&id.0])
}

/// A group.
pub fn group(id: GroupId) -> Vec<u8> {
    key(b'g', &[&id.0])
}

/// A signature of a group.
pub fn member(group: GroupId, id: FingerprintId) -> Vec<u8> {
    key(b'y', &[&group.0, &id.0])
}

/// All signatures of a group.
pub fn members(group: GroupId) -> Vec<u8> {
    key(b'y', &[&group.0])
}

/// What people say of a group.
pub fn marks(id: GroupId) -> Vec<u8> {
    key(b'N', &[&id.0])
}

/// What is kept for `name`.
pub fn kept_for(name: &str) -> Vec<u8> {
    key(b'W', &[name.as_bytes()])
}

/// An alias of a group.
pub fn alias(id: GroupId) -> Vec<u8> {
    key(b'a', &[&id.0])
}

/// An alias, by its group.
pub fn alias_of(group: GroupId, alias: GroupId) -> Vec<u8> {
    key(b'b', &[&group.0, &alias.0])
}

/// All aliases of a group.
pub fn aliases_of(group: GroupId) -> Vec<u8> {
    key(b'b', &[&group.0])
}

/// A report that cannot be read.
pub fn failed(id: CrashId) -> Vec<u8> {
    key(b'f', &[&id.0])
}

/// The part of it that ends before the offset `end`.
pub fn failed_part(id: CrashId, end: u64) -> Vec<u8> {
    key(b'q', &[&id.0, &end.to_be_bytes()])
}

/// All parts of it.
pub fn failed_parts(id: CrashId) -> Vec<u8> {
    key(b'q', &[&id.0])
}

/// A run.
pub fn run(run: u64) -> Vec<u8> {
    key(b'h', &[&run.to_be_bytes()])
}

/// A part of a run, of some kind.
pub fn journal(run: u64, kind: u8, part: u32) -> Vec<u8> {
    key(b'j', &[&run.to_be_bytes(), &[kind], &part.to_be_bytes()])
}

/// All parts of that kind.
pub fn journal_of(run: u64, kind: u8) -> Vec<u8> {
    key(b'j', &[&run.to_be_bytes(), &[kind]])
}

/// All parts of a run.
pub fn journal_of_run(run: u64) -> Vec<u8> {
    key(b'j', &[&run.to_be_bytes()])
}

/// Where the crashes of a chunk are that was joined with others.
pub fn joined(chunk: u64) -> Vec<u8> {
    key(b'J', &[&chunk.to_be_bytes()])
}

/// The counts of an image.
pub fn image_tally(image: &[u8; 16]) -> Vec<u8> {
    key(b'o', &[image])
}

/// The minidumps that have to do with an image.
pub fn dump_tally(image: &[u8; 16]) -> Vec<u8> {
    key(b'U', &[image])
}

/// The description of an image.
pub fn image_facts(image: &[u8; 16]) -> Vec<u8> {
    key(b'e', &[image])
}

/// The images that a signature waits for.
pub fn waits(id: FingerprintId) -> Vec<u8> {
    key(b'z', &[&id.0])
}

/// A group that waits for an image.
pub fn waiting_group(image: &[u8; 16], group: GroupId) -> Vec<u8> {
    key(b'B', &[image, &group.0])
}

/// All groups that do.
pub fn waiting_groups(image: &[u8; 16]) -> Vec<u8> {
    key(b'B', &[image])
}

/// The counts of a group.
pub fn group_tally(id: GroupId) -> Vec<u8> {
    key(b'G', &[&id.0])
}

/// A group in an order, by its rank; behind all others if it has none.
pub fn group_in_order(order: u8, rank: Option<u64>, id: GroupId) -> Vec<u8> {
    key(b'O', &[&[order, u8::from(rank.is_none())], &rank.unwrap_or(0).to_be_bytes(), &id.0])
}

/// All groups of an order that have a rank, or all that have none.
pub fn groups_in_order(order: u8, has_rank: bool) -> Vec<u8> {
    key(b'O', &[&[order, u8::from(!has_rank)]])
}

/// The number that `key` ends with.
pub fn last_number(key: &[u8]) -> Option<u64> {
    let at = key.len().checked_sub(8)?;
    key.get(at..)?.try_into().ok().map(u64::from_be_bytes)
}

/// Where another report is, of a key that [`other_report`] made.
pub fn slot_of(key: &[u8]) -> Option<Slot> {
    let (rest, slot) = key.split_last_chunk()?;
    let (_, chunk) = rest.split_last_chunk()?;
    Some(Slot { chunk: u64::from_be_bytes(*chunk), slot: u16::from_be_bytes(*slot) })
}
