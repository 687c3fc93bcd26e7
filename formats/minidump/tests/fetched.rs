//! Dumps whose bytes are fetched when they are needed: the crashed thread has the frames that it has
//! of a dump in memory, and what lies elsewhere is not fetched.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use support::rows::Tables;
use support::{LINUX, WINDOWS, dump, testdata};
use symtool_minidump::{DumpSource, Minidump, MinidumpError, NoUnwindRows, UnwindRows};

const PAGE_BYTES: u64 = 4096;

/// A dump that notes which of its pages were asked for.
struct Noted<'a> {
    bytes: &'a [u8],
    pages: RefCell<BTreeSet<u64>>,
}

impl fmt::Debug for Noted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

impl DumpSource for Noted<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let start = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&self.bytes[start..start + buffer.len()]);
        let last = (offset + buffer.len() as u64).saturating_sub(1) / PAGE_BYTES;
        self.pages.borrow_mut().extend(offset / PAGE_BYTES..=last);
        true
    }
}

impl<'a> Noted<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pages: RefCell::default() }
    }
}

/// What is stored of a dump.
fn told(dump: &Minidump<'_>, rows: &mut impl UnwindRows) -> String {
    let walk = dump.walk_crashed(rows);
    let site = (dump.is_cut_off(), dump.crash_site());
    let head = (&dump.modules, &dump.threads, &dump.crashpad, &dump.exception, &dump.regions);
    format!("{site:?} {head:?} {:?} {:?} {:?}", walk.threads, walk.crashed, walk.modules)
}

/// Reads a dump both ways, and compares what they tell. How many pages were fetched.
fn compare(bytes: &[u8], mut rows: impl UnwindRows) -> Option<usize> {
    let source = Noted::new(bytes);
    let (held, fetched) = match (Minidump::read(bytes), Minidump::open(&source)) {
        (Ok(held), Ok(fetched)) => (held, fetched),
        (held, fetched) => {
            assert_eq!(held.err(), fetched.err());
            return None;
        }
    };
    assert_eq!(told(&held, &mut rows), told(&fetched, &mut rows));
    let extent = held.extent();
    assert_eq!(fetched.crash_site(), (extent.modules, extent.crashed_stack));
    assert_eq!(fetched.is_cut_off(), extent.is_cut_off());
    Some(source.pages.into_inner().len())
}

#[test]
fn only_the_crashed_stack_and_the_lists_are_fetched() {
    for name in LINUX {
        let bytes = dump(name);
        let head = Minidump::read(&bytes).unwrap();
        let rows = Tables::of_symbols(&head, &testdata("minidump"));
        let crashed = head.crashed_thread().unwrap();
        let thread = head.threads.iter().find(|thread| thread.id == crashed).unwrap();
        let stack = thread.stack.size / PAGE_BYTES;
        let fetched = compare(&bytes, rows).unwrap() as u64;
        assert!(fetched <= stack + 20, "{name}: {fetched} pages, {stack} of the stack");
    }
    for name in WINDOWS {
        compare(&dump(name), NoUnwindRows).unwrap();
    }
}

#[test]
fn cut_off_ones_and_those_with_holes_tell_the_same() {
    let mut random = fastrand::Rng::with_seed(23);
    for name in ["c1", "c4", "shop64", "shop86fp"] {
        let bytes = dump(name);
        let rows = || Tables::of_symbols(&Minidump::read(&bytes).unwrap(), &testdata("minidump"));
        for part in 0..64 {
            compare(&bytes[..bytes.len() * part / 64], rows());
            let mut hole = bytes.clone();
            let start = random.usize(..bytes.len());
            let end = (start + random.usize(..16 << 10)).min(bytes.len());
            hole[start..end].fill(0);
            compare(&hole, rows());
            let mut noise = bytes.clone();
            for _ in 0..8 {
                noise[random.usize(..bytes.len().min(8192))] = random.u8(..);
            }
            compare(&noise, rows());
        }
    }
}

#[test]
fn other_files_are_told_by_their_first_bytes() {
    for (bytes, want) in [
        (&b""[..], MinidumpError::Empty),
        (b"hello", MinidumpError::NotAMinidump),
        (b"MDMP", MinidumpError::HeaderCutOff(4)),
    ] {
        assert_eq!(Minidump::open(&Noted::new(bytes)).unwrap_err(), want);
    }
}
