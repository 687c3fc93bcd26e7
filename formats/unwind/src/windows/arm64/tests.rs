use super::*;
use crate::drops::UnwindDropReason;
use crate::rule::{Cfa, Recovery, Rule};
use crate::table::UnwindTable;
use crate::windows::image::PeSection;
use crate::windows::read_function_table;

const CODE: u32 = 0x1000;
const DATA: u32 = 0x2000;

/// A table for functions, each an address and the word behind it.
fn read_all(code_bytes: u32, data: &[u8], functions: &[(u32, u32)]) -> UnwindTable {
    let words = functions.iter().flat_map(|&(start, word)| [start, word]);
    let table: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let section =
        |start, memory_bytes, bytes, is_code| PeSection { start, memory_bytes, bytes, is_code };
    let image = PeImage::new([
        section(CODE, code_bytes, &[], true),
        section(DATA, size(data), data, false),
        section(0x3000, size(&table), &table, false),
    ]);
    let mut builder = UnwindTableBuilder::default();
    read_function_table(&image, 0xaa64, (0x3000, size(&table)), &mut builder);
    builder.finish()
}

/// The rows of a table without drops: where they begin in instructions, the CFA and where lr is.
fn rows(table: &UnwindTable) -> Vec<(u64, Cfa, Recovery)> {
    assert_eq!(table.drops.iter().count(), 0);
    let row = |row: &crate::table::UnwindRow| {
        let rule: &Rule = table.rule(row);
        ((row.start - u64::from(CODE)) / 4, rule.cfa.clone(), rule.return_address.clone())
    };
    table.rows.iter().map(row).collect()
}

fn sp(bytes: i64) -> Cfa {
    Cfa::Register(SP, bytes)
}

fn fp(bytes: i64) -> Cfa {
    Cfa::Register(FP, bytes)
}

const IN_LR: Recovery = Recovery::Register(LR, 0);

/// A packed entry.
fn packed(
    flag: u32,
    instructions: u32,
    reg_f: u32,
    reg_i: u32,
    h: u32,
    cr: u32,
    frame: u32,
) -> u32 {
    flag | instructions << 2 | reg_f << 13 | reg_i << 16 | h << 20 | cr << 21 | frame << 23
}

#[test]
fn packed_functions_with_a_frame_pointer() {
    // stp x19, x20, [sp, #-16]!; stp fp, lr, [sp, #-32]!; mov fp, sp; …; ldp; ldp; ret
    let table = read_all(48, &[], &[(CODE, packed(1, 12, 0, 2, 0, 3, 3))]);
    let at = Recovery::AtCfa;
    assert_eq!(
        rows(&table),
        [
            (0, sp(0), IN_LR),
            (1, sp(16), IN_LR),
            (2, sp(48), at(-40)),
            (3, fp(48), at(-40)),
            (9, sp(48), at(-40)),
            (10, sp(16), IN_LR),
            (11, sp(0), IN_LR),
        ]
    );
    // pacibsp first; sub sp; stp; add fp.
    let table = read_all(80, &[], &[(CODE, packed(1, 20, 0, 0, 0, 2, 64))]);
    assert_eq!(
        rows(&table),
        [
            (0, sp(0), IN_LR),
            (1, sp(0), IN_LR),
            (2, sp(1024), IN_LR),
            (3, sp(1024), at(-1016)),
            (4, fp(1024), at(-1016)),
            (16, sp(1024), at(-1016)),
            (17, sp(1024), IN_LR),
            (18, sp(0), IN_LR),
            (19, sp(0), IN_LR),
        ]
    );
    let is_signed: Vec<bool> = table
        .rows
        .iter()
        .map(|row| table.rule(row).flags.has(RuleFlags::SIGNED_RETURN_ADDRESS))
        .collect();
    assert_eq!(is_signed, [false, true, true, true, true, true, true, true, false]);
}

