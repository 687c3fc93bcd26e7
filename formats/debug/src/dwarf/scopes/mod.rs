//! Reads the entries of a unit: functions and inlined calls as nodes, and disjoint segments that
//! name the innermost node.
//!
//! Reads the entries raw, one after the other, keeping only the path of open functions. In C and
//! C++ a type outside of functions holds declarations only, never code (the code of a member stands
//! beside the type and refers back by `DW_AT_specification`), and is jumped over by `DW_AT_sibling`
//! where the compiler wrote one. Types inside functions are walked: GCC puts the code of lambdas
//! there (librgw, 0x84a59e).

mod attributes;
mod entry;
mod plan;

use std::ops::Range;

use gimli::{AttributeValue, Endianity, RangeListsOffset, Reader, UnitOffset, constants as dw};
use hashbrown::HashMap;

use super::extents::{AddressAttributes, Extent, LONG_LIST};
use super::flatten::{CodeSpan, flatten};
use super::names::NameAt;
use super::units::{Unit, Units};
use crate::limits::MAX_INLINE_DEPTH;
use crate::module::{DropCounts, DropReason, Start};
use crate::object::code::Code;
use crate::object::symbols::Symbol;
use attributes::Kind;
use entry::{FunctionEntry, Sibling};
use plan::Plans;

/// C++ with much inlined has so many bytes of entries for each node, or more.
const BYTES_PER_NODE: usize = 128;

/// Nodes that memory is reserved for at once.
const MAX_EXPECTED_NODES: usize = 1 << 16;

/// A function, or a call of one that was inlined.
#[derive(Clone, Copy, Debug)]
pub struct ScopeNode {
    /// The entry that leads to the name.
    pub entry: NameAt,
    /// The node that this one is inlined into; `None` for a function of its own.
    pub caller: Option<u32>,
    /// Where the call is.
    pub call: CallSite,
    /// `DW_AT_low_pc`.
    pub start: Start,
    depth: u32,
}

/// Where a call that was inlined stands; 0 is what is absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallSite {
    /// `DW_AT_call_file`.
    pub file: u64,
    /// `DW_AT_call_line`.
    pub line: u32,
    /// `DW_AT_call_column`.
    pub column: u32,
    /// `DW_AT_GNU_discriminator`.
    pub discriminator: u32,
}

/// The functions of a unit and where they lie.
#[derive(Debug, Default)]
pub struct Scopes<'d> {
    /// In the order of the entries: a caller stands before its callees.
    pub nodes: Vec<ScopeNode>,
    /// Disjoint, sorted; [`CodeSpan::node`] is an index into [`Scopes::nodes`].
    pub segments: Vec<CodeSpan>,
    /// Functions that begin where another one does, of which `segments` tell: their code was the
    /// same, and was folded.
    pub aliases: Vec<(u64, &'d [u8])>,
}

struct Walk<'a, 'd, E: Endianity> {
    units: &'a Units<'d, E>,
    unit: &'a Unit<'d, E>,
    code: &'a Code,
    nodes: Vec<ScopeNode>,
    spans: Vec<CodeSpan>,
    long_lists: HashMap<RangeListsOffset<usize>, LongList>,
    dropped: &'a mut DropCounts,
}

/// A long range list. Several entries can have one and the same; as each is painted over those
/// before it, only the last of them is seen, and the list need not be read again.
struct LongList {
    spans: Range<usize>,
    node: u32,
}

/// A function whose children are being read.
struct Open {
    depth: isize,
    node: u32,
}

/// Reads the functions of `unit`. An error in the entries ends the walk and is counted. Of several
/// functions that begin at one address, that counts which one of `symbols` names.
pub fn read<'d, E: Endianity>(
    units: &Units<'d, E>,
    unit: &Unit<'d, E>,
    code: &Code,
    symbols: &[Symbol<'d>],
    dropped: &mut DropCounts,
) -> Scopes<'d> {
    let expected = unit.header.length_including_self() / BYTES_PER_NODE;
    let expected = expected.min(MAX_EXPECTED_NODES);
    let mut walk = Walk {
        units,
        unit,
        code,
        nodes: Vec::with_capacity(expected),
        spans: Vec::with_capacity(expected),
        long_lists: HashMap::new(),
        dropped,
    };
    if walk.run().is_err() {
        walk.dropped.count(DropReason::BadEntries);
    }
    let Walk { nodes, mut spans, long_lists, .. } = walk;
    if !long_lists.is_empty() {
        for LongList { spans: of_list, node } in long_lists.into_values() {
            spans[of_list].iter_mut().for_each(|span| span.node = node);
        }
        spans.sort_by_key(|span| span.node);
    }
    if units.work.is_spent() {
        return Scopes::default();
    }
    let aliases = folded(units, unit, &nodes, &mut spans, symbols);
    Scopes { nodes, segments: flatten(spans), aliases }
}

