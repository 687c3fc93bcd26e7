//! Dumps that were cut off, that lost a chunk, or that have a hole, and whole ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use support::{LINUX, WINDOWS, dump};
use symtool_minidump::{Completeness, Minidump};

fn all() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    LINUX.into_iter().chain(WINDOWS).map(|name| (name, dump(name)))
}

/// Whether the bytes are known not to be whole.
fn is_cut_off(bytes: &[u8]) -> bool {
    match Minidump::read(bytes) {
        Ok(dump) => dump.extent().is_cut_off(),
        Err(error) => error.is_cut_off(),
    }
}

#[test]
fn whole_dumps_are_whole() {
    for (name, bytes) in all() {
        let dump = Minidump::read(&bytes).unwrap();
        let extent = dump.extent();
        assert!(!extent.is_cut_off(), "{name}: {extent}");
        assert_eq!(extent.missing.stacks + extent.missing.contexts, 0, "{name}");
        assert_eq!(extent.modules, Completeness::Whole, "{name}");
        assert_eq!(extent.zeroed, [], "{name}");
        // The stack pointer of c6 is in the guard page, which is not in the dump.
        let stack = if name == "c6" { Completeness::Absent } else { Completeness::Whole };
        assert_eq!(extent.crashed_stack, stack, "{name}");
    }
}

#[test]
fn all_cut_offs_are_recognised() {
    let mut seen = 0;
    for (name, bytes) in all() {
        for part in 1..64 {
            let end = bytes.len() * part / 64;
            assert!(is_cut_off(&bytes[..end]), "{name}: {end} of {} bytes", bytes.len());
            seen += 1;
        }
    }
    assert_eq!(seen, 693);
}

/// At every length of small ones: what cannot be recognised is only what nothing points at, the
/// padding at the end.
#[test]
fn cut_offs_at_every_byte_are_recognised() {
    for name in ["shop64", "shop86fp", "shoparm64"] {
        let bytes = dump(name);
        for end in 4..bytes.len() {
            assert!(is_cut_off(&bytes[..end]), "{name}: {end} of {} bytes", bytes.len());
        }
    }
}

#[test]
fn what_is_missing_is_told() {
    let bytes = dump("c4");
    let told = |bytes: &[u8]| {
        let dump = Minidump::read(bytes).unwrap();
        let extent = dump.extent();
        (extent.to_string(), extent.modules, extent.crashed_stack)
    };
    let (whole, modules, stack) = told(&bytes);
    assert_eq!(whole, "whole: 1,082 kB");
    assert_eq!((modules, stack), (Completeness::Whole, Completeness::Whole));
    // The stacks follow each other in the order of the threads.
    let (half, modules, stack) = told(&bytes[..561_000]);
    assert_eq!(half, "cut off: 561 kB of 1,082 kB; stacks of 4 of 13 threads are missing");
    assert_eq!((modules, stack), (Completeness::Whole, Completeness::Whole));
    let (few, modules, stack) = told(&bytes[..29_000]);
    assert_eq!(few, "cut off: 29 kB of 1,082 kB; stacks of 13 of 13 threads are missing");
    assert_eq!((modules, stack), (Completeness::Whole, Completeness::Partly));
    // Within the name of the fifth module.
    let (names, modules, stack) = told(&bytes[..20_700]);
    let text = "cut off: 21 kB of at least 1,082 kB; stacks of 13 of 13 threads are missing; \
        some modules are missing";
    assert_eq!(names, text);
    assert_eq!((modules, stack), (Completeness::Partly, Completeness::Missing));
    // Within the record of the ninth thread; the stack of the eighth ends at 558,048.
    let (records, modules, stack) = told(&bytes[..1500]);
    let text = "cut off: 2 kB of at least 558 kB; stacks of 13 of 13 threads are missing; \
        the list of modules is missing";
    assert_eq!(records, text);
    assert_eq!((modules, stack), (Completeness::Missing, Completeness::Missing));
}

