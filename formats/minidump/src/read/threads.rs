//! The threads of a dump, and their names.

use std::collections::HashMap;

use minidump_common::format::{MINIDUMP_THREAD, MINIDUMP_THREAD_NAME};

use super::context;
use super::reader::{FileRange, Reader};
use super::system::Cpu;
use crate::bytes::faults::{DumpPart, FaultKind};
use crate::limits;

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpThread {
    /// Its number in the operating system.
    pub id: u32,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// How often it is suspended.
    pub suspend_count: u32,
    /// Class and level of its priority.
    pub priority: (u32, u32),
    /// The address of what the operating system keeps of it (Windows' TEB; the base of fs or tp
    /// elsewhere).
    pub teb: u64,
    /// The address at which the saved part of its stack begins.
    pub stack_start: u64,
    /// The bytes of its stack. Empty in dumps of the whole memory, where a list of memory has them.
    pub stack: FileRange,
    /// The bytes of its registers.
    pub context: FileRange,
}

/// Reads `ThreadListStream`.
pub fn read(reader: &mut Reader<'_>, stream: FileRange, cpu: Option<Cpu>) -> Vec<DumpThread> {
    let records = reader.list(DumpPart::Threads, stream, 48, limits::MAX_THREADS);
    let mut threads = Vec::with_capacity(records.offsets().len());
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_THREAD>(DumpPart::Threads, offset) else { break };
        if reader.bytes.get(offset, 48).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0)) {
            reader.faults.count(DumpPart::Threads, FaultKind::Zeroed);
            continue;
        }
        let thread = DumpThread {
            id: raw.thread_id,
            name: None,
            suspend_count: raw.suspend_count,
            priority: (raw.priority_class, raw.priority),
            teb: raw.teb,
            stack_start: raw.stack.start_of_memory_range,
            stack: raw.stack.memory.into(),
            context: raw.thread_context.into(),
        };
        if !thread.stack.is_empty() {
            reader.claim(DumpPart::Stack, thread.stack);
        }
        check_context(reader, thread.context, cpu);
        threads.push(thread);
    }
    threads
}

/// Counts what is wrong with the registers of a thread. They lie among the stacks: where bytes have
/// to be fetched, only those that are needed are looked at.
pub fn check_context(reader: &mut Reader<'_>, range: FileRange, cpu: Option<Cpu>) {
    if range.is_empty() || !reader.claim(DumpPart::Context, range) || !reader.bytes.are_held() {
        return;
    }
    if context::read(reader.bytes, range.offset, range.size, cpu).is_none() {
        let zeroed = reader.bytes.some(range.offset, range.size).iter().all(|byte| *byte == 0);
        let kind = if zeroed { FaultKind::Zeroed } else { FaultKind::Malformed };
        reader.faults.count(DumpPart::Context, kind);
    }
}

/// Reads `ThreadNamesStream` and gives each thread its name.
pub fn name(reader: &mut Reader<'_>, stream: FileRange, threads: &mut [DumpThread]) {
    let records = reader.list(DumpPart::ThreadNames, stream, 12, limits::MAX_THREADS);
    let mut by_id: HashMap<u32, &mut DumpThread> =
        threads.iter_mut().map(|thread| (thread.id, thread)).collect();
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_THREAD_NAME>(DumpPart::ThreadNames, offset) else {
            break;
        };
        let name = reader.utf16(DumpPart::ThreadNames, raw.thread_name_rva);
        if let (Some(thread), Some(name)) = (by_id.get_mut(&raw.thread_id), name) {
            thread.name = Some(name).filter(|name| !name.is_empty());
        }
    }
}
