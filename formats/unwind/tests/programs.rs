//! Broken programs of x86 frame data: none panics, hangs, or gives a rule whose expressions cannot be
//! bounded.
//!
//! `MUTANTS=1000000` makes more of them, `SEED=7` others.

#![allow(clippy::unwrap_used, reason = "a test that fails says so by panicking")]

use fastrand::Rng;
use symtool_unwind::windows::FrameData;
use symtool_unwind::{Cfa, Recovery, Rule};

const PROGRAMS: [&str; 5] = [
    "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =",
    "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $ebp $T0 4 - ^ = $ebx $T0 8 - ^ = $edi $T0 12 - ^ =",
    "$T0 $ebp 4 + = $eip $T0 ^ = $esp $T0 4 + = $ebp $T0 4 - ^ =",
    "$T1 .raSearch = $T0 $T1 4 - 8 @ = $ebp $T1 4 - ^ = $eip $T1 ^ = $esp $T1 4 + = $20 $T0 56 - ^ =  $23 $T0 52 - ^ =",
    "$T2 $esp .cbCalleeParams + .cbLocals + .cbSavedRegs + = $T0 .raSearchStart = $eip $T2 ^ = $esp $T0 4 + = $ecx .undef =",
];

/// The largest expression of `rule`.
fn largest_expression(rule: &Rule) -> usize {
    let of = |recovery: &Recovery| match recovery {
        Recovery::AtExpression(bytes) | Recovery::Expression(bytes) => bytes.len(),
        _ => 0,
    };
    let cfa = if let Cfa::Expression(bytes) = &rule.cfa { bytes.len() } else { 0 };
    let saved = rule.saved().iter().map(|(_, recovery)| of(recovery));
    saved.chain([cfa, of(&rule.return_address)]).max().unwrap_or_default()
}

#[test]
fn broken_programs_end() {
    let setting = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().unwrap())
    };
    let mut rng = Rng::with_seed(setting("SEED", 1));
    let words: Vec<&str> = PROGRAMS.iter().flat_map(|program| program.split(' ')).collect();
    let count = setting("MUTANTS", 40_000);
    let mut rules = 0;
    for _ in 0..count {
        let program = rng.choice(PROGRAMS).unwrap();
        let mut tokens: Vec<&str> = program.split(' ').collect();
        for _ in 0..rng.usize(1..4) {
            let at = rng.usize(..tokens.len());
            match rng.u32(..5) {
                0 => tokens[at] = rng.choice(words.iter()).unwrap(),
                1 => tokens.insert(at, rng.choice(words.iter()).unwrap()),
                2 if tokens.len() > 1 => drop(tokens.remove(at)),
                3 => {
                    let again: Vec<&str> = tokens[at..].to_vec();
                    tokens.extend(again);
                }
                _ => tokens[at] = rng.choice(["-", "*", "4294967295", "-1", "@", "=="]).unwrap(),
            }
        }
        let mut text = tokens.join(" ").into_bytes();
        if rng.u32(..4) == 0 {
            let at = rng.usize(..text.len());
            text[at] = rng.u8(..128);
        }
        let text = String::from_utf8(text).unwrap();
        let record = FrameData {
            local_bytes: rng.u32(..),
            saved_register_bytes: rng.u32(..64),
            program: &text,
            ..FrameData::default()
        };
        if let Some(rule) = record.rule() {
            assert!(largest_expression(&rule) < 1024, "{text}");
            rules += 1;
        }
    }
    // One in eighteen is still a program.
    assert!(rules > count / 25 && rules < count, "{rules} of {count} are programs");
}
