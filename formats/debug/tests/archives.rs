//! Archives with bytes changed at random: listing and opening them ends, without a panic and within
//! the bounds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::io::{Cursor, Write};
use std::path::PathBuf;

use symtool_debug::Mapped;
use symtool_debug::container::{Format, Kind, list};
use symtool_debug::limits::MAX_MEMBER_BYTES;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const OBJECT: &[u8] = include_bytes!("../../../testdata/objects/c-gcc-O2-dynsym.so");

fn zip() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method) in [
        ("a.so", CompressionMethod::Stored),
        ("lib/b.so", CompressionMethod::Deflated),
        ("c.so", CompressionMethod::Deflated),
    ] {
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(OBJECT).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn ar() -> Vec<u8> {
    let names = "a-name-that-is-in-the-table.o/\n\n";
    let mut archive = b"!<arch>\n".to_vec();
    for (name, contents) in
        [("//", names.as_bytes()), ("/0", OBJECT), ("b.o/", OBJECT), ("#1/4", b"c.o\0\x7fELF")]
    {
        archive.extend(
            format!("{name:16}{:12}{:6}{:6}{:8}{:<10}`\n", 0, 0, 0, 644, contents.len()).bytes(),
        );
        archive.extend(contents);
        archive.resize(archive.len().next_multiple_of(2), b'\n');
    }
    archive
}

fn tar() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for name in [
        "a.so",
        "a folder with a long name, which needs an entry of its own/".repeat(3).as_str(),
        "c.so",
    ] {
        let name = format!("{name}b.so");
        let mut header = tar::Header::new_gnu();
        header.set_size(OBJECT.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, OBJECT).unwrap();
    }
    builder.into_inner().unwrap()
}

fn cpio() -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, contents) in
        [("a.so", OBJECT), ("./b.so", OBJECT), ("c.so", OBJECT), ("TRAILER!!!", b"")]
    {
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

/// An `.rpm` with a signature of five bytes and no tags, whose payload is an archive.
fn rpm() -> Vec<u8> {
    let header = |data: &[u8]| {
        let length = u8::try_from(data.len()).unwrap();
        [&[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, length], data].concat()
    };
    let mut file = vec![0xed, 0xab, 0xee, 0xdb];
    file.resize(96, 0);
    file.extend(header(b"12345"));
    file.resize(file.len().next_multiple_of(8), 0);
    file.extend(header(b""));
    file.extend(zstd::encode_all(&*cpio(), 3).unwrap());
    file
}

/// Bytes that a stream of unknown length may give.
const MAX_SPOOLED: u64 = 64 << 20;

/// Lists and opens all members; returns how many could be opened.
fn open_all(archive: Vec<u8>, format: Format) -> usize {
    let archive = Mapped::unpacked(archive, PathBuf::from("archive"), "archive".to_owned());
    let listing = list(&archive, format);
    let mut opened = 0;
    for member in listing.members.into_iter().flatten() {
        let bytes = member.unpacked_bytes();
        assert!(bytes <= MAX_MEMBER_BYTES && member.stored_bytes() <= archive.bytes().len() as u64);
        let Ok((member, spooled)) = member.spooled(MAX_SPOOLED) else { continue };
        assert!(spooled <= MAX_SPOOLED);
        if let Ok(member) = member.open() {
            assert!(bytes == 0 || member.bytes().len() as u64 == bytes);
            assert_ne!(Kind::of(member.bytes()), Kind::Other);
            opened += 1;
        }
    }
    opened
}

#[test]
fn changed_archives() {
    let zstd = zstd::encode_all(OBJECT, 3).unwrap();
    for (whole, format, members) in [
        (zip(), Format::Zip, 3),
        (ar(), Format::Ar, 3),
        (tar(), Format::Tar, 3),
        (cpio(), Format::Cpio, 3),
        (zstd, Format::Zstd, 1),
        (rpm(), Format::Rpm, 1),
    ] {
        assert_eq!(Kind::of(&whole), Kind::Archive(format));
        assert_eq!(open_all(whole.clone(), format), members);
        let mut numbers = fastrand::Rng::with_seed(42);
        let mut fewer = 0;
        for _ in 0..4_000 {
            let mut changed = whole.clone();
            for _ in 0..=numbers.usize(..6) {
                // The headers of a zip file are at its end, and there is little else in them.
                let last = changed.len().min(300);
                let at = if numbers.usize(..2) == 0 {
                    changed.len() - 1 - numbers.usize(..last)
                } else {
                    numbers.usize(..changed.len())
                };
                changed[at] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'9', b'/'][numbers.usize(..8)];
            }
            if numbers.usize(..8) == 0 {
                changed.truncate(numbers.usize(..changed.len()));
            }
            if open_all(changed, format) < members {
                fewer += 1;
            }
        }
        // Most of an `.rpm` is its payload, which is opened as it is.
        assert!(fewer > 40, "{format:?}: nothing was hit: {fewer}");
    }
}
