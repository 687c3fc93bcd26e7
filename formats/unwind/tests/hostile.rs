//! Unwind data that means harm, or that a linker has left behind: what of it is kept, what is
//! counted, and that the rest is read.

#![allow(clippy::unwrap_used, reason = "a test that fails says so by panicking")]

mod support;

use std::time::{Duration, Instant};

use symtool_unwind::{
    Architecture, CodeRange, Section, UnwindDropReason, UnwindSections, UnwindTable,
};

/// `DW_CFA_def_cfa rsp, 8; DW_CFA_offset rip, -8`
const ENTRY: [u8; 5] = [0x0c, 7, 8, 0x90, 1];

/// What a `.debug_frame` of x86-64 is put together from.
#[derive(Default)]
struct Frame(Vec<u8>);

impl Frame {
    /// An entry with its length before it.
    fn entry(mut self, parts: &[&[u8]]) -> Self {
        let body = parts.concat();
        self.0.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        self.0.extend(body);
        self
    }

    /// A CIE; the first is at 0.
    fn cie(self, instructions: &[u8]) -> Self {
        self.entry(&[&[0xff; 4], &[3, 0, 1, 0x78, 16], instructions])
    }

    /// The entry of a function whose CIE is at `cie`.
    fn fde(self, cie: u32, start: u64, length: u64, instructions: &[u8]) -> Self {
        let [cie, start, length] =
            [&cie.to_le_bytes()[..], &start.to_le_bytes(), &length.to_le_bytes()];
        self.entry(&[cie, start, length, instructions])
    }

    fn read(&self) -> UnwindTable {
        read(&UnwindSections { debug_frame: Some(section(&self.0)), ..image() })
    }
}

fn section(bytes: &[u8]) -> Section<'_> {
    Section { address: 0x8000, bytes }
}

/// The lower 14 bits of `number` as ULEB128.
fn uleb128(number: u32) -> [u8; 2] {
    [0, 7].map(|shift| {
        u8::try_from(number >> shift & 0x7f).unwrap() | if shift == 0 { 0x80 } else { 0 }
    })
}

/// `DW_CFA_offset_extended` of this many registers.
fn saved_registers(count: u32) -> Vec<u8> {
    (0..count).map(uleb128).flat_map(|[low, high]| [0x05, low, high, 1]).collect()
}

/// An image with code from 0x1000 to 0x5000.
fn image() -> UnwindSections<'static> {
    UnwindSections {
        architecture: Architecture::X86_64,
        address_bytes: 8,
        code: vec![CodeRange { start: 0x1000, end: 0x5000, bytes: &[] }],
        ..UnwindSections::default()
    }
}

/// Reads within a time that even a machine under load needs for no input of a few MB.
fn read(sections: &UnwindSections<'_>) -> UnwindTable {
    let begun = Instant::now();
    let table = sections.read();
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
    assert!(table.rows.is_sorted_by(|one, next| one.end <= next.start));
    table
}

fn text(table: &UnwindTable) -> Vec<String> {
    support::text(table).lines().map(str::to_owned).collect()
}

fn counts(table: &UnwindTable) -> Vec<(&'static str, u64)> {
    table.drops.iter().map(|(reason, count)| (reason.name(), count)).collect()
}

#[test]
fn entries_of_discarded_functions_are_counted() {
    let mut frame = Frame::default().cie(&ENTRY);
    for start in [0, 0x1000, 0xfff, 0x5000, u64::MAX, u64::MAX - 1] {
        frame = frame.fde(0, start, 16, &[]);
    }
    let table = frame.fde(0, 0x2000, 0, &[]).read();
    assert_eq!(text(&table), ["1000 1010 cfa=r7+8 ra=[cfa-8]"]);
    assert_eq!(counts(&table), [("unwind_tombstone", 6)]);
}

