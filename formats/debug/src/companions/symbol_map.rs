//! Finds the `.bcsymbolmap` file of an image.
//!
//! The file is called after the UUID that the image had when its names were hidden. A dSYM that was
//! made of it anew has another, and `Contents/Resources/UUID.plist` tells the first
//! (`DBGOriginalUUID`).

use std::fmt::Write;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::search::{Search, open_other};
use crate::bytes::Mapped;
use crate::limits::MAX_PROPERTY_LIST_BYTES;
use crate::object::ObjectFile;
use crate::object::macho::symbol_map::is_symbol_map;

/// The symbol map of `file`, if it is found in the folders to search, or in that of the
/// `.xcarchive` that `file` is in.
pub fn find(file: &ObjectFile<'_>, search: &Search) -> Option<Mapped> {
    let own = uuid(&file.info.id.bytes);
    let original = file
        .path()
        .parent()
        .and_then(Path::parent)
        .and_then(|resources| original_uuid(&resources.join(format!("{own}.plist"))));
    let archive = file
        .path()
        .ancestors()
        .find(|folder| folder.extension().is_some_and(|extension| extension == "xcarchive"));
    let archived: Option<PathBuf> = archive.map(|archive| archive.join("BCSymbolMaps"));
    let names = [original.as_deref(), Some(own.as_str())]
        .into_iter()
        .flatten()
        .map(|uuid| format!("{uuid}.bcsymbolmap"));
    names
        .flat_map(|name| {
            search.symbol_map_dirs.iter().chain(&archived).map(move |dir| dir.join(&name))
        })
        .find_map(|path| open_other(&path, file.path()).filter(|map| is_symbol_map(map.bytes())))
}

/// The UUID that the image of a dSYM had when its names were hidden, as the property list at `path`
/// tells.
fn original_uuid(path: &Path) -> Option<String> {
    let list =
        Mapped::open(path).ok().filter(|list| list.bytes().len() <= MAX_PROPERTY_LIST_BYTES)?;
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
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if is_dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
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

    #[test]
    fn uuids_are_written_as_apple_does() {
        assert_eq!(
            uuid(&[
                0x4c, 0x4c, 0x44, 0xf8, 0x55, 0x55, 0x31, 0x44, 0xa1, 0xef, 0x6d, 0x21, 0x39, 0xba,
                0x0f, 0x55
            ]),
            "4C4C44F8-5555-3144-A1EF-6D2139BA0F55"
        );
    }
}
