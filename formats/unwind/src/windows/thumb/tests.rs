use super::*;
use crate::rule::{Cfa, Recovery, Rule};
use crate::table::UnwindTable;
use crate::windows::image::PeSection;
use crate::windows::read_function_table;

const CODE: u32 = 0x1000;
const DATA: u32 = 0x2000;

/// A table for one function of `code_bytes`, `word` being the second word of its entry.
fn read(code_bytes: u32, data: &[u8], word: u32) -> UnwindTable {
    // The lowest bit says that it is Thumb code.
    let table: Vec<u8> = [CODE | 1, word].into_iter().flat_map(u32::to_le_bytes).collect();
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let section =
        |start, memory_bytes, bytes, is_code| PeSection { start, memory_bytes, bytes, is_code };
    let image = PeImage::new([
        section(CODE, code_bytes, &[], true),
        section(DATA, size(data), data, false),
        section(0x3000, size(&table), &table, false),
    ]);
    let mut builder = UnwindTableBuilder::default();
    read_function_table(&image, 0x1c4, (0x3000, size(&table)), &mut builder);
    builder.finish()
}

/// The rows of a table without drops: where they begin in bytes, the CFA and where lr is.
fn rows(table: &UnwindTable) -> Vec<(u64, Cfa, Recovery)> {
    assert_eq!(table.drops.iter().count(), 0);
    let row = |row: &crate::table::UnwindRow| {
        let rule: &Rule = table.rule(row);
        (row.start - u64::from(CODE), rule.cfa.clone(), rule.return_address.clone())
    };
    table.rows.iter().map(row).collect()
}

fn sp(bytes: i64) -> Cfa {
    Cfa::Register(SP, bytes)
}

const IN_LR: Recovery = Recovery::Register(LR, 0);

/// Fields of a packed entry: Ret, H, Reg, R, L, C and the size of the frame.
struct Fields(u32, u32, u32, u32, u32, u32, u32);

fn packed(flag: u32, bytes: u32, fields: &Fields) -> u32 {
    let Fields(returns, homes, register, is_vector, link, chained, adjust) = fields;
    let low = flag | ((bytes / 2) << 2) | returns << 13 | homes << 15 | register << 16;
    low | is_vector << 19 | link << 20 | chained << 21 | adjust << 22
}

#[test]
fn packed_functions() {
    let at = Recovery::AtCfa;
    // push {r4, r5, lr}; sub sp, #12; …; add sp, #12; pop {r4, r5, pc}
    let table = read(20, &[], packed(1, 20, &Fields(0, 0, 1, 0, 1, 0, 3)));
    assert_eq!(
        rows(&table),
        [(0, sp(0), IN_LR), (2, sp(12), at(-4)), (4, sp(24), at(-4)), (18, sp(12), at(-4))]
    );
    // As Microsoft's document has it: push.w {r4, r11, lr}; add.w r11; sub.w sp; …; all undone.
    let table = read(40, &[], packed(1, 40, &Fields(0, 0, 0, 0, 1, 1, 750)));
    assert_eq!(
        rows(&table),
        [(0, sp(0), IN_LR), (4, sp(12), at(-4)), (12, sp(3012), at(-4)), (36, sp(12), at(-4))]
    );
    // push {r0-r3}; push {r4, lr}; vpush is none; …; pop {r4}; ldr pc, [sp], #20
    let table = read(20, &[], packed(1, 20, &Fields(0, 1, 0, 0, 1, 0, 0)));
    assert_eq!(
        rows(&table),
        [(0, sp(0), IN_LR), (2, sp(16), IN_LR), (4, sp(24), at(-20)), (16, sp(20), at(-20)),]
    );
    // The frame is folded: push {r2-r4, lr}; vpush is none; …; pop.w {r2-r4, lr}; bx lr
    let table = read(20, &[], packed(1, 20, &Fields(1, 0, 0, 0, 1, 0, 0x3fd)));
    assert_eq!(rows(&table), [(0, sp(0), IN_LR), (2, sp(16), at(-4)), (18, sp(0), IN_LR)]);
    // vpush {d8, d9} after push {lr}; no epilog.
    let table = read(20, &[], packed(1, 20, &Fields(3, 0, 1, 1, 1, 0, 0)));
    assert_eq!(rows(&table), [(0, sp(0), IN_LR), (2, sp(4), at(-4)), (6, sp(20), at(-4))]);
    // A part without prolog.
    let table = read(20, &[], packed(2, 20, &Fields(3, 0, 0, 0, 1, 0, 1)));
    assert_eq!(rows(&table), [(0, sp(12), at(-4))]);
}

