//! The id that Sentry knows a mapping by: in, the bytes of the file, in any pieces; out, a UUID.

use std::io::BufRead;

use sha1::{Digest, Sha1};

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
