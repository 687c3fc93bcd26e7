//! Reading a log of RocksDB without RocksDB: every change that is intact, whatever became of those
//! before it.
//!
//! ```text
//! log       blocks of 32 KiB
//! block     piece*, and zeros where no further head fits
//! piece     checksum(4) bytes(2) kind(1) payload        kind: 1 a whole batch; 2, 3, 4 the first, a middle, the last piece of one
//! batch     sequence(8) changes(4) change*              numbers are little-endian
//! change    1 key value | 0 key                         put | delete; a length as varint before each key and value
//! ```
//!
//! The checksum is CRC-32C over kind and payload, rotated and moved (`crc32c::Mask`). RocksDB ends
//! at the first piece that is damaged; here what comes behind it is read, too, and so is the piece:
//! each row has a checksum or a seal of its own. But what it says of deleted rows and of its number
//! is not believed, so its rows count only where there are no others.

use std::io;
use std::path::Path;

const BLOCK_BYTES: usize = 32 << 10;
const HEAD_BYTES: usize = 7;
const BATCH_HEAD_BYTES: usize = 12;
/// What the checksum is moved by.
const MASK_DELTA: u32 = 0xa282_ead8;

/// A change of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedChange<'a> {
    /// The row's key.
    pub key: &'a [u8],
    /// Its value; `None` if it was deleted.
    pub value: Option<&'a [u8]>,
    /// RocksDB's number of the change.
    pub sequence: u64,
}

/// Calls `each` with every intact change of the log at `path`, in the order of the file.
///
/// # Errors
/// If the file cannot be read. What is in it is never an error.
pub fn scan(path: &Path, mut each: impl FnMut(LoggedChange<'_>)) -> io::Result<()> {
    let bytes = std::fs::read(path)?;
    scan_bytes(&bytes, &mut each);
    Ok(())
}

/// A batch, as far as it was read.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Whether a piece of it is damaged.
    is_damaged: bool,
}

fn scan_bytes(bytes: &[u8], each: &mut impl FnMut(LoggedChange<'_>)) {
    let mut begun: Option<Batch> = None;
    for block in bytes.chunks(BLOCK_BYTES) {
        let mut rest = block;
        while let Some((piece, after)) = Piece::at(rest) {
            if !piece.is_intact && !may_follow(after) {
                // Its length is damaged: the next piece may begin at any byte until the block ends.
                rest = &rest[1..];
                continue;
            }
            if matches!(piece.kind, 1 | 2) {
                begun.take().inspect(|batch| batch.read(each));
            }
            let batch = begun.get_or_insert_default();
            batch.bytes.extend_from_slice(piece.payload);
            // A batch whose beginning is lost says nothing.
            batch.is_damaged |=
                !piece.is_intact || (batch.bytes.len() == piece.payload.len() && piece.kind > 2);
            if matches!(piece.kind, 1 | 4) {
                begun.take().inspect(|batch| batch.read(each));
            }
            rest = after;
        }
    }
    begun.inspect(|batch| batch.read(each));
}

/// A part of a block.
struct Piece<'a> {
    kind: u8,
    payload: &'a [u8],
    is_intact: bool,
}

impl<'a> Piece<'a> {
    /// The piece that `block` begins with, as long as it says, and what comes behind it.
    fn at(mut block: &'a [u8]) -> Option<(Self, &'a [u8])> {
        loop {
            let (head, after) = block.split_first_chunk::<HEAD_BYTES>()?;
            let [a, b, c, d, low, high, kind] = *head;
            let piece = after
                .split_at_checked(usize::from(u16::from_le_bytes([low, high])))
                .filter(|_| (1..=4).contains(&kind));
            let Some((payload, after)) = piece else {
                block = &block[1..];
                continue;
            };
            let checksum = crc32c(kind, payload).rotate_right(15).wrapping_add(MASK_DELTA);
            return Some((
                Self { kind, payload, is_intact: checksum == u32::from_le_bytes([a, b, c, d]) },
                after,
            ));
        }
    }
}

/// Whether `block` begins with an intact piece, or is at its end.
fn may_follow(block: &[u8]) -> bool {
    let is_head = |head: &[u8; HEAD_BYTES]| (1..=4).contains(&head[6]);
    match block.first_chunk() {
        None => true,
        Some(head) if is_head(head) => Piece::at(block).is_some_and(|(piece, _)| piece.is_intact),
        Some(head) => head.iter().all(|byte| *byte == 0),
    }
}

