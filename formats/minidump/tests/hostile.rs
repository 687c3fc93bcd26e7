//! Bad input: each fault has a name, and none costs much memory or time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use peak_alloc::PeakAlloc;
use std::sync::Mutex;
use support::build::{DumpBuilder, context64, long_words, module, thread, words};
use support::rows::Tables;
use support::{LINUX, WINDOWS, dump, testdata};
use symtool_minidump::{
    DumpPart, FaultKind, FoundRule, Minidump, MinidumpError, UnwindRows, WalkEnd, limits,
};
use symtool_unwind::{Cfa, Recovery, Register, Rule};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Tests that measure run one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// Reads a dump, walks it by scans alone, and says how much memory that took at most.
fn peak(bytes: &[u8]) -> (Result<(), MinidumpError>, usize) {
    peak_with(bytes, &mut Tables::default())
}

/// The same with unwind rows.
fn peak_with(bytes: &[u8], tables: &mut Tables) -> (Result<(), MinidumpError>, usize) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let read = Minidump::read(bytes).map(|dump| {
        let _ = dump.extent().to_string();
        dump.walk(tables);
    });
    (read, ALLOCATOR.peak_usage().saturating_sub(before))
}

const MIB: usize = 1 << 20;
const LINUX_OS: u32 = 0x8201;

fn assert_small(bytes: &[u8]) {
    let (_, peak) = peak(bytes);
    assert!(peak < 64 * MIB, "{peak} bytes");
}

#[test]
fn what_is_no_dump_is_named() {
    let error = |bytes: &[u8]| Minidump::read(bytes).unwrap_err();
    assert_eq!(error(b""), MinidumpError::Empty);
    assert_eq!(error(&[0; 4096]), MinidumpError::NotAMinidump);
    assert_eq!(error(b"MDMP"), MinidumpError::HeaderCutOff(4));
    let mut noise = b"MDMP".to_vec();
    let mut random = fastrand::Rng::with_seed(1);
    noise.extend(std::iter::repeat_with(|| random.u8(..)).take(4096));
    assert!(matches!(error(&noise), MinidumpError::Version(_)));
    let header = |version: u32, streams: u32, directory: u32| {
        words(&[0x504d_444d, version, streams, directory, 0, 0, 0, 0, 0, 0, 0])
    };
    assert_eq!(error(&header(0, 1, 32)), MinidumpError::Version(0));
    assert_eq!(error(&header(0xa793, 0, 32)), MinidumpError::NoStreams);
    let lost = MinidumpError::NoDirectory { count: 1, offset: 4000, file_bytes: 44 };
    assert_eq!(error(&header(0xa793, 1, 4000)), lost);
    assert_eq!(error(&header(0xa793, 1, 32)), MinidumpError::NothingKnown(0));
    for (bytes, want) in [
        (&b"PAGEDU64"[..], "Windows kernel"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0\x04\0\0\0", "macOS"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04\0", "ELF"),
        (b"I/google-breakpad(1): -----BEGIN BREAKPAD MICRODUMP-----\n", "microdump"),
    ] {
        assert!(error(bytes).to_string().contains(want), "{want}");
    }
}

/// A count of 2^32 - 1 in each list, in a stream that is long or short.
#[test]
fn counts_beyond_the_stream_are_named() {
    for (kind, part) in [
        (3, DumpPart::Threads),
        (4, DumpPart::Modules),
        (5, DumpPart::Memory),
        (24, DumpPart::ThreadNames),
    ] {
        for size in [4, 100, 100_000] {
            let mut builder = DumpBuilder::default();
            let mut list = vec![0xff; 4];
            list.resize(size, 1);
            builder.system(9, LINUX_OS).stream(kind, list);
            let bytes = builder.finish();
            let dump = Minidump::read(&bytes).unwrap();
            assert_eq!(dump.faults.of(part, FaultKind::CountTooLarge), 1, "{kind}");
            assert_small(&bytes);
        }
    }
    // Lists with a header of their own.
    for (kind, part, head) in [
        (9, DumpPart::Memory, words(&[u32::MAX, u32::MAX, 0, 0])),
        (14, DumpPart::UnloadedModules, words(&[12, 24, u32::MAX])),
        (16, DumpPart::Regions, words(&[16, 48, u32::MAX, u32::MAX])),
    ] {
        let mut builder = DumpBuilder::default();
        builder.system(9, LINUX_OS).stream(kind, [head, vec![0; 1000]].concat());
        let bytes = builder.finish();
        let dump = Minidump::read(&bytes).unwrap();
        assert_eq!(dump.faults.of(part, FaultKind::CountTooLarge), 1, "{kind}");
        assert_small(&bytes);
    }
    // Of streams.
    let mut bytes = DumpBuilder::default().system(9, LINUX_OS).finish();
    bytes[8..12].fill(0xff);
    let dump = Minidump::read(&bytes).unwrap();
    let too_many = dump.faults.of(DumpPart::Directory, FaultKind::TooMany);
    assert_eq!(too_many, u64::from(u32::MAX) - limits::MAX_STREAMS);
    assert_small(&bytes);
}

