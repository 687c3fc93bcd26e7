//! Unwinds images of Windows before each of their instructions that an emulator has run
//! (`testdata/emulate.py`). All return addresses, and the registers of the caller, have to be those
//! that the emulator saw at the calls.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use symtool_debug::{DebugFile, Mapped, Progress, Search};
use symtool_unwind::apply::{Machine, Registers, apply};
use symtool_unwind::{Register, RuleFlags, UnwindTable};

/// The address to which the emulator's own calls return.
const END: u64 = 0x5a5a_0000;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/windows").join(name)
}

/// The rows of an image. Those of 32-bit x86 are in its PDB, which finds the image beside it.
fn table(name: &str, machine: Machine) -> UnwindTable {
    let end = if machine == Machine::I386 { "pdb" } else { "dll" };
    let mapped = Mapped::open(&fixture(&format!("{name}.{end}"))).unwrap();
    let file = DebugFile::parse(&mapped).unwrap();
    file.read(&Search::nowhere(), &Progress::default()).unwrap().unwind
}

/// What the emulator saw before an instruction.
#[derive(Default)]
struct State {
    registers: Registers,
    memory: HashMap<u64, u64>,
    address: u64,
    kept: Vec<u64>,
}

/// What a file of steps says at its start.
struct Run {
    machine: Machine,
    base: u64,
    registers: Vec<Register>,
    kept: Vec<Register>,
}

fn register(machine: Machine, name: &str) -> Register {
    const X64: [&str; 8] = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"];
    const X86: [&str; 8] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
    let find = |names: &[&str]| names.iter().position(|known| *known == name);
    let number = find(&X64).or_else(|| find(&X86)).unwrap_or_else(|| match name {
        "sp" => machine.stack_pointer.0.into(),
        "lr" => 14,
        _ => name[1..].parse().unwrap(),
    });
    Register(u16::try_from(number).unwrap())
}

impl Run {
    /// The return addresses from `state` outwards, and the registers of the caller.
    fn walk(&self, table: &UnwindTable, state: &State) -> (Vec<u64>, Vec<Option<u64>>) {
        let memory = |address, _| Some(state.memory.get(&address).copied().unwrap_or_default());
        let (mut registers, mut lookup) = (state.registers.clone(), state.address);
        let (mut callers, mut kept, mut argument_bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(row) = table.at(lookup).filter(|_| callers.len() < 64) {
            let rule = table.rule(row);
            let Ok(caller) = apply(rule, self.machine, &registers, &memory, argument_bytes) else {
                break;
            };
            registers = caller.registers;
            // The lowest bit of an address of Thumb code says that it is.
            let bits = if self.machine == Machine::ARM { !1 } else { !0 };
            let address = registers.get(self.machine.program_counter).unwrap() & bits;
            if callers.is_empty() {
                kept = self.kept.iter().map(|register| registers.get(*register)).collect();
            }
            callers.push(address);
            let Some(address) = address.checked_sub(self.base).filter(|_| address != END) else {
                break;
            };
            argument_bytes = rule.argument_bytes;
            let is_called = !rule.flags.has(RuleFlags::SIGNAL_FRAME);
            lookup = address - u64::from(is_called);
        }
        (callers, kept)
    }
}

/// Unwinds at all steps of the fixture `name`: how many there are, and where that goes wrong.
fn unwind(name: &str, machine: Machine) -> (usize, Vec<String>) {
    let table = table(name, machine);
    let steps = std::fs::File::open(fixture(&format!("{name}.steps.zst"))).unwrap();
    let steps = zstd::decode_all(steps).unwrap();
    let hex = |word: &str| u64::from_str_radix(word, 16).unwrap();
    let mut run = Run { machine, base: 0, registers: Vec::new(), kept: Vec::new() };
    let (mut state, mut count, mut wrong) = (State::default(), 0, Vec::new());
    for line in std::str::from_utf8(&steps).unwrap().lines() {
        let mut words = line.split(' ');
        match words.next().unwrap() {
            "image" => run.base = hex(words.next().unwrap()),
            "registers" => run.registers = words.map(|name| register(machine, name)).collect(),
            "keeps" => run.kept = words.map(|name| register(machine, name)).collect(),
            "run" => state = State::default(),
            "step" => state.address = hex(words.next().unwrap()),
            "values" => {
                for (register, value) in run.registers.iter().zip(words) {
                    if value != "." {
                        state.registers.set(*register, Some(hex(value)));
                    }
                }
            }
            "word" => {
                let address = hex(words.next().unwrap());
                state.memory.insert(address, hex(words.next().unwrap()));
            }
            "kept" => state.kept = words.map(hex).collect(),
            _ => {
                let want: Vec<u64> = words
                    .map(|word| if word == "end" { END } else { run.base + hex(word) })
                    .collect();
                let (callers, kept) = run.walk(&table, &state);
                let is_kept = kept.iter().copied().eq(state.kept.iter().map(|value| Some(*value)));
                if callers != want {
                    wrong.push(format!("{:x}: {callers:x?} instead of {want:x?}", state.address));
                } else if !is_kept {
                    wrong.push(format!(
                        "{:x}: {kept:x?} instead of {:x?}",
                        state.address, state.kept
                    ));
                }
                count += 1;
            }
        }
    }
    (count, wrong)
}

#[test]
fn every_executed_instruction_is_unwound() {
    let mut failed = Vec::new();
    for (name, machine, instructions) in [
        ("shop64", Machine::X86_64, 138),
        ("mingw64", Machine::X86_64, 138),
        ("frames64", Machine::X86_64, 925),
        ("frames64fp", Machine::X86_64, 1006),
        ("shoparm64", Machine::AARCH64, 160),
        ("framesarm64", Machine::AARCH64, 827),
        ("framesarm64pac", Machine::AARCH64, 841),
        ("shoparm", Machine::ARM, 123),
        ("framesarm", Machine::ARM, 778),
        ("framesarmfp", Machine::ARM, 809),
        ("shop86", Machine::I386, 203),
        ("shop86fp", Machine::I386, 221),
        ("frames86", Machine::I386, 1073),
        ("frames86fp", Machine::I386, 1138),
        ("frames86os", Machine::I386, 997),
    ] {
        let (count, wrong) = unwind(name, machine);
        assert_eq!(count, instructions, "{name}");
        println!("{name}: {} of {count}", count - wrong.len());
        wrong.iter().take(12).for_each(|wrong| println!("  {wrong}"));
        failed.extend(wrong.into_iter().map(|wrong| format!("{name} {wrong}")));
    }
    assert!(failed.is_empty(), "{}\n{} are wrong", failed.join("\n"), failed.len());
}
