//! Keys of objects, and what stands for ids and names in them.
//!
//! ```text
//! symtool.json
//! modules/SLOT                      SLOT: the module's key, 32 digits
//! segments/SLOT/BLAKE3.segment
//! ids/ID~SLOT
//! names/NAME/TIME~SLOT              TIME: milliseconds since 1970, 13 digits
//! ```
//!
//! In a sealed bucket SLOT, ID and NAME are keyed hashes: of an id that of its first
//! [`MIN_ID_DIGITS`] digits, so that every prefix that may name a module finds it.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use symtool_store::database::MIN_ID_DIGITS;
use symtool_store::seal::Ring;
use symtool_store::{ModuleKey, ModuleRecord};

use crate::limits::MAX_NAME_BYTES;

/// The object that is read first.
pub const HEAD: &str = "symtool.json";
/// The folders.
pub const MODULES: &str = "modules/";
pub const SEGMENTS: &str = "segments/";
pub const IDS: &str = "ids/";
pub const NAMES: &str = "names/";
pub const PROBES: &str = "probe/";

/// What stands in names as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'+');

/// How keys are made: of the texts, or of keyed hashes of them.
#[derive(Clone, Debug)]
pub struct Keys {
    ring: Option<Arc<Ring>>,
}

impl Keys {
    /// Those of a bucket with `ring`; without one it is open.
    pub fn of(ring: Option<&Arc<Ring>>) -> Self {
        Self { ring: ring.cloned() }
    }

    fn hash(ring: &Ring, purpose: &str, text: &[u8]) -> String {
        let mut hash = blake3::Hasher::new_keyed(&ring.index_key("bucket"));
        hash.update(purpose.as_bytes());
        hash.update(&[0]);
        hash.update(text);
        hash.finalize().to_hex()[..32].to_owned()
    }

    /// What stands for `text` where others may read: itself or, in a sealed bucket, a keyed hash.
    pub fn secret(&self, purpose: &str, text: &str) -> String {
        match &self.ring {
            None => text.to_owned(),
            Some(ring) => Self::hash(ring, purpose, text.as_bytes()),
        }
    }

    /// What the module `key` is called in keys.
    pub fn slot(&self, key: ModuleKey) -> String {
        match &self.ring {
            None => key.to_string(),
            Some(ring) => Self::hash(ring, "module", &key.0),
        }
    }

    /// What the markers of the ids begin with of which `digits` are a prefix.
    pub fn id(&self, digits: &str) -> String {
        match &self.ring {
            None => format!("{IDS}{digits}"),
            Some(ring) => {
                let first = digits.get(..MIN_ID_DIGITS).unwrap_or(digits);
                format!("{IDS}{}", Self::hash(ring, "id", first.as_bytes()))
            }
        }
    }

    /// The folder of the markers of `name`, with a slash.
    pub fn name(&self, name: &str) -> String {
        let text = match &self.ring {
            Some(ring) => Self::hash(ring, "name", name.as_bytes()),
            None => match utf8_percent_encode(name, PLAIN).to_string() {
                // Segments of paths that mean something else.
                dots if dots.is_empty() || dots.bytes().all(|byte| byte == b'.') => {
                    format!("%{dots}")
                }
                long if long.len() > MAX_NAME_BYTES => {
                    format!("%{}", blake3::hash(name.as_bytes()).to_hex())
                }
                text => text,
            },
        };
        format!("{NAMES}{text}/")
    }

    /// All markers of the module `record` in `slot`, which was stored at `time`.
    pub fn markers(&self, record: &ModuleRecord, slot: &str, time: u64) -> Vec<String> {
        let ids = record.ids().map(|id| format!("{}~{slot}", self.id(id.as_str())));
        let names = std::iter::once(&record.name).chain(&record.other_names).chain(&record.labels);
        let names = names.map(|name| format!("{}{time:013}~{slot}", self.name(name)));
        let mut markers: Vec<String> = ids.chain(names).collect();
        markers.sort_unstable();
        markers.dedup();
        markers
    }
}

/// Where what is known of the module in `slot` stands.
pub fn module(slot: &str) -> String {
    format!("{MODULES}{slot}")
}

/// Where its segment with this hash stands.
pub fn segment(slot: &str, hash: &str) -> String {
    format!("{SEGMENTS}{slot}/{hash}.segment")
}

/// The slot that a marker names, and its time if it is one of a name.
pub fn marked(marker: &str) -> Option<(&str, u64)> {
    let (text, slot) = marker.rsplit_once('~')?;
    let time = text.rsplit_once('/').and_then(|(_, time)| time.parse().ok()).unwrap_or(0);
    let time = if marker.starts_with(NAMES) { time } else { 0 };
    is_slot(slot).then_some((slot, time))
}

/// The slot of the module that a segment or a marker belongs to.
pub fn slot_of(key: &str) -> Option<&str> {
    match key.strip_prefix(SEGMENTS) {
        Some(rest) => rest.split_once('/').map(|(slot, _)| slot).filter(|slot| is_slot(slot)),
        None => marked(key).map(|(slot, _)| slot),
    }
}

/// Whether `text` can be a slot.
pub fn is_slot(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_a_key() {
        let keys = Keys::of(None);
        for (name, want) in [
            ("libfoo.so.1", "names/libfoo.so.1/"),
            ("a b/c~d", "names/a%20b%2Fc%7Ed/"),
            ("..", "names/%../"),
            ("", "names/%/"),
            ("ä", "names/%C3%A4/"),
        ] {
            assert_eq!(keys.name(name), want);
        }
        assert_eq!(keys.name(&"x".repeat(5_000)).len(), "names/%/".len() + 64);
    }

    #[test]
    fn sealed_keys_show_neither_names_nor_ids() {
        let keys = Keys::of(Some(&Arc::new(Ring::generate().unwrap())));
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(keys.id(id), keys.id(&id[..8]));
        assert_ne!(keys.id(id), keys.id("1123456789"));
        assert!(!keys.id(id).contains("01234567") && !keys.name("libfoo.so").contains("foo"));
        let key = ModuleKey([7; 16]);
        assert!(is_slot(&keys.slot(key)) && keys.slot(key) != Keys::of(None).slot(key));
    }

    #[test]
    fn markers_name_slots() {
        let slot = "00112233445566778899aabbccddeeff";
        assert_eq!(marked(&format!("ids/abcd~{slot}")), Some((slot, 0)));
        assert_eq!(marked(&format!("names/a%7Eb/0000000000042~{slot}")), Some((slot, 42)));
        for other in ["ids/abcd", "ids/abcd~00", "ids/abcd~zz112233445566778899aabbccddeeff"] {
            assert_eq!(marked(other), None, "{other}");
        }
    }
}
