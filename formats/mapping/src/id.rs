//! What mappings are known by: the ids that crash reports may name one by.

use std::io::BufRead;

use sha1::{Digest, Sha1};

use super::head::Header;
use super::map_id::hex_bytes;
use symtool_module::ModuleId;

/// The `UUIDv5` of `guardsquare.com` as a domain name (RFC 9562, section 6.6), which is the name
/// space of mappings in Sentry's `proguard` crate.
const NAMESPACE: [u8; 16] = [
    0x4f, 0x44, 0xf3, 0x0f, 0x24, 0xbe, 0x53, 0xd0, 0xba, 0xb6, 0xf4, 0x7c, 0x71, 0x20, 0xad, 0x6c,
];

/// Computes the UUID of a mapping's contents: `UUIDv5` (RFC 9562, section 5.5) of all bytes as they
/// are.
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
    /// The id that it goes by: the one that it was given, else R8's `pg_map_id`, else R8's hash of
    /// its contents (`pg_map_hash`), else the UUID of its contents.
    pub id: ModuleId,
    /// Those of the others that it has: bytes.
    pub others: Vec<Vec<u8>>,
    /// A hash of its contents.
    pub fingerprint: u64,
}

impl Identity {
    /// Of the mapping that is all of `bytes`; `given` is the id that crash reports know it by, if
    /// that is not in it.
    pub fn of(bytes: &[u8], given: Option<Vec<u8>>) -> Self {
        let mut contents = ContentId::default();
        contents.update(bytes);
        let uuid = contents.uuid();
        let header = Header::of(bytes);
        // Older R8 wrote the first seven digits of the hash.
        let own = [header.pg_map_id.as_deref().and_then(hex_bytes), header.hash().map(Vec::from)];
        let made_up = given.is_none() && own.iter().all(Option::is_none);
        let mut ids = given.into_iter().chain(own.into_iter().flatten()).chain([uuid.to_vec()]);
        let id = ids.next().unwrap_or_default();
        let mut others: Vec<Vec<u8>> = Vec::new();
        for other in ids {
            if other != id && !others.contains(&other) {
                others.push(other);
            }
        }
        let fingerprint =
            uuid.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        Self { id: ModuleId { bytes: id, made_up }, others, fingerprint }
    }
}

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
        assert_eq!(
            (own.id.bytes, own.id.made_up, own.others),
            (map_id.clone(), false, vec![by_contents.clone()])
        );
        let given = Identity::of(text, Some(vec![7; 16]));
        assert_eq!((given.id.bytes, given.others), (vec![7; 16], vec![map_id, by_contents]));
        let bare = Identity::of(b"a.B -> a:\n", None);
        assert_eq!((bare.id.bytes.len(), bare.id.made_up, bare.others.len()), (16, true, 0));
        // Older R8 wrote seven digits, and the hash that they are of.
        assert!(Identity::of(b"# pg_map_id: 0a1b2c3\na.B -> a:\n", None).id.made_up);
        let hash = "0a1b2c3".to_owned() + &"4d".repeat(28) + "5";
        let old = Identity::of(
            format!("# pg_map_id: 0a1b2c3\n# pg_map_hash: SHA-256 {hash}\na.B -> a:\n").as_bytes(),
            None,
        );
        assert_eq!(
            (old.id.to_string(), old.id.made_up, old.others.len()),
            (hash.clone(), false, 1)
        );
        let new = Identity::of(
            format!("# pg_map_id: {hash}\n# pg_map_hash: SHA-256 {hash}\na.B -> a:\n").as_bytes(),
            Some(vec![7; 16]),
        );
        assert_eq!((new.id.bytes, new.others.len()), (vec![7; 16], 2));
    }
}
