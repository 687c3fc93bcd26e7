//! Holes of zeros: chunks of a file that were never written, or were lost on the way.

use minidump_common::format::MINIDUMP_STREAM_TYPE as StreamType;

use crate::bytes::faults::DumpPart;
use crate::bytes::width;
use crate::limits;
use crate::read::Minidump;
use crate::read::reader::FileRange;

/// Zeros in the file where something else should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroedRange {
    /// Where the zeros are.
    pub range: FileRange,
    /// What should be there: the first part that was found in them. Only zeros that hit nothing
    /// but stacks may belong there: programs have buffers of zeros.
    pub part: DumpPart,
}

/// Stacks are looked through in blocks of this size.
const BLOCK_BYTES: u64 = limits::MIN_HOLE_BYTES;

/// Finds the holes that hit structures or stacks, in the order of the file.
pub fn find(dump: &Minidump<'_>) -> Vec<ZeroedRange> {
    let mut found = in_lists(dump);
    // A context has its flags within the first 64 bytes, or its registers.
    let exception = dump.exception.iter().map(|exception| exception.context);
    let contexts = dump.threads.iter().map(|thread| thread.context).chain(exception);
    for range in contexts.filter(|range| !range.is_empty()) {
        let start = FileRange { size: range.size.min(256), ..range };
        in_structure(dump, DumpPart::Context, start, &mut found);
    }
    for range in stacks(dump) {
        in_stack(dump, range, &mut found);
    }
    found.sort_by_key(|hole| hole.range.offset);
    found
}

/// Finds the holes that hit lists, which are never all zeros.
pub fn in_lists(dump: &Minidump<'_>) -> Vec<ZeroedRange> {
    let lists = [
        (DumpPart::System, StreamType::SystemInfoStream),
        (DumpPart::Threads, StreamType::ThreadListStream),
        (DumpPart::Modules, StreamType::ModuleListStream),
        (DumpPart::Memory, StreamType::MemoryListStream),
        (DumpPart::Memory, StreamType::Memory64ListStream),
        (DumpPart::Exception, StreamType::ExceptionStream),
    ];
    let mut found = Vec::new();
    for (part, kind) in lists {
        let Some(stream) = dump.stream(kind) else { continue };
        // A hole may begin or end within a list: both its ends are looked at.
        let end = FileRange { offset: stream.end().saturating_sub(16), size: 16 };
        let start = FileRange { offset: stream.offset, size: stream.size.min(16) };
        for range in [start, end] {
            in_structure(dump, part, range, &mut found);
        }
    }
    found
}

/// Adds the hole that has all of a structure, if no other one hits it.
fn in_structure(
    dump: &Minidump<'_>,
    part: DumpPart,
    range: FileRange,
    found: &mut Vec<ZeroedRange>,
) {
    if !found.iter().any(|hole| hole.range.overlaps(range))
        && let Some(range) = hole_around(dump, range)
    {
        found.push(ZeroedRange { range, part });
    }
}

/// The zeros around `range`, if all its bytes are zeros and they are enough for a hole.
fn hole_around(dump: &Minidump<'_>, range: FileRange) -> Option<FileRange> {
    let end = range.end().min(dump.file_bytes());
    if range.offset >= end || zeros_from(dump, range.offset, end) < end {
        return None;
    }
    let start = zeros_before(dump, range.offset);
    let size = zeros_from(dump, end, dump.file_bytes()) - start;
    (size >= limits::MIN_HOLE_BYTES).then_some(FileRange { offset: start, size })
}

/// Where the zeros end that begin at `start`: at `end` at the latest.
fn zeros_from(dump: &Minidump<'_>, start: u64, end: u64) -> u64 {
    let mut at = start;
    while at < end {
        let block = dump.some(FileRange { offset: at, size: BLOCK_BYTES.min(end - at) });
        let zeros = block.iter().take_while(|byte| **byte == 0).count();
        at += width(zeros);
        if zeros < block.len() || block.is_empty() {
            break;
        }
    }
    at
}

/// Where the zeros begin that end at `end`.
fn zeros_before(dump: &Minidump<'_>, end: u64) -> u64 {
    let mut at = end;
    while at > 0 {
        let size = BLOCK_BYTES.min(at);
        let block = dump.some(FileRange { offset: at - size, size });
        let zeros = block.iter().rev().take_while(|byte| **byte == 0).count();
        at -= width(zeros);
        if zeros < block.len() || block.is_empty() {
            break;
        }
    }
    at
}

/// The bytes of all stacks, sorted and disjoint.
fn stacks(dump: &Minidump<'_>) -> Vec<FileRange> {
    let mut all: Vec<FileRange> = dump
        .threads
        .iter()
        .map(|thread| thread.stack)
        .filter(|stack| !stack.is_empty() && stack.offset < dump.file_bytes())
        .collect();
    all.sort_by_key(|range| range.offset);
    let mut end = 0;
    for range in &mut all {
        let last = range.end().min(dump.file_bytes());
        range.offset = range.offset.max(end).min(last);
        range.size = last - range.offset;
        end = end.max(last);
    }
    all
}

/// Adds the holes in a stack.
fn in_stack(dump: &Minidump<'_>, stack: FileRange, found: &mut Vec<ZeroedRange>) {
    let mut run: Option<u64> = None;
    let mut at = stack.offset;
    while at < stack.end() {
        let size = BLOCK_BYTES.min(stack.end() - at);
        let block = dump.some(FileRange { offset: at, size });
        if block.iter().all(|byte| *byte == 0) {
            run.get_or_insert(at);
        } else if let Some(start) = run.take() {
            push(dump, start, at, found);
        }
        at += size;
    }
    if let Some(start) = run {
        push(dump, start, at, found);
    }
}

/// Adds the hole that these blocks of zeros, and the zeros around them, are.
fn push(dump: &Minidump<'_>, start: u64, end: u64, found: &mut Vec<ZeroedRange>) {
    // With the blocks at its ends, which are zeros in part.
    if end - start + 2 * BLOCK_BYTES < limits::MIN_STACK_HOLE_BYTES {
        return;
    }
    let known = found.iter().any(|hole| hole.range.offset <= start && start < hole.range.end());
    let blocks = FileRange { offset: start, size: end - start };
    if let Some(range) = hole_around(dump, blocks).filter(|_| !known)
        && range.size >= limits::MIN_STACK_HOLE_BYTES
    {
        found.push(ZeroedRange { range, part: DumpPart::Stack });
    }
}
