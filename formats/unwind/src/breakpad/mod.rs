//! Reads and writes the unwind records of Breakpad's symbol files: [`BreakpadReader`],
//! [`write_cfi`].
//!
//! ```text
//! STACK CFI INIT 1000 20 .cfa: $rsp 8 + .ra: .cfa -8 + ^      0x1000..0x1020, until changed
//! STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^           what changes from 0x1001 on
//! STACK WIN 4 1000 7b 4 0 c 0 0 0 1 $T0 .raSearch = …         frame data of 32-bit Windows (win.rs)
//! ```
//!
//! Format: Breakpad, `docs/symbol_files.md`.

mod expression;
mod registers;
mod win;
mod write;

use self::expression::Expression;
use self::registers::Registers;
use crate::architecture::Architecture;
use crate::drops::UnwindDropReason;
use crate::limits::MAX_RULE_REGISTERS;
use crate::rule::{Cfa, Recovery, Register, Rule, RuleFlags};
use crate::table::{UnwindTable, UnwindTableBuilder};
use crate::windows::FrameDataRows;

pub use write::write_cfi;

/// Reads `STACK` records one after the other. Records that cannot be read are counted, those after
/// them are read.
#[derive(Debug)]
pub struct BreakpadReader {
    registers: Registers,
    builder: UnwindTableBuilder,
    /// The addresses of the `INIT` record at hand for which no row has been made yet.
    open: Option<(u64, u64)>,
    rules: CfiRules,
    frame_data: FrameDataRows,
}

impl BreakpadReader {
    /// A reader of the records of a module for `arch`, which is named as LLVM does.
    pub fn new(arch: &str) -> Self {
        Self {
            registers: Registers::of(Architecture::from_name(arch)),
            builder: UnwindTableBuilder::default(),
            open: None,
            rules: CfiRules::default(),
            frame_data: FrameDataRows::default(),
        }
    }

    /// Reads a record; `text` is what follows `STACK WIN ` in its line.
    pub fn win(&mut self, text: &[u8]) {
        if win::read(text, &mut self.frame_data).is_none() {
            self.builder.count(UnwindDropReason::BadEntry);
        }
    }

    /// Reads a record; `text` is what follows `STACK CFI ` in its line.
    pub fn cfi(&mut self, text: &[u8]) {
        match text.strip_prefix(b"INIT ") {
            Some(text) => self.begin(text),
            None => self.change(text),
        }
    }

    /// All rows of the records that were read.
    pub fn finish(mut self) -> UnwindTable {
        self.end();
        self.frame_data.finish(&mut self.builder);
        self.builder.finish()
    }

    fn begin(&mut self, text: &[u8]) {
        self.end();
        let mut words = words(text);
        let start = words.next().and_then(hex);
        let end = words.next().and_then(hex).and_then(|size| start?.checked_add(size));
        let Some(extent) = start.zip(end) else {
            return self.builder.count(UnwindDropReason::BadEntry);
        };
        self.rules = CfiRules::default();
        self.open = Some(extent);
        self.rules.read(words, &mut self.registers, &mut self.builder);
    }

    fn change(&mut self, text: &[u8]) {
        let mut words = words(text);
        let at = words.next().and_then(hex);
        match (at, self.open) {
            (Some(at), Some((start, end))) if (start..end).contains(&at) => {
                self.push(start, at);
                self.open = Some((at, end));
                self.rules.read(words, &mut self.registers, &mut self.builder);
            }
            _ => self.builder.count(UnwindDropReason::BadEntry),
        }
    }

    fn end(&mut self) {
        if let Some((start, end)) = self.open.take() {
            self.push(start, end);
        }
    }

    fn push(&mut self, start: u64, end: u64) {
        if start == end {
            return;
        }
        match self.rules.rule(&self.registers) {
            Some(rule) => self.builder.push(start, end, rule),
            None => self.builder.count(UnwindDropReason::NotSupported),
        }
    }
}

