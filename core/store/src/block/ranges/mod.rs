//! Blocks of address ranges with their inline chains.
//!
//! Both sides keep a stack of the open frames, outermost first. A range says how many frames to
//! leave and which calls to enter, then where it stands in the innermost one:
//!
//! ```text
//! frames      main   main>a   main>a>b   main>a   main
//! operation   root   enter 1  enter 1    leave 1  leave 1
//! ```
//!
//! Numbers are differences to what comes next in the order of first use: a body of code that is met
//! for the first time, or again in the same order, is a run of zeros. What stands under one
//! outermost function depends on nothing before it but how much of each column is gone, and nothing
//! but sites depends on what calls lead to: a single address needs the functions of its own frames
//! only.
//!
//! ```text
//! column  block of ranges, format 3
//! 0       per range: operation: frames left * 16 + frames entered; 254 = both counts in column 6;
//!         255 = all frames left, a new outermost function
//! 1       per range: length in bytes
//! 2       per range: site, as the difference to the site after the frame's last one
//! 3       per frame entered: call, as the difference to the call after the frame's last one
//! 4       per outermost function: gap in bytes to the range before, number of frames entered
//! 5       per outermost function: its number, as the difference to the first outermost one not yet met, times 2,
//!         plus 1 if only the symbol table knows it
//! 6       wide counts: frames left, frames entered
//! 7       the first outermost function not yet met, and the first address
//! 8       per frame, outermost ones too: 0 = begins where it is met; 1 = no one beginning is known; else the bytes
//!         from its beginning to here, of either sign, plus 1
//! ```

mod bodies;
mod decode;
mod encode;

use symtool_debug::Start;

use super::functions::Call;
pub use encode::Encoder;

const COLUMNS: usize = 9;
const WIDE: u8 = 254;
const ROOT: u8 = 255;

/// Stands for the number of the function without a name while a block is filled.
pub const NAMELESS: u32 = u32::MAX;

/// The outermost function of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its number, or [`NAMELESS`].
    pub function: u32,
    /// Whether only the symbol table knows it.
    pub symtab: bool,
    /// Where it begins.
    pub start: Start,
}

/// One inlined call on the way from the outermost function inwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Tells this instance of the call from others of the same.
    pub chain: u32,
    /// Which of the caller's calls.
    pub call: u32,
    /// The site and the function of that call.
    pub target: Call,
    /// Where it begins.
    pub start: Start,
}

struct Level {
    chain: u32,
    function: u32,
    next_site: i64,
    next_call: i64,
}

impl Level {
    fn new(chain: u32, function: u32) -> Self {
        Self { chain, function, next_site: 0, next_call: 0 }
    }
}

/// One frame of a chain, innermost first through `caller`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The function's number.
    pub function: u32,
    /// Index of the frame that called it inline, or [`NO_FRAME`].
    pub caller: u32,
    /// The caller's site of that call.
    pub call_site: u32,
    /// Where it begins.
    pub start: Start,
    /// Whether only the symbol table knows the outermost function.
    pub symtab: bool,
}

/// No caller; and for a range, no frames at all: a gap.
pub const NO_FRAME: u32 = u32::MAX;

/// What is known at a range's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Index of the innermost frame.
    pub frame: u32,
    /// The site in the innermost function.
    pub site: u32,
}

/// A decoded block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RangeBlock {
    /// First addresses of ranges and gaps, ascending.
    starts: Vec<u64>,
    spots: Vec<Spot>,
    frames: Vec<Frame>,
    end: u64,
}

impl RangeBlock {
    /// The index of the range or gap that holds `address`, looked for from index `from` on, which
    /// must not lie after it. `None` before the first range and after the last.
    #[inline]
    pub fn find(&self, address: u64, from: usize) -> Option<usize> {
        if address >= self.end {
            return None;
        }
        // Sorted requests are near each other: gallop, then search.
        let starts = &self.starts[from..];
        let mut bound = 1;
        while starts.get(bound).is_some_and(|start| *start <= address) {
            bound *= 2;
        }
        let low = bound / 2;
        let after =
            low + starts[low..bound.min(starts.len())].partition_point(|start| *start <= address);
        (from + after).checked_sub(1).filter(|at| self.starts[*at] <= address)
    }

