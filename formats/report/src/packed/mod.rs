//! Packed reports: each file in an archive, and what was compressed, as a stream of its own.
//!
//! ```text
//! gzip, xz, zstd ─> what was packed, of whatever kind
//! tar            ─> its files, one after the other
//! zip            ─> its files; the whole archive has to be there, as its list stands at its end
//! ```
//! What something is, its first bytes say. All is read as it is unpacked: nothing is held but a
//! stream's window, and what a report takes. A budget that is counted bounds what a small file can
//! unpack to.

mod archives;
mod budget;

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use crate::limits::{MAX_NESTED_ARCHIVES, MAX_XZ_KIB};
use archives::{tar, zip};
use budget::Budget;

/// How something is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Xz,
    Zstd,
    Zip,
    Tar,
}

/// Bytes of a window that unpacking zstd may take, as a power of two: what `zstd` itself takes
/// unless it is told otherwise.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Whoever takes what is unpacked.
pub trait Unpacked {
    /// A stream that is packed no more, called `name`: the file's name, `!` and the member's where
    /// it was in an archive.
    ///
    /// # Errors
    /// Those of the stream, which end it.
    fn stream(&mut self, name: &str, stream: &mut dyn BufRead) -> io::Result<()>;

    /// What could not be unpacked, and why.
    fn lost(&mut self, name: &str, reason: &str);
}

/// Unpacks `input`, called `name`, as far as it is packed, and hands each stream to `to`.
pub fn unpack(name: &str, input: impl Read, to: &mut impl Unpacked) {
    let budget = Budget::default();
    let input = BufReader::with_capacity(BUFFER_BYTES, budget.counted(input));
    layer(name, input, 0, &budget, to);
}

/// Whether what begins with `head` is packed.
pub fn is_packed(head: &[u8]) -> bool {
    Packing::of(head).is_some()
}

/// Whether the file `name` beside `others` is a tombstone's second copy, which Android writes as a
/// message beside the text.
pub fn is_copy(name: &str, has: impl Fn(&str) -> bool) -> bool {
    name.strip_suffix(".pb").is_some_and(has)
}

const BUFFER_BYTES: usize = 64 << 10;

impl Packing {
    /// What begins with `head`.
    fn of(head: &[u8]) -> Option<Self> {
        /// Where a tar's header has its magic number.
        const TAR_MAGIC: usize = 257;
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            // The second is a frame that is to be skipped, with which some tools begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ if head.get(TAR_MAGIC..TAR_MAGIC + 5) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        }
    }
}

/// What one layer of packing holds.
fn layer(
    name: &str,
    mut input: impl BufRead,
    depth: usize,
    budget: &Budget,
    to: &mut impl Unpacked,
) {
    let packing = match input.fill_buf() {
        Ok(head) => Packing::of(head),
        Err(error) => return to.lost(name, &error.to_string()),
    };
    let Some(packing) = packing else {
        if let Err(error) = to.stream(name, &mut input) {
            to.lost(name, &error.to_string());
        }
        return;
    };
    if depth >= MAX_NESTED_ARCHIVES {
        return to.lost(
            name,
            "archives within archives, deeper than is read; unpack it, and pass the reports in it",
        );
    }
    match packing {
        Packing::Gzip => compressed(name, MultiGzDecoder::new(input), depth, budget, to),
        Packing::Xz => {
            compressed(name, XzReader::new_mem_limit(input, true, MAX_XZ_KIB), depth, budget, to);
        }
        Packing::Zstd => match zstd::stream::read::Decoder::with_buffer(input) {
            Ok(mut decoder) => match decoder.window_log_max(MAX_ZSTD_WINDOW_LOG) {
                Ok(()) => compressed(name, decoder, depth, budget, to),
                Err(error) => to.lost(name, &error.to_string()),
            },
            Err(error) => to.lost(name, &error.to_string()),
        },
        Packing::Tar => tar(name, input, depth, budget, to),
        Packing::Zip => zip(name, input, depth, budget, to),
    }
}

