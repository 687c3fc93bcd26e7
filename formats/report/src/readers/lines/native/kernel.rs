//! Reads the Linux kernel's log: oopses, warnings, KASAN and its like.
//!
//! ```text
//! BUG: kernel NULL pointer dereference, address: 0000000000000018
//! CPU: 1 PID: 4711 Comm: lamp Not tainted 6.1.0 #1
//! RIP: 0010:wick_light+0x1c/0x40 [lantern]        pc : wick_light+0x1c/0x40 [lantern]       PC is at wick_light+0x1c/0x40
//! Call Trace:
//!  <TASK>
//!  lamp_refill+0x44/0x80 [lantern]
//!  ? __fget_light+0x9f/0x130                      a word on the stack that may be left over
//!  __dump_stack lib/dump_stack.c:94 [inline]
//!  [<ffffffff810a5c3e>] do_syscall_64+0x5b/0xc0
//!  </TASK>
//! RIP: 0033:0x7f1234d91234                        in the program that called: the stack has ended
//! Allocated by task 4711:                         a stack of its own
//! write to 0xffff888012345678 of 4 bytes by task 4711 on cpu 1:      KCSAN: the stack follows
//! lamp_refill (fs/lamp.c:44 fs/lamp.c:50) lantern                    decode_stacktrace.sh has been at it
//! ```
//!
//! Offsets count from the function, whose size stands behind the slash. A name is that of the
//! symbol around the address.

use super::cxx::{source, strip_brackets};
use super::dialect::{Dialect, Said};
use crate::event::Format;
use crate::event::frame::{At, Frame, Trust};
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;
use crate::scan::text::{between, hex, some, word};

/// `[<ADDRESS>] [? ]FUNCTION+0xN/0xSIZE[ FILE:LINE][ [MODULE [BUILD-ID]]]`, `FUNCTION FILE:LINE
/// [inline]`.
pub fn frame(line: &str) -> Option<NativeLine> {
    let (line, address) = match line.strip_prefix("[<").and_then(|rest| rest.split_once(">]")) {
        Some((address, rest)) => (rest.trim_start(), hex(address).filter(|address| *address > 0)),
        None => (line, None),
    };
    let (line, is_guess) = line.strip_prefix("? ").map_or((line, false), |rest| (rest, true));
    let (place, rest) = word(line)?;
    if let Some((file, number)) = decoded(rest).filter(|_| offset(place).is_none()) {
        let module =
            rest.rsplit_once(')').map_or("", |(_, module)| module.trim().trim_matches(['[', ']']));
        let trust = is_guess.then_some(Trust::Scan);
        let (function, package, file) = (some(place), some(module), some(file));
        let frame = Frame {
            address,
            function,
            package,
            file,
            line: Some(number),
            trust,
            at: At::Return,
            ..Frame::default()
        };
        return Some(NativeLine { frame, ..NativeLine::default() });
    }
    let (function, file, module) = match offset(place) {
        Some(function) => {
            let (rest, module) = rest
                .strip_suffix(']')
                .and_then(|rest| rest.rsplit_once('['))
                .map_or((rest, ""), |(rest, module)| (rest.trim(), module));
            let module = word(module).map_or("", |(name, _)| name);
            (function, rest, module)
        }
        None => (place, rest.strip_suffix(" [inline]")?, ""),
    };
    let (file, number, _) = source(file);
    let has_place = number.is_some();
    let frame = Frame {
        address,
        function: some(function),
        package: some(module),
        file: some(file).filter(|_| has_place),
        line: number,
        inlined: line.ends_with(" [inline]"),
        trust: is_guess.then_some(Trust::Scan),
        at: At::Return,
        ..Frame::default()
    };
    Some(NativeLine { frame, ..NativeLine::default() })
}

/// The first place of `(FILE:LINE[ FILE:LINE…][ (discriminator N)])[ MODULE]`, where the innermost
/// call stands first.
fn decoded(text: &str) -> Option<(&str, u32)> {
    let (places, _) = text.strip_prefix('(')?.split_once(')')?;
    let (file, number, _) = source(places.split(' ').next()?);
    Some((file, number?)).filter(|(file, _)| !file.is_empty())
}

/// The function of `FUNCTION+0xN/0xSIZE`.
fn offset(text: &str) -> Option<&str> {
    let (function, offset) = text.rsplit_once("+0x")?;
    let (offset, size) = offset.split_once("/0x")?;
    (hex(offset).is_some() && hex(size).is_some() && !function.is_empty()).then_some(function)
}

