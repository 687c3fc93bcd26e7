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

/// A tar archive as GNU tar writes it.
pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, contents) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        // Names as they are, those that lead elsewhere included.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *contents).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A cpio archive in the new ASCII format (cpio(5)).
pub fn cpio(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, contents) in members.iter().copied().chain([("TRAILER!!!", &b""[..])]) {
        let numbers = [1, 0o100_644, 0, 0, 1, 0, contents.len(), 0, 0, 0, 0, name.len() + 1, 0];
        archive.extend(b"070701");
        numbers.iter().for_each(|number| archive.extend(format!("{number:08x}").bytes()));
        archive.extend(name.bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(contents);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}

/// An `.rpm` with signatures of five bytes, one tag, and `payload`.
pub fn rpm(payload: &[u8]) -> Vec<u8> {
    let header = |entries: &[u8], data: &[u8]| {
        let count = |count: usize| u32::try_from(count).unwrap().to_be_bytes();
        let (entries_count, bytes) = (count(entries.len() / 16), count(data.len()));
        [&[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0], &entries_count[..], &bytes, entries, data].concat()
    };
    let mut file = vec![0xed, 0xab, 0xee, 0xdb, 3, 0];
    file.resize(96, 0);
    file.extend(header(&[], b"12345"));
    file.resize(file.len().next_multiple_of(8), 0);
    file.extend(header(&[0, 0, 3, 0xe8, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1], b"name\0"));
    file.extend(payload);
    file
}

/// A Debian package whose files are `data`, called `data.tar` and `end` (deb(5)).
pub fn deb(data: &[u8], end: &str) -> Vec<u8> {
    let control = gzip(&tar(&[("./control", b"Package: x\n")]));
    let name = format!("data.tar{end}");
    let mut archive = b"!<arch>\n".to_vec();
    for (name, contents) in
        [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &control), (&name, data)]
    {
        ar_member(&mut archive, name, contents.len(), contents);
    }
    archive
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 3).unwrap()
}

/// An xz file of stored chunks (The .xz File Format 1.2.1; in LZMA2 a chunk that begins with 1 or 2
/// is stored).
pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let flags = [0, 1];
    let mut file = [&b"\xfd7zXZ\0"[..], &flags, &crc(&flags)].concat();
    let start = file.len();
    let header = [2, 0, 0x21, 1, 8, 0, 0, 0];
    file.extend(header);
    file.extend(crc(&header));
    for (at, chunk) in bytes.chunks(1 << 16).enumerate() {
        file.push(if at == 0 { 1 } else { 2 });
        file.extend(u16::try_from(chunk.len() - 1).unwrap().to_be_bytes());
        file.extend(chunk);
    }
    file.push(0);
    let unpadded = file.len() - start + 4;
    file.resize(start + (file.len() - start).next_multiple_of(4), 0);
    file.extend(crc(bytes));
    let mut index = vec![0, 1];
    for mut number in [unpadded, bytes.len()] {
        while number >= 0x80 {
            index.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        index.push(u8::try_from(number).unwrap());
    }
    index.resize(index.len().next_multiple_of(4), 0);
    let index = [&index[..], &crc(&index)].concat();
    file.extend(&index);
    let backward = u32::try_from(index.len() / 4 - 1).unwrap().to_le_bytes();
    let footer = [&backward[..], &flags].concat();
    [&file[..], &crc(&footer), &footer, b"YZ"].concat()
}
