//! Rows by which modules are found: names, ids and labels, each with the modules that have it.
//!
//! ```text
//! 1 index(1) token module(16)
//! 1 o name 0 id 0 module(16)       in an open store: all modules in the order of names, then ids
//! ```
//!
//! The token of an open store is the text itself and a zero behind it, so that rows lie in the
//! order of names; that of a sealed store is a keyed hash, which shows no name. Of an id the token
//! is made of its first [`MIN_ID_DIGITS`] digits, so that every prefix that may name a module finds
//! it. The rows can be made again from the records.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::catalog::MIN_ID_DIGITS;
use crate::module::ModuleRecord;
use crate::module::key::area;
use crate::module::{Generation, ModuleKey};
use crate::seal::Ring;

/// Bytes of a token of a sealed store.
const HASH_BYTES: usize = 16;

/// What modules are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Index {
    /// A file name.
    Name = b'n',
    /// The first digits of an id.
    Id = b'i',
    /// A label.
    Label = b'l',
    /// All modules in their order.
    Order = b'o',
}

/// How tokens are made.
#[derive(Debug)]
pub struct Tokens(Option<Zeroizing<[u8; 32]>>);

impl Tokens {
    /// Those of a store with `ring`, or of an open one.
    pub fn of(ring: Option<&Ring>) -> Self {
        Self(ring.map(|ring| ring.index_key("catalog")))
    }

    /// What the keys of all rows for `text` begin with.
    pub fn prefix(&self, index: Index, text: &str) -> Vec<u8> {
        let text =
            if index == Index::Id { text.get(..MIN_ID_DIGITS).unwrap_or(text) } else { text };
        let mut key = vec![area::CATALOG, index as u8];
        match &self.0 {
            None => {
                key.extend(token(text));
            }
            Some(secret) => {
                let mut hash = blake3::Hasher::new_keyed(secret);
                hash.update(&[index as u8]);
                hash.update(text.as_bytes());
                key.extend_from_slice(&hash.finalize().as_bytes()[..HASH_BYTES]);
            }
        }
        key
    }

    /// The keys of all rows of the module that `generation` is of, which is what `record` says.
    pub fn rows(&self, generation: Generation, record: &ModuleRecord) -> BTreeSet<Vec<u8>> {
        let module = generation.module;
        let names = record.names().map(|name| (Index::Name, name));
        let ids = record.ids().map(|id| (Index::Id, id.as_str()));
        let labels = record.labels.iter().map(|label| (Index::Label, label.as_str()));
        let key = |(index, text): (Index, &str)| {
            let mut key = self.prefix(index, text);
            key.extend_from_slice(&module.0);
            key
        };
        let order = self.is_in_order(generation).then(|| self.in_order(module, record));
        names.chain(ids).chain(labels).map(key).chain(order).collect()
    }

    /// Whether the module has a row of [`Index::Order`]. The first stores of format 4 had none.
    pub fn is_in_order(&self, generation: Generation) -> bool {
        self.0.is_none() && generation.change != 0
    }

    /// The key of `module`'s row of [`Index::Order`].
    pub fn in_order(&self, module: ModuleKey, record: &ModuleRecord) -> Vec<u8> {
        let mut key = self.prefix(Index::Order, &record.name);
        key.extend(token(record.id.as_str()));
        key.extend_from_slice(&module.0);
        key
    }
}

/// `text` as it stands in a key, where a zero ends it.
fn token(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().map(|byte| byte.max(1)).chain([0])
}
