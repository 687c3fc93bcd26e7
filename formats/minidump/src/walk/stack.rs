//! Memory as a walk reads it: mostly the stack at hand.

use scroll::Endian;
use symtool_unwind::apply::Memory as ReadMemory;

use crate::bytes::width;
use crate::read::memory::Memory;
use crate::read::reader::FileRange;

/// The memory of a dump, and of it the part that most words are read from.
#[derive(Debug)]
pub struct Stack<'a> {
    memory: &'a Memory<'a>,
    endian: Endian,
    start: u64,
    at: FileRange,
}

impl<'a> Stack<'a> {
    /// Reads mostly from the memory that has `sp`.
    pub fn new(memory: &'a Memory<'a>, endian: Endian, sp: u64) -> Self {
        Self { memory, endian, start: sp, at: memory.from(sp).unwrap_or_default() }
    }

    /// Whether a word at `address` would be in the dump, if the file was not cut off.
    pub fn is_cut_off(&self, address: u64) -> bool {
        self.memory.range_of(address).is_some() && self.memory.from(address).is_none()
    }

    /// How many zeros there are in a row around `address`, up to `most` in each direction.
    pub fn zeros_around(&self, address: u64, most: u64) -> u64 {
        let Some(range) = self.memory.range_of(address) else { return 0 };
        let before = (address - range.start).min(most);
        let Some(all) = self.memory.from(address - before) else { return 0 };
        let all = self.memory.bytes().some(all.offset, all.size.min(before.saturating_add(most)));
        let (before, after) = all.split_at(all.len().min(usize::try_from(before).unwrap_or(0)));
        width(before.iter().rev().take_while(|byte| **byte == 0).count())
            + width(after.iter().take_while(|byte| **byte == 0).count())
    }
}

impl ReadMemory for Stack<'_> {
    fn read(&self, address: u64, bytes: u8) -> Option<u64> {
        let mut buffer = [0; 8];
        let buffer = buffer.get_mut(..usize::from(bytes))?;
        let at = address.checked_sub(self.start);
        let is_near = at.is_some_and(|at| {
            at.checked_add(bytes.into()).is_some_and(|end| end <= self.at.size)
                && self.memory.bytes().read(self.at.offset + at, buffer)
        });
        if !is_near && !self.memory.read(address, buffer) {
            return None;
        }
        let number = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match (self.endian, <[u8; 8]>::try_from(&*buffer)) {
            (Endian::Little, Ok(word)) => u64::from_le_bytes(word),
            (Endian::Little, Err(_)) => buffer.iter().rev().fold(0, number),
            (Endian::Big, _) => buffer.iter().fold(0, number),
        })
    }
}
