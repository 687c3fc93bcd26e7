//! How nodes refer to each other and to the mangled name: by number, by range.

use std::num::NonZeroU32;

/// A node's number, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub(super) NonZeroU32);

impl Id {
    /// Its place among the nodes.
    #[inline]
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Bytes of the mangled name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// After the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes of `input` that this is.
    pub fn of(self, input: &[u8]) -> &[u8] {
        input.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Nodes in a row: parameters, arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct List {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl List {
    /// Has it none?
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// How many there are.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}