/// What holds at an address.
#[derive(Debug, Default)]
struct CfiRules {
    cfa: Option<Cfa>,
    return_address: Option<Recovery>,
    saved: Vec<(Register, Recovery)>,
    /// All of them together, until one changes.
    rule: Option<Rule>,
}

impl CfiRules {
    /// Reads `NAME: EXPRESSION` any number of times; each replaces what was known of its name.
    fn read<'t>(
        &mut self,
        words: impl Iterator<Item = &'t [u8]>,
        registers: &mut Registers,
        builder: &mut UnwindTableBuilder,
    ) {
        self.rule = None;
        let mut open: Option<(Target, Expression)> = None;
        for word in words {
            if let Some(name) = word.strip_suffix(b":") {
                self.set(open.take(), builder);
                let Some(target) = Target::named(name, registers) else {
                    builder.count(UnwindDropReason::NotSupported);
                    continue;
                };
                open = Some((target, Expression::new(target == Target::Cfa)));
            } else if let Some((_, expression)) = &mut open {
                expression.word(word, registers);
            }
            // What follows a name that is not known goes with it.
        }
        self.set(open, builder);
    }

    fn set(&mut self, rule: Option<(Target, Expression)>, builder: &mut UnwindTableBuilder) {
        let Some((target, expression)) = rule else { return };
        let is_known = match target {
            Target::Cfa => {
                self.cfa = expression.into_cfa();
                self.cfa.is_some()
            }
            Target::ReturnAddress => {
                self.return_address = expression.into_recovery();
                self.return_address.is_some()
            }
            Target::Register(register) => {
                let recovery = expression.into_recovery();
                let is_known = recovery.is_some();
                self.saved.retain(|(known, _)| *known != register);
                if let Some(recovery) = recovery.filter(|_| self.saved.len() < MAX_RULE_REGISTERS) {
                    self.saved.push((register, recovery));
                }
                is_known
            }
        };
        if !is_known {
            builder.count(UnwindDropReason::NotSupported);
        }
    }

    /// The rule that they make up; `None` if the frame's end is not known.
    fn rule(&mut self, registers: &Registers) -> Option<&Rule> {
        if self.rule.is_none() {
            self.rule = Some(self.build(registers)?);
        }
        self.rule.as_ref()
    }

    /// `dump_syms` writes no `.ra` where the return address is still in the link register, nor on
    /// other processors where it is undefined.
    fn build(&self, registers: &Registers) -> Option<Rule> {
        let mut rule = match (&self.return_address, registers.link()) {
            (Some(return_address), _) => Rule::new(self.cfa.clone()?, return_address.clone()),
            (None, Some(link)) => Rule::new(self.cfa.clone()?, Recovery::Register(link, 0)),
            (None, None) => {
                let mut rule = Rule::new(self.cfa.clone()?, Recovery::Undefined);
                rule.flags.set(RuleFlags::END_OF_STACK);
                rule
            }
        };
        for (register, recovery) in &self.saved {
            if *recovery != Recovery::Register(*register, 0) {
                rule.save(*register, recovery.clone());
            }
        }
        Some(rule)
    }
}

/// What an expression says how to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Cfa,
    ReturnAddress,
    Register(Register),
}

impl Target {
    fn named(name: &[u8], registers: &mut Registers) -> Option<Self> {
        match name {
            b".cfa" => Some(Self::Cfa),
            b".ra" => Some(Self::ReturnAddress),
            _ => registers.named(name).map(Self::Register),
        }
    }
}

