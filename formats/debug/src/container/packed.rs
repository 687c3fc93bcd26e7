//! Opens files that were packed as one stream by gzip, xz or zstd. How long they are shows only when
//! they are unpacked, so they go to a file without a name in the folder for temporary files: memory
//! stays bounded, and nothing is left behind.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::{Content, Listing, Member};
use crate::bytes::{Error, Kind, MAGIC_BYTES, Mapped, may_be_mapping};
use crate::limits::{MAX_SPOOLED_BYTES, MAX_XZ_KIB, MAX_ZSTD_WINDOW_LOG};
use symtool_mapping::is_mapping;
use symtool_mapping::limits::MAX_HEAD_BYTES;

/// How a stream is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Gzip,
    Xz,
    Zstd,
}

/// What such files are called, and what the file in them is called in turn.
const EXTENSIONS: [(&str, &str); 8] = [
    (".gz", ""),
    (".xz", ""),
    (".zst", ""),
    (".zstd", ""),
    (".tgz", ".tar"),
    (".txz", ".tar"),
    (".tzst", ".tar"),
    (".tzs", ".tar"),
];

/// Bytes that are unpacked at once.
const BUFFER_BYTES: usize = 64 << 10;

/// The member of `archive`, which is packed by `codec`.
pub fn list(archive: &Mapped, codec: Codec) -> Listing {
    let mut listing = Listing::default();
    let (path, name) = (archive.path().to_owned(), stem(archive.name()));
    let mut broken = None;
    let kind = kind(&name, |bytes| {
        let (start, error) = codec.start(archive.bytes(), bytes);
        broken = error;
        start
    });
    match (kind, broken) {
        // What it is cannot be seen.
        (Kind::Other, Some(error)) => {
            listing.members.push(Err(Error::DamagedArchive { path, reason: error.to_string() }));
        }
        (Kind::Other, None) => listing.passed_over += 1,
        (kind, _) => listing.members.push(Ok(member(archive, codec, kind, path, name))),
    }
    listing
}

/// What is in `archive`: something of this `kind`.
pub fn member(archive: &Mapped, codec: Codec, kind: Kind, path: PathBuf, name: String) -> Member {
    let content = Content::Stream { packed: archive.clone(), codec };
    Member { kind, path, name, content }
}

/// The name of the file in one that is called `name`.
pub fn stem(name: &str) -> String {
    let stem = |(end, instead): &(&str, &str)| Some(name.strip_suffix(end)?.to_owned() + instead);
    EXTENSIONS.iter().find_map(stem).unwrap_or_else(|| name.to_owned())
}

/// The kind of something called `name`, of which `start` gives as many bytes as it is asked for, if
/// there are that many.
pub fn kind(name: &str, mut start: impl FnMut(usize) -> Vec<u8>) -> Kind {
    let first = start(MAGIC_BYTES);
    match Kind::of_named(Path::new(name), &first) {
        Kind::Other if may_be_mapping(Path::new(name), &first) => {
            if is_mapping(&start(MAX_HEAD_BYTES)) { Kind::Mapping } else { Kind::Other }
        }
        kind => kind,
    }
}

impl Codec {
    /// Up to `bytes` bytes from the start of `packed`, and why there are fewer if it is broken.
    fn start(self, packed: &[u8], bytes: usize) -> (Vec<u8>, Option<io::Error>) {
        let mut start = Vec::with_capacity(bytes);
        let read = self
            .decoder(packed)
            .and_then(|decoder| decoder.take(bytes as u64).read_to_end(&mut start));
        (start, read.err())
    }

    fn decoder(self, packed: &[u8]) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Xz => Box::new(XzReader::new_mem_limit(packed, true, MAX_XZ_KIB)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }

    /// Unpacks all of `packed`, which is to be known by `path` and `name`, if that gives no more
    /// than `limit` bytes.
    ///
    /// # Errors
    /// [`Error::DamagedArchive`], [`Error::TooLarge`]; [`Error::Io`] if it cannot be written.
    pub fn spool(
        self,
        packed: &Mapped,
        limit: u64,
        path: PathBuf,
        name: String,
    ) -> Result<Mapped, Error> {
        let limit = limit.min(MAX_SPOOLED_BYTES);
        let damaged = |cause: &dyn std::fmt::Display| Error::DamagedArchive {
            path: path.clone(),
            reason: cause.to_string(),
        };
        let disk = |cause: io::Error| Error::Io { path: path.clone(), cause };
        let mut decoder = self.decoder(packed.bytes()).map_err(|error| damaged(&error))?;
        let mut file = tempfile::tempfile().map_err(disk)?;
        let (mut buffer, mut bytes) = (vec![0; BUFFER_BYTES], 0u64);
        loop {
            let count = match decoder.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // A file that was shortened meanwhile is no damaged one.
                Err(error) => return Err(packed.unchanged().err().unwrap_or(damaged(&error))),
            };
            bytes += count as u64;
            if bytes > limit {
                return Err(Error::TooLarge { path, bytes, limit });
            }
            file.write_all(&buffer[..count]).map_err(disk)?;
        }
        packed.unchanged()?;
        finished(&file, path, name)
    }
}

