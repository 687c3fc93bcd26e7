//! Frame data of 32-bit Windows as rows: records of PDBs, and `STACK WIN` of Breakpad files, which
//! are made of them.
//!
//! A compiler writes a record for a whole function, whose rule holds after the prolog, or clang one
//! for each step of the prolog. All of these end where the function does, so that at each address
//! the one that begins last counts:
//!
//! ```text
//! start       push ebp    mov ebp, esp                      end
//! ├───────────┼───────────┼───────────────────────────────────┤
//! │ record 1  └ record 2  └ record 3                          │
//! ```

use hashbrown::HashMap;

use super::image::PeImage;
use super::pieces::{Piece, push_layers};
use super::program::{EBP, ESP, Sizes, evaluate};
use super::x86::{CodeFunction, CodeReader};
use crate::drops::UnwindDropReason;
use crate::rule::{Cfa, Recovery, Rule, RuleFlags};
use crate::table::UnwindTableBuilder;

/// A record of frame data with a program, as in stream `FrameData` of a PDB and `STACK WIN 4`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameData<'a> {
    /// The first address.
    pub start: u64,
    /// Bytes of code.
    pub code_bytes: u32,
    /// How many of these belong to the prolog.
    pub prolog_bytes: u32,
    /// Bytes of local variables.
    pub local_bytes: u32,
    /// Bytes of arguments, which the function or its caller removes from the stack.
    pub parameter_bytes: u32,
    /// Bytes of saved registers.
    pub saved_register_bytes: u32,
    /// A function begins here. Breakpad files do not tell.
    pub is_function_start: bool,
    /// The program, such as `$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =`.
    pub program: &'a str,
}

/// What kind of frame an [`FpoData`] is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FpoFrame {
    /// The frame pointer was omitted.
    #[default]
    Fpo,
    /// The processor wrote the frame as it entered the kernel.
    Trap,
    /// The frame is a task state segment.
    Tss,
    /// `ebp` is the frame pointer.
    FramePointer,
}

/// A record of frame data without a program (`FPO_DATA` of `winnt.h`, `STACK WIN 0`).
#[derive(Clone, Copy, Debug, Default)]
pub struct FpoData {
    /// The first address.
    pub start: u64,
    /// Bytes of code.
    pub code_bytes: u32,
    /// How many of these belong to the prolog.
    pub prolog_bytes: u32,
    /// Bytes of local variables.
    pub local_bytes: u32,
    /// Bytes of arguments.
    pub parameter_bytes: u32,
    /// Bytes of saved registers.
    pub saved_register_bytes: u32,
    /// What kind of frame it is.
    pub frame: FpoFrame,
    /// The function uses `ebp` for something else than its frame, and has saved it.
    pub allocates_base_pointer: bool,
}

impl FrameData<'_> {
    /// How the caller is found after the prolog. `None` if the program has mistakes or computes
    /// what no rule can say.
    pub fn rule(&self) -> Option<Rule> {
        evaluate(self.program, self.sizes()).map(body_only)
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            locals: self.local_bytes,
            saved_registers: self.saved_register_bytes,
            parameters: self.parameter_bytes,
        }
    }
}

impl FpoData {
    /// How the caller is found after the prolog. `None` for frames of the kernel.
    pub fn rule(&self) -> Option<Rule> {
        let mut rule = match self.frame {
            FpoFrame::FramePointer => {
                let mut rule = Rule::new(Cfa::Register(EBP, 8), Recovery::AtCfa(-4));
                rule.save(EBP, Recovery::AtCfa(-8));
                rule
            }
            FpoFrame::Fpo => {
                let saved = i64::from(self.saved_register_bytes);
                let cfa = i64::from(self.local_bytes) + saved + 4;
                let mut rule = Rule::new(Cfa::Register(ESP, cfa), Recovery::AtCfa(-4));
                rule.flags.set(RuleFlags::CALLEE_ARGUMENTS);
                if self.allocates_base_pointer {
                    // Code in assembly, which alone has such records today, pushes it first
                    // (`inject_dll_x86.exe` of PyPI's debugpy 1.8.22, 0xb070). Breakpad takes it
                    // from one word below. Among the locals it can be anywhere (0x22e50).
                    let is_first = self.saved_register_bytes > 0;
                    let saved = if is_first { Recovery::AtCfa(-8) } else { Recovery::Undefined };
                    rule.save(EBP, saved);
                }
                rule
            }
            FpoFrame::Trap | FpoFrame::Tss => return None,
        };
        rule.argument_bytes = self.parameter_bytes;
        Some(body_only(rule))
    }
}