/// Beginnings of what the kernel says when something is wrong.
const HEADS: [&str; 19] = [
    "BUG: ",
    "kernel BUG at ",
    "Oops: ",
    "Oops - ",
    "general protection fault",
    "divide error: ",
    "invalid opcode: ",
    "stack segment: ",
    "double fault: ",
    "Unable to handle kernel ",
    "Internal error: ",
    "Kernel panic - not syncing: ",
    "WARNING: CPU: ",
    "UBSAN: ",
    "KASAN: ",
    "watchdog: BUG: ",
    "INFO: task ",
    "INFO: rcu_",
    "rcu: INFO: rcu_",
];

/// Makes the reader, if a report begins with `line`.
pub fn begin(line: &str) -> Option<Box<dyn Dialect>> {
    let is_own = is_head(line) || is_trace(line) || registers(line).is_some();
    is_own.then(|| Box::new(Kernel::default()) as Box<dyn Dialect>)
}

/// Whether a report begins with `line`.
pub fn begins_report(line: &str) -> bool {
    is_head(line) && !is_follower(line)
}

fn is_head(line: &str) -> bool {
    HEADS.iter().any(|head| line.starts_with(head))
}

/// Whether `line` says more of what was told before it, if anything was: `Oops: 0000 [#1] SMP`
/// below `BUG: …`.
fn is_follower(line: &str) -> bool {
    let is_number = line
        .strip_prefix("Oops: ")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_number
        || ["Oops - ", "Internal error: ", "invalid opcode: ", "Kernel panic - ", "KASAN: "]
            .iter()
            .any(|head| line.starts_with(head))
}

/// Whether a stack follows.
fn is_trace(line: &str) -> bool {
    matches!(line, "Call Trace:" | "Call trace:")
}

/// The same on ARM.
fn is_backtrace(line: &str) -> bool {
    line.starts_with("Backtrace:")
}

