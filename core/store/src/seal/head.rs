//! What stands before a block's data in the clear, whatever its suite.

use crate::block::Damage;

/// Bytes in the clear that all blocks have.
pub const HEAD_BYTES: usize = 21;

/// What stands before a block's data in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub suite: u8,
    pub first: u64,
    pub raw_bytes: u32,
    pub from: u64,
}

impl Head {
    /// The one that `bytes` begin with.
    pub fn of(bytes: &[u8]) -> Result<Self, Damage> {
        let head = bytes.get(..HEAD_BYTES).ok_or(Damage::Header)?;
        let number = |at: std::ops::Range<usize>| {
            head[at].iter().rev().fold(0u64, |number, &byte| number << 8 | u64::from(byte))
        };
        let raw_bytes = u32::try_from(number(9..13)).map_err(|_| Damage::Header)?;
        Ok(Self { suite: head[0], first: number(1..9), raw_bytes, from: number(13..HEAD_BYTES) })
    }

    /// As it lies on disk.
    pub fn bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0] = self.suite;
        bytes[1..9].copy_from_slice(&self.first.to_le_bytes());
        bytes[9..13].copy_from_slice(&self.raw_bytes.to_le_bytes());
        bytes[13..].copy_from_slice(&self.from.to_le_bytes());
        bytes
    }
}
