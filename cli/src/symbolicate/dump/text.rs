//! A dump's report for people, in the shape that minidump-stackwalk prints.

use std::io::{self, Write};

use symtool_core::dump::{DumpFunction, FrameFunctions, instruction_address};
use symtool_minidump::{FrameTrust, WalkEnd, WalkFrame, WalkedThread};
use symtool_module::DebugId;

use symtool_core::dump::file_name;

use super::facts::{self, DumpReport};
use crate::terminal::clean;

/// Writes the report: what happened, the crashed thread, the others, the modules.
pub fn write(
    report: &DumpReport<'_>,
    functions: &mut FrameFunctions<'_, '_>,
    out: &mut impl Write,
) -> io::Result<()> {
    head(report, out)?;
    let crashed = report.walk.crashed;
    let others = (0..report.walk.threads.len()).filter(|number| Some(*number) != crashed);
    for number in crashed.into_iter().chain(others) {
        thread(report, number, functions, out)?;
    }
    modules(report, out)
}

fn head(report: &DumpReport<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "Operating system: {}", report.os())?;
    if let Some(version) = report.os_version() {
        writeln!(out, "                  {}", clean(&version))?;
    }
    writeln!(out, "CPU: {}", report.cpu())?;
    if let Some(info) = report.cpu_info() {
        writeln!(out, "     {}", clean(&info))?;
    }
    let count = report.dump.system.as_ref().map_or(0, |system| system.processors);
    writeln!(out, "     {count} CPU{}", if count == 1 { "" } else { "s" })?;
    writeln!(out)?;
    if let Some(assertion) = report.assertion() {
        writeln!(out, "Assertion: {}", clean(&assertion))?;
    }
    match report.reason() {
        Some(reason) => {
            writeln!(out, "Crash reason:  {}", clean(&reason))?;
            let address = report.crash_address().unwrap_or_default();
            writeln!(out, "Crash address: {}", Address(address, report))?;
        }
        None => writeln!(out, "No crash")?,
    }
    match report.uptime() {
        Some(seconds) => writeln!(out, "Process uptime: {seconds} seconds")?,
        None => writeln!(out, "Process uptime: not available")?,
    }
    if let Some(crashpad) = &report.dump.crashpad {
        if let Some(product) = crashpad.product() {
            let version = crashpad.version().map(|version| format!(" {version}"));
            writeln!(
                out,
                "Product: {}",
                clean(&(product.to_owned() + &version.unwrap_or_default()))
            )?;
        }
        if let Some(kind) = crashpad.process_type() {
            writeln!(out, "Process type: {}", clean(kind))?;
        }
    }
    writeln!(out)
}

/// An address with as many digits as the processor's have.
struct Address<'a>(u64, &'a DumpReport<'a>);

impl std::fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.1.dump.cpu().map_or(8, symtool_minidump::Cpu::word_bytes);
        match bytes {
            4 => write!(f, "{:#010x}", self.0),
            _ => write!(f, "{:#018x}", self.0),
        }
    }
}

fn thread(
    report: &DumpReport<'_>,
    number: usize,
    functions: &mut FrameFunctions<'_, '_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(walked) = report.walk.threads.get(number) else { return Ok(()) };
    write!(out, "Thread {number}")?;
    if let Some(name) = report.thread_name(number) {
        write!(out, " {}", clean(name))?;
    }
    if report.walk.crashed == Some(number) {
        let has_crashed = report.dump.exception.is_some();
        let state = if has_crashed { "crashed" } else { "requested dump, did not crash" };
        write!(out, " ({state})")?;
    }
    writeln!(out, " - tid: {}", walked.id)?;
    let mut line = 0;
    for (place, frame) in walked.frames.iter().enumerate() {
        let found = functions.at(number, place);
        let instruction = instruction_address(report.dump, frame);
        for function in found.iter().filter(|function| function.inlined) {
            write!(out, "{line:2}  {}!", module(report, frame))?;
            writeln!(out, "{}", named(function, None))?;
            writeln!(out, "    Found by: inlining")?;
            line += 1;
        }
        let own = found.iter().find(|function| !function.inlined);
        write!(out, "{line:2}  ")?;
        physical(report, frame, instruction, own, out)?;
        if place == 0 {
            registers(report, walked, out)?;
        }
        writeln!(out, "    Found by: {}", found_by(frame.trust))?;
        line += 1;
    }
    if walked.frames_left_out > 0 {
        writeln!(out, "    {} more frames are not shown", walked.frames_left_out)?;
    }
    if let Some(end) = why(walked.end) {
        writeln!(out, "    The stack ends here: {end}")?;
    }
    writeln!(out)
}

