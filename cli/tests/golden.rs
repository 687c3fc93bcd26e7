//! Every address of every fixture, against what llvm-symbolizer says (testdata/golden, made by golden.py).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fmt::Write;

use object::{Object, ObjectSection, SectionFlags, elf};
use serde_json::Value;
use support::{Sandbox, object, objects, testdata};

type Frame = (String, String, u64, u64);

/// A run of addresses with the same answer; the end can be 2^64.
struct Golden {
    start: u128,
    end: u128,
    frames: Vec<Frame>,
}

fn goldens(name: &str) -> Vec<Golden> {
    let text = std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
    let number = |value: &Value| u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let frames = line["frames"].as_array().unwrap().iter().map(|frame| {
                let text = |at: usize| frame[at].as_str().unwrap().to_owned();
                (text(0), text(1), frame[2].as_u64().unwrap(), frame[3].as_u64().unwrap())
            });
            Golden { start: number(&line["start"]), end: number(&line["end"]), frames: frames.collect() }
        })
        .collect()
}

/// First address and the one after the last of every executable section but PLTs.
fn code(name: &str) -> Vec<std::ops::Range<u64>> {
    let bytes = std::fs::read(object(name)).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    file.sections()
        .filter(|section| {
            let is_code = matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_EXECINSTR));
            is_code && !section.name().unwrap().starts_with(".plt")
        })
        .map(|section| section.address()..section.address() + section.size())
        .collect()
}

fn frames(line: &str) -> Vec<Frame> {
    let answer: Value = serde_json::from_str(line).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let frame = |frame: &Value| {
        (text(&frame["FunctionName"]), text(&frame["FileName"]), frame["Line"].as_u64().unwrap(), frame["Column"].as_u64().unwrap())
    };
    answer["Symbol"].as_array().unwrap().iter().map(frame).collect()
}

#[test]
fn every_address_of_every_fixture() {
    let sandbox = Sandbox::new();
    let mut addresses_checked = 0;
    for name in objects().iter().filter(|name| *name != "c-gcc-O2-stripped") {
        sandbox.import(name);
        let code = code(name);
        assert!(!code.is_empty());
        let is_code = |address: u64| code.iter().any(|section| section.contains(&address));
        let (mut batch, mut want) = (String::new(), Vec::new());
        for golden in goldens(name) {
            for address in golden.start..golden.end {
                let address = u64::try_from(address).unwrap();
                writeln!(batch, "{address:#x}").unwrap();
                // Deviation: outside of code symtool knows nothing, where llvm-symbolizer may name dead code at
                // address 0, or a data symbol without size that reaches to the end of the address space.
                want.push((address, if is_code(address) { golden.frames.clone() } else { vec![(String::new(), String::new(), 0, 0)] }));
            }
        }
        let covered = want.iter().filter(|(address, _)| is_code(*address)).count() as u64;
        assert_eq!(covered, code.iter().map(|section| section.end - section.start).sum::<u64>(), "{name}: goldens have holes");
        let batch = sandbox.write("batch", batch);
        let path = object(name);
        let args =
            ["resolve", "--module", path.to_str().unwrap(), "--style", "llvm-json", "--no-demangle", "--batch", batch.to_str().unwrap()];
        let run = sandbox.run(args);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        assert_eq!(run.stdout.lines().count(), want.len(), "{name}");
        for (line, (address, want)) in run.stdout.lines().zip(&want) {
            assert_eq!(&frames(line), want, "{name} {address:#x}");
        }
        addresses_checked += want.len();
    }
    assert!(addresses_checked > 50_000, "only {addresses_checked} addresses");
}

#[test]
fn thread_counts_and_order_make_no_difference() {
    let name = "cpp-gcc-O2-dwarf5.so";
    let mut outputs = Vec::new();
    for jobs in ["1", "2", "7"] {
        let sandbox = Sandbox::new();
        let path = object(name);
        assert_eq!(sandbox.run(["-j", jobs, "import", path.to_str().unwrap()]).code, 0);
        let addresses: Vec<String> = code(name).into_iter().flatten().map(|address| format!("{name} {address:x}")).collect();
        let forward = sandbox.run_with_input(&["-j", jobs, "resolve", "--batch", "-", "--style", "llvm"], addresses.join("\n").as_bytes());
        let reversed: Vec<String> = addresses.iter().rev().cloned().collect();
        let backward = sandbox.run_with_input(&["-j", jobs, "resolve", "--batch", "-", "--style", "llvm"], reversed.join("\n").as_bytes());
        assert_eq!((forward.code, backward.code), (0, 0));
        // Each answer ends with a blank line.
        let answers: Vec<&str> = backward.stdout.split_terminator("\n\n").collect();
        assert_eq!(answers.len(), addresses.len());
        let mut forward_answers: Vec<&str> = forward.stdout.split_terminator("\n\n").collect();
        forward_answers.reverse();
        assert_eq!(forward_answers, answers);
        outputs.push(forward.stdout);
    }
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}
