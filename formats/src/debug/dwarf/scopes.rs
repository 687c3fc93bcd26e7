//! One unit's entries -> who owns which address: in, a unit; out, its functions and inlined calls as nodes, and
//! disjoint segments that name the innermost node.
//!
//! Reads the entries raw, one after the other, keeping only the path of open functions. In C and C++ a type
//! outside of functions holds declarations only, never code (the code of a member stands beside the type and
//! refers back by `DW_AT_specification`), and is jumped over by `DW_AT_sibling` where the compiler wrote one.
//! Types inside functions are walked: GCC puts the code of lambdas there (librgw, 0x84a59e).

use gimli::{AttributeValue, EndianSlice, Endianity, Unit, UnitOffset, constants as dw};

use super::flatten::{Span, flatten};
use super::units::{Extent, Units};
use crate::debug::sections::Code;
use crate::limits::MAX_INLINE_DEPTH;
use crate::module::{Drop, Dropped};

/// A function, or a call of one that was inlined.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The entry that leads to the name.
    pub entry: UnitOffset,
    /// The node that this one is inlined into; `None` for a function of its own.
    pub caller: Option<u32>,
    /// `DW_AT_call_file`, `DW_AT_call_line`, `DW_AT_call_column`; 0 where absent.
    pub call: (u64, u32, u32),
    depth: u32,
}

/// The functions of a unit and where they lie.
#[derive(Debug, Default)]
pub struct Scopes {
    /// In the order of the entries: a caller stands before its callees.
    pub nodes: Vec<Node>,
    /// Disjoint, sorted; [`Span::node`] is an index into [`Scopes::nodes`].
    pub segments: Vec<Span>,
}

struct Walk<'a, 'd, E: Endianity> {
    units: &'a Units<'d, E>,
    unit: &'a Unit<EndianSlice<'d, E>>,
    code: &'a Code,
    nodes: Vec<Node>,
    spans: Vec<Span>,
    dropped: &'a mut Dropped,
}

/// A function whose children are being read.
struct Open {
    depth: isize,
    node: u32,
}

/// Reads the functions of `unit`. An error in the entries ends the walk and is counted.
pub fn read<'d, E: Endianity>(units: &Units<'d, E>, unit: &Unit<EndianSlice<'d, E>>, code: &Code, dropped: &mut Dropped) -> Scopes {
    let mut walk = Walk { units, unit, code, nodes: Vec::new(), spans: Vec::new(), dropped };
    if walk.run().is_err() {
        walk.dropped.count(Drop::BadEntries);
    }
    Scopes { nodes: walk.nodes, segments: flatten(walk.spans) }
}