#[test]
fn packed_functions_without_a_frame_pointer() {
    let at = Recovery::AtCfa;
    // Three registers and lr, two pairs of vector registers, arguments, a frame of 5120 bytes.
    let table = read_all(120, &[], &[(CODE, packed(1, 30, 3, 3, 1, 1, 328))]);
    let saved = 128;
    let frame = 328 * 16;
    assert_eq!(
        rows(&table),
        [
            (0, sp(0), IN_LR),
            (1, sp(saved), IN_LR),
            (2, sp(saved), at(24 - saved)),
            (9, sp(saved + 4080), at(24 - saved)),
            (10, sp(frame), at(24 - saved)),
            (24, sp(saved + 4080), at(24 - saved)),
            (25, sp(saved), at(24 - saved)),
            (28, sp(saved), IN_LR),
            (29, sp(0), IN_LR),
        ]
    );
    let body = table.rule(table.at(0x1040).unwrap());
    let want = [(19, 0), (20, 8), (21, 16), (30, 24)];
    assert_eq!(body.saved(), want.map(|(number, place)| (Register(number), at(place - saved))));
    // lr alone; vector registers alone; arguments alone: the first store makes the stack grow.
    for (data, steps) in [
        (packed(1, 8, 0, 0, 0, 1, 1), 1),
        (packed(1, 8, 1, 0, 0, 0, 1), 1),
        (packed(1, 10, 0, 0, 1, 0, 4), 1),
    ] {
        let table = read_all(40, &[], &[(CODE, data)]);
        let grown = rows(&table)[1].clone();
        assert_eq!((grown.0, grown.1), (steps, sp(16 * i64::from(data >> 23))));
    }
    // A part of a function has its rule everywhere.
    let table = read_all(32, &[], &[(CODE, packed(2, 8, 0, 2, 0, 3, 3))]);
    assert_eq!(rows(&table), [(0, fp(48), at(-40))]);
}

#[test]
fn packed_numbers_that_contradict_each_other() {
    let entries = [
        (CODE, packed(1, 4, 0, 11, 0, 0, 20)),
        (CODE + 16, packed(1, 4, 0, 2, 0, 3, 0)),
        (CODE + 32, packed(3, 4, 0, 0, 0, 0, 0)),
        (CODE + 48, packed(1, 4, 0, 0, 0, 0, 1)),
    ];
    let table = read_all(80, &[], &entries);
    assert_eq!(table.drops.of(UnwindDropReason::BadEntry), 2);
    assert_eq!(table.drops.of(UnwindDropReason::NotSupported), 1);
    assert_eq!(table.rows[0].start, 0x1030);
}

fn record(instructions: u32, is_single: bool, epilogs: u32, words: u32, rest: &[u8]) -> Vec<u8> {
    let head = instructions | u32::from(is_single) << 21 | epilogs << 22 | words << 27;
    [&head.to_le_bytes(), rest].concat()
}

#[test]
fn records_list_epilogs() {
    let at = Recovery::AtCfa;
    // set_fp, save_fplr_x 32, end; for the second epilog, save_fplr_x alone.
    let codes = [0xe1, 0x83, 0xe4, 0x83, 0xe4, 0, 0, 0];
    let scopes = [5u32, 0xc | 3 << 22].map(u32::to_le_bytes).concat();
    let data = record(16, false, 2, 2, &[&scopes[..], &codes].concat());
    let want = [
        (0, sp(0), IN_LR),
        (1, sp(32), at(-24)),
        (2, fp(32), at(-24)),
        (6, sp(32), at(-24)),
        (7, sp(0), IN_LR),
        (8, fp(32), at(-24)),
        (12, sp(32), at(-24)),
        (13, sp(0), IN_LR),
        (14, fp(32), at(-24)),
    ];
    assert_eq!(rows(&read_all(64, &data, &[(CODE, DATA)])), want);
    // The same with a header of two words.
    let head = [16u32, 0x2_0002].map(u32::to_le_bytes).concat();
    let extended = [&head[..], &scopes, &codes].concat();
    assert_eq!(rows(&read_all(64, &extended, &[(CODE, DATA)])), want);
    // One at the end, which begins at the fourth code.
    let single = record(16, true, 3, 2, &codes);
    assert_eq!(
        rows(&read_all(72, &single, &[(CODE, DATA)])),
        [
            (0, sp(0), IN_LR),
            (1, sp(32), at(-24)),
            (2, fp(32), at(-24)),
            (14, sp(32), at(-24)),
            (15, sp(0), IN_LR),
            // Behind it is no function.
            (16, sp(0), IN_LR),
        ]
    );
}

