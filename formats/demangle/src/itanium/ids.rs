//! How nodes refer to each other and to the mangled name: by number, by range.

use std::num::NonZeroU32;

/// A node's number, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(pub(super) NonZeroU32);

impl NodeId {
    /// Its place among the nodes.
    #[inline]
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Bytes of the mangled name.
#[derive(Clone, Copy, Debug, Default)]
pub struct NameSpan {
    /// First byte.
    pub start: u32,
    /// After the last byte.
    pub end: u32,
}

impl NameSpan {
    /// The bytes of `input` that this is.
    pub fn of(self, input: &[u8]) -> &[u8] {
        input.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Nodes in a row: parameters, arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeList {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl NodeList {
    /// Has it none?
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// How many there are.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}