#[test]
fn a_bad_name_costs_its_module_only_the_name() {
    let mut builder = DumpBuilder::default();
    let long = builder.data(&u32::MAX.to_le_bytes());
    let (good, id) = (builder.text("/lib/a.so"), builder.data(b"LEpB\x01\x02\x03\x04"));
    builder.system(9, LINUX_OS).list(
        4,
        &[
            module(0x1000, 0x1000, long, (0, 0)),
            module(0x2000, 0x1000, good, (8, id)),
            module(0x3000, 0x1000, 0xffff_fff0, (8, 0xffff_fff0)),
            module(0x4000, 0x1000, good, (3, id)),
        ],
    );
    let bytes = builder.finish();
    let dump = Minidump::read(&bytes).unwrap();
    let names: Vec<Option<&str>> = dump.modules.iter().map(|m| m.name.as_deref()).collect();
    assert_eq!(names, [None, Some("/lib/a.so"), None, Some("/lib/a.so")]);
    assert_eq!(dump.faults.of(DumpPart::ModuleName, FaultKind::TooLong), 1);
    assert_eq!(dump.faults.of(DumpPart::ModuleName, FaultKind::OutsideFile), 1);
    assert_eq!(dump.faults.of(DumpPart::CodeView, FaultKind::OutsideFile), 1);
    assert_eq!(dump.faults.of(DumpPart::CodeView, FaultKind::Malformed), 1);
    let id = dump.modules[1].id(dump.os().unwrap()).unwrap();
    assert_eq!(id.to_string(), "01020304");
}

/// 65,536 modules that share a name of 64 KiB.
#[test]
fn names_have_room_together() {
    let mut builder = DumpBuilder::default();
    let name = builder.text(&"x".repeat(32_700));
    let modules = vec![module(0, 0x1000, name, (0, 0)); 1 << 16];
    builder.system(9, LINUX_OS).list(4, &modules);
    let bytes = builder.finish();
    let dump = Minidump::read(&bytes).unwrap();
    assert!(dump.faults.of(DumpPart::ModuleName, FaultKind::TooMany) > 0);
    assert_eq!(dump.modules.len(), 1 << 16);
    assert_small(&bytes);
}

/// A thread of x86-64 with a stack of these words at 0x10000.
fn with_stack(stack: &[u64], pc: u64, sp: u64, frame_pointer: u64) -> DumpBuilder {
    let mut builder = DumpBuilder::default();
    let at = builder.data(&long_words(stack));
    let size = u32::try_from(stack.len() * 8).unwrap();
    let context = builder.data(&context64(pc, sp, frame_pointer));
    let name = builder.text("a.so");
    builder.system(9, LINUX_OS);
    builder.list(3, &[thread(7, (0x1_0000, size, at), (1232, context))]);
    builder.list(4, &[module(0x40_0000, 0x1_0000, name, (0, 0))]);
    builder
}

#[test]
fn a_stack_pointer_in_no_memory_ends_the_walk() {
    for sp in [0, 8, 0x7fff_0000_0000, u64::MAX - 7, u64::MAX] {
        let bytes = with_stack(&[0; 8], 0x40_0100, sp, sp).finish();
        let dump = Minidump::read(&bytes).unwrap();
        let walk = dump.walk(&mut Tables::default());
        let [thread] = walk.threads.as_slice() else { panic!() };
        assert_eq!(thread.frames.len(), 1);
        assert!(matches!(thread.end, WalkEnd::NoMemory(_) | WalkEnd::NoCaller), "{:?}", thread.end);
    }
}

#[test]
fn modules_that_overlap_or_lie_at_the_top_of_memory() {
    let mut builder = with_stack(&[u64::MAX - 0x10, 0x40_0200], u64::MAX, 0x1_0000, 0);
    let name = builder.text("b.so");
    let top = module(u64::MAX - 0xfff, u32::MAX, name, (0, 0));
    let overlapping = module(0x40_0100, u32::MAX, name, (0, 0));
    builder.list(4, &[]);
    let streams = [module(0x40_0000, 0x1_0000, name, (0, 0)), overlapping, top].concat();
    let bytes = {
        let mut other = DumpBuilder::default();
        let at = other.data(&long_words(&[u64::MAX - 0x10, 0x40_0200]));
        let context = other.data(&context64(u64::MAX, 0x1_0000, 0));
        other.system(9, LINUX_OS);
        other.list(3, &[thread(7, (0x1_0000, 16, at), (1232, context))]);
        other.stream(4, [words(&[3]), streams].concat());
        other.finish()
    };
    let dump = Minidump::read(&bytes).unwrap();
    let walk = dump.walk(&mut Tables::default());
    assert_eq!(walk.faults.of(DumpPart::Modules, FaultKind::Overlapping), 1);
    let modules: Vec<Option<usize>> =
        walk.threads[0].frames.iter().map(symtool_minidump::WalkFrame::module).collect();
    assert_eq!(modules, [Some(2), Some(2), Some(1)]);
}

