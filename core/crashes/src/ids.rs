//! Ids of crashes, signatures and groups.
//!
//! An id is a hash, so that the same reports give the same ids in any order, on any machine.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// Bytes of an id.
            pub const BYTES: usize = $bytes;
            /// The letter that its text begins with.
            pub const LETTER: char = $letter;

            /// The inverse of its text.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($letter)?;
                let mut id = [0; $bytes];
                if digits.len() != 2 * $bytes {
                    return None;
                }
                for (byte, pair) in id.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
                    *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
                }
                Some(Self(id))
            }

            fn of_hash(hash: u128) -> Self {
                let mut id = [0; $bytes];
                id.copy_from_slice(&hash.to_be_bytes()[..$bytes]);
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", $letter)?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        /// Its text where people read it, as in JSON; its bytes in rows.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = Cow::<str>::deserialize(deserializer)?;
                    Self::parse(&text).ok_or_else(|| {
                        D::Error::custom(format_args!("`{text}` is no {}", stringify!($name)))
                    })
                } else {
                    Deserialize::deserialize(deserializer).map(Self)
                }
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                String::schema_name()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                String::json_schema(generator)
            }
        }
    };
}

id!(
    /// A crash: of its report's own id, or of its bytes if that has none.
    CrashId, 10, 'c'
);
id!(
    /// What a crash is grouped by.
    FingerprintId, 16, 's'
);
id!(
    /// A group: of the signature that it was made for.
    GroupId, 8, 'g'
);

impl CrashId {
    /// The crash of a report without an id of its own, whose bytes `each` goes through.
    pub fn of_pieces(each: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        let mut hash = Xxh3::new();
        hash.update(b"r");
        each(&mut |piece| hash.update(piece));
        Self::of_hash(hash.digest128())
    }

    /// The crash that `report` tells of, whose own id is `event_id`. The same report twice is one
    /// crash: with the same id, however it is written, or else with the same bytes.
    pub fn of(event_id: Option<&str>, report: &[u8]) -> Self {
        let mut digits = event_id
            .unwrap_or_default()
            .bytes()
            .filter(|byte| *byte != b'-')
            .map(|byte| byte.to_ascii_lowercase());
        let mut id = [0; 33];
        id[1..].fill_with(|| digits.next().unwrap_or_default());
        if digits.next().is_none() && id[1..].iter().all(u8::is_ascii_hexdigit) {
            id[0] = b'e';
            return Self::of_hash(xxh3_128(&id));
        }
        let mut hash = Xxh3::new();
        hash.update(b"r");
        hash.update(report.trim_ascii());
        Self::of_hash(hash.digest128())
    }
}

/// Ids that keys of rows begin with, behind the area.
macro_rules! in_keys {
    ($name:ident) => {
        impl $name {
            /// From the first bytes of `key`, if there are enough.
            pub(crate) fn from_key(key: &[u8]) -> Option<Self> {
                key.get(..Self::BYTES)?.try_into().ok().map(Self)
            }
        }
    };
}

in_keys!(CrashId);
in_keys!(FingerprintId);
in_keys!(GroupId);

impl FingerprintId {
    /// Of what makes the signature.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::of_hash(xxh3_128(bytes))
    }
}

impl GroupId {
    /// The group that is made for `signature` if there is none for it; `number` tells it from those
    /// that were made for it before and have other signatures now.
    pub fn of(signature: FingerprintId, number: u32) -> Self {
        let mut hash = Xxh3::new();
        hash.update(&signature.0);
        hash.update(&number.to_le_bytes());
        Self::of_hash(hash.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_report_is_one_crash() {
        let own = CrashId::of(Some("0123456789abcdef0123456789ABCDEF"), b"{}");
        assert_eq!(own, CrashId::of(Some("01234567-89ab-cdef-0123-456789abcdef"), b"{ }"));
        assert_ne!(own, CrashId::of(Some("11234567-89ab-cdef-0123-456789abcdef"), b"{}"));
        // What is no id of its own may stand in many reports.
        let report = CrashId::of(Some("1"), b"{}");
        assert_eq!(report, CrashId::of(None, b"{}\n"));
        assert_ne!(report, CrashId::of(None, b"{ }"));
    }

    #[test]
    fn texts_come_back() {
        let id = GroupId([0, 1, 2, 3, 4, 5, 0xfe, 0xff]);
        assert_eq!(id.to_string(), "g000102030405feff");
        assert_eq!(GroupId::parse(&id.to_string()), Some(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"g000102030405feff\"");
        assert_eq!(serde_json::from_str::<GroupId>(&json).unwrap(), id);
        let error = serde_json::from_str::<GroupId>("\"g00\"").unwrap_err();
        assert!(error.to_string().starts_with("`g00` is no GroupId"), "{error}");
        // A row has the bytes alone.
        let row = postcard::to_stdvec(&id).unwrap();
        assert_eq!((&row[..], postcard::from_bytes(&row)), (&id.0[..], Ok(id)));
        for text in [
            "",
            "g",
            "c000102030405feff",
            "g000102030405fef",
            "g000102030405feffa",
            "g000102030405fefg",
            "gé00102030405fe",
        ] {
            assert_eq!(GroupId::parse(text), None, "{text}");
        }
    }
}
