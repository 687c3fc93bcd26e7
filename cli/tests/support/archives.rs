//! Archives made by hand or by the zip crate, which the program does not use.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub const STORED: CompressionMethod = CompressionMethod::Stored;
pub const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

/// A zip file of `members`: name, packing, contents. A name that ends in `/` is a folder.
pub fn zip(members: &[(&str, CompressionMethod, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method, contents) in members {
        let options = SimpleFileOptions::default().compression_method(*method);
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(contents).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

/// Where the central directory's entry `number` begins (APPNOTE 4.3.12).
pub fn directory_entry(zip: &[u8], number: usize) -> usize {
    let is_entry = |window: &(usize, &[u8])| window.1 == b"PK\x01\x02";
    zip.windows(4).enumerate().filter(is_entry).nth(number).unwrap().0
}

/// Offsets in an entry of the central directory.
pub const FLAGS: usize = 8;
pub const METHOD: usize = 10;
pub const CRC: usize = 16;
pub const SIZE: usize = 24;
pub const LOCAL_HEADER: usize = 42;

/// An `ar` archive with the System V table of long names.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    with_name_table(b"!<arch>\n", members, true)
}

/// A thin archive: the members' sizes, but not their contents.
pub fn thin_ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    with_name_table(b"!<thin>\n", members, false)
}

fn with_name_table(magic: &[u8], members: &[(&str, &[u8])], with_contents: bool) -> Vec<u8> {
    let mut table = String::new();
    let mut names = Vec::new();
    for (name, _) in members {
        if name.len() < 16 && with_contents {
            names.push(format!("{name}/"));
        } else {
            names.push(format!("/{}", table.len()));
            table.extend([name, "/\n"]);
        }
    }
    let mut archive = magic.to_vec();
    if !table.is_empty() {
        ar_member(&mut archive, "//", table.len(), table.as_bytes());
    }
    for (name, (_, contents)) in names.iter().zip(members) {
        ar_member(&mut archive, name, contents.len(), if with_contents { contents } else { b"" });
    }
    archive
}

/// An archive as BSD writes it: names stand before the contents.
pub fn bsd_ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, contents) in members {
        let named = [name.as_bytes(), contents].concat();
        ar_member(&mut archive, &format!("#1/{}", name.len()), named.len(), &named);
    }
    archive
}

fn ar_member(archive: &mut Vec<u8>, name: &str, size: usize, contents: &[u8]) {
    archive.extend(format!("{name:16}{:12}{:6}{:6}{:8}{size:<10}`\n", 0, 0, 0, 644).bytes());
    archive.extend(contents);
    if archive.len() % 2 == 1 {
        archive.push(b'\n');
    }
}