fn body_only(mut rule: Rule) -> Rule {
    rule.flags.set(RuleFlags::BODY_ONLY);
    rule
}

/// The rule before the first instruction of a function has run.
fn entry(parameter_bytes: u32) -> Rule {
    let mut rule = Rule::new(Cfa::Register(ESP, 4), Recovery::AtCfa(-4));
    rule.argument_bytes = parameter_bytes;
    rule
}

/// Addresses with the number of their rule.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: u64,
    end: u64,
    /// `None` if no rule is known.
    rule: Option<u32>,
}

/// Collects records in any order, and decides which one counts at each address.
#[derive(Debug, Default)]
pub struct FrameDataRows {
    with_program: Vec<Stretch>,
    without_program: Vec<Stretch>,
    rules: Vec<Rule>,
    numbers: HashMap<Rule, u32>,
    /// What programs have come to: of a PDB a few, each with many sizes.
    programs: HashMap<String, HashMap<Sizes, Option<u32>>>,
    functions: Vec<CodeFunction>,
}

impl FrameDataRows {
    /// Adds a record with a program.
    pub fn push(&mut self, record: &FrameData<'_>) {
        if record.is_function_start {
            self.function(record.start, record.code_bytes, record.parameter_bytes);
        }
        let rule = self.evaluated(record);
        let is_entry = record.is_function_start && record.prolog_bytes > 0;
        let entry = is_entry.then(|| entry(record.parameter_bytes));
        let stretches = self.stretches(record.start, record.code_bytes, rule, entry);
        self.with_program.extend(stretches);
    }

    /// Adds a record without a program. Where there is one with a program too, that counts.
    pub fn push_fpo(&mut self, record: &FpoData) {
        self.function(record.start, record.code_bytes, record.parameter_bytes);
        let entry = (record.prolog_bytes > 0).then(|| entry(record.parameter_bytes));
        let rule = record.rule().and_then(|rule| self.number(rule));
        let stretches = self.stretches(record.start, record.code_bytes, rule, entry);
        self.without_program.extend(stretches);
    }

    fn function(&mut self, start: u64, code_bytes: u32, parameter_bytes: u32) {
        let end = start.saturating_add(code_bytes.into());
        self.functions.push(CodeFunction { start, end, parameter_bytes });
    }

    /// The addresses of a record. Its first has a rule of its own if a prolog begins there.
    fn stretches(
        &mut self,
        start: u64,
        bytes: u32,
        rule: Option<u32>,
        entry: Option<Rule>,
    ) -> impl Iterator<Item = Stretch> + use<> {
        let end = start.saturating_add(bytes.into());
        let body = Stretch { start, end, rule };
        let entry = entry.and_then(|rule| self.number(rule));
        let entry = entry.map(|rule| Stretch { start, end: end.min(start + 1), rule: Some(rule) });
        [Some(body), entry].into_iter().flatten().filter(|stretch| stretch.start < stretch.end)
    }

    /// The number of the rule that the program of `record` computes.
    fn evaluated(&mut self, record: &FrameData<'_>) -> Option<u32> {
        let sizes = record.sizes();
        let known = self.programs.get(record.program).and_then(|known| known.get(&sizes));
        if let Some(rule) = known {
            return *rule;
        }
        let rule = record.rule().and_then(|rule| self.number(rule));
        self.programs.entry_ref(record.program).or_default().insert(sizes, rule);
        rule
    }

    fn number(&mut self, rule: Rule) -> Option<u32> {
        if let Some(number) = self.numbers.get(&rule) {
            return Some(*number);
        }
        let number = u32::try_from(self.rules.len()).ok()?;
        self.rules.push(rule.clone());
        self.numbers.insert(rule, number);
        Some(number)
    }

