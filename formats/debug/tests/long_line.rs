//! A Breakpad symbol file with a line of 1 GiB: the line is named, the rest is read, and memory stays
//! small. It is the only test of its program, whose memory is looked at.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so by panicking")]

use std::io::{Seek, SeekFrom, Write};

use symtool_debug::{DebugFile, DropReason, Mapped, Progress, Search};

const GIB: u64 = 1 << 30;

/// The most memory that this process has taken, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_line_of_1_gib_is_named_and_the_rest_is_read() {
    // The file has a hole: it takes no room on the disk.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let head = "MODULE Linux x86_64 0102030405060708090A0B0C0D0E0F100 x\nFILE 0 a.c\nFUNC 10 4 0 f\n10 4 1 0\nFUNC 20 4 0 ";
    let tail = "\nFUNC 30 4 0 g\n30 4 2 0\nSTACK CFI INIT 30 4 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n";
    file.write_all(head.as_bytes()).unwrap();
    file.seek(SeekFrom::Current(GIB.cast_signed())).unwrap();
    file.write_all(tail.as_bytes()).unwrap();
    file.flush().unwrap();

    let mapped = Mapped::open(file.path()).unwrap();
    let symbols =
        DebugFile::parse(&mapped).unwrap().read(&Search::nowhere(), &Progress::default()).unwrap();
    let starts: Vec<u64> = symbols.ranges.iter().map(|range| range.start).collect();
    assert_eq!((starts, symbols.unwind.rows.len()), (vec![0x10, 0x30], 1));
    assert_eq!(symbols.dropped.iter().collect::<Vec<_>>(), [(DropReason::LongRecord, 1)]);
    let warning = format!("line 5 has {} bytes, over the limit of 1048576", GIB + 12);
    assert!(symbols.warnings[0].starts_with(&warning), "{:?}", symbols.warnings);
    assert!(peak_kib() < 128 << 10, "{} KiB", peak_kib());
}
