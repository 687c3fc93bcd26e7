//! Writes unwind rows as Breakpad's symbol files have them: [`write_cfi`].

use std::io::{self, Write};

use gimli::{Encoding, EndianSlice, Format, LittleEndian, Operation};

use super::registers::name;
use crate::architecture::Architecture;
use crate::limits::MAX_EXPRESSION_BYTES;
use crate::rule::{Cfa, Recovery, Register, Rule};
use crate::table::UnwindTable;

/// Writes the rows of `table`, of a module for `arch`, as `STACK CFI` records, whose addresses count
/// from `image_base`. Gives back how many rows were left out: their rules say what no record can.
///
/// # Errors
/// Those of `out`.
pub fn write_cfi(
    table: &UnwindTable,
    arch: &str,
    image_base: u64,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let postfix = Postfix { architecture: Architecture::from_name(arch), arch };
    let rules: Vec<Option<CfiText>> =
        table.rules.iter().map(|rule| CfiText::of(rule, &postfix)).collect();
    let relative = |address: u64| address.saturating_sub(image_base);
    let mut left_out = 0;
    let mut before: Option<(u64, &CfiText)> = None;
    for (number, row) in table.rows.iter().enumerate() {
        let Some(text) = rules.get(row.rule.0 as usize).and_then(Option::as_ref) else {
            (before, left_out) = (None, left_out + 1);
            continue;
        };
        match before.filter(|(end, last)| *end == row.start && last.leads_to(text)) {
            // What differs is nothing that a record says, and one without a rule is an error.
            Some((_, last)) if last == text => {
                before = Some((row.end, text));
                continue;
            }
            Some((_, last)) => {
                write!(out, "STACK CFI {:x}", relative(row.start))?;
                text.write_changes(last, out)?;
            }
            None => {
                // The record covers all rows that are told as changes of it.
                let mut end = row.end;
                let mut last = text;
                for next in &table.rows[number + 1..] {
                    let rule = rules.get(next.rule.0 as usize).and_then(Option::as_ref);
                    let Some(rule) = rule.filter(|rule| next.start == end && last.leads_to(rule))
                    else {
                        break;
                    };
                    (end, last) = (next.end, rule);
                }
                write!(out, "STACK CFI INIT {:x} {:x}", relative(row.start), end - row.start)?;
                text.write_whole(out)?;
            }
        }
        writeln!(out)?;
        before = Some((row.end, text));
    }
    Ok(left_out)
}

/// A rule in the words of a record.
#[derive(Debug, PartialEq, Eq)]
struct CfiText {
    cfa: String,
    /// Absent where there is no caller.
    return_address: Option<String>,
    /// Names of registers and where they are, sorted by number.
    saved: Vec<(String, String)>,
}

impl CfiText {
    /// The text of `rule`; `None` if it cannot be told so.
    fn of(rule: &Rule, postfix: &Postfix<'_>) -> Option<Self> {
        let cfa = match &rule.cfa {
            Cfa::Register(register, offset) => postfix.sum(*register, *offset)?,
            Cfa::Expression(operations) => postfix.expression(operations, None)?,
        };
        let return_address = match &rule.return_address {
            Recovery::Undefined => None,
            Recovery::SameValue => return None,
            known => Some(postfix.recovery(known)?),
        };
        let saved = rule
            .saved()
            .iter()
            .filter(|(_, recovery)| !matches!(recovery, Recovery::Undefined | Recovery::SameValue));
        // A register that cannot be told of is lost; what it had matters to few callers.
        let saved = saved.filter_map(|(register, recovery)| {
            Some((postfix.name(*register)?, postfix.recovery(recovery)?))
        });
        let mut saved: Vec<_> = saved.collect();
        // Rules leave it to the caller to add them (`RuleFlags::CALLEE_ARGUMENTS`); in a record the
        // callee says where its caller's stack pointer is.
        if rule.argument_bytes > 0 {
            let stack_pointer = postfix.name(postfix.architecture.stack_pointer()?)?;
            saved.push((stack_pointer, sum(".cfa", rule.argument_bytes.into())));
        }
        Some(Self { cfa, return_address, saved })
    }