fn compressed(
    name: &str,
    decoder: impl Read,
    depth: usize,
    budget: &Budget,
    to: &mut impl Unpacked,
) {
    // The type of a stream within a stream within … would have no end.
    let decoder: Box<dyn Read + '_> = Box::new(budget.bounded(decoder));
    layer(name, BufReader::with_capacity(BUFFER_BYTES, decoder), depth + 1, budget, to);
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::limits::{MAX_PACKED_EXPANSION, MIN_UNPACKED_BYTES};

    /// The streams and losses, in their order.
    #[derive(Default)]
    struct Seen(Vec<(String, String)>);

    impl Unpacked for Seen {
        fn stream(&mut self, name: &str, stream: &mut dyn BufRead) -> io::Result<()> {
            let mut text = String::new();
            let read = stream.read_to_string(&mut text);
            self.0.push((name.to_owned(), text));
            read.map(drop)
        }

        fn lost(&mut self, name: &str, reason: &str) {
            self.0.push((name.to_owned(), format!("lost: {reason}")));
        }
    }

    fn seen(bytes: &[u8]) -> Vec<(String, String)> {
        let mut seen = Seen::default();
        unpack("x", bytes, &mut seen);
        seen.0
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn tarred(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn every_packing() {
        assert_eq!(seen(b"plain"), pairs(&[("x", "plain")]));
        assert_eq!(seen(b""), pairs(&[("x", "")]));
        // Two of them, one behind the other, are one.
        assert_eq!(seen(&[gzip(b"one "), gzip(b"two")].concat()), pairs(&[("x", "one two")]));
        assert_eq!(seen(&zstd::encode_all(&b"text"[..], 3).unwrap()), pairs(&[("x", "text")]));
        assert_eq!(
            seen(&tarred(&[("a/b", b"1"), ("c", b"2")])),
            pairs(&[("x!a/b", "1"), ("x!c", "2")])
        );
        assert_eq!(
            seen(&zipped(&[("a/b", b"1"), ("c", b"2")])),
            pairs(&[("x!a/b", "1"), ("x!c", "2")])
        );
        assert_eq!(seen(&gzip(&tarred(&[("a", &gzip(b"1"))]))), pairs(&[("x!a", "1")]));
    }

    #[test]
    fn copies_and_what_is_beside_files() {
        let files: [(&str, &[u8]); 5] = [
            ("t_0", b"1"),
            ("t_0.pb", b"2"),
            ("t_1.pb", b"3"),
            ("__MACOSX/._t_0", b"4"),
            ("d/._t", b"5"),
        ];
        let want = pairs(&[("x!t_0", "1"), ("x!t_1.pb", "3")]);
        assert_eq!(seen(&zipped(&files)), want);
        assert_eq!(seen(&tarred(&files)), want);
        assert_eq!(seen(&tarred(&[files[1], files[0]])), pairs(&[("x!t_0.pb", "2")]));
    }

    #[test]
    fn what_is_damaged_costs_itself() {
        let packed = gzip(&b"text".repeat(1000));
        for bytes in [
            &packed[..packed.len() / 2],
            &zstd::encode_all(&packed[..], 3).unwrap()[..40],
            &tarred(&[("a", &packed)])[..600],
        ] {
            let seen = seen(bytes);
            assert!(seen.last().unwrap().1.starts_with("lost: "), "{seen:?}");
        }
        let mut zip = zipped(&[("a", &b"one".repeat(50)), ("b", b"two")]);
        zip[33] ^= 0xff;
        let seen = seen(&zip);
        assert_eq!(seen.last().unwrap(), &("x!b".to_owned(), "two".to_owned()));
        assert!(
            self::seen(b"PK\x03\x04 and nothing more")[0].1.starts_with("lost: damaged zip file")
        );
    }

    /// Counts what it gets.
    struct Count(u64, String);
    impl Unpacked for Count {
        fn stream(&mut self, _: &str, stream: &mut dyn BufRead) -> io::Result<()> {
            let mut buffer = vec![0; 1 << 20];
            loop {
                match stream.read(&mut buffer)? {
                    0 => return Ok(()),
                    count => self.0 += count as u64,
                }
            }
        }

        fn lost(&mut self, _: &str, reason: &str) {
            reason.clone_into(&mut self.1);
        }
    }

    #[test]
    fn layers_and_sizes_are_bounded() {
        let mut nested = b"text".to_vec();
        (0..=MAX_NESTED_ARCHIVES).for_each(|_| nested = gzip(&nested));
        assert!(seen(&nested)[0].1.starts_with("lost: archives within archives"));
        // 64 KiB that unpack to 2 GiB.
        let mut bomb = Vec::new();
        let mut encoder = zstd::stream::write::Encoder::new(&mut bomb, 1).unwrap();
        let zeros = vec![0; 1 << 20];
        (0..2048).for_each(|_| encoder.write_all(&zeros).unwrap());
        encoder.finish().unwrap();
        let mut count = Count(0, String::new());
        unpack("x", &bomb[..], &mut count);
        assert!(count.1.contains("unpacks to more than"), "{}", count.1);
        assert!(
            count.0 <= MIN_UNPACKED_BYTES.max(bomb.len() as u64 * MAX_PACKED_EXPANSION),
            "{}",
            count.0
        );
    }
}
