//! Single steps of walks: what each way to a caller takes for one, and what it does not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::HashMap;

use support::build::{
    DumpBuilder, context_arm64, context64, context86, long_words, process, words,
};
use support::rows::Tables;
use symtool_minidump::FrameTrust::{Cfi, Context, FramePointer, Leaf, Scan};
use symtool_minidump::{FrameTrust, Minidump, UnwindRows, WalkEnd};
use symtool_unwind::{Cfa, Recovery, Register, Rule, RuleFlags, UnwindTableBuilder};

const X86: u16 = 0;
const X64: u16 = 9;
const ARM64: u16 = 12;
const WINDOWS: u32 = 2;
const MAC: u32 = 0x8101;
const LINUX: u32 = 0x8201;
/// Where the stack and the module begin.
const STACK: u64 = 0x1_0000;
const CODE: u64 = 0x40_0000;

type Frames = Vec<(u64, FrameTrust)>;

/// The frames of the only thread, addresses relative to the module where they are in it.
fn walk(builder: &DumpBuilder, rows: &mut impl UnwindRows) -> (Frames, WalkEnd) {
    let bytes = builder.finish();
    let dump = Minidump::read(&bytes).unwrap();
    let walk = dump.walk(rows);
    let [thread] = walk.threads.as_slice() else { panic!("{} threads", walk.threads.len()) };
    let relative = |address: u64| address.checked_sub(CODE).unwrap_or(address);
    let frames = thread.frames.iter().map(|f| (relative(f.address), f.trust)).collect();
    (frames, thread.end)
}

/// Rows of the module.
fn rows(rows: &[(u64, u64, Rule)]) -> Tables {
    let mut builder = UnwindTableBuilder::default();
    rows.iter().for_each(|(start, end, rule)| builder.push(*start, *end, rule));
    Tables(HashMap::from([(0, builder.finish())]))
}

/// x86-64: the return address is the last of `size` bytes.
fn frame64(size: i64) -> Rule {
    Rule::new(Cfa::Register(Register(7), size), Recovery::AtCfa(-8))
}

fn flagged(mut rule: Rule, flags: RuleFlags) -> Rule {
    rule.flags.set(flags);
    rule
}

#[test]
fn a_call_of_a_bad_pointer_has_left_its_return_address() {
    let stack = long_words(&[CODE + 0x120, 0, CODE + 0x220, 0]);
    let mut table = rows(&[(0x100, 0x200, frame64(16)), (0x200, 0x300, Rule::end_of_stack())]);
    let want = [(0x120, Leaf), (0x220, Cfi)];
    for pc in [0, 8, 0xdead_beef_0000] {
        let dump = process(X64, LINUX, &stack, &context64(pc, STACK, 0));
        let (frames, end) = walk(&dump, &mut table);
        assert_eq!((&frames[1..], end), (&want[..], WalkEnd::EndOfStack));
    }
    // On ARM64 the link register has it, here with an authentication code.
    let stack = long_words(&[0, CODE + 0x220]);
    let mut record = Rule::new(Cfa::Register(Register(31), 16), Recovery::AtCfa(-8));
    record.save(Register(30), Recovery::AtCfa(-8));
    let mut table = rows(&[(0x100, 0x200, record), (0x200, 0x300, Rule::end_of_stack())]);
    let signed = (CODE + 0x120) | 0x002a_0000_0000_0000;
    for is_breakpad in [true, false] {
        let context = context_arm64(is_breakpad, [0, signed, STACK, 0]);
        let (frames, end) = walk(&process(ARM64, LINUX, &stack, &context), &mut table);
        assert_eq!((&frames[1..], end), (&want[..], WalkEnd::EndOfStack));
    }
}

/// Code that no module has is no bad pointer: what is on top of the stack is its own.
#[test]
fn code_outside_of_modules_is_walked_by_the_frame_pointer() {
    let stack = long_words(&[CODE + 0x120, 0, STACK + 0x30, CODE + 0x220, 0, 0, 0, CODE + 0x250]);
    let mut dump = process(X64, LINUX, &stack, &context64(0x7000_0100, STACK, STACK + 0x10));
    let maps = "70000000-70001000 r-xp 0 00:00 0\n00400000-00410000 r-xp 0 00:00 0 /a.so\n";
    dump.stream(0x4767_0009, maps.as_bytes().to_vec());
    let (frames, _) = walk(&dump, &mut Tables::default());
    let want = [(0x7000_0100 - CODE, Context), (0x220, FramePointer), (0x250, FramePointer)];
    assert_eq!(frames, want);
}