/// One rule for all addresses.
struct Always(Rule);

impl UnwindRows for Always {
    fn find(&mut self, _: usize, _: u64) -> FoundRule<'_> {
        FoundRule::Row { rule: &self.0, start: 0 }
    }
}

#[test]
fn rows_that_do_not_move_the_stack_pointer_are_not_used() {
    let stack: Vec<u64> = vec![0x40_0200; 1000];
    let bytes = with_stack(&stack, 0x40_0100, 0x1_0000, 0x1_0000).finish();
    let dump = Minidump::read(&bytes).unwrap();
    for offset in [0, -8, i64::MIN] {
        let mut rule = Rule::new(Cfa::Register(Register(7), offset), Recovery::AtCfa(-8 - offset));
        rule.save(Register(6), Recovery::SameValue);
        let walk = dump.walk(&mut Always(rule));
        // Each frame is then found by a scan, a word further up.
        assert!(walk.threads[0].frames.len() <= 1001);
    }
    let mut signal = Rule::new(Cfa::Register(Register(7), 0), Recovery::AtCfa(0));
    signal.flags.set(symtool_unwind::RuleFlags::SIGNAL_FRAME);
    let walk = dump.walk(&mut Always(signal));
    assert!(walk.threads[0].frames.len() <= 1001);
}

/// Threads that share a stack: the work is bounded, and frames are kept for the crashed one.
#[test]
fn work_and_frames_have_limits() {
    let stack: Vec<u64> = vec![0x40_0200; 600_000];
    let mut builder = DumpBuilder::default();
    let at = builder.data(&long_words(&stack));
    let context = builder.data(&context64(0x40_0100, 0x1_0000, 0));
    let size = u32::try_from(stack.len() * 8).unwrap();
    let threads: Vec<Vec<u8>> =
        (0..50).map(|id| thread(id, (0x1_0000, size, at), (1232, context))).collect();
    builder.system(9, LINUX_OS).list(3, &threads);
    builder.list(4, &[module(0x40_0000, 0x1_0000, 0, (0, 0))]);
    // Breakpad: thread 40 asked for the dump.
    builder.stream(0x4767_0001, words(&[2, 0, 40]));
    let bytes = builder.finish();
    let dump = Minidump::read(&bytes).unwrap();
    let rule = Rule::new(Cfa::Register(Register(7), 8), Recovery::AtCfa(-8));
    let walk = dump.walk(&mut Always(rule));
    let crashed = &walk.threads[walk.crashed.unwrap()];
    assert_eq!(crashed.id, 40);
    assert_eq!(crashed.frames.len(), limits::MAX_THREAD_FRAMES);
    assert_eq!(crashed.frames_left_out, 600_001 - limits::MAX_THREAD_FRAMES as u64);
    let kept: usize = walk.threads.iter().map(|thread| thread.frames.len()).sum();
    assert_eq!(kept, limits::MAX_FRAMES);
    let found: u64 = walk.threads.iter().map(|thread| thread.frames_left_out).sum();
    assert!(found + kept as u64 <= limits::MAX_WALK_STEPS + 50);
    assert_eq!(walk.threads[49].end, WalkEnd::TooManySteps);
    let (_, peak) = peak(&bytes);
    assert!(peak < 64 * MIB, "{peak}");
}

/// Mutants of all dumps: a byte, a word or a run is changed, or the file is cut off.
fn mutants(count: usize, seed: u64) {
    let large = ["c4", "c5", "c7"];
    let names = LINUX.into_iter().chain(WINDOWS).filter(|name| !large.contains(name));
    // With the rows that the whole dump is walked by.
    let mut dumps: Vec<(Vec<u8>, Tables)> = names
        .map(|name| {
            let bytes = dump(name);
            let read = Minidump::read(&bytes).unwrap();
            let tables = Tables::of_symbols(&read, &testdata("minidump"));
            (bytes, tables)
        })
        .collect();
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..count {
        let at = random.usize(..dumps.len());
        let (bytes, tables) = &mut dumps[at];
        let mut bytes = bytes.clone();
        for _ in 0..random.usize(1..6) {
            // Mostly where the structures are.
            let end = if random.bool() { bytes.len() } else { bytes.len().min(2000) };
            let at = random.usize(..end);
            let size = [1, 2, 4, 8, 64][random.usize(..5)].min(bytes.len() - at);
            let fill = [0, 0xff, 0x7f, random.u8(..)][random.usize(..4)];
            match random.u8(..8) {
                0 => bytes.truncate(at.max(1)),
                1 if size < bytes.len() => drop(bytes.drain(at..at + size)),
                2 => bytes[at] ^= 1 << random.u8(..8),
                _ => bytes[at..at + size].fill(fill),
            }
        }
        let (_, peak) = peak_with(&bytes, tables);
        assert!(peak < 64 * MIB, "{peak} bytes");
    }
}

#[test]
fn mutants_are_read_without_harm() {
    mutants(2000, 3);
}

#[test]
#[ignore = "takes a minute"]
fn many_mutants_are_read_without_harm() {
    mutants(40_000, 5);
}
