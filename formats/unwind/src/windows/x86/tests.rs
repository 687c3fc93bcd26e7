use crate::rule::{Cfa, Register, RuleFlags};
use crate::table::UnwindTableBuilder;
use crate::windows::{FrameData, FrameDataRows, PeImage, PeSection};

const START: u32 = 0x1000;
const SEARCH: &str = "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =";

/// The rows of one function with this code, whose frame has no locals: where they begin, the CFA's
/// register and offset, and whether they come from frame data alone.
fn rows(code: &[u8]) -> Vec<(u64, u16, i64, bool)> {
    rows_with(code, SEARCH)
}

fn rows_with(code: &[u8], program: &str) -> Vec<(u64, u16, i64, bool)> {
    let code_bytes = u32::try_from(code.len()).unwrap();
    let section = PeSection { start: START, memory_bytes: code_bytes, bytes: code, is_code: true };
    let mut rows = FrameDataRows::default();
    rows.push(&FrameData {
        start: START.into(),
        code_bytes,
        is_function_start: true,
        program,
        ..FrameData::default()
    });
    let mut builder = UnwindTableBuilder::default();
    rows.finish_with_code(&PeImage::new([section]), &mut builder);
    let table = builder.finish();
    let row = |row: &crate::table::UnwindRow| {
        let rule = table.rule(row);
        let Cfa::Register(Register(register), offset) = rule.cfa else { panic!("{rule:?}") };
        let is_body_only = rule.flags.has(RuleFlags::BODY_ONLY);
        (row.start - u64::from(START), register, offset, is_body_only)
    };
    table.rows.iter().map(row).collect()
}

#[test]
fn arguments_are_pushed_and_removed() {
    // push 1; push 2; call eax; add esp, 8; ret: the caller removes them.
    let by_caller = rows(b"\x6a\x01\x6a\x02\xff\xd0\x83\xc4\x08\xc3");
    assert_eq!(
        by_caller,
        [(0, 4, 4, false), (2, 4, 8, false), (4, 4, 12, false), (9, 4, 4, false)]
    );
    // Without the addition, the function that was called has removed them.
    let removed = rows(b"\x6a\x01\x6a\x02\xff\xd0\xc3");
    assert_eq!(removed, [(0, 4, 4, false), (2, 4, 8, false), (4, 4, 12, false), (6, 4, 4, false)]);
    // They stay until the end: push ebx; push 1; call eax; mov eax, ebx; pop ecx; pop ebx; ret
    let late = rows(b"\x53\x6a\x01\xff\xd0\x89\xd8\x59\x5b\xc3");
    assert_eq!(late[2..], [(3, 4, 12, false), (8, 4, 8, false), (9, 4, 4, false)]);
}

#[test]
fn epilogs_undo_a_frame_pointer() {
    // push ebp; mov ebp, esp; push 1; call eax; pop ebp; ret
    let program = "$T0 $ebp 4 + = $eip $T0 ^ = $esp $T0 4 + = $ebp $T0 4 - ^ =";
    let rows = rows_with(b"\x55\x89\xe5\x6a\x01\xff\xd0\x5d\xc3", program);
    assert_eq!(rows, [(0, 4, 4, false), (1, 4, 8, false), (3, 5, 8, false), (8, 4, 4, false)]);
}

#[test]
fn jumps_by_a_table_lead_to_what_follows() {
    // push ebx; jmp [eax*4+0x1000]; int3; pop ebx; ret; push esi; pop esi; pop ebx; ret
    let rows = rows(b"\x53\xff\x24\x85\0\x10\0\0\xcc\x5b\xc3\x56\x5e\x5b\xc3");
    let want = [(0, 4), (1, 8), (8, 4), (9, 8), (10, 4), (11, 8), (12, 12), (13, 8), (14, 4)];
    assert_eq!(rows.iter().map(|row| (row.0, row.2)).collect::<Vec<_>>(), want);
    assert!(rows.iter().all(|row| row.3 == (row.0 == 8)));
}

#[test]
fn code_that_contradicts_itself_leaves_frame_data() {
    for code in [
        // push eax; ret. push eax; jmp away. An invalid instruction alone.
        &b"\x50\xc3"[..],
        b"\x50\xe9\0\0\0\x10",
        b"\x0f\xff",
        // jmp by a table, where what follows does not leave as it came.
        b"\xff\x24\x85\0\x10\0\0\x50\xc3",
    ] {
        assert_eq!(rows(code), [(0, 4, 4, true)], "{code:x?}");
    }
    // A loop that pushes: what is on the stack is not known, nor is that wrong.
    assert!(rows(b"\x50\xeb\xfd").len() <= 2);
}