/// Takes out of `spans` those of functions that begin where another one does, which a symbol names.
fn folded<'d, E: Endianity>(
    units: &Units<'d, E>,
    unit: &Unit<'d, E>,
    nodes: &[ScopeNode],
    spans: &mut Vec<CodeSpan>,
    symbols: &[Symbol<'d>],
) -> Vec<(u64, &'d [u8])> {
    let roots = nodes.iter().enumerate().filter(|(_, node)| node.caller.is_none());
    let mut roots: Vec<(u64, usize)> =
        roots.filter_map(|(at, node)| Some((node.start.address()?, at))).collect();
    roots.sort_unstable();
    let (mut aliases, mut lost) = (Vec::new(), Vec::new());
    for alike in roots.chunk_by(|one, other| one.0 == other.0).filter(|alike| alike.len() > 1) {
        let begins =
            |root: usize| spans.binary_search_by_key(&root, |span| span.node as usize).is_ok();
        let names = alike
            .iter()
            .filter(|(_, root)| begins(*root))
            .map(|(start, root)| (*start, *root, units.function(unit, nodes[*root].entry)));
        let names: Vec<(u64, usize, &[u8])> = names
            .map(|(start, root, function)| {
                (start, root, function.map_or(&b""[..], |function| function.name))
            })
            .collect();
        let symbol = symbols
            .get(symbols.partition_point(|symbol| symbol.start < alike[0].0))
            .filter(|symbol| symbol.start == alike[0].0);
        // Without a symbol's word the last one counts, as it is painted over the others.
        let chosen = names
            .iter()
            .rposition(|(.., name)| symbol.is_some_and(|symbol| symbol.name == *name))
            .unwrap_or(names.len().saturating_sub(1));
        let Some((.., chosen_name)) = names.get(chosen).copied() else { continue };
        for (start, root, name) in
            names.iter().enumerate().filter(|(at, _)| *at != chosen).map(|(_, other)| *other)
        {
            lost.push(root);
            if name != chosen_name && !name.is_empty() {
                aliases.push((start, name));
            }
        }
    }
    if lost.is_empty() {
        return aliases;
    }
    aliases.sort_unstable();
    aliases.dedup();
    // What is inlined into a function follows it.
    let mut of_lost = vec![false; nodes.len()];
    lost.sort_unstable();
    for root in lost {
        let next = nodes[root + 1..]
            .iter()
            .position(|node| node.caller.is_none())
            .map_or(nodes.len(), |after| root + 1 + after);
        of_lost[root..next].fill(true);
    }
    spans.retain(|span| !of_lost[span.node as usize]);
    aliases
}

