//! Encodes and decodes blocks of aliases: functions that were folded into another one at the same
//! address.
//!
//! ```text
//! column  block of aliases, format 1
//! 0       per address: bytes from the address before, of the first from where the block begins
//! 1       per address: how many functions
//! 2, 3    names: lengths, bytes
//! ```

use symtool_debug::Alias;

use super::bytes::{join, put, split};
use super::strings::StringBlock;

/// Encodes `aliases`, which are sorted by address.
pub fn encode(aliases: &[Alias]) -> Vec<u8> {
    let mut columns: [Vec<u8>; 4] = Default::default();
    let mut at = aliases.first().map_or(0, |alias| alias.address);
    for alike in aliases.chunk_by(|one, other| one.address == other.address) {
        put(&mut columns[0], alike[0].address - at);
        put(&mut columns[1], alike.len() as u64);
        at = alike[0].address;
        for alias in alike {
            put(&mut columns[2], alias.name.len() as u64);
            columns[3].extend_from_slice(&alias.name);
        }
    }
    join(&columns)
}

/// Aliases of a decoded block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AliasBlock {
    /// Rising; by each the number of the first name of the next.
    addresses: Vec<(u64, usize)>,
    names: StringBlock,
}

impl AliasBlock {
    /// Decodes what [`encode`] made for a block that begins at `first`; `None` if it is damaged.
    pub fn decode(first: u64, raw: &[u8]) -> Option<Self> {
        let [mut gaps, mut counts, lengths, bytes] = split::<4>(raw)?;
        let mut block =
            Self { addresses: Vec::new(), names: StringBlock::from_columns(lengths, bytes)? };
        let (mut at, mut end) = (first, 0usize);
        while !gaps.is_empty() {
            let gap = gaps.number()?;
            at = at.checked_add(gap)?;
            end = end.checked_add(counts.size().filter(|count| *count > 0)?)?;
            if block.addresses.is_empty() != (gap == 0) {
                return None;
            }
            block.addresses.push((at, end));
        }
        (counts.is_empty() && end == block.names.count()).then_some(block)
    }

    /// The names of the other functions that begin at `address`, in their order.
    pub fn at(&self, address: u64) -> impl Iterator<Item = &[u8]> {
        let names = self
            .addresses
            .binary_search_by_key(&address, |(address, _)| *address)
            .map_or(0..0, |at| self.of(at));
        names.filter_map(|name| self.names.get(name))
    }

    /// All aliases, by address.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.addresses.iter().enumerate().flat_map(|(at, (address, _))| {
            self.of(at).filter_map(|name| Some((*address, self.names.get(name)?)))
        })
    }

    /// The last address that has some.
    pub fn last(&self) -> Option<u64> {
        self.addresses.last().map(|(address, _)| *address)
    }

    /// What it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.names.memory_bytes() + size_of_val(&*self.addresses)
    }

    fn of(&self, at: usize) -> std::ops::Range<usize> {
        let first = if at == 0 { 0 } else { self.addresses[at - 1].1 };
        first..self.addresses[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_come_back() {
        let aliases = [(0x40, "get_x"), (0x40, "get_y"), (0x51, ""), (u64::MAX, "last")]
            .map(|(address, name)| Alias { address, name: name.into() });
        let raw = encode(&aliases);
        let block = AliasBlock::decode(0x40, &raw).unwrap();
        let all: Vec<Alias> =
            block.iter().map(|(address, name)| Alias { address, name: name.to_vec() }).collect();
        assert_eq!(all, aliases);
        assert_eq!(block.last(), Some(u64::MAX));
        for (address, want) in [
            (0x3f, vec![]),
            (0x40, vec!["get_x", "get_y"]),
            (0x41, vec![]),
            (0x51, vec![""]),
            (u64::MAX, vec!["last"]),
        ] {
            assert_eq!(
                block.at(address).collect::<Vec<_>>(),
                want.into_iter().map(str::as_bytes).collect::<Vec<_>>(),
                "{address:#x}"
            );
        }
        (0..raw.len())
            .for_each(|end| assert_eq!(AliasBlock::decode(0x40, &raw[..end]), None, "{end}"));
    }

    #[test]
    fn damaged_aliases_are_refused() {
        let decode =
            |columns: [&[u8]; 4]| AliasBlock::decode(8, &join(&columns.map(<[u8]>::to_vec)));
        assert!(decode([&[0, 4], &[1, 1], &[1, 1], b"ab"]).is_some());
        assert!(decode([&[4], &[1], &[1], b"a"]).is_none(), "it begins elsewhere");
        assert!(decode([&[0, 0], &[1, 1], &[1, 1], b"ab"]).is_none(), "one address twice");
        assert!(decode([&[0, 4], &[1, 0], &[1], b"a"]).is_none(), "an address without aliases");
        assert!(decode([&[0], &[2], &[1], b"a"]).is_none(), "a name is missing");
        assert!(decode([&[0], &[1], &[1, 1], b"ab"]).is_none(), "a name is left over");
        assert!(decode([&[0], &[1, 1], &[1], b"a"]).is_none(), "a count is left over");
    }
}
