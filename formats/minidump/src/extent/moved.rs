//! Parts that are not where the dump says, because a chunk before them was dropped.
//!
//! The file is then shorter than it should be, and what follows the chunk has moved up by as much.
//! Contexts say what they are; a stack has pointers to itself.

use scroll::Pread;

use crate::bytes::width;
use crate::read::Minidump;
use crate::read::reader::FileRange;
use crate::read::system::Cpu;
use crate::read::threads::DumpThread;

/// Bytes at each end of a stack that are looked at, and of all stacks together: a dump may have
/// many threads that share one.
const SAMPLE_BYTES: u64 = 32 << 10;
const ALL_SAMPLE_BYTES: u64 = 64 << 20;
/// Pointers to a stack that tell it from others.
const MIN_POINTERS: usize = 2;

/// Where parts of a stack are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MovedStack {
    /// Whether its beginning has moved.
    pub start: bool,
    /// Whether its end has moved.
    pub end: bool,
}

/// By how much what follows a dropped chunk has moved, if the file is as much too short and lacks
/// nothing else.
pub fn distance(dump: &Minidump<'_>) -> Option<u64> {
    let missing = dump.reach.end.checked_sub(dump.file_bytes())?;
    (missing > 0 && !dump.reach.may_be_further).then_some(missing)
}

/// Whether the stack of a thread has moved by `distance`.
pub fn stack(dump: &Minidump<'_>, thread: &DumpThread, distance: u64) -> MovedStack {
    if is_moved_context(dump, thread.context, distance) {
        // Stacks follow contexts.
        let follows = thread.stack.offset > thread.context.offset;
        return MovedStack { start: follows, end: follows };
    }
    let each = ALL_SAMPLE_BYTES / width(dump.threads.len()).max(1);
    let size = thread.stack.size.min(SAMPLE_BYTES).min(each);
    let start = FileRange { size, ..thread.stack };
    let end = FileRange { offset: thread.stack.end().saturating_sub(size), size };
    let moved = |sample| is_moved(dump, thread, sample, distance);
    MovedStack { start: moved(start), end: moved(end) }
}

/// Whether registers cannot be read where they should be, and can where they would have moved to.
fn is_moved_context(dump: &Minidump<'_>, range: FileRange, distance: u64) -> bool {
    let Some(offset) = range.offset.checked_sub(distance) else { return false };
    dump.context(range).is_none() && dump.context(FileRange { offset, ..range }).is_some()
}

/// Whether a part of a stack has more pointers to the stack where it would have moved to.
fn is_moved(dump: &Minidump<'_>, thread: &DumpThread, part: FileRange, distance: u64) -> bool {
    let Some(offset) = part.offset.checked_sub(distance) else { return false };
    let here = pointers(dump, thread, part);
    let there = pointers(dump, thread, FileRange { offset, ..part });
    there >= MIN_POINTERS && there > here
}

/// How many words of a range of the file point to the stack of `thread`.
fn pointers(dump: &Minidump<'_>, thread: &DumpThread, range: FileRange) -> usize {
    let last = thread.stack_start.saturating_add(thread.stack.size.saturating_sub(1));
    let bytes = dump.some(range);
    let word = dump.cpu().map_or(8, Cpu::word_bytes);
    let size = usize::try_from(word).unwrap_or(8);
    let value = |bytes: &[u8]| match size {
        4 => bytes.pread_with::<u32>(0, dump.endian()).ok().map(u64::from),
        _ => bytes.pread_with::<u64>(0, dump.endian()).ok(),
    };
    bytes
        .chunks_exact(size)
        .filter_map(value)
        .filter(|value| (thread.stack_start..=last).contains(value))
        .count()
}
