use super::*;

const SIZES: Sizes = Sizes { locals: 20, saved_registers: 8, parameters: 12 };
const EBX: Register = Register(3);

fn rule_of(program: &str) -> Rule {
    evaluate(program, SIZES).unwrap_or_else(|| panic!("{program}"))
}

#[test]
fn frames_are_searched_above_locals_and_saved_registers() {
    let rule =
        rule_of("$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $ebp $T0 4 - ^ =$ebx $T0 8 - ^ =");
    assert_eq!(rule.cfa, Cfa::Register(ESP, 32));
    assert_eq!(rule.return_address, Recovery::AtCfa(-4));
    assert_eq!(rule.saved(), [(EBX, Recovery::AtCfa(-12)), (EBP, Recovery::AtCfa(-8))]);
    assert!(rule.flags.has(RuleFlags::CALLEE_ARGUMENTS));
    assert_eq!(rule.argument_bytes, 12);
    // The same in other words.
    let same = "$T0 $esp .cbCalleeParams + .cbLocals + .cbSavedRegs + = $33 $T0 ^ = $21 $T0 4 + = $22 $T0 4 - ^ = $20 $T0 8 - ^ =";
    assert_eq!(rule_of(same), rule);
}

#[test]
fn frames_with_a_pointer_need_no_arguments() {
    let rule = rule_of("$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =");
    assert_eq!((rule.cfa, rule.return_address), (Cfa::Register(EBP, 8), Recovery::AtCfa(-4)));
    assert!(!rule.flags.has(RuleFlags::CALLEE_ARGUMENTS));
}

#[test]
fn aligned_frames_are_expressions() {
    let rule = rule_of(
        "$T1 .raSearch = $T0 $T1 4 - 8 @ = $ebp $T1 4 - ^ = $eip $T1 ^ = $esp $T1 4 + = $ebx $T0 56 - ^ =",
    );
    assert_eq!(rule.cfa, Cfa::Register(ESP, 32));
    assert_eq!(rule.return_address, Recovery::AtCfa(-4));
    // breg4 24, constu -8, and, plus_uconst -56.
    let address: &[u8] =
        &[0x74, 24, 0x10, 0xf8, 0xff, 0xff, 0xff, 0x0f, 0x1a, 0x23, 0xc8, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(
        rule.saved(),
        [(EBX, Recovery::AtExpression(address.into())), (EBP, Recovery::AtCfa(-8))]
    );
}

#[test]
fn registers_can_be_lost_moved_or_computed() {
    let rule = rule_of(
        "$esp $ebp ^ 8 + = $eip $ebp ^ 4 + ^ = $eax .undef = $ecx $edx 4 + = $esi 5 = $edi $edi = $ebx $esp 4 - =",
    );
    assert_eq!(rule.cfa, Cfa::Expression([0x75, 0, 0x06, 0x23, 8].into()));
    assert_eq!(rule.return_address, Recovery::AtCfa(-4));
    assert_eq!(
        rule.saved(),
        [
            (Register(0), Recovery::Undefined),
            (Register(1), Recovery::Register(Register(2), 4)),
            (EBX, Recovery::CfaPlus(-4)),
            (Register(6), Recovery::Expression([0x10, 5].into())),
        ]
    );
}

#[test]
fn what_is_no_rule_is_refused() {
    for program in [
        "",
        "$eip",
        "=",
        "$T0 =",
        "$T0 1 = 2",
        "$eip $T9 ^ = $esp 4 =",
        "4 $esp =",
        ".raSearch 4 =",
        // No return address, no stack pointer.
        "$esp $ebp 8 + =",
        "$eip $ebp 4 + ^ =",
        "$esp .undef = $eip $ebp ^ =",
        // Arguments of the frame below stay in the result.
        "$esp $esp .cbLocals + = $eip .raSearch ^ =",
        "$eip $esp ^ = $esp .raSearch =",
        "$esp $ebp 3 @ = $eip $esp ^ =",
        "$esp $ebp $ebx @ = $eip $esp ^ =",
        "$esp $ebp 2 / = $eip $esp ^ =",
        "$esp 4294967296 = $eip $esp ^ =",
    ] {
        assert_eq!(evaluate(program, SIZES), None, "{program}");
    }
}

#[test]
fn values_do_not_grow_without_end() {
    let doubled = "$T0 $ebp = ".to_owned() + &"$T0 $T0 $T0 + = ".repeat(40);
    assert_eq!(evaluate(&(doubled + "$esp $T0 = $eip $T0 ^ ="), SIZES), None);
    let long = "$T0 $ebp = ".repeat(1000) + "$esp $T0 = $eip $T0 ^ =";
    assert_eq!(evaluate(&long, SIZES), None);
    let loads = "^ ".repeat(200);
    assert_eq!(evaluate(&format!("$esp $ebp {loads} = $eip $esp ^ ="), SIZES), None);
}