/// The words of a record.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// A hexadecimal number.
fn hex(word: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RBX: Register = Register(3);
    const RBP: Register = Register(6);
    const RSP: Register = Register(7);

    fn read(arch: &str, records: &[&str]) -> UnwindTable {
        let mut reader = BreakpadReader::new(arch);
        records.iter().for_each(|record| reader.cfi(record.as_bytes()));
        reader.finish()
    }

    fn entry(offset: i64) -> Rule {
        Rule::new(Cfa::Register(RSP, offset), Recovery::AtCfa(-8))
    }

    #[test]
    fn changes_build_on_what_was_there() {
        let table = read(
            "x86_64",
            &[
                "INIT 1000 20 .cfa: $rsp 8 + .ra: .cfa -8 + ^",
                "1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^",
                "1004 .cfa: $rbp 16 +",
                "101f .cfa: $rsp 8 + $rbp: $rbp",
                "INIT 2000 10 .cfa: $rsp 8 + .ra: .cfa 8 - ^",
            ],
        );
        let mut pushed = entry(16);
        pushed.save(RBP, Recovery::AtCfa(-16));
        let mut framed = Rule::new(Cfa::Register(RBP, 16), Recovery::AtCfa(-8));
        framed.save(RBP, Recovery::AtCfa(-16));
        let told: Vec<_> =
            table.rows.iter().map(|row| (row.start, row.end, table.rule(row))).collect();
        let want = [
            (0x1000, 0x1001, &entry(8)),
            (0x1001, 0x1004, &pushed),
            (0x1004, 0x101f, &framed),
            (0x101f, 0x1020, &entry(8)),
            (0x2000, 0x2010, &entry(8)),
        ];
        assert_eq!(told, want);
        assert_eq!(table.drops, crate::UnwindDrops::default());
    }

    #[test]
    fn a_return_address_can_be_in_a_register() {
        let table = read("arm", &["INIT 10 8 .cfa: sp 0 + .ra: lr", "12 .cfa: sp 8 + r4: r5"]);
        let (sp, lr) = (Register(13), Register(14));
        assert_eq!(table.rules[0], Rule::new(Cfa::Register(sp, 0), Recovery::Register(lr, 0)));
        assert_eq!(table.rules[1].recovery(Register(4)), &Recovery::Register(Register(5), 0));
        let table = read("aarch64", &["INIT 10 8 .cfa: sp 0 + .ra: x30 x29: .cfa -16 + ^"]);
        assert_eq!(table.rules[0].recovery(Register(29)), &Recovery::AtCfa(-16));
        assert_eq!(table.rules[0].return_address, Recovery::Register(Register(30), 0));
    }

    #[test]
    fn records_that_cannot_be_read_are_counted() {
        let table = read(
            "x86_64",
            &[
                "1000 .cfa: $rsp 8 +",
                "INIT zz 20 .cfa: $rsp 8 +",
                "INIT ffffffffffffffff 2 .cfa: $rsp 8 +",
                "INIT 1000 10 .cfa: $rsp 8 + .ra: .cfa -8 + ^ $nosuch: .cfa -16 + ^",
                "1010 .cfa: $rsp 16 +",
                "1008 .cfa: $rsp +",
                "100c .cfa: $rsp 16 + $rbx: .cfa -24 + ^",
            ],
        );
        let mut last = entry(16);
        last.save(RBX, Recovery::AtCfa(-24));
        let told: Vec<_> =
            table.rows.iter().map(|row| (row.start, row.end, table.rule(row))).collect();
        assert_eq!(told, [(0x1000, 0x1008, &entry(8)), (0x100c, 0x1010, &last)]);
        assert_eq!(table.drops.of(UnwindDropReason::BadEntry), 4);
        // The register, the expression and the row for which no CFA is known.
        assert_eq!(table.drops.of(UnwindDropReason::NotSupported), 3);
    }

    #[test]
    fn without_a_return_address_the_stack_ends() {
        let table = read("x86_64", &["INIT 10 8 .cfa: $rsp 8 +"]);
        assert_eq!(table.rules[0].return_address, Recovery::Undefined);
        assert!(table.rules[0].flags.has(RuleFlags::END_OF_STACK));
        // It may still be where the call put it.
        let table = read("arm", &["INIT 10 8 .cfa: sp 0 +"]);
        assert_eq!(table.rules[0].return_address, Recovery::Register(Register(14), 0));
    }
}
