//! Reads `.bcsymbolmap` files, which have the names hidden by a bitcode build.
//!
//! Where an app was built from bitcode on Apple's servers, local names left the developer's machine
//! as `__hidden#N_`, in the symbol table and in debug data, and line N of this file, which stays
//! behind, is the name:
//!
//! ```text
//! BCSymbolMap Version: 2.0
//! -[Note weight]              __hidden#0_, and ___hidden#0_ for a symbol, which has an underscore more
//! notes.m                     __hidden#1_
//! ```

use crate::bytes::Mapped;
use crate::limits::MAX_SYMBOL_MAP_BYTES;

const HEADER: &[u8] = b"BCSymbolMap Version: 2.";

/// The names of one file.
#[derive(Debug)]
pub struct SymbolMap<'m> {
    bytes: &'m [u8],
    /// Where each line begins.
    lines: Vec<u32>,
}

impl<'m> SymbolMap<'m> {
    /// Reads `file`; `None` if it is no symbol map, or larger than [`MAX_SYMBOL_MAP_BYTES`].
    pub fn of(file: &'m Mapped) -> Option<Self> {
        let bytes = file.bytes();
        if !is_symbol_map(bytes) {
            return None;
        }
        let ends = bytes.iter().zip(1..).filter(|(byte, _)| **byte == b'\n');
        Some(Self { bytes, lines: ends.map(|(_, next)| next).collect() })
    }

    /// What `name` stands for; itself, if it is not hidden.
    pub fn resolve<'n>(&self, name: &'n [u8]) -> &'n [u8]
    where
        'm: 'n,
    {
        let start = hidden_number(name).and_then(|number| self.lines.get(number));
        let line = start.and_then(|start| {
            self.bytes.get(*start as usize..)?.split(|byte| *byte == b'\n').next()
        });
        let found = line
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty());
        // Names that are not to be mangled further have a mark in front.
        found.map_or(name, |name| name.strip_prefix(b"\x01").unwrap_or(name))
    }
}

/// Whether `bytes` are those of a symbol map that is not too large.
pub fn is_symbol_map(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER) && bytes.len() <= MAX_SYMBOL_MAP_BYTES
}

/// Whether `name` is hidden.
pub fn is_hidden(name: &[u8]) -> bool {
    hidden_number(name).is_some()
}

/// The number in `__hidden#N_`, with an underscore more as in a symbol table, or one less once that
/// is gone.
fn hidden_number(name: &[u8]) -> Option<usize> {
    let prefixes: [&[u8]; 3] = [b"__hidden#", b"___hidden#", b"_hidden#"];
    let digits =
        prefixes.iter().find_map(|prefix| name.strip_prefix(*prefix))?.strip_suffix(b"_")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn map(text: &str) -> Mapped {
        Mapped::unpacked(text.into(), PathBuf::new(), String::new())
    }

    #[test]
    fn names_stand_for_lines() {
        let file = map("BCSymbolMap Version: 2.0\n-[Note weight]\nnotes.m\r\n\n\x01_ZN1a1bEv");
        let map = SymbolMap::of(&file).unwrap_or_else(|| unreachable!("it has a header"));
        for (name, want) in [
            ("__hidden#0_", "-[Note weight]"),
            ("___hidden#1_", "notes.m"),
            ("__hidden#3_", "_ZN1a1bEv"),
            // Not there, or nothing.
            ("__hidden#9_", "__hidden#9_"),
            ("__hidden#2_", "__hidden#2_"),
            ("__hidden#0", "__hidden#0"),
            ("main", "main"),
        ] {
            assert_eq!(map.resolve(name.as_bytes()), want.as_bytes(), "{name}");
        }
    }

    #[test]
    fn other_files_are_no_maps() {
        assert!(SymbolMap::of(&map("BCSymbolMap Version: 1.0\n_main\n")).is_none());
        assert!(SymbolMap::of(&map("_main\n")).is_none());
        assert!(SymbolMap::of(&map("")).is_none());
    }
}
