use super::*;
use crate::rule::{Cfa, Recovery};
use crate::table::UnwindTable;
use crate::windows::image::PeSection;
use crate::windows::read_function_table;

const RBP: Register = Register(6);
const RBX: Register = Register(3);
const RDI: Register = Register(5);
const CODE: u32 = 0x1000;
const DATA: u32 = 0x2000;

/// A table for `functions`, whose data begins at [`DATA`], of an image with this code and data.
fn read_all(code: &[u8], data: &[u8], functions: &[(u32, u32, u32)]) -> UnwindTable {
    let table: Vec<u8> = functions
        .iter()
        .flat_map(|&(start, end, info)| [start, end, info])
        .flat_map(u32::to_le_bytes)
        .collect();
    let section = |start, bytes: &'static [u8], is_code| PeSection {
        start,
        memory_bytes: u32::try_from(bytes.len()).unwrap(),
        bytes,
        is_code,
    };
    let leak = |bytes: &[u8]| -> &'static [u8] { Box::leak(bytes.to_vec().into_boxed_slice()) };
    let image = PeImage::new([
        section(CODE, leak(code), true),
        section(DATA, leak(data), false),
        section(0x3000, leak(&table), false),
    ]);
    let mut builder = UnwindTableBuilder::default();
    let bytes = u32::try_from(table.len()).unwrap();
    read_function_table(&image, 0x8664, (0x3000, bytes), &mut builder);
    builder.finish()
}

/// The rows of one function with this code and data.
fn read_one(code: &[u8], data: &[u8]) -> Vec<(u64, u64, Rule)> {
    let end = CODE + u32::try_from(code.len()).unwrap();
    let table = read_all(code, data, &[(CODE, end, DATA)]);
    assert_eq!(table.drops.iter().count(), 0);
    let row = |row: &crate::table::UnwindRow| (row.start, row.end, table.rule(row).clone());
    table.rows.iter().map(row).collect()
}

fn rule(register: Register, cfa: i64, saved: &[(Register, i64)]) -> Rule {
    let mut rule = Rule::new(Cfa::Register(register, cfa), Recovery::AtCfa(-8));
    for (register, offset) in saved {
        rule.save(*register, Recovery::AtCfa(*offset));
    }
    rule
}

#[test]
fn each_step_of_prolog_and_epilog_has_a_row() {
    // push rdi; push rbx; sub rsp, 40; nop; add rsp, 40; pop rbx; pop rdi; rep ret; int3
    let code = b"\x57\x53\x48\x83\xec\x28\x90\x48\x83\xc4\x28\x5b\x5f\xf3\xc3\xcc";
    let data = [1, 6, 3, 0, 6, 0x42, 2, 0x30, 1, 0x70];
    let (one, both) = ([(RDI, -16)], [(RDI, -16), (RBX, -24)]);
    assert_eq!(
        read_one(code, &data),
        [
            (0x1000, 0x1001, rule(RSP, 8, &[])),
            (0x1001, 0x1002, rule(RSP, 16, &one)),
            (0x1002, 0x1006, rule(RSP, 24, &both)),
            (0x1006, 0x100b, rule(RSP, 64, &both)),
            (0x100b, 0x100c, rule(RSP, 24, &both)),
            (0x100c, 0x100d, rule(RSP, 16, &one)),
            (0x100d, 0x100f, rule(RSP, 8, &[])),
            (0x100f, 0x1010, rule(RSP, 64, &both)),
        ]
    );
}

