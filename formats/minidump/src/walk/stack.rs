//! Memory as a walk reads it: mostly the stack at hand.

use scroll::{Endian, Pread};
use symtool_unwind::apply::Memory as ReadMemory;

use crate::bytes::width;
use crate::read::memory::Memory;

/// The memory of a dump, and of it the part that most words are read from.
#[derive(Debug)]
pub struct Stack<'a> {
    memory: &'a Memory<'a>,
    endian: Endian,
    start: u64,
    bytes: &'a [u8],
}

impl<'a> Stack<'a> {
    /// Reads mostly from the memory that has `sp`.
    pub fn new(memory: &'a Memory<'a>, endian: Endian, sp: u64) -> Self {
        Self { memory, endian, start: sp, bytes: memory.from(sp).unwrap_or_default() }
    }

    /// Whether a word at `address` would be in the dump, if the file was not cut off.
    pub fn is_cut_off(&self, address: u64) -> bool {
        self.memory.range_of(address).is_some() && self.memory.from(address).is_none()
    }

    /// How many zeros there are in a row around `address`, up to `most` in each direction.
    pub fn zeros_around(&self, address: u64, most: u64) -> u64 {
        let Some(range) = self.memory.range_of(address) else { return 0 };
        let before = (address - range.start).min(most);
        let all = self.memory.from(address - before).unwrap_or_default();
        let (before, after) = all.split_at(all.len().min(usize::try_from(before).unwrap_or(0)));
        let after = &after[..after.len().min(usize::try_from(most).unwrap_or(usize::MAX))];
        width(before.iter().rev().take_while(|byte| **byte == 0).count())
            + width(after.iter().take_while(|byte| **byte == 0).count())
    }
}

impl ReadMemory for Stack<'_> {
    fn read(&self, address: u64, bytes: u8) -> Option<u64> {
        let at = address.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        if let Some(at) = at.filter(|at| *at < self.bytes.len()) {
            let number = match bytes {
                1 => self.bytes.pread_with::<u8>(at, self.endian).map(u64::from),
                2 => self.bytes.pread_with::<u16>(at, self.endian).map(u64::from),
                4 => self.bytes.pread_with::<u32>(at, self.endian).map(u64::from),
                8 => self.bytes.pread_with(at, self.endian),
                _ => return None,
            };
            if let Ok(number) = number {
                return Some(number);
            }
        }
        let mut buffer = [0; 8];
        let buffer = buffer.get_mut(..usize::from(bytes))?;
        if !self.memory.read(address, buffer) {
            return None;
        }
        let number = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.endian {
            Endian::Little => buffer.iter().rev().fold(0, number),
            Endian::Big => buffer.iter().fold(0, number),
        })
    }
}
