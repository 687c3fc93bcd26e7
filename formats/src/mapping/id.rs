//! What mappings are known by: in, the bytes of the file; out, the ids that crash reports may name it by.

use std::io::BufRead;

use sha1::{Digest, Sha1};

use super::head::Header;
use crate::ModuleId;

/// The `UUIDv5` of `guardsquare.com` as a domain name (RFC 9562, section 6.6), which is the name space of mappings in Sentry's `proguard`
/// crate.
const NAMESPACE: [u8; 16] = [0x4f, 0x44, 0xf3, 0x0f, 0x24, 0xbe, 0x53, 0xd0, 0xba, 0xb6, 0xf4, 0x7c, 0x71, 0x20, 0xad, 0x6c];

/// Computes the UUID of a mapping's contents: `UUIDv5` (RFC 9562, section 5.5) of all bytes as they are.
#[derive(Clone, Debug)]
pub struct ContentId {
    hash: Sha1,
}

impl Default for ContentId {
    fn default() -> Self {
        Self { hash: Sha1::new_with_prefix(NAMESPACE) }
    }
}

impl ContentId {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    /// The id of all of them.
    pub fn uuid(&self) -> [u8; 16] {
        let hash = self.hash.clone().finalize();
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&hash[..16]);
        uuid[6] = uuid[6] & 0x0f | 0x50;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        uuid
    }
}

/// What a mapping is called by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id that it goes by: the one that it was given, else R8's `pg_map_id`, else the UUID of its contents.
    pub id: ModuleId,
    /// Those of the others that it has: bytes.
    pub others: Vec<Vec<u8>>,
    /// A hash of its contents.
    pub fingerprint: u64,
}

impl Identity {
    /// Of the mapping that is all of `bytes`; `given` is the id that crash reports know it by, if that is not in it.
    pub fn of(bytes: &[u8], given: Option<Vec<u8>>) -> Self {
        let mut contents = ContentId::default();
        contents.update(bytes);
        let uuid = contents.uuid();
        let map_id = Header::of(bytes).pg_map_id.and_then(|id| hex_bytes(&id));
        let made_up = given.is_none() && map_id.is_none();
        let mut ids = given.into_iter().chain(map_id).chain([uuid.to_vec()]);
        let id = ids.next().unwrap_or_default();
        let mut others: Vec<Vec<u8>> = Vec::new();
        for other in ids {
            if other != id && !others.contains(&other) {
                others.push(other);
            }
        }
        let fingerprint = uuid.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        Self { id: ModuleId { bytes: id, made_up }, others, fingerprint }
    }
}

/// The bytes of an id in hexadecimal, with or without hyphens. `None` if it is no such id, or one of a few digits, as older R8 wrote them:
/// these stand for many mappings.
pub fn hex_bytes(id: &str) -> Option<Vec<u8>> {
    const MIN_BYTES: usize = 4;
    let digits: Vec<u8> = id
        .chars()
        .filter(|digit| *digit != '-')
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let is_whole = digits.len().is_multiple_of(2) && digits.len() >= 2 * MIN_BYTES && digits.len() <= 128;
    is_whole.then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// The id of the mapping that R8 writes into a program as the source file of its classes. `None` for another file's name.
pub fn map_id(source_file: &str) -> Option<Vec<u8>> {
    hex_bytes(source_file.strip_prefix(MAP_ID)?)
}

/// The first such id in a text.
pub fn map_id_in(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find_iter(text, MAP_ID).find_map(|at| {
        let digits = text[at + MAP_ID.len()..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        map_id(std::str::from_utf8(&text[at..at + MAP_ID.len() + digits]).ok()?)
    })
}

/// What stands before such an id.
const MAP_ID: &str = "r8-map-id-";

/// The UUID of everything that `reader` has.
///
/// # Errors
/// Those of `reader`.
pub fn uuid(mut reader: impl BufRead) -> std::io::Result<[u8; 16]> {
    let mut id = ContentId::default();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(id.uuid());
        }
        id.update(bytes);
        let count = bytes.len();
        reader.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_their_order() {
        let text = b"# compiler: R8\n# pg_map_id: 0123456789abcdef\na.B -> a:\n";
        let by_contents = uuid(&text[..]).unwrap().to_vec();
        let map_id = vec![0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let own = Identity::of(text, None);
        assert_eq!((own.id.bytes, own.id.made_up, own.others), (map_id.clone(), false, vec![by_contents.clone()]));
        let given = Identity::of(text, Some(vec![7; 16]));
        assert_eq!((given.id.bytes, given.others), (vec![7; 16], vec![map_id, by_contents]));
        let bare = Identity::of(b"a.B -> a:\n", None);
        assert_eq!((bare.id.bytes.len(), bare.id.made_up, bare.others.len()), (16, true, 0));
        // Older R8 wrote seven digits.
        assert!(Identity::of(b"# pg_map_id: 0a1b2c3\na.B -> a:\n", None).id.made_up);
    }

    #[test]
    fn ids_in_traces() {
        let trace = b"  at a.b(r8-map-id-:1)\n  at a.c(r8-map-id-01234567ab:2)\n";
        assert_eq!(map_id_in(trace), Some(vec![0x01, 0x23, 0x45, 0x67, 0xab]));
        assert_eq!(map_id_in(b"at a.b(SourceFile:1)"), None);
        assert_eq!((map_id("r8-map-id-0a0b0c0d"), map_id("Main.java")), (Some(vec![10, 11, 12, 13]), None));
    }

    #[test]
    fn ids_are_hexadecimal() {
        assert_eq!(hex_bytes("0123-4567"), Some(vec![0x01, 0x23, 0x45, 0x67]));
        for text in ["", "012345", "0123456", "0123456g", &"0".repeat(130)] {
            assert_eq!(hex_bytes(text), None, "{text}");
        }
    }
}