/// What follows `RIP: 0010:`, `pc : `, `PC is at `, `epc : `, `NIP [c0000000] `.
fn registers(line: &str) -> Option<&str> {
    let place = ["pc : ", "epc : ", "PC is at ", "EIP: ", "EIP is at "]
        .iter()
        .find_map(|start| line.strip_prefix(start));
    let place =
        place.or_else(|| line.strip_prefix("RIP: ")?.split_once(':').map(|(_, place)| place));
    let place = place
        .or_else(|| line.strip_prefix("NIP [")?.split_once("] ").map(|(_, place)| place))?
        .trim_start();
    // `[<ffffffff810a5c3e>]  [<ffffffff810a5c3e>] foo+0x12/0x40`
    let place = place.rsplit_once(">] ").map_or(place, |(_, place)| place.trim_start());
    let name = place
        .rsplit_once(':')
        .filter(|(segment, _)| segment.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Some(name.map_or(place, |(_, place)| place))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Head,
    /// Lines are those of a stack.
    Trace,
    /// Behind the end of the report.
    Over,
}

#[derive(Debug, Default)]
struct Kernel {
    has_reason: bool,
    part: Part,
    has_trace: bool,
    /// Where the registers say that it was, until a stack shows whether it has that too.
    at: Option<Frame>,
}

impl Dialect for Kernel {
    fn format(&self) -> Format {
        Format::Kernel
    }

    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said {
        let line = text.line;
        if self.part == Part::Over {
            return Said::Own;
        }
        if is_head(line) {
            self.head(line, stacks);
        } else if let Some(place) = registers(line) {
            return self.registers(place, stacks);
        } else if is_trace(line) || is_backtrace(line) {
            if self.has_trace {
                stacks.begin_thread(None, None, false);
            }
            (self.part, self.has_trace) = (Part::Trace, true);
        } else if line.starts_with("---[ end ") {
            self.part = Part::Over;
        } else if let Some(heading) = heading(line) {
            stacks.begin_thread(None, some(heading), false);
            (self.part, self.at) = (Part::Trace, None);
        } else if self.part == Part::Trace {
            return self.entry(line, stacks);
        } else {
            task(line, stacks);
        }
        Said::Own
    }

    fn may_lack_frames(&self) -> bool {
        self.has_reason
    }
}

impl Kernel {
    fn head(&mut self, line: &str, stacks: &mut Stacks) {
        let reason = &mut stacks.event.reason;
        if self.has_reason {
            return;
        }
        self.has_reason = true;
        let message = line
            .strip_prefix("BUG: ")
            .or_else(|| line.strip_prefix("watchdog: BUG: "))
            .unwrap_or(line);
        reason.message = some(message);
        let tools = ["KASAN: ", "UBSAN: ", "KCSAN: ", "KMSAN: ", "KFENCE: "];
        let kind = tools.iter().find_map(|tool| message.strip_prefix(tool)).unwrap_or(message);
        let end = [" in ", ", address", " for address", " at ", ": 0000", ", probably "]
            .iter()
            .filter_map(|end| kind.find(end))
            .min();
        reason.kind = some(&kind[..end.unwrap_or(kind.len())]);
        let address = between(&format!("{line} "), "address: ", " ")
            .or_else(|| line.rsplit_once(" at virtual address ").map(|(_, address)| address))
            .and_then(hex);
        reason.fault_address = address;
    }

    fn registers(&mut self, place: &str, stacks: &mut Stacks) -> Said {
        let Some(mut line) = frame(place).filter(|_| self.part != Part::Trace || self.at.is_none())
        else {
            // An address of the program that has called, or of a process in between.
            self.part = Part::Head;
            return Said::Own;
        };
        if self.at.is_some() || stacks.has_frames() {
            self.part = Part::Head;
            return Said::Own;
        }
        (line.frame.at, line.frame.trust) = (At::Instruction, None);
        self.at = Some(line.frame.clone());
        Said::Frame(Box::new(line))
    }

    fn entry(&mut self, line: &str, stacks: &mut Stacks) -> Said {
        if line.starts_with('<') || line.starts_with("</") {
            return Said::Own;
        }
        let Some(parsed) = from(line).or_else(|| frame(line)) else {
            task(line, stacks);
            return Said::Own;
        };
        let is_same =
            |at: &Frame| at.function == parsed.frame.function && parsed.frame.trust.is_none();
        if self.at.take_if(|_| parsed.frame.trust.is_none()).is_some_and(|at| is_same(&at))
            && stacks.is_only_frame()
        {
            // arm64 begins with where it was.
            return Said::Own;
        }
        Said::Frame(Box::new(parsed))
    }
}

/// `[<c0102f5e>] (dump_stack) from [<c0102a58>] (show_stack+0x18/0x1c)`, `dump_stack from
/// show_stack+0x18/0x1c`, as on ARM: the caller.
fn from(line: &str) -> Option<NativeLine> {
    let (_, caller) = line.split_once(" from ")?;
    let caller = caller
        .strip_prefix("[<")
        .and_then(|rest| rest.split_once(">] "))
        .map_or(caller, |(_, caller)| caller);
    frame(
        strip_brackets(caller)
            .filter(|(front, _)| front.is_empty())
            .map_or(caller, |(_, caller)| caller),
    )
}

/// `write to 0xffff888012345678 of 4 bytes by task 4711 on cpu 1:`, `Allocated by task 4711:`,
/// `Freed by task 4711:`, `Last potentially related work creation:`.
fn heading(line: &str) -> Option<&str> {
    let text = line.strip_suffix(':')?;
    let is_access = ["read", "write", "read-write"]
        .iter()
        .any(|kind| text.strip_prefix(kind).is_some_and(|rest| rest.starts_with(" to 0x")));
    let is_access = is_access
        || text.starts_with("race at unknown origin")
        || text.starts_with("read (marked) to 0x");
    let is_own = is_access && text.contains(" by ")
        || text.starts_with("Allocated by task ")
        || text.starts_with("Freed by task ")
        || text.ends_with(" work creation");
    is_own.then_some(text)
}

/// `CPU: 1 UID: 0 PID: 4711 Comm: lamp Not tainted 6.12.0 #1`, `Read of size 8 at addr
/// ffff888012345678 by task lamp/4711`.
fn task(line: &str, stacks: &mut Stacks) {
    let event = &mut stacks.event;
    if let Some(pid) = between(line, "PID: ", " ").filter(|_| line.starts_with("CPU: ")) {
        event.process.pid = pid.parse().ok();
        event.process.name = between(line, "Comm: ", " ").and_then(some);
    } else if let Some((name, pid)) =
        line.rsplit_once(" by task ").and_then(|(_, task)| task.rsplit_once('/'))
    {
        event.reason.fault_address = between(line, "at addr ", " ").and_then(hex);
        event.process.name = some(name);
        event.process.pid = pid.parse().ok();
    }
}
