//! Reads the debug map in the symbol table of an image: which object files it was linked from, and
//! which functions of theirs it has.

use hashbrown::HashMap;
use object::macho;
use object::read::macho::{MachHeader, MachOFile, Nlist};

use crate::object::code::Code;

/// What an image says of one object file.
#[derive(Debug)]
pub struct MapEntry<'d> {
    /// Where the linker saw it: a file, or an archive with the member in brackets.
    pub path: &'d [u8],
    /// Seconds since 1970; 0 where the linker was told to leave it out.
    pub time: u64,
    /// Its functions that the image has.
    pub functions: Vec<MapFunction<'d>>,
}

/// A function of an object file, where the image has it.
#[derive(Clone, Copy, Debug)]
pub struct MapFunction<'d> {
    /// Its raw name.
    pub name: &'d [u8],
    /// First address in the image.
    pub start: u64,
    /// First address after it.
    pub end: u64,
}

/// The entries of `file`, one for each object file that has functions, in the order of the table.
pub fn read<'d, M: MachHeader>(file: &MachOFile<'d, M>, code: &Code) -> Vec<MapEntry<'d>> {
    let (table, endian) = (file.macho_symbol_table(), file.endian());
    let mut entries: Vec<MapEntry<'d>> = Vec::new();
    // An object may have several units, each with an entry of its own.
    let mut numbers: HashMap<(&[u8], u64), usize> = HashMap::new();
    let mut current = None;
    let mut function = None;
    for symbol in table.iter() {
        let (Some(kind), Ok(name)) = (symbol.stab(), symbol.name(endian, table.strings())) else {
            continue;
        };
        let value = symbol.n_value(endian).into();
        match (kind, current) {
            (macho::N_OSO, _) => {
                current = Some(*numbers.entry((name, value)).or_insert_with(|| {
                    entries.push(MapEntry { path: name, time: value, functions: Vec::new() });
                    entries.len() - 1
                }));
            }
            (macho::N_FUN, Some(_)) if !name.is_empty() => function = Some((name, value)),
            (macho::N_FUN, Some(entry)) => {
                if let Some((name, start)) = function.take() {
                    entries[entry].functions.push(MapFunction {
                        name,
                        start,
                        end: start.saturating_add(value),
                    });
                }
            }
            (macho::N_STSYM | macho::N_GSYM, Some(entry)) if code.contains(value) => {
                entries[entry].functions.push(MapFunction { name, start: value, end: value });
            }
            _ => {}
        }
    }
    entries.retain(|entry| !entry.functions.is_empty());
    settle(&mut entries);
    entries
}

/// Lets no two functions lie over each other, but for other names of one: linkers write those
/// without size, or under names that the object does not know, and some sizes not at all.
fn settle(entries: &mut [MapEntry<'_>]) {
    let mut all: Vec<&mut MapFunction<'_>> =
        entries.iter_mut().flat_map(|entry| &mut entry.functions).collect();
    all.sort_by_key(|function| function.start);
    let mut next = u64::MAX;
    for alike in all.chunk_by_mut(|one, other| one.start == other.start).rev() {
        let start = alike[0].start;
        let longest = alike.iter().map(|function| function.end).max().filter(|end| *end > start);
        let end = longest.map_or(next, |end| end.min(next));
        alike.iter_mut().for_each(|function| function.end = end);
        next = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An alias without size, a size that reaches into the next function, and one that is not
    /// known.
    #[test]
    fn names_of_one_function_have_its_size() {
        let function = |name, start, end| MapFunction { name, start, end };
        let functions = vec![
            function(&b"real"[..], 16, 40),
            function(b"alias", 16, 16),
            function(b"open", 64, 64),
        ];
        let one = MapEntry { path: b"one.o", time: 0, functions };
        let two = MapEntry {
            path: b"two.o",
            time: 0,
            functions: vec![function(b"next", 32, 48), function(b"last", 80, 90)],
        };
        let mut entries = [one, two];
        settle(&mut entries);
        let ends: Vec<u64> = entries
            .iter()
            .flat_map(|entry| &entry.functions)
            .map(|function| function.end)
            .collect();
        assert_eq!(ends, [32, 32, 80, 48, 90]);
    }
}
