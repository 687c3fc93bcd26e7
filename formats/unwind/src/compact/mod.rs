//! Reads Apple's compact unwind information, `__unwind_info` (the header
//! `mach-o/compact_unwind_encoding.h` of libunwind describes it).

mod arm;
mod arm64;
mod pages;
mod x86;

use hashbrown::HashMap;

use crate::architecture::Architecture;
use crate::budget::Budget;
use crate::drops::UnwindDropReason;
use crate::limits::STEPS_PER_KEPT_REGISTER;
use crate::rule::{Rule, RuleFlags};
use crate::sections::{CodeMap, UnwindSections};
use crate::table::{RuleId, UnwindRow, UnwindTableBuilder};
use pages::Function;

/// The bits of an encoding that say what the others mean.
const MODE: u32 = 0x0f00_0000;

/// What an encoding says.
#[derive(Debug)]
enum Encoded {
    /// How its functions are unwound.
    Rule(Rule),
    /// Nothing: the function has no unwind information, or has it in `__eh_frame`.
    Nothing,
}

/// Adds a row for each function that is described here and not in `__eh_frame`.
pub fn read(input: &UnwindSections<'_>, code: &CodeMap<'_>, builder: &mut UnwindTableBuilder) {
    let Some(section) = input.unwind_info else { return };
    let mut budget = Budget::for_bytes(section.bytes.len());
    let mut reader = Reader { input, code, known: HashMap::new() };
    let read = pages::functions(section.bytes, &mut budget, &mut |function, budget| {
        let read = function.and_then(|function| reader.function(&function, budget, builder));
        match read {
            Err(UnwindDropReason::TooMuchWork) | Ok(()) => read,
            Err(reason) => {
                builder.count(reason);
                Ok(())
            }
        }
    });
    if let Err(reason) = read {
        builder.count(reason);
    }
}

#[derive(Debug)]
struct Reader<'a> {
    input: &'a UnwindSections<'a>,
    code: &'a CodeMap<'a>,
    /// The rules of encodings that say the same for each function; `None` if they say nothing.
    known: HashMap<u32, Option<RuleId>>,
}

impl Reader<'_> {
    fn function(
        &mut self,
        function: &Function,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<(), UnwindDropReason> {
        let start = self.input.image_base.saturating_add(function.start.into());
        // What has no code can still mark where the function before it ends.
        let Some(rule) = self.rule(start, function.encoding, budget, builder)? else {
            return Ok(());
        };
        let code_end = self.code.end_of_code(start).ok_or(UnwindDropReason::Tombstone)?;
        let end = self.input.image_base.saturating_add(function.end.into()).min(code_end);
        if start < end {
            builder.push_row(UnwindRow { start, end, rule });
        }
        Ok(())
    }

    fn rule(
        &mut self,
        start: u64,
        encoding: u32,
        budget: &mut Budget,
        builder: &mut UnwindTableBuilder,
    ) -> Result<Option<RuleId>, UnwindDropReason> {
        if let Some(known) = self.known.get(&encoding) {
            return Ok(*known);
        }
        let (encoded, is_of_function) = match self.input.architecture {
            Architecture::X86 | Architecture::X86_64 => (
                x86::rule(self.input.architecture, encoding, || self.stack_size(start, encoding))?,
                x86::reads_code(encoding),
            ),
            Architecture::Arm64 => (arm64::rule(encoding)?, false),
            Architecture::Arm => (arm::rule(encoding)?, false),
            _ => return Err(UnwindDropReason::NotSupported),
        };
        let number = match encoded {
            Encoded::Nothing => None,
            Encoded::Rule(rule) => {
                let known = builder.rule_count();
                let number = builder.number(&rule).ok_or(UnwindDropReason::TooMuchWork)?;
                if builder.rule_count() > known {
                    let registers = u64::try_from(1 + rule.saved().len()).unwrap_or(u64::MAX);
                    budget.spend(STEPS_PER_KEPT_REGISTER.saturating_mul(registers))?;
                }
                Some(number)
            }
        };
        if !is_of_function {
            self.known.insert(encoding, number);
        }
        Ok(number)
    }

    /// The operand of the instruction `sub esp, …` of the function that begins at `start`.
    fn stack_size(&self, start: u64, encoding: u32) -> Option<u32> {
        let at = start.checked_add(x86::immediate_offset(encoding).into())?;
        self.code.word(at).map(u32::from_le_bytes)
    }
}

/// The rule of a function of which only the body is described.
fn body_only(mut rule: Rule) -> Encoded {
    rule.flags.set(RuleFlags::BODY_ONLY);
    Encoded::Rule(rule)
}
