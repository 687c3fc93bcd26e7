//! A dump's report as JSON, in the shape that minidump-stackwalk prints. Frames are written as they
//! are looked up, so that a dump of a million frames takes no more memory than one of a few.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;

use schemars::JsonSchema;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use symtool_core::dump::{DumpFunction, FrameFunctions, instruction_address};
use symtool_minidump::{DumpModule, UnloadedModule, WalkFrame};
use symtool_module::{CodeId, DebugId};

use symtool_core::dump::file_name;

use super::facts::{self, DumpReport};
use crate::output;

/// Writes the report as one line.
pub fn write(
    report: &DumpReport<'_>,
    functions: &mut FrameFunctions<'_, '_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut look_up = |thread, frame| functions.at(thread, frame);
    let look_up: RefCell<LookUp<'_>> = RefCell::new(&mut look_up);
    let printer = Printer { report, look_up: &look_up };
    serde_json::to_writer(&mut *out, &printer.whole())?;
    out.write_all(b"\n")
}

/// A number in hexadecimal.
#[derive(JsonSchema)]
#[schemars(with = "String")]
struct Hex(u64);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#018x}", self.0))
    }
}

#[derive(JsonSchema, Serialize)]
pub struct Whole<'p> {
    version: u32,
    status: &'static str,
    crash_info: CrashInfo,
    crashing_thread: Option<ThreadLine<'p>>,
    cut_off: Option<CutOff>,
    faults: BTreeMap<String, u64>,
    main_module: Option<usize>,
    modules: Vec<ModuleLine<'p>>,
    pid: Option<u32>,
    system_info: SystemLine,
    thread_count: usize,
    #[schemars(with = "Vec<ThreadLine<'static>>")]
    threads: Threads<'p>,
    unloaded_modules: Vec<UnloadedLine<'p>>,
    zeroed: Vec<ZeroedLine>,
}

/// Zeros where something else should be.
#[derive(JsonSchema, Serialize)]
struct ZeroedLine {
    offset: u64,
    bytes: u64,
    part: &'static str,
}

#[derive(JsonSchema, Serialize)]
struct CrashInfo {
    address: Option<Hex>,
    assertion: Option<String>,
    crashing_thread: Option<usize>,
    r#type: Option<String>,
}

#[derive(JsonSchema, Serialize)]
struct SystemLine {
    cpu_arch: &'static str,
    cpu_count: u8,
    cpu_info: Option<String>,
    os: &'static str,
    os_ver: Option<String>,
}

/// How much of the dump is missing.
#[derive(JsonSchema, Serialize)]
struct CutOff {
    file_bytes: u64,
    needed_bytes: u64,
    at_least: bool,
    missing_stacks: u64,
    missing_threads: u64,
    modules: &'static str,
    crashed_stack: &'static str,
}

#[derive(JsonSchema, Serialize)]
struct ModuleLine<'p> {
    base_addr: Hex,
    code_id: Option<CodeId>,
    debug_file: &'p str,
    debug_id: Option<DebugId>,
    end_addr: Hex,
    filename: &'p str,
    loaded_symbols: bool,
    loaded_unwind_data: bool,
    missing_symbols: bool,
    version: Option<String>,
}

#[derive(JsonSchema, Serialize)]
struct UnloadedLine<'p> {
    base_addr: Hex,
    code_id: String,
    end_addr: Hex,
    filename: &'p str,
}

#[derive(JsonSchema, Serialize)]
struct ThreadLine<'p> {
    end: &'static str,
    frame_count: usize,
    #[schemars(with = "Vec<FrameLine<'static>>")]
    frames: Frames<'p>,
    frames_left_out: u64,
    thread_id: u32,
    thread_name: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threads_index: Option<usize>,
}

#[derive(JsonSchema, Serialize)]
struct FrameLine<'f> {
    file: Option<&'f str>,
    frame: usize,
    function: Option<&'f str>,
    function_offset: Option<Hex>,
    inlines: Option<Vec<InlineLine<'f>>>,
    line: Option<u32>,
    missing_symbols: bool,
    module: Option<&'f str>,
    module_offset: Option<Hex>,
    offset: Hex,
    #[serde(skip_serializing_if = "Option::is_none")]
    registers: Option<BTreeMap<String, Hex>>,
    trust: &'static str,
}

#[derive(JsonSchema, Serialize)]
struct InlineLine<'f> {
    file: Option<&'f str>,
    function: Option<&'f str>,
    line: Option<u32>,
}

/// Gives the functions at a frame of a thread.
type LookUp<'l> = &'l mut (dyn FnMut(usize, usize) -> Rc<[DumpFunction]> + 'l);

/// What lines of the report are made of.
#[derive(Clone, Copy)]
struct Printer<'p> {
    report: &'p DumpReport<'p>,
    look_up: &'p RefCell<LookUp<'p>>,
}

/// All threads.
struct Threads<'p>(Printer<'p>);

/// The frames of a thread.
struct Frames<'p> {
    printer: Printer<'p>,
    thread: usize,
    /// Whether the innermost one has registers.
    has_registers: bool,
}

impl Serialize for Threads<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let count = self.0.report.walk.threads.len();
        serializer.collect_seq((0..count).filter_map(|number| self.0.thread(number, false)))
    }
}

impl Serialize for Frames<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let walked = self.printer.report.walk.threads.get(self.thread);
        let frames = walked.map_or(&[][..], |walked| &walked.frames);
        let mut lines = serializer.serialize_seq(Some(frames.len()))?;
        for (number, frame) in frames.iter().enumerate() {
            let found = (self.printer.look_up.borrow_mut())(self.thread, number);
            let mut line = self.printer.frame(number, frame, &found);
            if let Some(context) = walked
                .and_then(|walked| walked.context.as_ref())
                .filter(|_| self.has_registers && number == 0)
            {
                let registers = facts::registers(context);
                line.registers =
                    Some(registers.into_iter().map(|(name, value)| (name, Hex(value))).collect());
            }
            lines.serialize_element(&line)?;
        }
        lines.end()
    }
}

