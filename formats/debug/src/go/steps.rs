//! Reads tables of steps: the values of something that changes along the code of a function.
//!
//! ```text
//! value  -1    +3 = 2     +1 = 3     end: no difference
//! code        │████│      │██████│
//! bytes       [+3][4]     [+1][6]    [0]           both differences are in LEB128, that of values with its sign in bit 0
//! ```

use super::table::{FunctionEntry, FunctionTable};
use crate::bytes::leb128;
use crate::dwarf::Work;

/// What a function has at addresses that no step covers.
pub const NONE: i32 = -1;

/// By address, up to which a value holds, and the value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Steps(Vec<(u64, i32)>);

impl Steps {
    /// The steps at `offset` of the table's, as far as `entry` reaches. No function has steps at 0.
    pub fn read(
        table: &FunctionTable<'_>,
        offset: u32,
        entry: &FunctionEntry<'_>,
        work: &Work,
    ) -> Self {
        if offset == 0 {
            return Self::default();
        }
        let bytes = table.steps(offset).unwrap_or_default();
        Self::decode(bytes, (entry.start, entry.end), table.quantum(), work)
    }

    fn decode(mut bytes: &[u8], (start, end): (u64, u64), quantum: u64, work: &Work) -> Self {
        let (mut steps, mut at, mut value) = (Vec::new(), start, NONE);
        while at < end && work.spend(1).is_ok() {
            let Some(difference) =
                leb128::read_u32(&mut bytes).filter(|difference| *difference != 0 || at == start)
            else {
                break;
            };
            let Some(length) = leb128::read_u32(&mut bytes) else { break };
            value = value
                .wrapping_add((difference >> 1).cast_signed() ^ -(difference & 1).cast_signed());
            at = at.saturating_add(u64::from(length) * quantum).min(end);
            steps.push((at, value));
        }
        Self(steps)
    }

    /// The value at `address`.
    pub fn at(&self, address: u64) -> i32 {
        self.step(address).map_or(NONE, |(_, value)| value)
    }

    /// Up to where the value at `address` holds.
    pub fn until(&self, address: u64) -> u64 {
        self.step(address).map_or(u64::MAX, |(end, _)| end)
    }

    /// Where the last step ends.
    pub fn end(&self) -> Option<u64> {
        self.0.last().map(|(end, _)| *end)
    }

    fn step(&self, address: u64) -> Option<(u64, i32)> {
        self.0.get(self.0.partition_point(|(end, _)| *end <= address)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], quantum: u64) -> Vec<(u64, i32)> {
        Steps::decode(bytes, (0x10, 0x40), quantum, &Work::for_bytes(100)).0
    }

    #[test]
    fn values_hold_up_to_the_next_step() {
        // -1 + 3, then + 1, then - 2.
        let steps = decode(&[6, 4, 2, 6, 3, 1, 0], 1);
        assert_eq!(steps, [(0x14, 2), (0x1a, 3), (0x1b, 1)]);
        assert_eq!(decode(&[6, 1, 2, 2, 0], 4), [(0x14, 2), (0x1c, 3)]);
        assert_eq!(decode(&[0, 4, 0], 1), [(0x14, -1)], "the first difference may be none");
        let steps = Steps(steps);
        let at = [0x10, 0x13, 0x14, 0x19, 0x1a, 0x1b].map(|address| steps.at(address));
        assert_eq!(at, [2, 2, 3, 3, 1, NONE]);
        assert_eq!(
            [steps.until(0x10), steps.until(0x1a), steps.until(0x1b)],
            [0x14, 0x1b, u64::MAX]
        );
        assert_eq!(steps.end(), Some(0x1b));
    }

    #[test]
    fn broken_steps_end() {
        assert_eq!(decode(&[6, 0x7f, 2, 1, 0], 1), [(0x40, 2)], "not past the function");
        assert_eq!(decode(&[6, 4, 2], 1), [(0x14, 2)]);
        assert_eq!(decode(&[0x80; 12], 1), []);
        assert_eq!(decode(&[], 1), []);
    }
}
