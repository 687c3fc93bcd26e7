//! Reads a dump, stream by stream. One bad record costs itself, not its list.

pub mod context;
pub mod crashpad;
pub mod directory;
pub mod exception;
pub mod linux;
pub mod memory;
pub mod modules;
pub mod process;
pub mod reader;
pub mod reason;
pub mod regions;
pub mod system;
pub mod threads;

use std::borrow::Cow;

use minidump_common::format::MINIDUMP_STREAM_TYPE as StreamType;
use scroll::Endian;

use self::context::Context;
use self::crashpad::CrashpadInfo;
use self::directory::{Directory, DumpStream};
use self::exception::DumpException;
use self::linux::LinuxFiles;
use self::memory::Memory;
use self::modules::{DumpModule, UnloadedModule};
use self::process::{Assertion, BreakpadInfo, ProcessInfo};
use self::reader::{FileRange, Reach, Reader};
use self::regions::Regions;
use self::system::{Cpu, DumpOs, SystemInfo};
use self::threads::DumpThread;
use crate::bytes::faults::DumpFaults;
use crate::bytes::source::DumpSource;
use crate::bytes::{Bytes, Data};
use crate::error::MinidumpError;
use crate::limits;

/// A minidump.
#[derive(Clone, Debug)]
pub struct Minidump<'a> {
    bytes: Bytes<'a>,
    /// When it was written, in seconds since 1970; 0 if it does not say.
    pub time: u32,
    /// What was asked to be written (`MINIDUMP_TYPE`).
    pub flags: u64,
    /// All its streams, in the order of the directory.
    pub streams: Vec<DumpStream>,
    /// The processor and the operating system.
    pub system: Option<SystemInfo>,
    /// The process.
    pub process: ProcessInfo,
    /// What it died of.
    pub exception: Option<DumpException>,
    /// Its threads, in the order of the dump.
    pub threads: Vec<DumpThread>,
    /// Its modules, in the order of the dump.
    pub modules: Vec<DumpModule>,
    /// Modules that were unloaded.
    pub unloaded: Vec<UnloadedModule>,
    /// Its memory: lists of memory, and the threads' stacks.
    pub memory: Memory<'a>,
    /// The regions of its address space, as a list of memory regions or Linux says.
    pub regions: Regions,
    /// What Crashpad says.
    pub crashpad: Option<CrashpadInfo>,
    /// What Breakpad says.
    pub breakpad: BreakpadInfo,
    /// A failed assertion.
    pub assertion: Option<Assertion>,
    /// Files of Linux.
    pub linux: LinuxFiles,
    /// What is wrong with it, by part and kind.
    pub faults: DumpFaults,
    pub(crate) reach: Reach,
}

impl<'a> Minidump<'a> {
    /// Reads a dump. What of it cannot be read is left out and counted in [`Minidump::faults`].
    ///
    /// # Errors
    ///
    /// [`MinidumpError`] if it is no minidump, or if not even its list of streams can be read.
    pub fn read(data: &'a [u8]) -> Result<Self, MinidumpError> {
        Self::of(Data::Held(data))
    }

    /// The same of a dump that is not held in memory. What is not needed to walk the thread that
    /// crashed is not fetched: [`Minidump::faults`] does not tell what is wrong with registers.
    ///
    /// # Errors
    ///
    /// [`MinidumpError`] if it is no minidump, or if not even its list of streams can be read.
    pub fn open(source: &'a dyn DumpSource) -> Result<Self, MinidumpError> {
        Self::of(Data::Source(source))
    }

    fn of(data: Data<'a>) -> Result<Self, MinidumpError> {
        let (mut reader, directory) = directory::read(data)?;
        let is_cut = reader.reach.end > reader.bytes.len();
        if !is_cut && !directory.streams.iter().any(|stream| is_known(stream.kind)) {
            return Err(MinidumpError::NothingKnown(directory.streams.len()));
        }
        let reader = &mut reader;
        let system = stream(reader, &directory, StreamType::SystemInfoStream, system::read);
        let cpu = system.as_ref().and_then(|system| system.as_ref()).map(|system| system.cpu);
        let threads = threads(reader, &directory, cpu);
        let exception = directory
            .find(StreamType::ExceptionStream)
            .and_then(|stream| exception::read(reader, stream, cpu));
        let modules = stream(reader, &directory, StreamType::ModuleListStream, modules::read);
        let unloaded = StreamType::UnloadedModuleListStream;
        let unloaded = stream(reader, &directory, unloaded, modules::read_unloaded);
        let ranges = memory_ranges(reader, &directory, &threads);
        let memory = Memory::new(reader.bytes, ranges);
        let process = stream(reader, &directory, StreamType::MiscInfoStream, process::read);
        let crashpad = stream(reader, &directory, StreamType::CrashpadInfoStream, crashpad::read);
        let breakpad = StreamType::BreakpadInfoStream;
        let breakpad = stream(reader, &directory, breakpad, process::read_breakpad);
        let assertion = StreamType::AssertionInfoStream;
        let assertion = stream(reader, &directory, assertion, process::read_assertion);
        let linux = linux_files(&directory);
        let regions = stream(reader, &directory, StreamType::MemoryInfoListStream, regions::read)
            .unwrap_or_else(|| of_maps(reader.bytes, linux.maps));
        Ok(Self {
            bytes: reader.bytes,
            time: directory.time,
            flags: directory.flags,
            streams: directory.streams,
            system: system.flatten(),
            process: process.unwrap_or_default(),
            exception,
            threads,
            modules: modules.unwrap_or_default(),
            unloaded: unloaded.unwrap_or_default(),
            memory,
            regions,
            crashpad: crashpad.flatten(),
            breakpad: breakpad.unwrap_or_default(),
            assertion: assertion.flatten(),
            linux,
            reach: reader.reach,
            faults: std::mem::take(&mut reader.faults),
        })
    }

