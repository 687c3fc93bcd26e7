//! Master keys: text that the user keeps, and that wraps data keys.

use std::fmt;
use std::sync::Arc;

use aes_gcm_siv::Aes256GcmSiv;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{ID_BYTES, cipher};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Begins the line of a key in a file.
const PREFIX: &str = "symtool-key-1:";

/// Which master key is meant. Says nothing about the key itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(crate) [u8; ID_BYTES]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl KeyId {
    /// The inverse of its text; `None` for other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; ID_BYTES];
        unhex(text.as_bytes(), &mut id)?;
        Some(Self(id))
    }
}

/// Text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has no line that begins with {PREFIX} and has {} hexadecimal digits after it", 2 * KEY_BYTES)]
pub struct KeyError;

/// A master key. Its bytes are gone from memory once it is dropped.
#[derive(Clone)]
pub struct MasterKey {
    id: KeyId,
    pub(crate) cipher: Arc<Aes256GcmSiv>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// A new key as the text of a file.
    ///
    /// # Errors
    /// If the operating system has no random numbers.
    pub fn generate() -> std::io::Result<Zeroizing<String>> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *key)?;
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * KEY_BYTES + 1));
        text.push_str(PREFIX);
        for byte in key.iter() {
            text.extend(
                [byte >> 4, byte & 15]
                    .iter()
                    .filter_map(|digit| char::from_digit(u32::from(*digit), 16)),
            );
        }
        text.push('\n');
        Ok(text)
    }

    /// The key in `text`: the first line that is one. Other lines are the user's own.
    ///
    /// # Errors
    /// [`KeyError`] if there is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let digits =
            text.lines().find_map(|line| line.trim().strip_prefix(PREFIX)).ok_or(KeyError)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        unhex(digits.as_bytes(), &mut *key).ok_or(KeyError)?;
        Ok(Self::from_bytes(&key))
    }

    pub(super) fn from_bytes(key: &[u8; KEY_BYTES]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"symtool master key id\0");
        hash.update(key);
        let mut digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&digest[..ID_BYTES]);
        digest.zeroize();
        Self { id: KeyId(id), cipher: Arc::new(cipher(key)) }
    }

    /// Which key it is.
    pub fn id(&self) -> KeyId {
        self.id
    }
}

pub(super) fn too_large() -> std::io::Error {
    std::io::Error::other("a key cannot be wrapped")
}

/// Fills `bytes` from `digits`, which have to be exactly as many.
fn unhex(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (pair, byte) in digits.chunks_exact(2).zip(bytes) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_are_read_back() {
        let (one, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let key = MasterKey::parse(&one).unwrap();
        assert_eq!(
            MasterKey::parse(&format!("# of the build farm\n  {}\nmore\n", one.trim()))
                .unwrap()
                .id(),
            key.id()
        );
        assert_ne!(MasterKey::parse(&other).unwrap().id(), key.id());
        assert_eq!(KeyId::parse(&key.id().to_string()), Some(key.id()));
        assert!(!format!("{key:?}").contains(&one[PREFIX.len()..PREFIX.len() + 8]));
    }

    #[test]
    fn other_text_is_no_key() {
        let text = MasterKey::generate().unwrap();
        for text in [
            "",
            "secret",
            &text[1..],
            text.trim_end().strip_suffix(|_: char| true).unwrap(),
            &text.replace(':', ":g"),
        ] {
            assert_eq!(MasterKey::parse(text).map(|key| key.id()), Err(KeyError), "{text}");
        }
        assert_eq!(KeyId::parse("00"), None);
    }
}