#[test]
fn a_frame_that_a_signal_interrupted_is_exact() {
    // The handler returns to 0x200, the first instruction of what restores the registers.
    let stack = long_words(&[CODE + 0x200, STACK + 0x28, CODE + 0x300, 0, 0, CODE + 0x380, 0, 0]);
    let mut restorer = Rule::new(
        Cfa::Expression([0x77, 0, 0x06].into()),
        Recovery::AtExpression([0x77, 8].into()),
    );
    restorer = flagged(restorer, RuleFlags::SIGNAL_FRAME);
    // Before the first byte of the restorer there is a row, too: a return address belongs to it.
    let mut table = rows(&[
        (0x100, 0x1ff, frame64(8)),
        (0x1ff, 0x280, restorer),
        (0x2f0, 0x300, Rule::end_of_stack()),
        (0x300, 0x310, frame64(8)),
        (0x370, 0x390, Rule::end_of_stack()),
    ]);
    let dump = process(X64, LINUX, &stack, &context64(CODE + 0x100, STACK, 0));
    let (frames, end) = walk(&dump, &mut table);
    assert_eq!(frames, [(0x100, Context), (0x200, Cfi), (0x300, Cfi), (0x380, Cfi)]);
    assert_eq!(end, WalkEnd::EndOfStack);
}

#[test]
fn functions_without_rows_are_leaves_on_64_bit_windows() {
    let stack = long_words(&[CODE + 0x120, 0, CODE + 0x130, CODE + 0x220]);
    let mut table = rows(&[(0x100, 0x200, frame64(24)), (0x200, 0x300, Rule::end_of_stack())]);
    let context = context64(CODE + 0x800, STACK, 0);
    let (frames, _) = walk(&process(X64, WINDOWS, &stack, &context), &mut table);
    assert_eq!(frames, [(0x800, Context), (0x120, Leaf), (0x220, Cfi)]);
    // Elsewhere they are not known.
    let (frames, _) = walk(&process(X64, LINUX, &stack, &context), &mut table);
    assert_eq!(frames, [(0x800, Context), (0x120, Scan), (0x220, Cfi)]);
}

#[test]
fn frame_pointers_are_followed_upwards_to_code() {
    let records =
        |end: u64| [0, STACK + 0x20, CODE + 0x120, 7, end, CODE + 0x220, 0, 0, 0, 0, 0, 0];
    let want = [(0x100, Context), (0x120, FramePointer), (0x220, FramePointer)];
    let fp = STACK + 8;
    for (os, end) in [(MAC, WalkEnd::EndOfStack), (LINUX, WalkEnd::NoCaller)] {
        let context = context64(CODE + 0x100, STACK, fp);
        let dump = process(X64, os, &long_words(&records(0)), &context);
        assert_eq!(walk(&dump, &mut Tables::default()), (want.to_vec(), end));
    }
    let context = context_arm64(true, [fp, 0, STACK, CODE + 0x100]);
    let dump = process(ARM64, LINUX, &long_words(&records(0)), &context);
    let walked = walk(&dump, &mut Tables::default());
    assert_eq!(walked, (want.to_vec(), WalkEnd::EndOfStack));
    // A chain that goes back ends.
    let dump = process(ARM64, LINUX, &long_words(&records(fp)), &context);
    assert_eq!(walk(&dump, &mut Tables::default()), (want.to_vec(), WalkEnd::NoCaller));
    // On 64-bit Windows rbp points anywhere.
    let context = context64(CODE + 0x100, STACK, fp);
    let dump = process(X64, WINDOWS, &long_words(&records(0)), &context);
    let (frames, _) = walk(&dump, &mut Tables::default());
    assert_eq!(frames, [(0x100, Context), (0x120, Scan), (0x220, Scan)]);
    let stack = words(&[0, 0x1_0010, 0x40_0120, 7, 0, 0x40_0220]);
    let dump = process(X86, WINDOWS, &stack, &context86(0x40_0100, 0x1_0000, 0x1_0004));
    assert_eq!(walk(&dump, &mut Tables::default()).0, want);
}