fn finished(file: &File, path: PathBuf, name: String) -> Result<Mapped, Error> {
    match file.metadata() {
        Ok(metadata) if metadata.len() == 0 => Err(Error::Empty { path }),
        Ok(_) => Mapped::spooled(file, path, name),
        Err(cause) => Err(Error::Io { path, cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &[u8] =
        b"MODULE Linux x86_64 B8AC3F14EDB0C9F2EE67C2858418D0B00 victim\nFUNC 0 1 0 f\n";

    fn packed(codec: Codec, bytes: &[u8]) -> Vec<u8> {
        match codec {
            Codec::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Xz => xz(bytes),
            Codec::Zstd => zstd::encode_all(bytes, 1).unwrap(),
        }
    }

    /// An xz file of stored chunks, as the format describes it (The .xz File Format 1.2.1; LZMA2:
    /// a chunk that begins with 1 is stored).
    fn xz(bytes: &[u8]) -> Vec<u8> {
        let crc = |bytes: &[u8]| crc32fast::hash(bytes).to_le_bytes();
        let flags = [0, 1];
        let mut file = [&b"\xfd7zXZ\0"[..], &flags, &crc(&flags)].concat();
        let header = [2, 0, 0x21, 1, 8, 0, 0, 0];
        let start = file.len();
        file.extend(header);
        file.extend(crc(&header));
        let size = u16::try_from(bytes.len() - 1).unwrap().to_be_bytes();
        file.extend([1, size[0], size[1]]);
        file.extend(bytes);
        file.push(0);
        let unpadded = file.len() - start + 4;
        file.resize(start + (file.len() - start).next_multiple_of(4), 0);
        file.extend(crc(bytes));
        let number = |number: usize| {
            let low = u8::try_from(number & 0x7f).unwrap();
            if number < 0x80 {
                vec![low]
            } else {
                vec![low | 0x80, u8::try_from(number >> 7).unwrap()]
            }
        };
        let mut index = [&[0, 1][..], &number(unpadded), &number(bytes.len())].concat();
        index.resize(index.len().next_multiple_of(4), 0);
        let index = [&index[..], &crc(&index)].concat();
        file.extend(&index);
        let backward = u32::try_from(index.len() / 4 - 1).unwrap().to_le_bytes();
        let footer = [&backward[..], &flags].concat();
        [&file[..], &crc(&footer), &footer, b"YZ"].concat()
    }

    fn mapped(bytes: Vec<u8>, name: &str) -> Mapped {
        Mapped::unpacked(bytes, PathBuf::from("x").join(name), name.to_owned())
    }

    #[test]
    fn what_was_packed_comes_out() {
        for codec in [Codec::Gzip, Codec::Xz, Codec::Zstd] {
            let whole = packed(codec, TEXT);
            let mut listing = list(&mapped(whole.clone(), "victim.sym.zst"), codec);
            let only = listing.members.remove(0).unwrap();
            assert_eq!((only.kind(), listing.members.len()), (Kind::Object, 0), "{codec:?}");
            let plain = only.open().unwrap();
            assert_eq!((plain.bytes(), plain.name()), (TEXT, "victim.sym"), "{codec:?}");
            assert!(!plain.is_whole_file());
            // Two streams one behind the other are one file.
            let twice = mapped([&whole[..], &whole].concat(), "x");
            let plain = codec.spool(&twice, 1 << 20, "x".into(), String::new()).unwrap();
            assert_eq!(plain.bytes(), [TEXT, TEXT].concat(), "{codec:?}");
        }
    }

    #[test]
    fn bombs_and_broken_files_are_named() {
        for codec in [Codec::Gzip, Codec::Xz, Codec::Zstd] {
            let whole = packed(codec, TEXT);
            for end in 0..whole.len() {
                let cut = mapped(whole[..end].to_vec(), "x");
                let error = codec.spool(&cut, 1 << 20, "x".into(), String::new()).unwrap_err();
                let is_named = matches!(error, Error::DamagedArchive { .. })
                    || end == 0 && matches!(error, Error::Empty { .. });
                assert!(is_named, "{codec:?} {end}: {error}");
            }
            let limit = TEXT.len() as u64;
            let archive = mapped(whole, "x");
            assert!(codec.spool(&archive, limit, "x".into(), String::new()).is_ok());
            let error = codec.spool(&archive, limit - 1, "x".into(), String::new()).unwrap_err();
            assert!(matches!(error, Error::TooLarge { limit: 73, .. }), "{error:?}");
        }
    }

    #[test]
    fn names_without_their_last_extension() {
        for (name, want) in [
            ("a.so.debug.xz", "a.so.debug"),
            ("a.tgz", "a.tar"),
            ("a.tar.zst", "a.tar"),
            ("data", "data"),
        ] {
            assert_eq!(stem(name), want);
        }
    }
}