    /// Whether `next` can be told as a change of this one.
    fn leads_to(&self, next: &Self) -> bool {
        self.return_address.is_some() == next.return_address.is_some()
    }

    fn write_whole(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, " .cfa: {}", self.cfa)?;
        if let Some(return_address) = &self.return_address {
            write!(out, " .ra: {return_address}")?;
        }
        self.saved.iter().try_for_each(|(name, place)| write!(out, " {name}: {place}"))
    }

    fn write_changes(&self, before: &Self, out: &mut dyn Write) -> io::Result<()> {
        if self.cfa != before.cfa {
            write!(out, " .cfa: {}", self.cfa)?;
        }
        if let Some(return_address) =
            self.return_address.as_ref().filter(|_| self.return_address != before.return_address)
        {
            write!(out, " .ra: {return_address}")?;
        }
        for (name, place) in self.saved.iter().filter(|saved| !before.saved.contains(saved)) {
            write!(out, " {name}: {place}")?;
        }
        let is_kept = |name: &String| self.saved.iter().any(|(kept, _)| kept == name);
        for (name, _) in before.saved.iter().filter(|(name, _)| !is_kept(name)) {
            write!(out, " {name}: {name}")?;
        }
        Ok(())
    }
}

/// Writes expressions for an architecture.
struct Postfix<'a> {
    architecture: Architecture,
    arch: &'a str,
}

impl Postfix<'_> {
    fn recovery(&self, recovery: &Recovery) -> Option<String> {
        match recovery {
            Recovery::Undefined | Recovery::SameValue => None,
            Recovery::AtCfa(offset) => Some(format!("{} ^", sum(".cfa", *offset))),
            Recovery::CfaPlus(offset) => Some(sum(".cfa", *offset)),
            Recovery::Register(register, offset) => self.sum(*register, *offset),
            Recovery::AtExpression(operations) => {
                Some(format!("{} ^", self.expression(operations, Some(".cfa"))?))
            }
            Recovery::Expression(operations) => self.expression(operations, Some(".cfa")),
        }
    }

    fn sum(&self, register: Register, offset: i64) -> Option<String> {
        Some(sum(&self.name(register)?, offset))
    }

    fn name(&self, register: Register) -> Option<String> {
        name(self.architecture, register)
    }

    fn word_bytes(&self) -> u8 {
        if self.arch.contains("64") || self.arch == "s390x" { 8 } else { 4 }
    }

    /// What the DWARF expression `operations` computes, where the stack begins with `first`.
    fn expression(&self, operations: &[u8], first: Option<&str>) -> Option<String> {
        let encoding =
            Encoding { address_size: self.word_bytes(), format: Format::Dwarf32, version: 5 };
        let mut stack: Vec<String> = first.map(str::to_owned).into_iter().collect();
        let mut rest =
            gimli::Expression(EndianSlice::new(operations, LittleEndian)).operations(encoding);
        while let Some(operation) = rest.next().ok()? {
            self.operation(&operation, &mut stack)?;
            // Copies of copies would grow without end.
            if stack.iter().map(String::len).sum::<usize>() > MAX_EXPRESSION_BYTES {
                return None;
            }
        }
        stack.pop()
    }

    fn operation(
        &self,
        operation: &Operation<EndianSlice<'_, LittleEndian>>,
        stack: &mut Vec<String>,
    ) -> Option<()> {
        let two = |stack: &mut Vec<String>, operator: &str| {
            let (second, first) = (stack.pop()?, stack.pop()?);
            stack.push(format!("{first} {second} {operator}"));
            Some(())
        };
        match operation {
            Operation::UnsignedConstant { value } => stack.push(value.cast_signed().to_string()),
            Operation::SignedConstant { value } => stack.push(value.to_string()),
            Operation::RegisterOffset { register, offset, .. } => {
                stack.push(self.sum(Register(register.0), *offset)?);
            }
            Operation::PlusConstant { value } => {
                let last = stack.pop()?;
                stack.push(sum(&last, value.cast_signed()));
            }
            Operation::Plus => two(stack, "+")?,
            Operation::Minus => two(stack, "-")?,
            Operation::Mul => two(stack, "*")?,
            Operation::Div => two(stack, "/")?,
            Operation::Mod => two(stack, "%")?,
            Operation::And => {
                // Only a mask that aligns can be told.
                let mask: i64 = stack.pop()?.parse().ok()?;
                let narrow = u32::try_from(mask).ok().filter(|_| self.word_bytes() == 4);
                let mask = narrow.map_or(mask, |mask| mask.cast_signed().into());
                let step = mask.checked_neg().filter(|step| step.count_ones() == 1)?;
                let value = stack.pop()?;
                stack.push(format!("{value} {step} @"));
            }
            Operation::Deref { space: false, size, .. } if *size >= 4 => {
                let address = stack.pop()?;
                stack.push(format!("{address} ^"));
            }
            Operation::Pick { index } => {
                let at = stack.len().checked_sub(1 + usize::from(*index))?;
                stack.push(stack[at].clone());
            }
            Operation::Swap => {
                let last = stack.len().checked_sub(1)?;
                stack.swap(last.checked_sub(1)?, last);
            }
            Operation::Drop => drop(stack.pop()?),
            Operation::Nop => {}
            _ => return None,
        }
        Some(())
    }
}

