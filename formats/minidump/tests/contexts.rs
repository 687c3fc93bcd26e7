//! Registers in all layouts that writers use, in both orders of bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use minidump_common::format::{
    CONTEXT_AMD64, CONTEXT_ARM, CONTEXT_ARM64, CONTEXT_ARM64_OLD, CONTEXT_X86, MINIDUMP_DIRECTORY,
    MINIDUMP_HEADER, MINIDUMP_LOCATION_DESCRIPTOR,
};
use scroll::ctx::{SizeWith, TryIntoCtx};
use scroll::{Endian, Pwrite};
use symtool_minidump::{Cpu, FrameTrust, Minidump, NoUnwindRows};
use symtool_unwind::Register;

const BOTH: [Endian; 2] = [Endian::Little, Endian::Big];

fn bytes_of<T>(value: T, endian: Endian) -> Vec<u8>
where
    T: TryIntoCtx<Endian, Error = scroll::Error> + SizeWith<Endian>,
{
    let mut bytes = vec![0; T::size_with(&endian)];
    bytes.pwrite_with(value, 0, endian).unwrap();
    bytes
}

/// A dump of one thread with these registers, and a stack at 0x1000 of these words of 32 bits.
fn dump(cpu: u16, context: &[u8], stack: &[u32], endian: Endian) -> Vec<u8> {
    let u32s = |words: &[u32]| -> Vec<u8> {
        words.iter().flat_map(|word| bytes_of(*word, endian)).collect()
    };
    let location = |data: &[u8], at: usize| MINIDUMP_LOCATION_DESCRIPTOR {
        data_size: u32::try_from(data.len()).unwrap(),
        rva: u32::try_from(at).unwrap(),
    };
    let mut system = [bytes_of(cpu, endian), vec![0; 54]].concat();
    system[20..24].copy_from_slice(&bytes_of(0x8101_u32, endian));
    let stack = u32s(stack);
    let mut bytes = bytes_of(
        MINIDUMP_HEADER {
            signature: 0x504d_444d,
            version: 0x1234_a793,
            stream_count: 3,
            stream_directory_rva: 32,
            checksum: 0,
            time_date_stamp: 1_700_000_000,
            flags: 0,
        },
        endian,
    );
    let (context_at, stack_at) = (256, 256 + context.len());
    let (size, at) = (u32::try_from(context.len()).unwrap(), u32::try_from(context_at).unwrap());
    let address = bytes_of(0x1000_u64, endian);
    let stack_place = [u32::try_from(stack.len()).unwrap(), u32::try_from(stack_at).unwrap()];
    let threads =
        [u32s(&[1, 77, 0, 0, 0, 0, 0]), address, u32s(&stack_place), u32s(&[size, at])].concat();
    let base = bytes_of(0x40_0000_u64, endian);
    let modules = [u32s(&[1]), base, u32s(&[0x1_0000]), vec![0; 96]].concat();
    let mut data = [context, &stack].concat();
    for (kind, stream) in [(7, &system), (3, &threads), (4, &modules)] {
        let location = location(stream, context_at + data.len());
        bytes.extend(bytes_of(MINIDUMP_DIRECTORY { stream_type: kind, location }, endian));
        data.extend(stream);
    }
    bytes.resize(context_at, 0);
    bytes.extend(data);
    bytes
}

/// Checks pc, sp and one other register of the only thread.
fn check(cpu: (u16, Cpu), context: &[u8], other: (u16, u64), endian: Endian) {
    let bytes = dump(cpu.0, context, &[0; 4], endian);
    let dump = Minidump::read(&bytes).unwrap();
    assert!(dump.faults.is_empty(), "{}", dump.faults);
    assert_eq!((dump.cpu(), dump.time), (Some(cpu.1), 1_700_000_000));
    let context = dump.context(dump.threads[0].context).unwrap();
    assert_eq!((context.pc(), context.sp()), (0x40_0100, 0x1000));
    assert_eq!(context.get(Register(other.0)), Some(other.1));
    assert_eq!(dump.threads[0].id, 77);
}

#[test]
fn registers_of_all_layouts() {
    for endian in BOTH {
        let x86 = CONTEXT_X86 {
            context_flags: 0x0001_003f,
            eip: 0x40_0100,
            esp: 0x1000,
            ebp: 5,
            ..CONTEXT_X86::default()
        };
        let bytes = bytes_of(x86, endian);
        check((0, Cpu::X86), &bytes, (5, 5), endian);
        // Without what processors since the Pentium II save.
        check((0, Cpu::X86), &bytes[..204], (5, 5), endian);
        let x64 = CONTEXT_AMD64 {
            context_flags: 0x0010_001f,
            rip: 0x40_0100,
            rsp: 0x1000,
            rdx: 1,
            ..CONTEXT_AMD64::default()
        };
        check((9, Cpu::X64), &bytes_of(x64, endian), (1, 1), endian);
        for flags in [0x4000_0007, 0x0020_0007] {
            let mut iregs = [0; 16];
            (iregs[15], iregs[13], iregs[11]) = (0x40_0100, 0x1000, 11);
            let arm = CONTEXT_ARM { context_flags: flags, iregs, ..CONTEXT_ARM::default() };
            check((5, Cpu::Arm), &bytes_of(arm, endian), (11, 11), endian);
        }
        let mut iregs = [0; 31];
        iregs[29] = 29;
        let (sp, pc) = (0x1000, 0x40_0100);
        let old =
            CONTEXT_ARM64_OLD { context_flags: 0x8000_0006, iregs, sp, pc, ..Default::default() };
        let new = CONTEXT_ARM64 { context_flags: 0x0040_0007, iregs, sp, pc, ..Default::default() };
        for bytes in [bytes_of(old, endian), bytes_of(new, endian)] {
            check((12, Cpu::Arm64), &bytes, (29, 29), endian);
            check((0x8003, Cpu::Arm64), &bytes, (29, 29), endian);
        }
    }
}

#[test]
fn registers_of_another_processor_are_not_read() {
    let x64 = CONTEXT_AMD64 { context_flags: 0x0010_001f, rip: 1, ..CONTEXT_AMD64::default() };
    let bytes = bytes_of(x64, Endian::Little);
    for cpu in [0, 5, 12] {
        let bytes = dump(cpu, &bytes, &[0; 4], Endian::Little);
        let dump = Minidump::read(&bytes).unwrap();
        assert_eq!(dump.context(dump.threads[0].context), None);
        assert_eq!(dump.faults.to_string(), "context malformed: 1");
    }
}

/// Thumb code returns to odd addresses. Apple's frame pointer is r7.
#[test]
fn frames_of_thumb_code() {
    let mut iregs = [0; 16];
    (iregs[15], iregs[13], iregs[7]) = (0x40_0100, 0x1000, 0x1004);
    let arm = CONTEXT_ARM { context_flags: 0x4000_0007, iregs, ..CONTEXT_ARM::default() };
    for endian in BOTH {
        let stack = [0, 0x1010, 0x40_0121, 0, 0, 0x40_0221];
        let bytes = dump(5, &bytes_of(arm.clone(), endian), &stack, endian);
        let dump = Minidump::read(&bytes).unwrap();
        let walk = dump.walk(&mut NoUnwindRows);
        let frames: Vec<(u64, FrameTrust)> =
            walk.threads[0].frames.iter().map(|frame| (frame.address, frame.trust)).collect();
        let pointer = FrameTrust::FramePointer;
        let want = [(0x40_0100, FrameTrust::Context), (0x40_0120, pointer), (0x40_0220, pointer)];
        assert_eq!(frames, want);
    }
}
