//! Reads which call was inlined into which from the inline trees of a program's functions.
//!
//! Versions differ in where a function says which tree is its own, and in what a call looks like;
//! no field says which version it is. So the layout is taken that makes sense of all trees.
//!
//! ```text
//! Go          steps  tree   call
//! 1.9–1.11    1      2      caller, file, line, name (32 bits each)
//! 1.12–1.13   1      2      caller (16 bits), kind, file, line, name, address of the call from the function's beginning
//! 1.14–1.17   2      4, 3   the same
//! 1.18–1.19   2      3      the same; trees are found by offset
//! 1.20–       2      3      kind, name, address of the call, line of the function
//! ```

use super::image::Image;
use super::table::{FunctionEntry, FunctionTable, Version};

/// A call that was inlined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InlinedCall {
    /// The instruction at `address` stands where the call did.
    At {
        /// Where the callee's name begins.
        name: u32,
        /// Of the instruction.
        address: u64,
    },
    /// Of which the caller is known by number.
    In {
        /// As before.
        name: u32,
        /// The number of the call that it was inlined into; below 0 for none.
        caller: i32,
        /// Where the call stands.
        file: i32,
        /// Likewise.
        line: i32,
    },
}

impl InlinedCall {
    /// Where the callee's name begins.
    pub fn name(self) -> u32 {
        match self {
            Self::At { name, .. } | Self::In { name, .. } => name,
        }
    }
}

/// A way to find and read trees.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Which of a function's further steps number its calls.
    steps: usize,
    /// Which of its further data is the tree.
    tree: usize,
    /// Whether the count of data is a number, not a byte.
    is_wide: bool,
    call: CallLayout,
    /// What offsets of trees count from; `None` if there are addresses instead.
    base: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallLayout {
    Go1_9,
    Go1_12,
    Go1_20,
}

impl CallLayout {
    fn bytes(self) -> usize {
        match self {
            Self::Go1_9 | Self::Go1_20 => 16,
            Self::Go1_12 => 20,
        }
    }
}

/// Trees that are looked at to find out the layout.
const SAMPLE: usize = 256;

/// Words of the runtime's description that may say where trees begin: `gofunc` of Go 1.18, 1.20 and
/// 1.27.
const MODULE_TREES: [u64; 3] = [38, 40, 43];

/// The trees of a program.
pub struct Trees<'t, 'd> {
    table: &'t FunctionTable<'d>,
    image: &'t Image<'d>,
    layout: Option<Layout>,
}

impl<'t, 'd> Trees<'t, 'd> {
    /// Those of `table`, as far as they can be found.
    pub fn of(table: &'t FunctionTable<'d>, image: &'t Image<'d>) -> Self {
        let mut trees = Self { table, image, layout: None };
        trees.layout = layouts(table, image).into_iter().find(|layout| trees.makes_sense(*layout));
        trees
    }

    /// Where the steps are that number the calls of `entry`; `None` if it has none.
    pub fn steps(&self, entry: &FunctionEntry<'d>) -> Option<u32> {
        let layout = self.layout?;
        self.tree(layout, entry)?;
        self.steps_of(layout, entry)
    }

    /// Call `number` of `entry`.
    pub fn call(&self, entry: &FunctionEntry<'d>, number: i32) -> Option<InlinedCall> {
        let layout = self.layout?;
        let tree = self.image.bytes_from(self.tree(layout, entry)?)?;
        self.call_of(layout, entry, tree, number)
    }

    fn steps_of(&self, layout: Layout, entry: &FunctionEntry<'d>) -> Option<u32> {
        let (tables, count) = entry.tables;
        self.table.number32(tables, 4 * layout.steps).filter(|_| layout.steps < count)
    }

    /// Where the tree of `entry` begins.
    fn tree(&self, layout: Layout, entry: &FunctionEntry<'d>) -> Option<u64> {
        let [narrow, wide] = entry.data_counts;
        let index = Some(layout.tree as u64)
            .filter(|_| layout.tree < if layout.is_wide { wide } else { narrow })?;
        let Some(base) = layout.base else {
            let word_bytes = self.image.word_bytes();
            let first = entry.after.next_multiple_of(word_bytes);
            return self.image.pointer(first + index * word_bytes).filter(|tree| *tree > 0);
        };
        let at = self.image.bytes_from(entry.after + 4 * index)?;
        self.table
            .number32(at, 0)
            .filter(|offset| *offset != u32::MAX)
            .map(|offset| base + u64::from(offset))
    }

    fn call_of(
        &self,
        layout: Layout,
        entry: &FunctionEntry<'d>,
        tree: &[u8],
        number: i32,
    ) -> Option<InlinedCall> {
        let bytes = layout.call.bytes();
        let call = tree.get(usize::try_from(number).ok()?.checked_mul(bytes)?..)?.get(..bytes)?;
        let field = |at: usize| self.table.number32(call, 4 * at);
        let signed = |at: usize| field(at).map(u32::cast_signed);
        let address = |at: usize| {
            Some(entry.start + u64::from(field(at)?)).filter(|address| *address < entry.end)
        };
        match layout.call {
            CallLayout::Go1_9 => Some(InlinedCall::In {
                name: field(3)?,
                caller: signed(0)?,
                file: signed(1)?,
                line: signed(2)?,
            }),
            CallLayout::Go1_12 => Some(InlinedCall::At { name: field(3)?, address: address(4)? }),
            CallLayout::Go1_20 => Some(InlinedCall::At { name: field(1)?, address: address(2)? }),
        }
    }

    /// Whether with `layout` there are trees, and each begins with a call of a function that has a
    /// name.
    fn makes_sense(&self, layout: Layout) -> bool {
        let entries = (0..self.table.len()).filter_map(|number| self.table.entry(number));
        let trees = entries.filter_map(|entry| self.tree(layout, &entry).map(|tree| (entry, tree)));
        let (mut seen, mut is_sound) = (0, true);
        for (entry, tree) in trees.take(SAMPLE) {
            let first =
                self.image.bytes_from(tree).and_then(|tree| self.call_of(layout, &entry, tree, 0));
            is_sound &= first.is_some_and(|call| self.table.begins_name(call.name()))
                && self.steps_of(layout, &entry).is_some();
            seen += 1;
        }
        is_sound && seen > 0
    }
}

fn layouts(table: &FunctionTable<'_>, image: &Image<'_>) -> Vec<Layout> {
    let of = |steps, tree, call| Layout { steps, tree, is_wide: false, call, base: None };
    let (go1_12, go1_20) = (CallLayout::Go1_12, CallLayout::Go1_20);
    match table.version {
        Version::Go1_2 => vec![
            of(2, 4, go1_12),
            of(1, 2, go1_12),
            Layout { is_wide: true, ..of(1, 2, CallLayout::Go1_9) },
        ],
        Version::Go1_16 => vec![of(2, 4, go1_12), of(2, 3, go1_12)],
        Version::Go1_18 | Version::Go1_20 => {
            let call = if table.version == Version::Go1_18 { go1_12 } else { go1_20 };
            let module = table.module(image);
            let bases = module.into_iter().flat_map(|module| {
                MODULE_TREES.map(|word| image.pointer(module + word * image.word_bytes()))
            });
            bases.flatten().map(|base| Layout { base: Some(base), ..of(2, 3, call) }).collect()
        }
    }
}
