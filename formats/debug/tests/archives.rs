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

/// Lists and opens all members; returns how many could be opened.
fn open_all(archive: Vec<u8>, format: Format) -> usize {
    let archive = Mapped::unpacked(archive, PathBuf::from("archive"), "archive".to_owned());
    let listing = list(&archive, format);
    let mut opened = 0;
    for member in listing.members.into_iter().flatten() {
        let bytes = member.unpacked_bytes();
        assert!(bytes <= MAX_MEMBER_BYTES && member.stored_bytes() <= archive.bytes().len() as u64);
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
    for (whole, format) in [(zip(), Format::Zip), (ar(), Format::Ar)] {
        assert_eq!(open_all(whole.clone(), format), 3);
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
            if open_all(changed, format) < 3 {
                fewer += 1;
            }
        }
        assert!(fewer > 400, "{format:?}: nothing was hit: {fewer}");
    }
}