    /// What is known at the range at `index`; `None` for a gap.
    #[inline]
    pub fn spot(&self, index: usize) -> Option<Spot> {
        self.spots.get(index).copied().filter(|spot| spot.frame != NO_FRAME)
    }

    /// The frame at `index`.
    #[inline]
    pub fn frame(&self, index: u32) -> Option<&Frame> {
        self.frames.get(index as usize)
    }

    /// Every range in order: its first address, the first one after it, and what is known there.
    /// Gaps are left out.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64, Spot)> + '_ {
        let ends = self.starts.iter().skip(1).copied().chain([self.end]);
        self.starts
            .iter()
            .zip(ends)
            .zip(&self.spots)
            .filter(|(_, spot)| spot.frame != NO_FRAME)
            .map(|((start, end), spot)| (*start, end, *spot))
    }

    /// All frames; a caller stands before the frames that were inlined into it.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// First address after the block.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// What it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.spots) + size_of_val(&*self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// main calls a at its site 1, a calls b at its site 0; and a deep chain of c calling itself.
    fn calls(function: u32, call: u32) -> Option<Call> {
        match (function, call) {
            (5, 0) => Some(Call { site: 1, callee: 6 }),
            (6, 0) => Some(Call { site: 0, callee: 7 }),
            (8, 0) => Some(Call { site: 0, callee: 8 }),
            _ => None,
        }
    }

    fn decode(raw: &[u8]) -> Option<RangeBlock> {
        RangeBlock::decode::<()>(raw, |function, call| Ok(calls(function, call))).unwrap()
    }

    fn starts(block: &RangeBlock, address: u64) -> Vec<Option<u64>> {
        let frame = |at: u32| block.frame(at).filter(|_| at != NO_FRAME);
        let innermost = block.find(address, 0).and_then(|at| frame(block.spot(at)?.frame));
        std::iter::successors(innermost, |inner| frame(inner.caller))
            .map(|frame| frame.start.address())
            .collect()
    }

    fn frames(block: &RangeBlock, address: u64) -> Option<(Vec<u32>, u32)> {
        let spot = block.spot(block.find(address, 0)?)?;
        let mut functions = Vec::new();
        let mut at = spot.frame;
        while at != NO_FRAME {
            let frame = block.frame(at).unwrap();
            functions.push(frame.function);
            at = frame.caller;
        }
        Some((functions, spot.site))
    }

    /// One address decoded alone is what it is in the whole block.
    fn assert_alone(raw: &[u8], block: &RangeBlock, address: u64) {
        let alone =
            RangeBlock::decode_at::<()>(raw, address, |function, call| Ok(calls(function, call)))
                .unwrap();
        let (first, alone) = alone.unwrap();
        assert!(first <= address && address < alone.end(), "{address:#x}");
        assert_eq!(
            (frames(&alone, address), starts(&alone, address)),
            (frames(block, address), starts(block, address)),
            "{address:#x}"
        );
        assert_eq!(frames(&alone, first), frames(block, first), "{address:#x}");
    }

    /// Ranges in two parts, with chains of one function to 41, the last of which ends where
    /// addresses do.
    fn some_ranges() -> Encoder {
        let step = |chain, site, callee, start| Step {
            chain,
            call: 0,
            target: Call { site, callee },
            start,
        };
        let a = step(1, 1, 6, Start::at(0x1004));
        let b = step(2, 0, 7, Start::UNKNOWN);
        let main = Root { function: 5, symtab: false, start: Start::at(0xff0) };
        let mut encoder = Encoder::new(5);
        encoder.push((0x1000, 0x1004), 0, main, &[], 0);
        encoder.push((0x1004, 0x1005), 0, main, &[a], 0);
        encoder.push((0x1005, 0x1010), 0, main, &[a, b], 3);
        encoder.push((0x1010, 0x1011), 0, main, &[a], 2);
        encoder.push((0x1011, 0x1012), 0, main, &[], 9);
        let symbol = Root { function: 0, symtab: true, start: Start::at(0x2000) };
        encoder.push((0x2000, 0x2010), 3, symbol, &[], 0);
        let deep: Vec<Step> =
            (0..40).map(|at| step(10 + at, 0, 8, Start::at(u64::from(at)))).collect();
        let root = Root { function: 8, symtab: false, start: Start::at(u64::MAX - 1) };
        encoder.push((0x2010, 0x2020), 9, root, &deep[..1], 4);
        encoder.push((0x2020, 0x2030), 9, root, &deep, 5);
        encoder.push((0x2030, u64::MAX), 9, root, &[], 6);
        encoder
    }

    #[test]
    fn ranges_come_back() {
        let encoder = some_ranges();
        assert_eq!(encoder.count(), 9);
        let (first, last, raw) = encoder.finish(9).unwrap();
        assert_eq!((first, last), (0x1000, u64::MAX - 1));
        let block = decode(&raw).unwrap();
        for (address, want) in [
            (0xfff, None),
            (0x1000, Some((vec![5], 0))),
            (0x1003, Some((vec![5], 0))),
            (0x1004, Some((vec![6, 5], 0))),
            (0x100f, Some((vec![7, 6, 5], 3))),
            (0x1010, Some((vec![6, 5], 2))),
            (0x1011, Some((vec![5], 9))),
            (0x1012, None),
            (0x1fff, None),
            (0x2000, Some((vec![0], 0))),
            (0x2010, Some((vec![8, 8], 4))),
            (0x202f, Some((vec![8; 41], 5))),
            (0x2030, Some((vec![8], 6))),
            (u64::MAX - 1, Some((vec![8], 6))),
            (u64::MAX, None),
        ] {
            assert_eq!(frames(&block, address), want, "{address:#x}");
            if (first..=last).contains(&address) {
                assert_alone(&raw, &block, address);
            }
        }
        assert!(
            block.frame(block.spot(block.find(0x2000, 0).unwrap()).unwrap().frame).unwrap().symtab
        );
        for (address, want) in [
            (0x1000, vec![Some(0xff0)]),
            (0x1005, vec![None, Some(0x1004), Some(0xff0)]),
            (0x1010, vec![Some(0x1004), Some(0xff0)]),
            (0x2000, vec![Some(0x2000)]),
            (0x2010, vec![Some(0), Some(u64::MAX - 1)]),
        ] {
            assert_eq!(starts(&block, address), want, "{address:#x}");
        }
        // From any earlier place the same range is found.
        let at = block.find(0x2025, 0).unwrap();
        (0..=at).for_each(|from| assert_eq!(block.find(0x2025, from), Some(at)));
    }

    #[test]
    fn damage_is_noticed() {
        let mut encoder = Encoder::new(5);
        encoder.push(
            (16, 32),
            0,
            Root { function: 5, symtab: false, start: Start::UNKNOWN },
            &[],
            0,
        );
        encoder.push(
            (32, 48),
            0,
            Root { function: 5, symtab: false, start: Start::UNKNOWN },
            &[],
            1,
        );
        let (_, _, raw) = encoder.finish(9).unwrap();
        assert!(decode(&raw).is_some());
        (0..raw.len()).for_each(|end| assert_eq!(decode(&raw[..end]), None, "{end}"));
        let alone = |address| RangeBlock::decode_at::<()>(&raw, address, |_, _| Ok(None)).unwrap();
        assert!(alone(47).is_some() && alone(48).is_none());
        assert_eq!(Encoder::new(0).finish(0), None);
    }
}
