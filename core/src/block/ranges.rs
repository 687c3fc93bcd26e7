//! A block of address ranges: in, ranges in address order with their inline chains; out, columns, and back.
//!
//! Both sides keep a stack of the open frames, outermost first. A range says how many frames to leave and which
//! calls to enter, then where it stands in the innermost one:
//!
//! ```text
//! frames      main   main>a   main>a>b   main>a   main
//! operation   root   enter 1  enter 1    leave 1  leave 1
//! ```
//!
//! Numbers are differences to what comes next in the order of first use: a body of code that is met for the
//! first time, or again in the same order, is a run of zeros.
//!
//! ```text
//! column  block of ranges, format 2
//! 0       per range: operation: frames left * 16 + frames entered; 254 = both counts in column 6;
//!         255 = all frames left, a new outermost function
//! 1       per range: length in bytes
//! 2       per range: site, as the difference to the site after the frame's last one
//! 3       per frame entered: call, as the difference to the call after the frame's last one
//! 4       per outermost function: gap in bytes to the range before, number of frames entered
//! 5       per outermost function: its number, as the difference to the first number not yet met, times 2,
//!         plus 1 if only the symbol table knows it
//! 6       wide counts: frames left, frames entered
//! 7       the first address, and the first function number not yet met
//! 8       per frame, outermost ones too: 0 = begins where it is met; 1 = no one beginning is known; else the bytes
//!         from its beginning to here, of either sign, plus 1
//! ```

use symtool_formats::Start;

use super::bytes::{Column, join, put, put_signed, split, unzigzag, zigzag};
use super::functions::Call;

const COLUMNS: usize = 9;
const WIDE: u8 = 254;
const ROOT: u8 = 255;

/// The outermost function of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its number.
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

/// Takes ranges one by one.
pub struct Encoder {
    columns: [Vec<u8>; COLUMNS],
    levels: Vec<Level>,
    symtab: bool,
    next_function: u32,
    first: Option<u64>,
    end: u64,
    count: usize,
}

impl Encoder {
    /// An empty block, before which functions up to `next_function` have been met.
    pub fn new(next_function: u32) -> Self {
        let mut encoder =
            Self { columns: Default::default(), levels: Vec::new(), symtab: false, next_function, first: None, end: 0, count: 0 };
        put(&mut encoder.columns[7], u64::from(next_function));
        encoder
    }

    /// Ranges so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first function number not yet met.
    pub fn next_function(&self) -> u32 {
        self.next_function
    }

    /// Appends `start..end`, which is not empty and lies after all ranges so far: the frames from `root`, whose
    /// chain is `root_chain`, along `path`, and site `site` of the last of them.
    pub fn push(&mut self, (start, end): (u64, u64), root_chain: u32, root: Root, path: &[Step], site: u32) {
        let gap = start - if self.count == 0 { start } else { self.end };
        let first = *self.first.get_or_insert(start);
        debug_assert!(first <= start && start < end);
        let shared = if gap == 0 && self.levels.first().is_some_and(|level| level.chain == root_chain) && self.symtab == root.symtab {
            1 + path.iter().zip(&self.levels[1..]).take_while(|(step, level)| step.chain == level.chain).count()
        } else {
            0
        };
        let left = self.levels.len() - shared;
        let entered = path.len() + 1 - shared;
        self.levels.truncate(shared);
        if shared == 0 {
            self.columns[0].push(ROOT);
            put(&mut self.columns[4], gap);
            put(&mut self.columns[4], path.len() as u64);
            let ahead = zigzag(i64::from(root.function) - i64::from(self.next_function));
            put(&mut self.columns[5], ahead * 2 + u64::from(root.symtab));
            self.levels.push(Level::new(root_chain, root.function));
            self.meet(root.function);
            self.symtab = root.symtab;
            self.begin(root.start, start);
        } else if let (Some(left), Some(entered)) = (nibble(left), nibble(entered)) {
            self.columns[0].push(left * 16 + entered);
        } else {
            self.columns[0].push(WIDE);
            put(&mut self.columns[6], left as u64);
            put(&mut self.columns[6], entered as u64);
        }
        for step in &path[self.levels.len() - 1..] {
            if let Some(caller) = self.levels.last_mut() {
                put_signed(&mut self.columns[3], i64::from(step.call) - caller.next_call);
                caller.next_call = i64::from(step.call) + 1;
                caller.next_site = i64::from(step.target.site) + 1;
            }
            self.levels.push(Level::new(step.chain, step.target.callee));
            self.begin(step.start, start);
            self.meet(step.target.callee);
        }
        if let Some(level) = self.levels.last_mut() {
            put_signed(&mut self.columns[2], i64::from(site) - level.next_site);
            level.next_site = i64::from(site) + 1;
        }
        put(&mut self.columns[1], end - start);
        self.end = end;
        self.count += 1;
    }

