//! Ranges -> columns.
//!
//! The function without a name has the last number of all, which is not known while there are ranges
//! to come: numbers of outermost functions become a column when the block is finished.

use super::{COLUMNS, Level, NAMELESS, ROOT, Root, Step, WIDE};
use crate::block::bytes::{join, put, put_signed, zigzag};
use symtool_debug::Start;

/// Takes ranges one by one.
pub struct Encoder {
    columns: [Vec<u8>; COLUMNS],
    levels: Vec<Level>,
    /// Outermost functions so far, and whether only the symbol table knows them.
    roots: Vec<(u32, bool)>,
    next_function: u32,
    first: Option<u64>,
    end: u64,
    count: usize,
}

impl Encoder {
    /// An empty block, before which outermost functions up to `next_function` have been met.
    pub fn new(next_function: u32) -> Self {
        let mut encoder = Self {
            columns: Default::default(),
            levels: Vec::new(),
            roots: Vec::new(),
            next_function,
            first: None,
            end: 0,
            count: 0,
        };
        put(&mut encoder.columns[7], u64::from(next_function));
        encoder
    }

    /// Ranges so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Appends `start..end`, which is not empty and lies after all ranges so far: the frames from
    /// `root`, whose chain is `root_chain`, along `path`, and site `site` of the last of them.
    pub fn push(
        &mut self,
        (start, end): (u64, u64),
        root_chain: u32,
        root: Root,
        path: &[Step],
        site: u32,
    ) {
        let gap = start - if self.count == 0 { start } else { self.end };
        let first = *self.first.get_or_insert(start);
        debug_assert!(first <= start && start < end);
        let shared = if gap == 0
            && self.levels.first().is_some_and(|level| level.chain == root_chain)
            && self.roots.last().is_some_and(|(_, symtab)| *symtab == root.symtab)
        {
            1 + path
                .iter()
                .zip(&self.levels[1..])
                .take_while(|(step, level)| step.chain == level.chain)
                .count()
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
            self.roots.push((root.function, root.symtab));
            self.levels.push(Level::new(root_chain, root.function));
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
            Some(start) => {
                zigzag(here.wrapping_sub(start).cast_signed()).checked_add(1).unwrap_or(1)
            }
        };
        put(&mut self.columns[8], code);
    }

    /// Whether the function without a name, [`NAMELESS`], is among the outermost ones.
    pub fn has_nameless(&self) -> bool {
        self.roots.iter().any(|(function, _)| *function == NAMELESS)
    }

    /// The first and last address covered, and the columns; `None` if no range was pushed.
    /// `nameless` is the number of the function without a name.
    pub fn finish(mut self, nameless: u32) -> Option<(u64, u64, Vec<u8>)> {
        let first = self.first?;
        for (function, symtab) in self.roots {
            let function = if function == NAMELESS { nameless } else { function };
            let ahead = zigzag(i64::from(function) - i64::from(self.next_function));
            put(&mut self.columns[5], ahead * 2 + u64::from(symtab));
            self.next_function = self.next_function.max(function.saturating_add(1));
        }
        put(&mut self.columns[7], first);
        Some((first, self.end - 1, join(&self.columns)))
    }
}

/// A count that leaves room for the operations that are no counts.
fn nibble(count: usize) -> Option<u8> {
    u8::try_from(count).ok().filter(|count| *count < 15)
}
