//! Reads public symbols, which have the linkage names of functions: each with the addresses that it
//! names ([`Publics`]).

use super::addresses::Addresses;
use super::fields::Fields;
use crate::dwarf::{Spent, Work};
use crate::limits::MAX_NAME_BYTES;
use crate::object::code::Code;
use crate::object::symbols::{Symbol, SymbolEntry, Twin, spans_and_twins};

/// `S_PUB32`.
const PUBLIC: u16 = 0x110e;

/// The public symbols of code.
#[derive(Debug, Default)]
pub struct Publics<'a> {
    /// Sorted, disjoint: each reaches to the next one, or to the end of the code.
    pub symbols: Vec<Symbol<'a>>,
    /// Further names of their addresses.
    pub twins: Vec<Twin<'a>>,
}

impl<'a> Publics<'a> {
    /// Those among `records`, in the order of `map`, the stream that lists them by address.
    ///
    /// # Errors
    /// If it takes too much work: records can overlap.
    pub fn parse(
        map: &[u8],
        records: &'a [u8],
        addresses: &Addresses,
        code: &Code,
        work: &Work,
    ) -> Result<Self, Spent> {
        let entry = |place: u32| {
            let (kind, mut fields) =
                Fields(records.get(usize::try_from(place).ok()?..)?).record()?;
            let (_flags, offset, section) = (fields.u32()?, fields.u32()?, fields.u16()?);
            let address = addresses
                .at(section, offset)
                .filter(|address| kind == PUBLIC && code.contains(*address))?;
            let name = fields.text();
            (!name.is_empty() && name.len() <= MAX_NAME_BYTES).then_some(SymbolEntry {
                address,
                size: 0,
                name,
                file: None,
            })
        };
        let mut entries = Vec::new();
        for entry in places(map).unwrap_or_default().into_iter().filter_map(entry) {
            work.spend(1 + entry.name.len() as u64)?;
            entries.push(entry);
        }
        let (mut symbols, twins) = spans_and_twins(entries);
        let mut spans = code.spans().iter().copied().peekable();
        for symbol in &mut symbols {
            while spans.next_if(|(_, end)| *end <= symbol.start).is_some() {}
            symbol.end = symbol.end.min(spans.peek().map_or(symbol.end, |(_, end)| *end));
        }
        Ok(Self { symbols, twins })
    }

    /// The symbol that begins at `address`.
    pub fn at(&self, address: u64) -> Option<&'a [u8]> {
        self.covering(address).filter(|symbol| symbol.start == address).map(|symbol| symbol.name)
    }

    /// The symbol that names `address`.
    pub fn covering(&self, address: u64) -> Option<&Symbol<'a>> {
        let after = self.symbols.partition_point(|symbol| symbol.end <= address);
        self.symbols.get(after).filter(|symbol| symbol.start <= address)
    }
}

/// Where the records begin, by address: behind a head of 28 bytes and a hash table, which the head
/// gives the sizes of.
fn places(map: &[u8]) -> Option<Vec<u32>> {
    let mut fields = Fields(map);
    let (hash_bytes, map_bytes) = (fields.u32()?, fields.u32()?);
    fields.skip(20)?;
    fields.part(hash_bytes)?;
    let mut places = fields.part(map_bytes)?;
    Some(std::iter::from_fn(|| places.u32()).collect())
}