#[test]
fn a_bad_entry_costs_itself() {
    let good: &[u8] = &[0x41, 0x0e, 16];
    let table = Frame::default()
        .cie(&ENTRY)
        .fde(0, 0x1000, 4, good)
        // An unknown instruction, one cut short, a register that is none, a stack that is empty, a
        // location before the last, an offset without a register.
        .fde(0, 0x1010, 4, &[0x41, 0x3f])
        .fde(0, 0x1020, 4, &[0x41, 0x0e, 0x80])
        .fde(0, 0x1030, 4, &[0x07, 0xff, 0xff, 0xff, 0x7f])
        .fde(0, 0x1040, 4, &[0x0b])
        .fde(0, 0x1050, 4, &[1, 0, 0x10, 0, 0, 0, 0, 0, 0, 0x41])
        .fde(0, 0x1060, 4, &[0x0f, 1, 0x30, 0x0e, 8])
        // A CIE that is an FDE, one that is nothing, one past the end.
        .fde(14, 0x1070, 4, good)
        .fde(3, 0x1080, 4, good)
        .fde(u32::MAX - 1, 0x1090, 4, good)
        // Too short for its fields.
        .entry(&[&[0, 0, 0, 0, 1, 2]])
        .fde(0, 0x2000, 4, good)
        // More than the section has.
        .entry(&[])
        .fde(0, 0x2010, 4, good)
        .read();
    let rows = ["1000 1001 cfa=r7+8 ra=[cfa-8]", "1001 1004 cfa=r7+16 ra=[cfa-8]"];
    let last = rows.map(|row| row.replace("1001", "2001").replace("100", "200"));
    let more = last.clone().map(|row| row.replace("200", "201"));
    assert_eq!(text(&table)[..2], rows);
    assert_eq!(text(&table)[2..4], last);
    assert_eq!(text(&table)[4..], more);
    assert_eq!(counts(&table), [("bad_unwind_entry", 9), ("unsupported_unwind_rule", 1)]);
}

#[test]
fn lengths_that_are_lies_end_the_section() {
    for length in [[0xff; 4], [0xfe, 0xff, 0xff, 0xff], [0xf0, 0xff, 0xff, 0xff], [0, 0, 1, 0]] {
        let mut frame = Frame::default().cie(&ENTRY).fde(0, 0x1000, 4, &[]);
        frame.0.extend(length);
        frame.0.extend([0xff; 20]);
        let table = frame.read();
        assert_eq!(table.rows.len(), 1, "{length:?}");
        assert_eq!(counts(&table), [("bad_unwind_entry", 1)], "{length:?}");
    }
}

#[test]
fn rows_end_with_their_function_and_the_code() {
    let table = Frame::default()
        .cie(&ENTRY)
        // Advances by 2^32 - 1 and goes on.
        .fde(0, 0x1000, 4, &[0x04, 0xff, 0xff, 0xff, 0xff, 0x0e, 16, 0x41, 0x0e, 24])
        .fde(0, 0x4ff0, u64::MAX, &[0x4f, 0x0e, 16])
        .read();
    let rows = [
        "1000 1004 cfa=r7+8 ra=[cfa-8]",
        "4ff0 4fff cfa=r7+8 ra=[cfa-8]",
        "4fff 5000 cfa=r7+16 ra=[cfa-8]",
    ];
    assert_eq!(text(&table), rows);
    assert_eq!(counts(&table), [("bad_unwind_entry", 1)]);
}

#[test]
fn rows_that_do_not_move_are_not_kept() {
    let instructions: Vec<u8> = (0..200_000_u32)
        .flat_map(|number| [0x0e, u8::try_from(number % 100).unwrap(), 0x40])
        .collect();
    let table = Frame::default().cie(&ENTRY).fde(0, 0x1000, 4, &instructions).read();
    assert_eq!(text(&table), ["1000 1004 cfa=r7+99 ra=[cfa-8]"]);
}