impl Batch {
    /// Reads the changes, as far as they go.
    fn read(&self, each: &mut impl FnMut(LoggedChange<'_>)) {
        let Some((head, mut rest)) = self.bytes.split_at_checked(BATCH_HEAD_BYTES) else { return };
        let Some(mut sequence) = head.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else {
            return;
        };
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            let Some(key) = text(&mut rest) else { return };
            let value = match kind {
                0 => None,
                1 => match text(&mut rest) {
                    Some(value) => Some(value),
                    None => return,
                },
                _ => return,
            };
            match (self.is_damaged, value) {
                (false, _) => each(LoggedChange { key, value, sequence }),
                (true, Some(_)) => each(LoggedChange { key, value, sequence: 0 }),
                (true, None) => {}
            }
            sequence = sequence.saturating_add(1);
        }
    }
}

/// Takes bytes with their length before them.
fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (mut length, mut shift) = (0usize, 0);
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
        if shift > 28 {
            return None;
        }
    }
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(text)
}

/// CRC-32C (Castagnoli) of `kind` and `payload`.
fn crc32c(kind: u8, payload: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |crc: u32, byte: &u8| TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8);
    !payload.iter().fold(step(u32::MAX, &kind), step)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let (mut byte, mut number) = (0, 0u32);
    while byte < 256 {
        let (mut crc, mut bit) = (number, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        number += 1;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use rocksdb::{DB, Options, WriteBatch};

    use super::*;

    type Changes = Vec<(Vec<u8>, Option<Vec<u8>>, u64)>;

    fn changes(bytes: &[u8]) -> Changes {
        let mut found = Changes::new();
        scan_bytes(bytes, &mut |change| {
            found.push((change.key.to_vec(), change.value.map(<[u8]>::to_vec), change.sequence));
        });
        found
    }

    /// A log that RocksDB has written, and what it was told.
    fn written() -> (Vec<u8>, Changes) {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::default();
        options.create_if_missing(true);
        let db = DB::open(&options, folder.path()).unwrap();
        let (mut told, mut sequence) = (Changes::new(), 1);
        for number in 0..40u8 {
            let mut batch = WriteBatch::default();
            // Some are in one piece, some in two, some in several.
            for (key, bytes) in [
                (vec![number, 0], 20),
                (vec![number, 1], 700 * usize::from(number % 9)),
                (vec![number, 2], 25_000),
            ] {
                let value = vec![number; bytes];
                batch.put(&key, &value);
                told.push((key, Some(value), sequence));
                sequence += 1;
            }
            batch.delete([number, 0]);
            told.push((vec![number, 0], None, sequence));
            sequence += 1;
            db.write(batch).unwrap();
        }
        drop(db);
        let log = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let log = log
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .max()
            .unwrap();
        (std::fs::read(log).unwrap(), told)
    }

    #[test]
    fn all_that_was_written_is_read() {
        let (log, told) = written();
        assert_eq!(changes(&log), told);
    }

    #[test]
    fn damage_costs_the_row_that_it_hits() {
        let (log, told) = written();
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..60 {
            let mut damaged = log.clone();
            let at = rng.usize(..log.len());
            damaged[at] ^= 1 << rng.u8(..8);
            let found = changes(&damaged);
            let has = |key: &Vec<u8>, value: &Option<Vec<u8>>| {
                found.iter().any(|(other, known, _)| (other, known) == (key, value))
            };
            let lost =
                told.iter().filter(|(key, value, _)| value.is_some() && !has(key, value)).count();
            assert!(lost <= 3, "byte {at}: {lost} rows are lost");
            // A number that is not certain makes no row newer than others.
            assert!(
                found.iter().all(|(key, _, sequence)| *sequence == 0
                    || told.iter().any(|told| (&told.0, told.2) == (key, *sequence))),
                "byte {at}"
            );
        }
        for end in (0..log.len()).step_by(9_973) {
            let mut found = changes(&log[..end]);
            // What is read of the piece that was cut has no number.
            found.retain(|(.., sequence)| *sequence > 0);
            assert!(told.starts_with(&found), "cut at {end}");
        }
    }

    #[test]
    fn the_checksum_is_castagnoli() {
        // The check value of CRC-32C for "123456789".
        assert_eq!(crc32c(b'1', b"23456789"), 0xe306_9283);
    }
}
