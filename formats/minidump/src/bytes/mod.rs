//! The bytes of a dump: integers, records and texts at offsets that may lie anywhere.

pub mod faults;
pub mod source;
pub mod text;

use std::borrow::Cow;

use scroll::ctx::{SizeWith, TryFromCtx};
use scroll::{Endian, Pread};

use self::source::DumpSource;

/// The bytes of a dump and the order of its integers.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a> {
    data: Data<'a>,
    endian: Endian,
}

/// Where the bytes are.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// All of them in memory.
    Held(&'a [u8]),
    /// Elsewhere: they are fetched when they are needed.
    Source(&'a dyn DumpSource),
}

/// A record of the format, or an integer.
pub trait Record: for<'b> TryFromCtx<'b, Endian, Error = scroll::Error> + SizeWith<Endian> {}

impl<T> Record for T where
    T: for<'b> TryFromCtx<'b, Endian, Error = scroll::Error> + SizeWith<Endian>
{
}

impl<'a> Bytes<'a> {
    pub fn new(data: Data<'a>, endian: Endian) -> Self {
        Self { data, endian }
    }

    pub fn len(&self) -> u64 {
        match self.data {
            Data::Held(bytes) => width(bytes.len()),
            Data::Source(source) => source.size(),
        }
    }

    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// Whether reading them costs nothing.
    pub fn are_held(&self) -> bool {
        matches!(self.data, Data::Held(_))
    }

    /// `size` bytes at `offset`; `None` if not all of them are in the file. They may be copied:
    /// `size` has to be bounded.
    pub fn get(&self, offset: u64, size: u64) -> Option<Cow<'a, [u8]>> {
        let end = offset.checked_add(size).filter(|end| *end <= self.len())?;
        match self.data {
            Data::Held(bytes) => {
                let range = usize::try_from(offset).ok()?..usize::try_from(end).ok()?;
                bytes.get(range).map(Cow::Borrowed)
            }
            Data::Source(source) => {
                let mut bytes = vec![0; usize::try_from(size).ok()?];
                source.read(offset, &mut bytes).then_some(Cow::Owned(bytes))
            }
        }
    }

    /// As many of `size` bytes at `offset` as are in the file. `size` has to be bounded.
    pub fn some(&self, offset: u64, size: u64) -> Cow<'a, [u8]> {
        let start = offset.min(self.len());
        let end = offset.saturating_add(size).min(self.len());
        self.get(start, end - start).unwrap_or_default()
    }

    /// Fills `buffer` with the bytes at `offset`. Whether all of them are in the file.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        match self.data {
            Data::Held(bytes) => {
                let held = usize::try_from(offset)
                    .ok()
                    .and_then(|start| bytes.get(start..start.checked_add(buffer.len())?));
                held.map(|held| buffer.copy_from_slice(held)).is_some()
            }
            Data::Source(source) => {
                let end = offset.checked_add(width(buffer.len()));
                end.is_some_and(|end| end <= source.size()) && source.read(offset, buffer)
            }
        }
    }

    /// A record of the format, or one of its integers.
    pub fn record<T: Record>(&self, offset: u64) -> Option<T> {
        match self.data {
            Data::Held(bytes) => {
                let at = usize::try_from(offset).ok().filter(|at| *at < bytes.len())?;
                bytes.pread_with(at, self.endian).ok()
            }
            Data::Source(_) => {
                let bytes = self.get(offset, width(T::size_with(&self.endian)))?;
                bytes.pread_with(0, self.endian).ok()
            }
        }
    }

    pub fn u32(&self, offset: u64) -> Option<u32> {
        self.record(offset)
    }
}

/// How many bytes `size_of` says, as the offsets of dumps are counted.
pub fn width(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
