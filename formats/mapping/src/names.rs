//! The names of one row, each stored once and numbered.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use symtool_module::number_of;

/// A name of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NameId(pub(super) u32);

/// Names behind each other, and where each ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    text: String,
    ends: Vec<u32>,
}

impl Names {
    /// Names that are all of `text`, each ending where `ends` says. `None` if an end is none.
    pub(super) fn from_parts(text: String, ends: Vec<u32>) -> Option<Self> {
        let is_split = ends.iter().all(|end| text.is_char_boundary(*end as usize));
        let is_whole = ends.last().map_or(text.is_empty(), |end| *end as usize == text.len());
        (is_split && is_whole && ends.is_sorted()).then_some(Self { text, ends })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The name, or nothing if there is none of that number.
    pub(super) fn get(&self, id: NameId) -> &str {
        let index = id.0 as usize;
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |end| *end as usize);
        self.ends.get(index).and_then(|end| self.text.get(start..*end as usize)).unwrap_or_default()
    }

    /// A new name at the end. The caller sees to it that all together stay below 4 GiB.
    pub(super) fn push(&mut self, name: &str) -> NameId {
        let id = NameId(number_of(self.ends.len()));
        self.text.push_str(name);
        self.ends.push(number_of(self.text.len()));
        id
    }
}

/// Finds the number of a name that is there already.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: Names,
    ids: HashTable<NameId>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of `name`, which is new or was there.
    pub(super) fn intern(&mut self, name: &str) -> NameId {
        let hash = self.hasher.hash_one(name);
        if let Some(id) = self.ids.find(hash, |id| self.names.get(*id) == name) {
            return *id;
        }
        let id = self.names.push(name);
        let (names, hasher) = (&self.names, &self.hasher);
        self.ids.insert_unique(hash, id, |id| hasher.hash_one(names.get(*id)));
        id
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Bytes of all names.
    pub(super) fn bytes(&self) -> usize {
        self.names.text.len()
    }

    /// The names, leaving nothing.
    pub(super) fn take(&mut self) -> Names {
        self.ids.clear();
        std::mem::take(&mut self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once() {
        let mut interner = Interner::default();
        let ids: Vec<u32> =
            ["a", "", "bc", "a", "", "é"].into_iter().map(|name| interner.intern(name).0).collect();
        assert_eq!(ids, [0, 1, 2, 0, 1, 3]);
        let names = interner.take();
        assert_eq!(
            (0..5).map(|id| names.get(NameId(id))).collect::<Vec<_>>(),
            ["a", "", "bc", "é", ""]
        );
        assert_eq!(Names::from_parts(names.text().to_owned(), names.ends().to_vec()), Some(names));
        assert_eq!(interner.intern("bc"), NameId(0));
    }

    #[test]
    fn parts_that_are_no_names() {
        assert_eq!(Names::from_parts("é".to_owned(), vec![1, 2]), None);
        assert_eq!(Names::from_parts("ab".to_owned(), vec![1]), None);
        assert_eq!(Names::from_parts("ab".to_owned(), vec![2, 1, 2]), None);
        assert_eq!(Names::from_parts(String::new(), vec![3]), None);
    }
}