#[test]
fn scans_take_only_what_a_call_can_return_to() {
    let leaf = flagged(frame64(8), RuleFlags::LEAF);
    let mut table =
        rows(&[(0x100, 0x110, frame64(8)), (0x110, 0x200, frame64(32)), (0x300, 0x400, leaf)]);
    // No code, a function's first address, a leaf, a gap, at last a return address.
    let stack = long_words(&[STACK, CODE + 0x100, CODE + 0x320, CODE + 0x500, CODE + 0x120]);
    let dump = process(X64, LINUX, &stack, &context64(CODE + 0x600, STACK, 0));
    let (frames, end) = walk(&dump, &mut table);
    assert_eq!(frames, [(0x600, Context), (0x120, Scan)]);
    assert_eq!(end, WalkEnd::NoMemory(STACK + 0x40));
}

#[test]
fn rules_that_hold_for_a_functions_body_are_not_used_at_its_beginning() {
    let body = flagged(frame64(16), RuleFlags::BODY_ONLY);
    let stack = long_words(&[CODE + 0x220, CODE + 0x230, 0, 0]);
    let mut table = rows(&[(0x100, 0x200, body), (0x200, 0x300, Rule::end_of_stack())]);
    for (pc, want) in [(0x100, (0x220, Leaf)), (0x104, (0x230, Cfi))] {
        let dump = process(X64, MAC, &stack, &context64(CODE + pc, STACK, 0));
        assert_eq!(walk(&dump, &mut table).0, [(pc, Context), want]);
    }
    // Where it leads to no code, the return address is on top again.
    let stack = long_words(&[CODE + 0x220, 0x1234_5678, 0, 0]);
    let dump = process(X64, MAC, &stack, &context64(CODE + 0x1f0, STACK, 0));
    assert_eq!(walk(&dump, &mut table).0, [(0x1f0, Context), (0x220, Leaf)]);
}

#[test]
fn stacks_that_are_cut_off_or_zeroed_are_told() {
    let mut table = rows(&[(0x100, 0x200, frame64(16))]);
    let stack: Vec<u64> = (0..2000).flat_map(|_| [1, CODE + 0x120]).collect();
    let context = context64(CODE + 0x100, STACK, 0);
    let whole = process(X64, LINUX, &long_words(&stack), &context);
    let (frames, end) = walk(&whole, &mut table);
    assert_eq!((frames.len(), end), (2001, WalkEnd::NoMemory(STACK + 16 * 2000 + 8)));
    // Zeros from the 1000th frame on.
    let mut zeroed = stack.clone();
    zeroed[2000..3000].fill(0);
    let (frames, end) = walk(&process(X64, LINUX, &long_words(&zeroed), &context), &mut table);
    assert_eq!((frames.len(), end), (1001, WalkEnd::Zeros(STACK + 16 * 1000 + 8)));
    // A few zeros are the end of the stack.
    zeroed = stack.clone();
    zeroed[2000..2010].fill(0);
    let (frames, end) = walk(&process(X64, LINUX, &long_words(&zeroed), &context), &mut table);
    assert_eq!((frames.len(), end), (1001, WalkEnd::EndOfStack));
    // Memory behind the end of the file.
    let mut dump = process(X64, LINUX, &long_words(&stack[..2000]), &context);
    dump.stream(
        5,
        [words(&[1]), long_words(&[STACK + 16_000]), words(&[0x8000, 0x7fff_0000])].concat(),
    );
    let (frames, end) = walk(&dump, &mut table);
    assert_eq!((frames.len(), end), (1001, WalkEnd::CutOff(STACK + 16_008)));
}

#[test]
fn the_outermost_return_address_is_no_frame_unless_it_is_code() {
    let stack = long_words(&[0, 0x5a5a_0000, 0, 0, 0, 0, 0, 0]);
    let mut table = rows(&[(0x100, 0x200, frame64(16))]);
    let mut dump = process(X64, WINDOWS, &stack, &context64(CODE + 0x100, STACK, 0));
    assert_eq!(walk(&dump, &mut table).0, [(0x100, Context)]);
    let region = [long_words(&[0x5a59_0000, 0x5a59_0000]), words(&[0x20, 0])].concat();
    let region = [region, long_words(&[0x2_0000]), words(&[0x1000, 0x20, 0x2_0000, 0])].concat();
    let list = [words(&[16, 48]), long_words(&[1]), region].concat();
    dump.stream(16, list);
    let (frames, _) = walk(&dump, &mut table);
    assert_eq!(frames, [(0x100, Context), (0x5a5a_0000 - CODE, Cfi)]);
}