impl<'d, E: Endianity> Walk<'_, 'd, E> {
    fn run(&mut self) -> gimli::Result<()> {
        let skips_types = types_hold_no_code(self.unit);
        let mut entries = self.unit.entries_raw(None)?;
        let mut base = 0;
        let mut open: Vec<Open> = Vec::new();
        while !entries.is_empty() {
            let offset = entries.next_offset();
            let depth = base + entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            while open.last().is_some_and(|function| function.depth >= depth) {
                open.pop();
            }
            match abbreviation.tag() {
                dw::DW_TAG_subprogram | dw::DW_TAG_inlined_subroutine => {
                    let inlined = abbreviation.tag() == dw::DW_TAG_inlined_subroutine;
                    let caller = open.last().filter(|_| inlined).map(|function| function.node);
                    let mut extent = Extent::default();
                    let mut node = Node { entry: offset, caller, call: (0, 0, 0), depth: 0 };
                    let (mut named, mut origin) = (false, None);
                    for spec in abbreviation.attributes() {
                        match spec.name() {
                            dw::DW_AT_low_pc => extent.low = Some(entries.read_attribute_inline(*spec)?.value()),
                            dw::DW_AT_high_pc => extent.high = Some(entries.read_attribute_inline(*spec)?.value()),
                            dw::DW_AT_ranges => extent.ranges = Some(entries.read_attribute(*spec)?.value()),
                            dw::DW_AT_abstract_origin => origin = Some(entries.read_attribute(*spec)?.value()),
                            dw::DW_AT_call_file => node.call.0 = number(entries.read_attribute(*spec)?.value()),
                            dw::DW_AT_call_line => node.call.1 = saturate(number(entries.read_attribute(*spec)?.value())),
                            dw::DW_AT_call_column => node.call.2 = saturate(number(entries.read_attribute(*spec)?.value())),
                            name => {
                                named |= matches!(
                                    name,
                                    dw::DW_AT_name
                                        | dw::DW_AT_linkage_name
                                        | dw::DW_AT_MIPS_linkage_name
                                        | dw::DW_AT_specification
                                        | dw::DW_AT_signature
                                );
                                entries.skip_attributes(std::slice::from_ref(spec))?;
                            }
                        }
                    }
                    // All calls of one function share the name of their origin: looked up once.
                    if let (false, Some(AttributeValue::UnitRef(origin))) = (named, origin) {
                        node.entry = origin;
                    }
                    let node = self.add(node, &extent, abbreviation.has_children());
                    if let (Some(node), true) = (node, abbreviation.has_children()) {
                        open.push(Open { depth, node });
                    }
                }
                tag if skips_types && open.is_empty() && is_type(tag) && abbreviation.has_children() => {
                    let mut sibling = None;
                    for spec in abbreviation.attributes() {
                        if spec.name() == dw::DW_AT_sibling {
                            sibling = Some(entries.read_attribute(*spec)?.value());
                        } else {
                            entries.skip_attributes(std::slice::from_ref(spec))?;
                        }
                    }
                    if let Some(AttributeValue::UnitRef(sibling)) = sibling
                        && sibling > entries.next_offset()
                    {
                        entries = self.unit.entries_raw(Some(sibling))?;
                        base = depth;
                    }
                }
                _ => entries.skip_attributes(abbreviation.attributes())?,
            }
        }
        Ok(())
    }

    /// Keeps a node that has code, or that may have callees with code.
    fn add(&mut self, mut node: Node, extent: &Extent<'d, E>, has_children: bool) -> Option<u32> {
        let number = u32::try_from(self.nodes.len()).ok()?;
        if let Some(caller) = node.caller {
            node.depth = self.nodes[caller as usize].depth + 1;
            if node.depth >= MAX_INLINE_DEPTH {
                self.dropped.count(Drop::TooDeep);
                return None;
            }
        }
        let before = self.spans.len();
        let (spans, code, dropped) = (&mut self.spans, self.code, &mut *self.dropped);
        let read = self.units.ranges(self.unit, extent, |start, end| {
            if code.contains(start) {
                spans.push(Span { start, end, node: number });
            } else {
                dropped.count(if start == 0 { Drop::Tombstone } else { Drop::NotExecutable });
            }
        });
        if read.is_err() {
            self.dropped.count(Drop::BadRanges);
        }
        if before == self.spans.len() && !has_children {
            return None;
        }
        self.nodes.push(node);
        Some(number)
    }
}

/// Whether a tag's subtree describes a type.
fn is_type(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_structure_type
            | dw::DW_TAG_class_type
            | dw::DW_TAG_union_type
            | dw::DW_TAG_enumeration_type
            | dw::DW_TAG_subroutine_type
            | dw::DW_TAG_array_type
    )
}

/// Whether the unit's language is one whose compilers put no code inside types.
fn types_hold_no_code<E: Endianity>(unit: &Unit<EndianSlice<'_, E>>) -> bool {
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

fn number<E: Endianity>(value: AttributeValue<EndianSlice<'_, E>>) -> u64 {
    match value {
        AttributeValue::FileIndex(index) => index,
        value => value.udata_value().unwrap_or(0),
    }
}

fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