fn sum(base: &str, offset: i64) -> String {
    if offset == 0 { base.to_owned() } else { format!("{base} {offset} +") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakpad::BreakpadReader;
    use crate::rule::RuleFlags;
    use crate::table::UnwindTableBuilder;

    fn written(table: &UnwindTable) -> (String, u64) {
        let mut out = Vec::new();
        let left_out = write_cfi(table, "x86_64", 0, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), left_out)
    }

    fn read(text: &str) -> UnwindTable {
        let mut reader = BreakpadReader::new("x86_64");
        text.lines().filter_map(|line| line.strip_prefix("STACK CFI ")).for_each(|line| {
            reader.cfi(line.as_bytes());
        });
        reader.finish()
    }

    #[test]
    fn what_was_read_is_written() {
        let text = "STACK CFI INIT 1000 20 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n\
            STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^\n\
            STACK CFI 1004 .cfa: $rbp 16 +\n\
            STACK CFI 101f .cfa: $rsp 8 + $rbp: $rbp\n\
            STACK CFI INIT 1020 8 .cfa: $rsp 8 +\n\
            STACK CFI INIT 3000 8 .cfa: $rsp ^ 8 + .ra: .cfa -8 + ^ $rbx: $rsp 63 + 64 % ^ .cfa +\n";
        assert_eq!(written(&read(text)), (text.to_owned(), 0));
    }

    #[test]
    fn no_record_is_without_a_rule() {
        let mut builder = UnwindTableBuilder::default();
        let mut rule = Rule::new(Cfa::Register(Register(7), 8), Recovery::AtCfa(-8));
        builder.push(0, 8, &rule);
        rule.flags.set(RuleFlags::LEAF);
        builder.push(8, 16, &rule);
        let text = "STACK CFI INIT 0 10 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n";
        assert_eq!(written(&builder.finish()), (text.to_owned(), 0));
    }

    #[test]
    fn rules_that_no_record_can_tell_are_left_out() {
        let mut builder = UnwindTableBuilder::default();
        let rsp = Register(7);
        let mut rule = Rule::new(Cfa::Register(rsp, 8), Recovery::AtCfa(-8));
        builder.push(0, 8, &rule);
        rule.argument_bytes = 16;
        builder.push(8, 16, &rule);
        // DW_OP_breg7 0, DW_OP_lit16, DW_OP_ge: a comparison.
        let comparison = Cfa::Expression([0x77, 0, 0x40, 0x2a].into());
        builder.push(16, 24, &Rule::new(comparison, Recovery::AtCfa(-8)));
        // DW_OP_breg7 0, DW_OP_const1s -16, DW_OP_and: a multiple of 16.
        let aligned = Cfa::Expression([0x77, 0, 0x09, 0xf0, 0x1a].into());
        builder.push(24, 32, &Rule::new(aligned, Recovery::AtCfa(-8)));
        let text = "STACK CFI INIT 0 10 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n\
            STACK CFI 8 $rsp: .cfa 16 +\n\
            STACK CFI INIT 18 8 .cfa: $rsp 16 @ .ra: .cfa -8 + ^\n";
        assert_eq!(written(&builder.finish()), (text.to_owned(), 1));
    }
}