/// The file name of the module of a frame.
fn module<'a>(report: &DumpReport<'a>, frame: &WalkFrame) -> std::borrow::Cow<'a, str> {
    let module = frame.module().and_then(|number| report.dump.modules.get(number));
    clean(file_name(module.and_then(|module| module.name.as_deref())))
}

/// A frame that has a place on the stack.
fn physical(
    report: &DumpReport<'_>,
    frame: &WalkFrame,
    instruction: u64,
    function: Option<&DumpFunction>,
    out: &mut impl Write,
) -> io::Result<()> {
    let module_of = frame.module().and_then(|number| report.dump.modules.get(number));
    let Some(base) = module_of.map(|module| module.base) else {
        return writeln!(out, "{instruction:#x}");
    };
    let offset = instruction.wrapping_sub(base);
    let name = module(report, frame);
    match function.filter(|function| function.name.is_some()) {
        Some(function) => writeln!(out, "{name}!{}", named(function, Some(offset))),
        None => writeln!(out, "{name} + {offset:#x}"),
    }
}

/// The function's name with its source, or if that is not known with how far into it `offset` is.
fn named(function: &DumpFunction, offset: Option<u64>) -> String {
    let name = clean(function.name.as_deref().unwrap_or("??"));
    match function.file.as_deref() {
        Some(file) if function.line > 0 => {
            format!("{name} [{} : {}]", clean(file_name(Some(file))), function.line)
        }
        _ => {
            let start = offset.zip(function.start);
            let into = start.and_then(|(offset, start)| offset.checked_sub(start));
            into.map_or_else(|| name.to_string(), |into| format!("{name} + {into:#x}"))
        }
    }
}

fn registers(
    report: &DumpReport<'_>,
    walked: &WalkedThread,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(context) = &walked.context else { return Ok(()) };
    for pair in facts::registers(context).chunks(2) {
        let pair: Vec<String> = pair
            .iter()
            .map(|(name, value)| format!("{name:>4} = {}", Address(*value, report)))
            .collect();
        writeln!(out, "    {}", pair.join("   "))?;
    }
    Ok(())
}

/// How a frame was found, in the words of Breakpad where it has some.
fn found_by(trust: FrameTrust) -> &'static str {
    match trust {
        FrameTrust::Context => "given as instruction pointer in context",
        FrameTrust::Cfi => "call frame info",
        FrameTrust::Leaf => "return address of a leaf function",
        FrameTrust::FramePointer => "previous frame's frame pointer",
        FrameTrust::Scan => "stack scanning",
    }
}

/// Why a walk ended before the outermost function.
fn why(end: WalkEnd) -> Option<String> {
    Some(match end {
        WalkEnd::EndOfStack => return None,
        WalkEnd::NoContext => "the thread's registers cannot be read".to_owned(),
        WalkEnd::NoMemory(address) => format!("its memory at {address:#x} is not in the dump"),
        WalkEnd::CutOff(address) => {
            format!("its memory at {address:#x} lay behind the end of the file")
        }
        WalkEnd::Zeros(address) => format!("there are only zeros around {address:#x}"),
        WalkEnd::NoCaller => "no caller was found".to_owned(),
        WalkEnd::TooManySteps => "walking this dump takes more steps than are allowed".to_owned(),
        WalkEnd::UnknownProcessor => "stacks of this processor cannot be walked".to_owned(),
    })
}

fn modules(report: &DumpReport<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "Loaded modules:")?;
    let mut order: Vec<usize> = (0..report.dump.modules.len()).collect();
    order.sort_by_key(|number| report.dump.modules.get(*number).map(|module| module.base));
    for number in order {
        let Some(module) = report.dump.modules.get(number) else { continue };
        let last = module.base.saturating_add(module.size.saturating_sub(1));
        let name = clean(file_name(module.name.as_deref()));
        let version = symtool_core::dump::version(module);
        let version = version.as_deref().unwrap_or("???");
        write!(out, "{:#x} - {last:#x}  {name}  {version}", module.base)?;
        if report.main_module() == Some(number) {
            write!(out, "  (main)")?;
        }
        if report.known(number).is_none() {
            let file = clean(symtool_core::dump::debug_file(module));
            let id = symtool_core::dump::debug_id(module);
            let id = id.as_ref().map_or("no id", DebugId::as_str);
            write!(out, "  (WARNING: No symbols, {file}, {id})")?;
        }
        writeln!(out)?;
    }
    writeln!(out, "\nUnloaded modules:")?;
    for module in &report.dump.unloaded {
        let last = module.base.saturating_add(module.size.saturating_sub(1));
        let name = clean(file_name(module.name.as_deref()));
        writeln!(out, "{:#x} - {last:#x}  {name}", module.base)?;
    }
    Ok(())
}