    /// The same where the image is at hand. Its code shows what records do not say: where the stack
    /// pointer is while arguments are pushed, and epilogs.
    pub fn finish_with_code(mut self, image: &PeImage<'_>, builder: &mut UnwindTableBuilder) {
        let mut functions = std::mem::take(&mut self.functions);
        functions.sort_by_key(|function| function.start);
        functions.dedup_by_key(|function| function.start);
        let mut reader = CodeReader::new(image, &functions);
        let (stretches, rules) = self.disjoint(builder);
        let mut under = Under { stretches: &stretches, rules: &rules, next: 0, at: 0 };
        let mut at = 0;
        for function in &functions {
            if function.start < at {
                continue;
            }
            push_layers(builder, Vec::new(), &under.take(function.start));
            let frame_data = under.take(function.end);
            let over = reader.read(*function, &frame_data).unwrap_or_else(|reason| {
                builder.count(reason);
                Vec::new()
            });
            push_layers(builder, over, &frame_data);
            at = function.end;
        }
        push_layers(builder, Vec::new(), &under.take(u64::MAX));
    }

    /// Adds the rows to `builder`, and counts records without a rule.
    pub fn finish(self, builder: &mut UnwindTableBuilder) {
        let (stretches, rules) = self.disjoint(builder);
        let mut all = Under { stretches: &stretches, rules: &rules, next: 0, at: 0 };
        push_layers(builder, Vec::new(), &all.take(u64::MAX));
    }

    /// The addresses, sorted and disjoint, and the rules. Counts records without one.
    fn disjoint(self, builder: &mut UnwindTableBuilder) -> (Vec<Stretch>, Vec<Rule>) {
        let Self { with_program, without_program, rules, .. } = self;
        for stretches in [&with_program, &without_program] {
            for _ in stretches.iter().filter(|stretch| stretch.rule.is_none()) {
                builder.count(UnwindDropReason::NotSupported);
            }
        }
        let covered = innermost(with_program);
        let others = outside(&innermost(without_program), &covered);
        let mut all = covered;
        all.extend(others);
        all.sort_by_key(|stretch| stretch.start);
        (all, rules)
    }
}

/// Stretches that are taken off the front.
struct Under<'a> {
    stretches: &'a [Stretch],
    rules: &'a [Rule],
    next: usize,
    /// Everything before it was taken.
    at: u64,
}

impl Under<'_> {
    /// What lies before `end` and was not taken yet.
    fn take(&mut self, end: u64) -> Vec<Piece> {
        let from = std::mem::replace(&mut self.at, end);
        let mut pieces = Vec::new();
        while let Some(stretch) = self.stretches.get(self.next).filter(|next| next.start < end) {
            let rule = stretch.rule.and_then(|rule| self.rules.get(usize::try_from(rule).ok()?));
            let (start, until) = (stretch.start.max(from), stretch.end.min(end));
            if start < until {
                pieces.push(Piece { start, end: until, rule: rule.cloned() });
            }
            if stretch.end > end {
                break;
            }
            self.next += 1;
        }
        pieces
    }
}

/// Makes `stretches` disjoint and sorted: at each address the one that begins last, and of several
/// that begin there the one that came last.
fn innermost(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_by_key(|stretch| stretch.start);
    let mut disjoint: Vec<Stretch> = Vec::with_capacity(stretches.len());
    // Those that have begun and not ended, the last on top. What it covers is done up to `at`.
    let (mut open, mut at): (Vec<Stretch>, u64) = (Vec::new(), 0);
    let mut cover = |open: &mut Vec<Stretch>, at: &mut u64, until: u64| {
        while let Some(top) = open.last().filter(|_| *at < until) {
            let end = top.end.min(until);
            if *at < end {
                disjoint.push(Stretch { start: *at, end, ..*top });
                *at = end;
            }
            if top.end <= *at {
                open.pop();
            }
        }
        *at = (*at).max(until);
    };
    for stretch in stretches {
        cover(&mut open, &mut at, stretch.start);
        open.push(stretch);
    }
    cover(&mut open, &mut at, u64::MAX);
    disjoint
}

/// What of `stretches` lies outside of `covered`. Both are disjoint and sorted.
fn outside(stretches: &[Stretch], covered: &[Stretch]) -> Vec<Stretch> {
    let mut outside = Vec::new();
    let mut from = 0;
    for stretch in stretches {
        let mut at = stretch.start;
        from += covered[from..].partition_point(|cover| cover.end <= at);
        for cover in covered[from..].iter().take_while(|cover| cover.start < stretch.end) {
            if at < cover.start {
                outside.push(Stretch { start: at, end: cover.start, ..*stretch });
            }
            at = cover.end;
        }
        if at < stretch.end {
            outside.push(Stretch { start: at, ..*stretch });
        }
    }
    outside
}

#[cfg(test)]
mod tests;
