use super::*;

const SEARCH: &str = "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =";

fn rows(with: &[(u64, u32, u32)], without: &[(u64, u32, u32)]) -> Vec<(u64, u64, i64)> {
    let mut rows = FrameDataRows::default();
    for &(start, code_bytes, local_bytes) in with {
        let program = if local_bytes == 99 { "$eip" } else { SEARCH };
        rows.push(&FrameData { start, code_bytes, local_bytes, program, ..Default::default() });
    }
    for &(start, code_bytes, local_bytes) in without {
        rows.push_fpo(&FpoData { start, code_bytes, local_bytes, ..Default::default() });
    }
    let mut builder = UnwindTableBuilder::default();
    rows.finish(&mut builder);
    let table = builder.finish();
    assert_eq!(table.drops.of(UnwindDropReason::Overlap), 0);
    let cfa = |row| match &table.rule(row).cfa {
        Cfa::Register(ESP, offset) => *offset,
        cfa => panic!("{cfa:?}"),
    };
    table.rows.iter().map(|row| (row.start, row.end, cfa(row))).collect()
}

#[test]
fn the_record_that_begins_last_counts() {
    let steps = [(10, 20, 0), (11, 19, 4), (13, 17, 8)];
    assert_eq!(rows(&steps, &[]), [(10, 11, 4), (11, 13, 8), (13, 30, 12)]);
    // One within another, one without a rule, and one of no bytes.
    let nested = [(10, 20, 0), (12, 2, 4), (20, 5, 99), (28, 0, 4)];
    assert_eq!(rows(&nested, &[]), [(10, 12, 4), (12, 14, 8), (14, 20, 4), (25, 30, 4)]);
    // Past the end of the one around it.
    assert_eq!(rows(&[(0, 8, 0), (4, 8, 4)], &[]), [(0, 4, 4), (4, 12, 8)]);
}

#[test]
fn programs_count_before_sizes() {
    let without = [(8, 16, 40), (40, 4, 44)];
    assert_eq!(
        rows(&[(10, 2, 0), (20, 8, 4)], &without),
        [(8, 10, 44), (10, 12, 4), (12, 20, 44), (20, 28, 8), (40, 44, 48)]
    );
}

#[test]
fn a_function_is_entered_with_the_return_address_on_top() {
    let mut rows = FrameDataRows::default();
    let program = "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =";
    let record = FrameData { start: 16, code_bytes: 8, prolog_bytes: 3, ..Default::default() };
    rows.push(&FrameData { program, is_function_start: true, ..record });
    let mut builder = UnwindTableBuilder::default();
    rows.finish(&mut builder);
    let table = builder.finish();
    let cfas: Vec<_> =
        table.rows.iter().map(|row| (row.start, row.end, table.rule(row).cfa.clone())).collect();
    assert_eq!(cfas, [(16, 17, Cfa::Register(ESP, 4)), (17, 24, Cfa::Register(EBP, 8))]);
}

#[test]
fn frames_without_a_program() {
    let data = FpoData {
        local_bytes: 8,
        parameter_bytes: 12,
        saved_register_bytes: 16,
        allocates_base_pointer: true,
        ..Default::default()
    };
    let rule = data.rule().unwrap();
    assert_eq!((&rule.cfa, rule.argument_bytes), (&Cfa::Register(ESP, 28), 12));
    // push ebp; push esi; push edi; push ebx
    assert_eq!(rule.saved(), [(EBP, Recovery::AtCfa(-8))]);
    let among_locals = FpoData { saved_register_bytes: 0, ..data }.rule().unwrap();
    assert_eq!(among_locals.saved(), [(EBP, Recovery::Undefined)]);
    assert!(rule.flags.has(RuleFlags::CALLEE_ARGUMENTS));
    let rule = FpoData { frame: FpoFrame::FramePointer, ..data }.rule().unwrap();
    assert_eq!(rule.cfa, Cfa::Register(EBP, 8));
    assert!(!rule.flags.has(RuleFlags::CALLEE_ARGUMENTS));
    assert_eq!(FpoData { frame: FpoFrame::Trap, ..data }.rule(), None);
    assert_eq!(FpoData { frame: FpoFrame::Tss, ..data }.rule(), None);
}
