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
    let mut found: Vec<ZeroedRange> = Vec::new();
    for (part, range) in structures(dump) {
        if found.iter().any(|hole| hole.range.overlaps(range)) {
            continue;
        }
        if let Some(range) = hole_around(dump, range) {
            found.push(ZeroedRange { range, part });
        }
    }
    for range in stacks(dump) {
        in_stack(dump, range, &mut found);
    }
    found.sort_by_key(|hole| hole.range.offset);
    found
}

/// Structures that are never all zeros.
fn structures(dump: &Minidump<'_>) -> Vec<(DumpPart, FileRange)> {
    let lists = [
        (DumpPart::System, StreamType::SystemInfoStream),
        (DumpPart::Threads, StreamType::ThreadListStream),
        (DumpPart::Modules, StreamType::ModuleListStream),
        (DumpPart::Memory, StreamType::MemoryListStream),
        (DumpPart::Memory, StreamType::Memory64ListStream),
        (DumpPart::Exception, StreamType::ExceptionStream),
    ];
    let mut all = Vec::new();
    for (part, kind) in lists {
        let Some(stream) = dump.stream(kind) else { continue };
        // A hole may begin or end within a list: both its ends are looked at.
        let end = FileRange { offset: stream.end().saturating_sub(16), size: 16 };
        let start = FileRange { offset: stream.offset, size: stream.size.min(16) };
        all.extend([start, end].map(|range| (part, range)));
    }
    let exception = dump.exception.iter().map(|exception| exception.context);
    let contexts = dump.threads.iter().map(|thread| thread.context).chain(exception);
    // A context has its flags within the first 64 bytes, or its registers.
    all.extend(
        contexts
            .filter(|range| !range.is_empty())
            .map(|range| (DumpPart::Context, FileRange { size: range.size.min(256), ..range })),
    );
    all
}

/// The zeros around `range`, if all its bytes are zeros and they are enough for a hole.
fn hole_around(dump: &Minidump<'_>, range: FileRange) -> Option<FileRange> {
    let within = dump.some(range);
    if within.is_empty() || within.iter().any(|byte| *byte != 0) {
        return None;
    }
    let before = dump.some(FileRange { offset: 0, size: range.offset });
    let after = dump.some(FileRange { offset: range.end(), size: u64::MAX });
    let before = width(before.iter().rev().take_while(|byte| **byte == 0).count());
    let after = width(after.iter().take_while(|byte| **byte == 0).count());
    let size = before + width(within.len()) + after;
    (size >= limits::MIN_HOLE_BYTES).then_some(FileRange { offset: range.offset - before, size })
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
