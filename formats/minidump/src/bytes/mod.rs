//! The bytes of a dump: integers, records and texts at offsets that may lie anywhere.

pub mod faults;
pub mod text;

use scroll::ctx::TryFromCtx;
use scroll::{Endian, Pread};

/// The bytes of a dump and the order of its integers.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a> {
    data: &'a [u8],
    endian: Endian,
}

impl<'a> Bytes<'a> {
    pub fn new(data: &'a [u8], endian: Endian) -> Self {
        Self { data, endian }
    }

    pub fn len(&self) -> u64 {
        u64::try_from(self.data.len()).unwrap_or(u64::MAX)
    }

    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// `size` bytes at `offset`; `None` if not all of them are in the file.
    pub fn get(&self, offset: u64, size: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.data.get(start..end)
    }

    /// As many of `size` bytes at `offset` as are in the file.
    pub fn some(&self, offset: u64, size: u64) -> &'a [u8] {
        let start = offset.min(self.len());
        let end = offset.saturating_add(size).min(self.len());
        self.get(start, end - start).unwrap_or_default()
    }

    /// A record of the format, or one of its integers.
    pub fn record<T>(&self, offset: u64) -> Option<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error>,
    {
        let at = usize::try_from(offset).ok().filter(|at| *at < self.data.len())?;
        self.data.pread_with(at, self.endian).ok()
    }

    pub fn u32(&self, offset: u64) -> Option<u32> {
        self.record(offset)
    }
}

/// How many bytes `size_of` says, as the offsets of dumps are counted.
pub fn width(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