#[test]
fn registers_and_remembered_rules_have_a_bound() {
    let registers = saved_registers(1000);
    let table = Frame::default()
        .cie(&ENTRY)
        .fde(0, 0x1000, 4, &registers)
        .fde(0, 0x2000, 4, &[0x0a; 1000])
        .fde(0, 0x3000, 4, &[&[0x0a; 60][..], &[0x0b; 60]].concat())
        .read();
    assert_eq!(text(&table), ["3000 3004 cfa=r7+8 ra=[cfa-8]"]);
    assert_eq!(counts(&table), [("unsupported_unwind_rule", 2)]);
}

/// Each row looks at 250 registers and is a rule of its own: in memory, 8 KB for three bytes.
#[test]
fn rules_that_are_all_different_use_up_their_budget() {
    let registers = saved_registers(250);
    let rows: Vec<u8> =
        (0..1_000_000).map(uleb128).flat_map(|[low, high]| [0x0e, low, high, 0x41]).collect();
    let mut sections = image();
    sections.code[0].end = 1 << 32;
    let frame = Frame::default().cie(&ENTRY).fde(0, 0x1000, 1 << 24, &[registers, rows].concat());
    sections.debug_frame = Some(section(&frame.0));
    let table = read(&sections);
    assert_eq!(counts(&table), [("too_much_unwind_work", 1)]);
    assert!(table.rows.is_empty());
}

/// A CIE of 40,000 bytes for each function, one within the other.
#[test]
fn cies_within_each_other_use_up_their_budget() {
    let mut frame = Frame::default();
    let nested = 4_000;
    for number in 0..nested {
        let rest = u32::try_from((nested - number) * 16 - 4).unwrap();
        frame.0.extend(rest.to_le_bytes());
        frame.0.extend([0xff, 0xff, 0xff, 0xff, 3, 0, 1, 0x78, 16, 0, 0, 0]);
    }
    for number in 0..nested {
        frame = frame.fde(u32::try_from(number * 16).unwrap(), 0x1000, 4, &[]);
    }
    let table = frame.read();
    assert!(table.drops.of(UnwindDropReason::TooMuchWork) == 1, "{:?}", table.drops);
}

/// All functions at one address, each with rows of its own.
#[test]
fn overlapping_rows_take_no_square_of_their_number() {
    let mut frame = Frame::default().cie(&ENTRY);
    let rows: Vec<u8> = (0..60_u8).flat_map(|number| [0x42, 0x0e, 16 + number]).collect();
    for number in 0..10_000_u64 {
        frame = frame.fde(0, 0x1000 + number % 100, 0x1000, &rows);
    }
    let table = frame.read();
    assert!(table.rows.len() >= 60);
    assert!(table.drops.of(UnwindDropReason::Overlap) > 100_000);
}

fn arm(exidx: &[u8], extab: &[u8]) -> UnwindTable {
    let extab = Some(Section { address: 0x9000, bytes: extab });
    let architecture = Architecture::Arm;
    read(&UnwindSections {
        architecture,
        address_bytes: 4,
        exidx: Some(section(exidx)),
        extab,
        ..image()
    })
}

/// An entry of the index at 0x8000 + 8 * `number`.
fn index(number: u32, start: u32, word: u32) -> [u8; 8] {
    let offset = start.wrapping_sub(0x8000 + 8 * number) & 0x7fff_ffff;
    [offset.to_le_bytes(), word.to_le_bytes()].concat().try_into().unwrap()
}

#[test]
fn bad_entries_of_arm_cost_themselves() {
    let outside = 0x7fff_0000;
    let table = arm(
        &[
            index(0, 0x1000, 0x80a8_b0b0),
            index(1, 0x1010, 0x81a8_b0b0),
            index(2, 0x1020, 0x90a8_b0b0),
            index(3, 0x1030, outside),
            // The table at 0x9000 says 255 more words, and has none.
            index(4, 0x1040, 0x9000 - 0x8024),
            index(5, 0x1050, 1),
            index(6, 0x0010, 0x80a8_b0b0),
            index(7, 0x1058, 0x80b0_b0b0),
        ]
        .concat(),
        &[0, 0, 0xff, 0x81],
    );
    let rows = [
        "1000 1010 cfa=r13+8 ra=[cfa-4] r4=[cfa-8] r14=[cfa-4] body",
        "1050 1058 cfa=<> ra=undefined end",
        "1058 5000 cfa=r13+0 ra=r14+0 body",
    ];
    assert_eq!(text(&table), rows);
    assert_eq!(counts(&table), [("bad_unwind_entry", 4), ("unwind_tombstone", 1)]);
}