    /// A frame that is met at `here` and begins at `start`.
    fn begin(&mut self, start: Start, here: u64) {
        let code = match start.address() {
            None => 1,
            Some(start) if start == here => 0,
            // Differences wrap around, forth here and back there.
            Some(start) => zigzag(here.wrapping_sub(start).cast_signed()).checked_add(1).unwrap_or(1),
        };
        put(&mut self.columns[8], code);
    }

    fn meet(&mut self, function: u32) {
        self.next_function = self.next_function.max(function.saturating_add(1));
    }

    /// The first and last address covered, and the columns; `None` if no range was pushed.
    pub fn finish(mut self) -> Option<(u64, u64, Vec<u8>)> {
        let first = self.first?;
        put(&mut self.columns[7], first);
        Some((first, self.end - 1, join(&self.columns)))
    }
}

/// A count that leaves room for the operations that are no counts.
fn nibble(count: usize) -> Option<u8> {
    u8::try_from(count).ok().filter(|count| *count < 15)
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

/// The inverse of [`Encoder::begin`].
fn began(code: u64, here: u64) -> Start {
    match code {
        0 => Start::at(here),
        1 => Start::UNKNOWN,
        code => Start::at(here.wrapping_sub(unzigzag(code - 1).cast_unsigned())),
    }
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
    /// Decodes what [`Encoder`] made, with the calls of functions as `call` knows them.
    ///
    /// # Errors
    /// `Ok(None)` if the block is damaged, and whatever `call` returns.
    pub fn decode<E>(raw: &[u8], mut call: impl FnMut(u32, u32) -> Result<Option<Call>, E>) -> Result<Option<Self>, E> {
        let mut failure = None;
        let block = Self::decode_with(raw, |function, index| {
            call(function, index).unwrap_or_else(|error| {
                failure = Some(error);
                None
            })
        });
        failure.map_or(Ok(block), Err)
    }

    fn decode_with(raw: &[u8], mut call: impl FnMut(u32, u32) -> Option<Call>) -> Option<Self> {
        let [operations, mut lengths, mut sites, mut calls, mut roots, mut functions, mut wide, mut head, mut begins] =
            split::<COLUMNS>(raw)?;
        let mut next_function = head.number32()?;
        let mut at = head.number()?;
        let mut block = Self::default();
        block.starts.reserve(operations.0.len());
        block.spots.reserve(operations.0.len());
        // The frame of each level beside what the encoder keeps of it.
        let mut levels: Vec<(Level, u32)> = Vec::new();
        for &operation in operations.0 {
            let (left, entered) = match operation {
                ROOT => {
                    let (gap, entered) = (roots.number()?, roots.size()?);
                    if gap > 0 {
                        block.starts.push(at);
                        block.spots.push(Spot { frame: NO_FRAME, site: 0 });
                        at = at.checked_add(gap)?;
                    }
                    let code = functions.number()?;
                    let function = u32::try_from(i64::from(next_function).checked_add(unzigzag(code >> 1))?).ok()?;
                    next_function = next_function.max(function.saturating_add(1));
                    levels.clear();
                    levels.push((Level::new(0, function), u32::try_from(block.frames.len()).ok()?));
                    let start = began(begins.number()?, at);
                    block.frames.push(Frame { function, caller: NO_FRAME, call_site: 0, start, symtab: code & 1 == 1 });
                    (0, entered)
                }
                WIDE => (wide.size()?, wide.size()?),
                counts => (usize::from(counts >> 4), usize::from(counts & 15)),
            };
            let kept = levels.len().checked_sub(left).filter(|kept| *kept > 0)?;
            levels.truncate(kept);
            for _ in 0..entered {
                let (caller, caller_frame) = levels.last_mut()?;
                let index = u32::try_from(caller.next_call.checked_add(calls.signed()?)?).ok()?;
                let target = call(caller.function, index)?;
                caller.next_call = i64::from(index) + 1;
                caller.next_site = i64::from(target.site) + 1;
                let start = began(begins.number()?, at);
                let frame = Frame { function: target.callee, caller: *caller_frame, call_site: target.site, start, symtab: false };
                next_function = next_function.max(target.callee.saturating_add(1));
                levels.push((Level::new(0, target.callee), u32::try_from(block.frames.len()).ok()?));
                block.frames.push(frame);
            }
            let (level, frame) = levels.last_mut()?;
            let site = u32::try_from(level.next_site.checked_add(sites.signed()?)?).ok()?;
            level.next_site = i64::from(site) + 1;
            block.starts.push(at);
            block.spots.push(Spot { frame: *frame, site });
            at = at.checked_add(lengths.number()?)?;
        }
        block.end = at;
        let rest = [lengths, sites, calls, roots, functions, wide, head, begins];
        rest.iter().all(Column::is_empty).then_some(block)
    }

    /// The index of the range or gap that holds `address`, looked for from index `from` on, which must not lie
    /// after it. `None` before the first range and after the last.
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
        let after = low + starts[low..bound.min(starts.len())].partition_point(|start| *start <= address);
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

    /// Every range in order: its first address, the first one after it, and what is known there. Gaps are left out.
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
        std::iter::successors(innermost, |inner| frame(inner.caller)).map(|frame| frame.start.address()).collect()
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

    #[test]
    fn ranges_come_back() {
        let a = Step { chain: 1, call: 0, target: Call { site: 1, callee: 6 }, start: Start::at(0x1004) };
        let b = Step { chain: 2, call: 0, target: Call { site: 0, callee: 7 }, start: Start::UNKNOWN };
        let main = Root { function: 5, symtab: false, start: Start::at(0xff0) };
        let mut encoder = Encoder::new(5);
        encoder.push((0x1000, 0x1004), 0, main, &[], 0);
        encoder.push((0x1004, 0x1005), 0, main, &[a], 0);
        encoder.push((0x1005, 0x1010), 0, main, &[a, b], 3);
        encoder.push((0x1010, 0x1011), 0, main, &[a], 2);
        encoder.push((0x1011, 0x1012), 0, main, &[], 9);
        encoder.push((0x2000, 0x2010), 3, Root { function: 0, symtab: true, start: Start::at(0x2000) }, &[], 0);
        let deep: Vec<Step> = (0..40)
            .map(|at| Step { chain: 10 + at, call: 0, target: Call { site: 0, callee: 8 }, start: Start::at(u64::from(at)) })
            .collect();
        encoder.push((0x2010, 0x2020), 9, Root { function: 8, symtab: false, start: Start::at(u64::MAX - 1) }, &deep[..1], 4);
        encoder.push((0x2020, 0x2030), 9, Root { function: 8, symtab: false, start: Start::at(u64::MAX - 1) }, &deep, 5);
        encoder.push((0x2030, u64::MAX), 9, Root { function: 8, symtab: false, start: Start::at(u64::MAX - 1) }, &[], 6);
        assert_eq!((encoder.count(), encoder.next_function()), (9, 9));
        let (first, last, raw) = encoder.finish().unwrap();
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
        }
        assert!(block.frame(block.spot(block.find(0x2000, 0).unwrap()).unwrap().frame).unwrap().symtab);
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
        encoder.push((16, 32), 0, Root { function: 5, symtab: false, start: Start::UNKNOWN }, &[], 0);
        encoder.push((32, 48), 0, Root { function: 5, symtab: false, start: Start::UNKNOWN }, &[], 1);
        let (_, _, raw) = encoder.finish().unwrap();
        assert!(decode(&raw).is_some());
        (0..raw.len()).for_each(|end| assert_eq!(decode(&raw[..end]), None, "{end}"));
        assert_eq!(Encoder::new(0).finish(), None);
    }
}