#[test]
fn codes_end_with_their_bytes() {
    let at = Recovery::AtCfa;
    // set_fp, save_fplr_x 32, end; for the epilog alloc_s 16, save_fplr_x 32, nop, nop, nop.
    let codes = [0xe1, 0x83, 0xe4, 0x01, 0x83, 0xe3, 0xe3, 0xe3];
    let scope = (5u32 | 3 << 22).to_le_bytes();
    let data = record(8, false, 1, 2, &[&scope[..], &codes].concat());
    assert_eq!(
        rows(&read_all(32, &data, &[(CODE, DATA)])),
        [
            (0, sp(0), IN_LR),
            (1, sp(32), at(-24)),
            (2, fp(32), at(-24)),
            (5, sp(48), at(-24)),
            (6, sp(32), at(-24)),
            (7, sp(0), IN_LR),
        ]
    );
}

#[test]
fn a_part_of_a_function_was_entered_with_its_frame() {
    // end_c, set_fp, save_fplr_x: the prolog ran elsewhere. Then alloc_s 16, end_c, ….
    let data = record(8, false, 0, 1, &[0xe5, 0xe1, 0x83, 0xe4]);
    let at = Recovery::AtCfa;
    assert_eq!(rows(&read_all(32, &data, &[(CODE, DATA)])), [(0, fp(32), at(-24))]);
    let data = record(8, false, 0, 2, &[0x01, 0xe5, 0x83, 0xe4, 0, 0, 0, 0]);
    assert_eq!(
        rows(&read_all(32, &data, &[(CODE, DATA)])),
        [(0, sp(32), at(-24)), (1, sp(48), at(-24))]
    );
}

#[test]
fn machine_frames_are_there_from_the_start() {
    let data = record(8, false, 0, 1, &[0x01, 0xe9, 0xe4, 0]);
    let table = read_all(32, &data, &[(CODE, DATA)]);
    let flags: Vec<bool> =
        table.rows.iter().map(|row| table.rule(row).flags.has(RuleFlags::SIGNAL_FRAME)).collect();
    assert_eq!(flags, [true, true]);
}

#[test]
fn broken_records_cost_what_they_are_for() {
    let fine = record(4, false, 0, 1, &[0x83, 0xe4, 0, 0]);
    for (broken, reason) in [
        (record(4, false, 0, 2, &[0x83, 0xe4, 0, 0]), UnwindDropReason::BadEntry),
        (record(4, false, 0, 1, &[0x83, 0x83, 0x83, 0xc8]), UnwindDropReason::BadEntry),
        (record(4, true, 5, 1, &[0x83, 0xe4, 0, 0]), UnwindDropReason::BadEntry),
        (record(4, false, 20, 1, &[0x83, 0xe4, 0, 0]), UnwindDropReason::BadEntry),
        (record(0x4_0004, false, 0, 1, &[0x83, 0xe4, 0, 0]), UnwindDropReason::NotSupported),
        (record(4, false, 0, 1, &[0xe8, 0xe4, 0, 0]), UnwindDropReason::NotSupported),
        (vec![4, 0], UnwindDropReason::BadEntry),
    ] {
        let data = [&fine[..], &broken].concat();
        let second = DATA + u32::try_from(fine.len()).unwrap();
        let functions = [(CODE, DATA), (CODE + 16, second), (CODE + 32, DATA)];
        let table = read_all(64, &data, &functions);
        assert_eq!(table.drops.of(reason), 1, "{broken:x?}");
        assert_eq!(table.drops.iter().count(), 1, "{broken:x?}");
        assert!(table.at(0x1010).is_none() && table.at(0x101c).is_none(), "{broken:x?}");
        assert!(table.at(0x100c).is_some() && table.at(0x1020).is_some(), "{broken:x?}");
    }
    // An epilog past the end, and one without codes, cost themselves.
    let scopes = [9u32, 0x2 | 9 << 22].map(u32::to_le_bytes).concat();
    let data = record(4, false, 2, 1, &[&scopes[..], &[0x83, 0xe4, 0, 0]].concat());
    let table = read_all(16, &data, &[(CODE, DATA)]);
    assert_eq!(table.drops.of(UnwindDropReason::BadEntry), 1);
    assert_eq!(table.rows.len(), 2);
    // Functions within another.
    let table = read_all(32, &fine, &[(CODE, DATA), (CODE + 4, DATA), (CODE + 16, DATA)]);
    assert_eq!(table.drops.of(UnwindDropReason::Overlap), 1);
}