#[test]
fn a_frame_pointer_is_the_base_of_what_is_saved() {
    // push rbp; sub rsp, 64; lea rbp, [rsp+32]; mov [rbp+8], rbx; nop; lea rsp, [rbp+32]; pop rbp;
    // jmp far away
    let code = b"\x55\x48\x83\xec\x40\x48\x8d\x6c\x24\x20\x48\x89\x5d\x08\x90\x48\x8d\x65\x20\x5d\xe9\0\0\0\x10";
    let data = [1, 14, 5, 0x25, 14, 0x34, 5, 0, 10, 0x03, 5, 0x72, 1, 0x50];
    let rows = read_one(code, &data);
    assert_eq!(rows[2], (0x1005, 0x100a, rule(RSP, 80, &[(RBP, -16)])));
    assert_eq!(rows[3], (0x100a, 0x100e, rule(RBP, 48, &[(RBP, -16)])));
    assert_eq!(rows[4], (0x100e, 0x1013, rule(RBP, 48, &[(RBP, -16), (RBX, -40)])));
    assert_eq!(rows[5], (0x1013, 0x1014, rule(RSP, 16, &[(RBP, -16)])));
    assert_eq!((&rows[6], rows.len()), (&(0x1014, 0x1019, rule(RSP, 8, &[])), 7));
}

#[test]
fn jumps_within_a_function_are_no_epilogs() {
    // sub rsp, 8; add rsp, 8; jmp to the start of the body; pop rax; ret
    let code = b"\x48\x83\xec\x08\x48\x83\xc4\x08\xeb\xfa\x58\xc3";
    let rows = read_one(code, &[1, 4, 1, 0, 4, 0x02]);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows[1], (0x1004, 0x100b, rule(RSP, 16, &[])));
}

#[test]
fn large_frames_and_vector_registers() {
    // alloc of 0x123450 bytes, of 0x880, xmm6 and xmm7, r15 far away
    let data = [
        1, 5, 13, 0, 5, 0xf5, 0x78, 0x56, 4, 0, 4, 0x68, 1, 0, 3, 0x79, 0, 0, 1, 0, 2, 0x01, 0x10,
        1, 1, 0x11, 0x50, 0x34, 0x12, 0,
    ];
    let rows = read_one(&[0x90; 16], &data);
    assert_eq!(rows.len(), 4);
    let cfa = 0x0012_3450 + 0x880 + 8;
    assert_eq!(rows[3].2, rule(RSP, cfa, &[(Register(15), 0x0004_5678 - cfa)]));
}

#[test]
fn machine_frames_hold_the_stack_pointer() {
    // push rbp, then a machine frame with an error code.
    let rows = read_one(&[0x90; 4], &[1, 1, 2, 0, 1, 0x50, 0, 0x1a]);
    let mut want = Rule::new(
        Cfa::Expression([0x77, 40, 0x06].into()),
        Recovery::AtExpression([0x77, 16].into()),
    );
    want.flags.set(RuleFlags::SIGNAL_FRAME);
    want.save(RBP, Recovery::AtExpression([0x77, 0].into()));
    assert_eq!(rows[1], (0x1001, 0x1004, want));
}

#[test]
fn parts_of_a_function_are_chained_to_its_start() {
    let mut data = vec![1, 4, 1, 0, 4, 0x42, 0, 0];
    // rbx is saved in the second part.
    data.extend([0x21, 2, 2, 0, 2, 0x34, 2, 0]);
    data.extend([CODE, CODE + 8, DATA].into_iter().flat_map(u32::to_le_bytes));
    let functions = [(CODE, CODE + 8, DATA), (CODE + 8, CODE + 16, DATA + 8)];
    let table = read_all(&[0x90; 20], &data, &functions);
    let rule_at = |address| table.rule(table.at(address).unwrap()).clone();
    assert_eq!(rule_at(0x1004), rule(RSP, 48, &[]));
    assert_eq!(rule_at(0x1008), rule(RSP, 48, &[]));
    assert_eq!(rule_at(0x100a), rule(RSP, 48, &[(RBX, -32)]));
    assert!(rule_at(0x1010).flags.has(RuleFlags::LEAF) && table.at(0x1014).is_none());
    assert_eq!(table.drops.iter().count(), 0);
    // The entry of another function instead of data.
    data.extend([0, 0, DATA].into_iter().flat_map(u32::to_le_bytes));
    let indirect = DATA + 28;
    let table = read_all(&[0x90; 8], &data, &[(CODE, CODE + 8, indirect | 1)]);
    assert_eq!(table.rule(table.at(0x1004).unwrap()), &rule(RSP, 48, &[]));
}