/// Functions that share a table of 1,022 instructions which load the stack pointer or pop 16
/// registers.
#[test]
fn tables_that_arm_functions_share_use_up_their_budget() {
    let extab: Vec<u8> = std::iter::once([0x8f, 0xff, 0xff, 0x81])
        .chain(std::iter::repeat_n([0xef, 0xdf, 0xef, 0x8f], 255))
        .flatten()
        .collect();
    let count = 100_000;
    let entries = (0..count).map(|number| {
        index(number, 0x1000, 0x9000_u32.wrapping_sub(0x8004 + 8 * number) & 0x7fff_ffff)
    });
    let exidx: Vec<u8> = entries.flatten().collect();
    let table = arm(&exidx, &extab);
    let dropped: u64 = table.drops.iter().map(|(_, count)| count).sum();
    assert!(dropped > 0 && table.rows.len() <= 1, "{:?}", table.drops);
    for loads in 1..=16 {
        // `pop {sp}`, again and again.
        let opcodes = [&[0x82, 0x00].repeat(loads)[..], &[0xb0; 2]].concat();
        let words = u8::try_from((opcodes.len() - 2).div_ceil(4)).unwrap();
        let mut bytes = vec![0x81, words];
        bytes.extend(opcodes);
        bytes.resize(4 + 4 * usize::from(words), 0xb0);
        let extab: Vec<u8> = bytes.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
        let table = arm(&index(0, 0x1000, 0x9000 - 0x8004), &extab);
        assert_eq!(table.rows.len(), usize::from(loads <= 8), "{loads}");
    }
}

fn apple(bytes: &[u8]) -> UnwindTable {
    read(&UnwindSections { unwind_info: Some(section(bytes)), is_mach_o: true, ..image() })
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn pages_that_point_to_themselves_and_to_nothing_are_counted() {
    // The header is its own page: no kind of page is 1.
    let itself = words(&[1, 28, 0, 28, 0, 28, 2, 0x1000, 0, 0, 0x5000, 0, 0]);
    assert_eq!(text(&apple(&itself)), [""; 0]);
    for page in [1, 4, 28, 40, 4000, u32::MAX, u32::MAX - 3] {
        let table = apple(&words(&[1, 28, 0, 28, 0, 28, 2, 0x1000, page, 0, 0x5000, 0, 0]));
        assert!(table.rows.is_empty(), "{page}");
        assert_eq!(counts(&table), [("bad_unwind_entry", 1)], "{page}");
    }
    for header in [words(&[2, 28, 0, 28, 0, 28, 1]), words(&[1, 28]), Vec::new()] {
        assert!(apple(&header).rows.is_empty());
    }
    // Entries of the first level that are not there.
    let table = apple(&words(&[1, 28, 0, 28, 0, 28, u32::MAX, 0x1000, 0, 0]));
    assert_eq!(counts(&table), [("bad_unwind_entry", 1)]);
}

/// 20,000 entries of the first level, all of which point to one page of 65,535 functions.
#[test]
fn pages_that_are_shared_use_up_their_budget() {
    let page = 28 + 12 * 20_000;
    let mut bytes = words(&[1, 28, 0, 28, 0, 28, 20_000]);
    for _ in 0..20_000 {
        bytes.extend(words(&[0x1000, page, 0]));
    }
    bytes.extend(words(&[2, 0xffff_0008]));
    bytes.extend(words(&[0x1000, 0x0100_0000]).repeat(65_535));
    let table = apple(&bytes);
    assert!(table.rows.len() <= 1);
    assert_eq!(table.drops.of(UnwindDropReason::TooMuchWork), 1, "{:?}", table.drops);
}