impl<'p> Printer<'p> {
    fn whole(self) -> Whole<'p> {
        let (report, dump) = (self.report, self.report.dump);
        let system = dump.system.as_ref();
        let crashed = report.walk.crashed;
        let faults = dump.faults.iter().chain(report.walk.faults.iter());
        Whole {
            version: output::VERSION,
            status: "OK",
            crash_info: CrashInfo {
                address: report.crash_address().map(Hex),
                assertion: report.assertion(),
                crashing_thread: crashed,
                r#type: report.reason(),
            },
            crashing_thread: crashed.and_then(|number| self.thread(number, true)),
            cut_off: self.cut_off(),
            faults: faults
                .map(|(part, kind, count)| (format!("{}.{}", part.name(), kind.name()), count))
                .collect(),
            main_module: report.main_module(),
            modules: (0..dump.modules.len()).filter_map(|number| self.module(number)).collect(),
            pid: dump.process.id,
            system_info: SystemLine {
                cpu_arch: report.cpu(),
                cpu_count: system.map_or(0, |system| system.processors),
                cpu_info: report.cpu_info(),
                os: report.os(),
                os_ver: report.os_version(),
            },
            thread_count: report.walk.threads.len(),
            threads: Threads(self),
            unloaded_modules: dump.unloaded.iter().map(unloaded).collect(),
            zeroed: report
                .extent
                .zeroed
                .iter()
                .map(|zeroed| ZeroedLine {
                    offset: zeroed.range.offset,
                    bytes: zeroed.range.size,
                    part: zeroed.part.name(),
                })
                .collect(),
        }
    }

    fn cut_off(self) -> Option<CutOff> {
        let extent = self.report.extent;
        extent.is_cut_off().then(|| CutOff {
            file_bytes: extent.file_bytes,
            needed_bytes: extent.needed_bytes,
            at_least: extent.at_least,
            missing_stacks: extent.missing.stacks,
            missing_threads: extent.missing.thread_records,
            modules: extent.modules.name(),
            crashed_stack: extent.crashed_stack.name(),
        })
    }

    fn module(self, number: usize) -> Option<ModuleLine<'p>> {
        let module: &DumpModule = self.report.dump.modules.get(number)?;
        let known = self.report.known(number);
        Some(ModuleLine {
            base_addr: Hex(module.base),
            code_id: symtool_core::dump::code_id(module, self.report.dump.os()),
            debug_file: symtool_core::dump::debug_file(module),
            debug_id: symtool_core::dump::debug_id(module),
            end_addr: Hex(module.base.saturating_add(module.size)),
            filename: file_name(module.name.as_deref()),
            loaded_symbols: known.is_some_and(|known| known.record.functions > 0),
            loaded_unwind_data: known.is_some_and(|known| known.record.unwind_rows > 0),
            missing_symbols: known.is_none(),
            version: symtool_core::dump::version(module),
        })
    }

    fn thread(self, number: usize, is_crashing: bool) -> Option<ThreadLine<'p>> {
        let walked = self.report.walk.threads.get(number)?;
        Some(ThreadLine {
            end: walked.end.name(),
            frame_count: walked.frames.len(),
            frames: Frames { printer: self, thread: number, has_registers: is_crashing },
            frames_left_out: walked.frames_left_out,
            thread_id: walked.id,
            thread_name: self.report.thread_name(number),
            threads_index: is_crashing.then_some(number),
        })
    }

    fn frame<'f>(
        self,
        number: usize,
        frame: &WalkFrame,
        found: &'f Rc<[DumpFunction]>,
    ) -> FrameLine<'f>
    where
        'p: 'f,
    {
        let module = frame.module().and_then(|number| self.report.dump.modules.get(number));
        let known = frame.module().and_then(|number| self.report.known(number));
        let instruction = instruction_address(self.report.dump, frame);
        let module_offset = module.map(|module| instruction.wrapping_sub(module.base));
        let own = found.iter().find(|function| !function.inlined);
        let into = own.and_then(|own| module_offset?.checked_sub(own.start?));
        let inlines: Vec<InlineLine<'f>> = found
            .iter()
            .filter(|function| function.inlined)
            .map(|function| InlineLine {
                file: function.file.as_deref(),
                function: function.name.as_deref(),
                line: line_of(function),
            })
            .collect();
        FrameLine {
            file: own.and_then(|own| own.file.as_deref()),
            frame: number,
            function: own.and_then(|own| own.name.as_deref()),
            function_offset: into.map(Hex),
            inlines: Some(inlines).filter(|inlines| !inlines.is_empty()),
            line: own.and_then(line_of),
            missing_symbols: known.is_none(),
            module: module.map(|module| file_name(module.name.as_deref())),
            module_offset: module_offset.map(Hex),
            offset: Hex(instruction),
            registers: None,
            trust: frame.trust.name(),
        }
    }
}

fn line_of(function: &DumpFunction) -> Option<u32> {
    Some(function.line).filter(|line| *line > 0)
}

fn unloaded(module: &UnloadedModule) -> UnloadedLine<'_> {
    UnloadedLine {
        base_addr: Hex(module.base),
        code_id: format!("{:08x}{:x}", module.time_stamp, module.size),
        end_addr: Hex(module.base.saturating_add(module.size)),
        filename: file_name(module.name.as_deref()),
    }
}
