//! What a dump says of the process, and of a failed assertion; what Breakpad adds.

use minidump_common::format::{
    BreakpadInfoValid, MINIDUMP_ASSERTION_INFO, MINIDUMP_BREAKPAD_INFO, MINIDUMP_MISC_INFO,
    MINIDUMP_MISC_INFO_2, MINIDUMP_MISC_INFO_4, MiscInfoFlags,
};

use super::reader::{FileRange, Reader};
use crate::bytes::faults::DumpPart;

/// What `MiscInfoStream` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessInfo {
    /// The number of the process.
    pub id: Option<u32>,
    /// When it began, in seconds since 1970, and how many seconds it ran in user and kernel mode.
    pub times: Option<(u32, u32, u32)>,
    /// The processors' highest and current speed, in MHz.
    pub processor_mhz: Option<(u32, u32)>,
    /// The build of the operating system.
    pub build: Option<String>,
}

/// Reads `MiscInfoStream`. Later versions of it are longer.
pub fn read(reader: &mut Reader<'_>, stream: FileRange) -> ProcessInfo {
    let Some(first) = reader.record::<MINIDUMP_MISC_INFO>(DumpPart::Process, stream.offset) else {
        return ProcessInfo::default();
    };
    let size = stream.size.min(first.size_of_info.into());
    let has = |flag: MiscInfoFlags, least: u64| first.flags1 & flag.bits() != 0 && size >= least;
    let mut info = ProcessInfo::default();
    if has(MiscInfoFlags::MINIDUMP_MISC1_PROCESS_ID, 12) {
        info.id = Some(first.process_id);
    }
    if has(MiscInfoFlags::MINIDUMP_MISC1_PROCESS_TIMES, 24) {
        info.times =
            Some((first.process_create_time, first.process_user_time, first.process_kernel_time));
    }
    if has(MiscInfoFlags::MINIDUMP_MISC1_PROCESSOR_POWER_INFO, 44) {
        info.processor_mhz = reader
            .record::<MINIDUMP_MISC_INFO_2>(DumpPart::Process, stream.offset)
            .map(|raw| (raw.processor_max_mhz, raw.processor_current_mhz));
    }
    if has(MiscInfoFlags::MINIDUMP_MISC4_BUILDSTRING, 832) {
        info.build = reader
            .record::<MINIDUMP_MISC_INFO_4>(DumpPart::Process, stream.offset)
            .map(|raw| units(&raw.build_string))
            .filter(|build| !build.is_empty());
    }
    info
}

/// What `BreakpadInfoStream` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BreakpadInfo {
    /// The thread that wrote the dump.
    pub dump_thread: Option<u32>,
    /// The thread that asked for it: the one that crashed, where no exception says so.
    pub requesting_thread: Option<u32>,
}

/// Reads `BreakpadInfoStream`.
pub fn read_breakpad(reader: &mut Reader<'_>, stream: FileRange) -> BreakpadInfo {
    let raw = reader.record::<MINIDUMP_BREAKPAD_INFO>(DumpPart::Breakpad, stream.offset);
    let Some(raw) = raw else { return BreakpadInfo::default() };
    let has = |flag: BreakpadInfoValid, id| (raw.validity & flag.bits() != 0).then_some(id);
    BreakpadInfo {
        dump_thread: has(BreakpadInfoValid::DumpThreadId, raw.dump_thread_id),
        requesting_thread: has(BreakpadInfoValid::RequestingThreadId, raw.requesting_thread_id),
    }
}

/// What `AssertionInfoStream` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assertion {
    /// What was not true.
    pub expression: String,
    /// The function that checked it.
    pub function: String,
    /// Its source file.
    pub file: String,
    /// The line there.
    pub line: u32,
    /// 1: an invalid parameter of the C library; 2: a call of a pure virtual function.
    pub kind: u32,
}

/// Reads `AssertionInfoStream`.
pub fn read_assertion(reader: &mut Reader<'_>, stream: FileRange) -> Option<Assertion> {
    let raw: MINIDUMP_ASSERTION_INFO = reader.record(DumpPart::Assertion, stream.offset)?;
    Some(Assertion {
        expression: units(&raw.expression),
        function: units(&raw.function),
        file: units(&raw.file),
        line: raw.line,
        kind: raw._type,
    })
}

/// UTF-16 up to its first zero.
fn units(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}