impl<'d, E: Endianity> Walk<'_, 'd, E> {
    fn run(&mut self) -> gimli::Result<()> {
        // Skeletons can share a split unit.
        self.units.work.spend(self.unit.header.length_including_self() as u64)?;
        let skips_types = types_hold_no_code(self.unit);
        let (unit, work) = (self.unit, &*self.units.work);
        let mut plans = Plans::default();
        let entries = unit.header.range_from(unit.header.root_offset()..)?;
        let end = unit.header.root_offset().0 + entries.len();
        let (mut input, mut depth) = (entries, 0);
        let mut open: Vec<Open> = Vec::new();
        while !input.is_empty() {
            let offset = UnitOffset(end - input.len());
            let code = plan::code(&mut input)?;
            if code == 0 {
                depth -= 1;
                while open.last().is_some_and(|function| function.depth >= depth) {
                    open.pop();
                }
                continue;
            }
            let plan = plans.of(code, unit, work)?;
            match plan.kind {
                Kind::Function { is_inlined, .. } | Kind::Declaration { is_inlined } => {
                    let mut entry = FunctionEntry::new(unit);
                    plans.run(plan, unit, &mut input, &mut entry)?;
                    let caller = open.last().filter(|_| is_inlined).map(|function| function.node);
                    // All calls of one function share the name of their origin: looked up once.
                    let node = ScopeNode {
                        entry: entry.origin.unwrap_or(NameAt::Unit(offset)),
                        caller,
                        call: entry.call,
                        start: Start::UNKNOWN,
                        depth: 0,
                    };
                    let node = self.add(node, &entry.addresses, plan.has_children);
                    if let (Some(node), true) = (node, plan.has_children) {
                        open.push(Open { depth, node });
                    }
                }
                Kind::Type if skips_types && open.is_empty() => {
                    let mut sibling = Sibling::default();
                    plans.run(plan, unit, &mut input, &mut sibling)?;
                    if let Some(sibling) = sibling.0
                        && sibling.0 > end - input.len()
                    {
                        input = unit.header.range_from(sibling..)?;
                        continue;
                    }
                }
                Kind::Type | Kind::Other => plans.skip(plan, unit, &mut input)?,
            }
            depth += isize::from(plan.has_children);
        }
        Ok(())
    }

    /// Keeps a node that has code, or that may have callees with code.
    fn add(
        &mut self,
        mut node: ScopeNode,
        addresses: &AddressAttributes<'d, E>,
        has_children: bool,
    ) -> Option<u32> {
        let number = u32::try_from(self.nodes.len()).ok()?;
        if let Some(caller) = node.caller {
            node.depth = self.nodes[caller as usize].depth + 1;
            if node.depth >= MAX_INLINE_DEPTH {
                self.dropped.count(DropReason::TooDeep);
                return None;
            }
        }
        let low = addresses
            .low
            .and_then(|low| self.units.dwarf.attr_address(self.unit, low).ok().flatten());
        node.start = low.map_or(Start::UNKNOWN, Start::at);
        let before = self.spans.len();
        let is_known = self.add_ranges(number, addresses).unwrap_or_else(|_| {
            self.dropped.count(DropReason::BadRanges);
            false
        });
        if before == self.spans.len() && !is_known && !has_children {
            return None;
        }
        self.nodes.push(node);
        Some(number)
    }

    /// Paints the ranges of node `number`. Returns whether it has those of a list that was painted
    /// before.
    fn add_ranges(
        &mut self,
        number: u32,
        addresses: &AddressAttributes<'d, E>,
    ) -> gimli::Result<bool> {
        let before = self.spans.len();
        let (spans, code, dropped) = (&mut self.spans, self.code, &mut *self.dropped);
        let mut each = |start, end| {
            if code.contains(start) {
                spans.push(CodeSpan { start, end, node: number });
            } else {
                dropped.count(if start == 0 {
                    DropReason::Tombstone
                } else {
                    DropReason::NotExecutable
                });
            }
        };
        match self.units.extent(self.unit, addresses)? {
            Extent::Nowhere => {}
            Extent::In(start, end) => each(start, end),
            Extent::Listed(list) => {
                if let Some(known) = self.long_lists.get_mut(&list) {
                    known.node = number;
                    return Ok(!known.spans.is_empty());
                }
                if self.units.listed(self.unit, list, each)? >= LONG_LIST {
                    self.long_lists
                        .insert(list, LongList { spans: before..self.spans.len(), node: number });
                }
            }
        }
        Ok(false)
    }
}

/// Whether the unit's language is one whose compilers put no code inside types.
fn types_hold_no_code<E: Endianity>(unit: &Unit<'_, E>) -> bool {
    let Ok(root) = unit.entry(unit.header.root_offset()) else { return false };
    matches!(
        root.attr_value(dw::DW_AT_language),
        Some(AttributeValue::Language(
            dw::DW_LANG_C
                | dw::DW_LANG_C89
                | dw::DW_LANG_C99
                | dw::DW_LANG_C11
                | dw::DW_LANG_C17
                | dw::DW_LANG_C_plus_plus
                | dw::DW_LANG_C_plus_plus_03
                | dw::DW_LANG_C_plus_plus_11
                | dw::DW_LANG_C_plus_plus_14
                | dw::DW_LANG_C_plus_plus_17
                | dw::DW_LANG_C_plus_plus_20
        ))
    )
}