/// A record of a function of 40 bytes: one epilog that is at `epilog` or, if packed, its first code.
fn record(is_packed: bool, epilog: u32, codes: &[u8]) -> Vec<u8> {
    let words = u32::try_from(codes.len().div_ceil(4)).unwrap();
    let count = if is_packed { epilog } else { 1 };
    let head = 0x14 | u32::from(is_packed) << 21 | count << 23 | words << 28;
    let mut bytes = head.to_le_bytes().to_vec();
    if !is_packed {
        bytes.extend(((epilog / 2) | (0xe << 20)).to_le_bytes());
    }
    bytes.extend_from_slice(codes);
    bytes.resize(bytes.len().next_multiple_of(4), 0xff);
    bytes
}

#[test]
fn records() {
    let at = Recovery::AtCfa;
    // push.w {r4, r11, lr}; mov r11, sp; sub sp, #8. In the epilog: mov sp, r11; pop.w; bx lr.
    let codes = [0x02, 0xcb, 0xa8, 0x10, 0xff, 0xcb, 0xa8, 0x10, 0xfd];
    let fp = Cfa::Register(Register(11), 12);
    let want = [
        (0, sp(0), IN_LR),
        (4, sp(12), at(-4)),
        (6, fp.clone(), at(-4)),
        (34, sp(12), at(-4)),
        (38, sp(0), IN_LR),
    ];
    // Undone: mov sp, r11 makes what is before it of no account.
    let table = read(40, &record(true, 5, &codes), DATA);
    assert_eq!(rows(&table), want);
    let table =
        read(40, &record(false, 32, &[&codes[..4], &[0xff, 0, 0, 0], &codes[5..]].concat()), DATA);
    assert_eq!(table.drops.iter().count(), 0);
    // A part: everything was done before.
    let mut part = (0x14 | 1 << 22 | 1_u32 << 28).to_le_bytes().to_vec();
    part.extend([0x02, 0xd5, 0xff, 0xff]);
    let table = read(40, &part, DATA);
    assert_eq!(rows(&table), [(0, sp(20), at(-4))]);
}

#[test]
fn codes_are_undone() {
    let at = Recovery::AtCfa;
    for (codes, cfa, link) in [
        (&[0x7f][..], 508, IN_LR),
        (&[0xbf, 0xff], 56, at(-4)),
        (&[0xd3], 16, IN_LR),
        (&[0xd7], 20, at(-4)),
        (&[0xdb], 32, IN_LR),
        (&[0xdf], 36, at(-4)),
        (&[0xe7], 64, IN_LR),
        (&[0xe8, 0x80], 512, IN_LR),
        (&[0xeb, 0xff], 4092, IN_LR),
        (&[0xec, 0x0f], 16, IN_LR),
        (&[0xed, 0x80], 8, at(-4)),
        (&[0xef, 0x05], 20, at(-20)),
        (&[0xf5, 0x8f], 64, IN_LR),
        (&[0xf6, 0x01], 16, IN_LR),
        (&[0xf7, 0x01, 0x00], 1024, IN_LR),
        (&[0xf8, 0x01, 0x00, 0x00], 0x4_0000, IN_LR),
        (&[0xfa, 0x00, 0x00, 0x02], 8, IN_LR),
        (&[0xfb, 0xfc], 0, IN_LR),
    ] {
        let rule = unwind(&codes::parse(codes, false).unwrap()).unwrap();
        assert_eq!((&rule.cfa, &rule.return_address), (&sp(cfa), &link), "{codes:x?}");
    }
    for bad in
        [&[0x80][..], &[0xe8], &[0xf7, 0], &[0xfa, 0, 0], &[0xee, 0x10], &[0xf0], &[0xf5, 0x21]]
    {
        assert_eq!(codes::parse(bad, false), None, "{bad:x?}");
    }
    // Another stack.
    assert_eq!(unwind(&codes::parse(&[0xee, 0x01], false).unwrap()), None);
}

#[test]
fn damage_is_counted() {
    for (data, word) in [
        (vec![], DATA),
        (vec![0; 3], DATA),
        (record(true, 5, &[0xf0]), DATA),
        (record(true, 31, &[0xff]), DATA),
        (record(false, 100, &[0xff]), DATA),
        (vec![20, 0, 4, 0x10, 0xff, 0xff, 0xff, 0xff], DATA),
        (vec![], 3),
    ] {
        let table = read(40, &data, word);
        assert_eq!(table.drops.iter().map(|(_, count)| count).sum::<u64>(), 1, "{data:x?}");
    }
}
