//! Reads `.bcsymbolmap` files, which have the names hidden by a bitcode build.
//!
//! Where an app was built from bitcode on Apple's servers, local names left the developer's machine as
//! `__hidden#N_`, in the symbol table and in debug data, and line N of this file, which stays behind, is the name:
//!
//! ```text
//! BCSymbolMap Version: 2.0
//! -[Note weight]              __hidden#0_, and ___hidden#0_ for a symbol, which has an underscore more
//! notes.m                     __hidden#1_
//! ```
//!
//! The file is called after the UUID that the image had when its names were hidden. A dSYM that was made of it anew
//! has another, and `Contents/Resources/UUID.plist` tells the first (`DBGOriginalUUID`).

use std::fmt::Write;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::DebugFile;
use crate::bytes::Mapped;
use crate::companions::{Search, open_other};
use crate::limits::{MAX_PROPERTY_LIST_BYTES, MAX_SYMBOL_MAP_BYTES};

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
        let line = start.and_then(|start| self.bytes.get(*start as usize..)?.split(|byte| *byte == b'\n').next());
        let found = line.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty());
        // Names that are not to be mangled further have a mark in front.
        found.map_or(name, |name| name.strip_prefix(b"\x01").unwrap_or(name))
    }
}

fn is_symbol_map(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER) && bytes.len() <= MAX_SYMBOL_MAP_BYTES
}

/// Whether `name` is hidden.
pub fn is_hidden(name: &[u8]) -> bool {
    hidden_number(name).is_some()
}

/// The number in `__hidden#N_`, with an underscore more as in a symbol table, or one less once that is gone.
fn hidden_number(name: &[u8]) -> Option<usize> {
    let prefixes: [&[u8]; 3] = [b"__hidden#", b"___hidden#", b"_hidden#"];
    let digits = prefixes.iter().find_map(|prefix| name.strip_prefix(*prefix))?.strip_suffix(b"_")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The symbol map of `file`, if it is found in the folders to search, or in that of the `.xcarchive` that `file` is in.
pub fn find(file: &DebugFile<'_>, search: &Search) -> Option<Mapped> {
    let own = uuid(&file.info().id.bytes);
    let original = file.path().parent().and_then(Path::parent).and_then(|resources| original_uuid(&resources.join(format!("{own}.plist"))));
    let archive = file.path().ancestors().find(|folder| folder.extension().is_some_and(|extension| extension == "xcarchive"));
    let archived: Option<PathBuf> = archive.map(|archive| archive.join("BCSymbolMaps"));
    let names = [original.as_deref(), Some(own.as_str())].into_iter().flatten().map(|uuid| format!("{uuid}.bcsymbolmap"));
    names
        .flat_map(|name| search.symbol_map_dirs.iter().chain(&archived).map(move |dir| dir.join(&name)))
        .find_map(|path| open_other(&path, file.path()).filter(|map| is_symbol_map(map.bytes())))
}

/// The UUID that the image of a dSYM had when its names were hidden, as the property list at `path` tells.
fn original_uuid(path: &Path) -> Option<String> {
    let list = Mapped::open(path).ok().filter(|list| list.bytes().len() <= MAX_PROPERTY_LIST_BYTES)?;
    let mut xml = Reader::from_reader(list.bytes());
    let mut is_value = false;
    loop {
        match xml.read_event().ok()? {
            Event::Eof => return None,
            Event::Text(text) if !text.trim_ascii().is_empty() => {
                let text = text.trim_ascii();
                if is_value {
                    return is_uuid(text).then(|| text.to_ascii_uppercase());
                }
                is_value = text == "DBGOriginalUUID";
            }
            _ => {}
        }
    }
}

fn is_uuid(text: &str) -> bool {
    let is_dash = |at| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36 && text.bytes().enumerate().all(|(at, byte)| if is_dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// A UUID as Apple's tools write it.
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn uuids_are_written_as_apple_does() {
        assert_eq!(
            uuid(&[0x4c, 0x4c, 0x44, 0xf8, 0x55, 0x55, 0x31, 0x44, 0xa1, 0xef, 0x6d, 0x21, 0x39, 0xba, 0x0f, 0x55]),
            "4C4C44F8-5555-3144-A1EF-6D2139BA0F55"
        );
    }
}
