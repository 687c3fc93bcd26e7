//! Numbers things that have names: [`Interner`].

use hashbrown::HashTable;
use symtool_module::number_of;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::module::{File, Files, Folder, Function, Functions, NamesInFile};

/// What is kept by number, each thing once.
pub trait Table {
    /// One thing.
    type Item<'i>: Copy + PartialEq;
    /// What stands for things for whose names there is no room.
    const REFUSED: Self::Item<'static>;

    /// Appends `item` and returns its number.
    fn push(&mut self, item: Self::Item<'_>) -> usize;
    /// Whether the thing numbered `index` is `item`.
    fn is_at(&self, index: usize, item: Self::Item<'_>) -> bool;
    /// Bytes of its names.
    fn bytes(item: Self::Item<'_>) -> usize;
    /// Tells it from most others.
    fn hash(item: Self::Item<'_>) -> u64;
}

impl Table for Files {
    type Item<'i> = File<'i>;
    const REFUSED: File<'static> =
        File { path: b"", folder: Folder { bytes: 0, is_entry_0: false } };

    fn push(&mut self, file: File<'_>) -> usize {
        Self::push(self, file)
    }

    fn is_at(&self, index: usize, file: File<'_>) -> bool {
        self.get(index) == Some(file)
    }

    fn bytes(file: File<'_>) -> usize {
        file.path.len()
    }

    fn hash(File { path, folder }: File<'_>) -> u64 {
        xxh3_64_with_seed(path, u64::from(folder.bytes) << 1 | u64::from(folder.is_entry_0))
    }
}

impl Table for Functions {
    type Item<'i> = Function<'i>;
    const REFUSED: Function<'static> = Function { name: b"", own: Some(b""), file: None, line: 0 };

    fn push(&mut self, function: Function<'_>) -> usize {
        Self::push(self, function)
    }

    fn is_at(&self, index: usize, function: Function<'_>) -> bool {
        self.get(index) == Some(function)
    }

    fn bytes(function: Function<'_>) -> usize {
        function_bytes(function)
    }

    fn hash(function: Function<'_>) -> u64 {
        function_hash(function)
    }
}

/// Bytes of the names of `function`.
fn function_bytes(function: Function<'_>) -> usize {
    function.name.len() + function.own.map_or(0, <[u8]>::len)
}

/// Tells `function` from most others.
fn function_hash(Function { name, file, line, .. }: Function<'_>) -> u64 {
    let file = file.map_or(0, |file| u64::from(file.index()) + 1);
    xxh3_64_with_seed(name, file << 32 | u64::from(line))
}

/// Functions without any place whose names stay in a file, of which they are most.
impl Table for NamesInFile<'_> {
    type Item<'i> = Function<'i>;
    const REFUSED: Function<'static> = Functions::REFUSED;

    fn push(&mut self, function: Function<'_>) -> usize {
        Self::push(self, function.name, function.own.is_some())
    }

    fn is_at(&self, index: usize, function: Function<'_>) -> bool {
        self.get(index) == Some(function)
    }

    fn bytes(function: Function<'_>) -> usize {
        function_bytes(function)
    }

    fn hash(function: Function<'_>) -> u64 {
        function_hash(function)
    }
}

/// Things with names, each kept once, up to so many bytes of names in all.
pub struct Interner<T> {
    /// They, by number.
    pub kept: T,
    /// Their numbers, by halves of their hashes.
    numbers: HashTable<(u32, u32)>,
    room_bytes: usize,
    /// Things for whose names there was no room.
    pub refused: u64,
}

impl<T: Table> Interner<T> {
    /// Goes on with `kept`, of which none can be met again, and takes names of `room_bytes`.
    pub fn new(kept: T, room_bytes: usize) -> Self {
        Self { kept, numbers: HashTable::new(), room_bytes, refused: 0 }
    }

    /// The number of `item`.
    pub fn intern(&mut self, item: T::Item<'_>) -> u32 {
        let hash = half(T::hash(item));
        if let Some(number) = self.find(hash, item) {
            return number;
        }
        if T::bytes(item) > self.room_bytes {
            self.refused += 1;
            let hash = half(T::hash(T::REFUSED));
            return self.find(hash, T::REFUSED).unwrap_or_else(|| self.add(hash, T::REFUSED));
        }
        self.add(hash, item)
    }

    fn find(&self, hash: u32, item: T::Item<'_>) -> Option<u32> {
        let is_it = |(other, number): &(u32, u32)| {
            *other == hash && self.kept.is_at(*number as usize, item)
        };
        self.numbers.find(spread(hash), is_it).map(|(_, number)| *number)
    }

    fn add(&mut self, hash: u32, item: T::Item<'_>) -> u32 {
        self.room_bytes -= T::bytes(item);
        let number = number_of(self.kept.push(item));
        self.numbers.insert_unique(spread(hash), (hash, number), |(hash, _)| spread(*hash));
        number
    }
}

/// The upper half.
fn half(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

/// Tables want hashes whose upper bits differ.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_and_up_to_a_bound() {
        let mut interner = Interner::new(Functions::default(), 8);
        let mut intern = |name: &str, line| {
            interner.intern(Function { name: name.as_bytes(), own: None, file: None, line })
        };
        assert_eq!([intern("main", 1), intern("ini", 2), intern("main", 1)], [0, 1, 0]);
        // No room is left: whatever comes now has the empty name.
        assert_eq!([intern("more", 1), intern("main", 2), intern("ini", 2)], [2, 2, 1]);
        assert_eq!(interner.refused, 2);
        let names: Vec<&[u8]> = interner.kept.iter().map(|function| function.name).collect();
        assert_eq!(names, [&b"main"[..], b"ini", b""]);
    }

    #[test]
    fn paths_are_kept_once_and_up_to_a_bound() {
        let mut interner = Interner::new(Files::default(), 8);
        let mut intern = |path: &str, bytes| {
            interner
                .intern(File { path: path.as_bytes(), folder: Folder { bytes, is_entry_0: false } })
        };
        assert_eq!([intern("a.c", 0), intern("a.c", 1), intern("a.c", 0)], [0, 1, 0]);
        assert_eq!([intern("long.c", 0), intern("b.c", 0), intern("c", 0)], [2, 2, 3]);
        assert_eq!(interner.refused, 2);
    }
}