    /// How long the file is.
    pub fn file_bytes(&self) -> u64 {
        self.bytes.len()
    }

    /// The order of the dump's integers.
    pub fn endian(&self) -> Endian {
        self.bytes.endian()
    }

    /// The processor, if the dump says it.
    pub fn cpu(&self) -> Option<Cpu> {
        self.system.as_ref().map(|system| system.cpu)
    }

    /// The operating system, if the dump says it.
    pub fn os(&self) -> Option<DumpOs> {
        self.system.as_ref().map(|system| system.os)
    }

    /// The number of the thread that crashed, or for which the dump was asked for.
    pub fn crashed_thread(&self) -> Option<u32> {
        let exception = self.exception.as_ref().map(|exception| exception.thread);
        exception.or(self.breakpad.requesting_thread)
    }

    /// The registers in a range of the file; `None` if they cannot be read.
    pub fn context(&self, range: FileRange) -> Option<Context> {
        if range.is_empty() {
            return None;
        }
        context::read(self.bytes, range.offset, range.size, self.cpu())
    }

    /// The first stream of a kind.
    pub(crate) fn stream(&self, kind: StreamType) -> Option<FileRange> {
        let kind = u32::from(kind);
        self.streams.iter().find(|stream| stream.kind == kind).map(|stream| stream.range)
    }

    /// As many bytes of `range` as are in the file. They may be copied: a range that the dump itself
    /// says has to be bounded.
    pub fn some(&self, range: FileRange) -> Cow<'a, [u8]> {
        self.bytes.some(range.offset, range.size)
    }
}

/// Reads the first stream of a kind, if there is one.
fn stream<'a, T>(
    reader: &mut Reader<'a>,
    directory: &Directory,
    kind: StreamType,
    read: impl FnOnce(&mut Reader<'a>, FileRange) -> T,
) -> Option<T> {
    directory.find(kind).map(|stream| read(reader, stream))
}

/// Whether a stream is one that crashes are read from.
fn is_known(kind: u32) -> bool {
    use StreamType as S;
    [
        S::ThreadListStream,
        S::ModuleListStream,
        S::MemoryListStream,
        S::Memory64ListStream,
        S::ExceptionStream,
        S::SystemInfoStream,
    ]
    .into_iter()
    .any(|known| u32::from(known) == kind)
}

fn threads(reader: &mut Reader<'_>, directory: &Directory, cpu: Option<Cpu>) -> Vec<DumpThread> {
    let mut threads = directory
        .find(StreamType::ThreadListStream)
        .map_or_else(Vec::new, |stream| threads::read(reader, stream, cpu));
    if let Some(stream) = directory.find(StreamType::ThreadNamesStream) {
        threads::name(reader, stream, &mut threads);
    }
    threads
}

fn memory_ranges(
    reader: &mut Reader<'_>,
    directory: &Directory,
    threads: &[DumpThread],
) -> Vec<memory::MemoryRange> {
    let mut ranges = Vec::new();
    if let Some(stream) = directory.find(StreamType::MemoryListStream) {
        memory::read(reader, stream, &mut ranges);
    }
    if let Some(stream) = directory.find(StreamType::Memory64ListStream) {
        memory::read64(reader, stream, &mut ranges);
    }
    ranges.extend(
        threads
            .iter()
            .filter(|thread| !thread.stack.is_empty())
            .map(|thread| memory::MemoryRange { start: thread.stack_start, bytes: thread.stack }),
    );
    ranges
}

/// The regions that `/proc/self/maps` lists, which is in `range`.
fn of_maps(bytes: Bytes<'_>, range: FileRange) -> Regions {
    let text = bytes.some(range.offset, range.size.min(limits::MAX_MAPS_BYTES));
    regions::of_maps(linux::linux_maps(&text))
}

fn linux_files(directory: &Directory) -> LinuxFiles {
    let file = |kind| directory.find(kind).unwrap_or_default();
    LinuxFiles {
        cpu_info: file(StreamType::LinuxCpuInfo),
        status: file(StreamType::LinuxProcStatus),
        lsb_release: file(StreamType::LinuxLsbRelease),
        command_line: file(StreamType::LinuxCmdLine),
        environment: file(StreamType::LinuxEnviron),
        auxiliary_vector: file(StreamType::LinuxAuxv),
        maps: file(StreamType::LinuxMaps),
        limits: file(StreamType::MozLinuxLimits),
    }
}