#[test]
fn listed_epilogs_are_found_behind_data() {
    // sub rsp, 40; ret-like data that hides what follows it; add rsp, 40; ret
    let code = b"\x48\x83\xec\x28\x90\x48\xb8\x48\x83\xc4\x28\xc3";
    let version_1 = read_one(code, &[1, 4, 1, 0, 4, 0x42, 0, 0]);
    assert_eq!(version_1.len(), 2);
    let version_2 = read_one(code, &[2, 4, 4, 0, 1, 0x06, 5, 0x06, 1, 0x06, 4, 0x42]);
    assert_eq!(version_2[2], (0x100b, 0x100c, rule(RSP, 8, &[])));
    let at_end = read_one(code, &[2, 4, 2, 0, 5, 0x16, 4, 0x42]);
    assert_eq!(at_end, version_2);
}

#[test]
fn broken_data_costs_what_it_is_for() {
    let fine = [1, 4, 1, 0, 4, 0x42, 0, 0];
    let chained = |to: u32| {
        let mut data = vec![0x21, 0, 0, 0];
        data.extend([CODE, CODE + 8, to].into_iter().flat_map(u32::to_le_bytes));
        data
    };
    let second = DATA + 8;
    for (broken, reason) in [
        // A chain that ends in itself, one that leads nowhere, one that is cut off.
        (chained(second), UnwindDropReason::BadEntry),
        (chained(0x9000), UnwindDropReason::BadEntry),
        (chained(second)[..12].to_vec(), UnwindDropReason::BadEntry),
        // Code instead of data.
        (chained(CODE), UnwindDropReason::NotSupported),
        // More codes than there are bytes, half a code, an unknown one, an unknown version.
        (vec![1, 4, 200, 0, 4, 0x42], UnwindDropReason::BadEntry),
        (vec![1, 4, 1, 0, 4, 0x01], UnwindDropReason::BadEntry),
        (vec![1, 4, 1, 0, 4, 0x0f], UnwindDropReason::BadEntry),
        (vec![1, 4, 1, 0, 4, 0x03], UnwindDropReason::BadEntry),
        (vec![3, 0, 0, 0], UnwindDropReason::NotSupported),
    ] {
        let functions = [(CODE + 8, CODE + 16, second), (CODE, CODE + 8, DATA)];
        let data = [&fine[..], &broken].concat();
        let table = read_all(&[0x90; 24], &data, &functions);
        assert_eq!(table.drops.of(reason), 1, "{broken:x?}");
        assert_eq!(table.at(0x1004).map(|row| row.end), Some(0x1008), "{broken:x?}");
        // It is no leaf.
        assert!(table.at(0x1008).is_none() && table.at(0x100f).is_none(), "{broken:x?}");
        assert!(table.at(0x1010).is_some());
    }
}

#[test]
fn functions_that_overlap_are_counted() {
    let fine = [1, 4, 1, 0, 4, 0x42, 0, 0];
    let functions = [
        (CODE, CODE + 8, DATA),
        (CODE + 4, CODE + 12, DATA),
        (CODE + 9, CODE + 9, DATA),
        (CODE + 12, CODE + 10, DATA),
        (0, 0, 0),
        (CODE + 32, CODE + 40, 0x9000),
    ];
    let table = read_all(&[0x90; 16], &fine, &functions);
    let of = |reason| table.drops.of(reason);
    assert_eq!((of(UnwindDropReason::Overlap), of(UnwindDropReason::BadEntry)), (1, 3));
    assert!(table.rule(table.at(0x1008).unwrap()).flags.has(RuleFlags::LEAF));
}