/// Queues drop chunks: what follows moves up, and the file is shorter than it should be.
#[test]
fn dropped_chunks_are_recognised() {
    for name in ["c4", "c5", "c7"] {
        let bytes = dump(name);
        for chunk in [256 << 10, 64 << 10, 4096] {
            for at in (0..bytes.len() - chunk).step_by((bytes.len() / 9).next_multiple_of(4096)) {
                let at = at.max(4096);
                let rest = [&bytes[..at], &bytes[at + chunk..]].concat();
                assert!(is_cut_off(&rest), "{name}: {chunk} bytes at {at}");
            }
        }
    }
}

/// A stack behind a dropped chunk is where another one should be. Two in three of these have
/// pointers to themselves, which tell; a stack before the chunk is never taken for one behind it.
#[test]
fn stacks_behind_a_dropped_chunk_are_missing() {
    let (bytes, chunk) = (dump("c4"), 256 << 10);
    let (mut all, mut told) = (0, 0);
    for at in (36_864..bytes.len() - chunk).step_by(16 << 10) {
        let rest = [&bytes[..at], &bytes[at + chunk..]].concat();
        let dump = Minidump::read(&rest).unwrap();
        let extent = dump.extent();
        let from = u64::try_from(at).unwrap();
        let behind = dump.threads.iter().filter(|thread| thread.stack.end() > from).count() as u64;
        assert!(extent.missing.stacks <= behind, "{at}: {} of {behind}", extent.missing.stacks);
        // The crashed thread has the first stack.
        assert_eq!(extent.crashed_stack, Completeness::Whole, "{at}");
        (all, told) = (all + behind, told + extent.missing.stacks);
    }
    assert!(told * 5 >= all * 3, "{told} of {all}");
    // Another thread crashed, whose stack is behind the chunk.
    let mut bytes = [&bytes[..36_864], &bytes[36_864 + chunk..]].concat();
    let dump = Minidump::read(&bytes).unwrap();
    let stream = dump.streams.iter().find(|stream| stream.kind == 6).unwrap().range;
    let at = usize::try_from(stream.offset).unwrap();
    let thread = &dump.threads[9];
    let context = usize::try_from(thread.context.offset).unwrap();
    let (id, context) = (thread.id, u32::try_from(context).unwrap());
    bytes[at..at + 4].copy_from_slice(&id.to_le_bytes());
    bytes[at + 164..at + 168].copy_from_slice(&context.to_le_bytes());
    let dump = Minidump::read(&bytes).unwrap();
    assert_eq!(dump.extent().crashed_stack, Completeness::Partly);
}

#[test]
fn holes_of_zeros_are_found() {
    let bytes = dump("c4");
    let holes = |start: usize, size: usize| {
        let mut bytes = bytes.clone();
        bytes[start..start + size].fill(0);
        let dump = Minidump::read(&bytes).unwrap();
        dump.extent()
    };
    // In the stacks.
    for size in [256 << 10, 64 << 10] {
        for start in [100_000, 360_448, 720_896] {
            let extent = holes(start, size);
            let [hole] = extent.zeroed.as_slice() else { panic!("{:?}", extent.zeroed) };
            assert_eq!(hole.part.name(), "stack");
            let (from, to) = (hole.range.offset, hole.range.end());
            assert!(from <= start as u64 && to >= (start + size) as u64, "{hole:?}");
            assert!(hole.range.size < size as u64 + 4096, "{hole:?}");
            assert!(!extent.is_cut_off());
        }
    }
    // Over the contexts of some threads.
    let extent = holes(4096, 8192);
    assert_eq!(extent.zeroed.len(), 1);
    assert_eq!(extent.zeroed[0].part.name(), "context");
    assert_eq!(extent.modules, Completeness::Whole);
    // Over the list of modules, and what follows it.
    let extent = holes(19_600, 4096);
    assert_eq!(extent.zeroed[0].part.name(), "modules");
    assert_eq!(extent.modules, Completeness::Missing);
    // A page of zeros in a stack may belong there.
    assert_eq!(holes(360_448, 4096).zeroed, []);
}
