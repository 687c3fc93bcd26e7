//! Turns sections and offsets, by which a PDB names addresses, into addresses relative to the
//! image: [`Addresses`].
//!
//! Tools that rearrange an image after it was linked leave its debug data as it was, and a table
//! beside it (OMAP). All is read by the old addresses, and [`Omap`] moves what came of it:
//!
//! ```text
//! old   0x1000 ├─────────┤ 0x1040 ├────┤ 0x1060 ├──────┤
//! table 0x1000 → 0x2080    0x1040 → 0 (gone)   0x1060 → 0x2000
//! new   0x2000 ├──────┤    0x2080 ├─────────┤
//! ```

use super::fields::Fields;
use crate::module::{ModuleSymbols, Range, Start};
use crate::object::code::Code;

/// `IMAGE_SCN_CNT_CODE` and `IMAGE_SCN_MEM_EXECUTE`.
const CODE: u32 = 0x2000_0020;
/// Bytes of a section header.
const SECTION_BYTES: usize = 40;

/// Where the sections lie.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    sections: Vec<Section>,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    start: u32,
    bytes: u32,
    is_code: bool,
}

impl Addresses {
    /// Reads the section headers in `stream`.
    pub fn parse(stream: &[u8]) -> Self {
        let section = |header: &[u8]| {
            let mut fields = Fields(header);
            let _name = fields.take(8)?;
            let (bytes, start, raw_bytes) = (fields.u32()?, fields.u32()?, fields.u32()?);
            fields.skip(16)?;
            let is_code = fields.u32()? & CODE != 0;
            Some(Section { start, bytes: if bytes == 0 { raw_bytes } else { bytes }, is_code })
        };
        Self { sections: stream.chunks_exact(SECTION_BYTES).filter_map(section).collect() }
    }

    fn section(&self, number: u16) -> Option<&Section> {
        self.sections.get(usize::from(number).checked_sub(1)?)
    }

    /// The address of `offset` in the section numbered `section`, from 1.
    pub fn at(&self, section: u16, offset: u32) -> Option<u64> {
        let section = self.section(section).filter(|section| offset < section.bytes)?;
        Some(u64::from(section.start) + u64::from(offset))
    }

    /// The addresses of `bytes` bytes from there on, as far as they lie in the section.
    pub fn span(&self, section: u16, offset: u32, bytes: u32) -> Option<(u64, u64)> {
        let start = self.at(section, offset)?;
        let section = self.section(section)?;
        let end =
            (start + u64::from(bytes)).min(u64::from(section.start) + u64::from(section.bytes));
        (start < end).then_some((start, end))
    }

    /// The executable addresses.
    pub fn code(&self) -> Code {
        let code = self.sections.iter().filter(|section| section.is_code);
        Code::from_spans(
            code.map(|section| {
                (section.start.into(), u64::from(section.start) + u64::from(section.bytes))
            })
            .collect(),
        )
    }
}

/// Where addresses were moved to, by the old ones.
#[derive(Clone, Debug, Default)]
pub struct Omap {
    /// First address, and where it is now; 0 if nowhere.
    moves: Vec<(u64, u64)>,
}

impl Omap {
    /// Reads the table in `stream`.
    pub fn parse(stream: &[u8]) -> Self {
        let mut fields = Fields(stream);
        let mut moves: Vec<(u64, u64)> =
            std::iter::from_fn(|| Some((fields.u32()?, fields.u32()?)))
                .map(|(from, to)| (from.into(), to.into()))
                .collect();
        moves.sort_by_key(|(from, _)| *from);
        moves.dedup_by_key(|(from, _)| *from);
        Self { moves }
    }

    /// Where `address` is now.
    fn moved(&self, address: u64) -> Option<u64> {
        let after = self.moves.partition_point(|(from, _)| *from <= address);
        let &(from, to) = self.moves.get(after.checked_sub(1)?)?;
        (to != 0).then(|| to + (address - from))
    }

    /// Where the parts of `start..end` are now: their old addresses, and the new spans.
    pub fn pieces(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, (u64, u64))> + '_ {
        let mut at = start;
        std::iter::from_fn(move || {
            while at < end {
                let from = at;
                let after = self.moves.partition_point(|(from, _)| *from <= at);
                at = self.moves.get(after).map_or(end, |(next, _)| (*next).min(end));
                if let Some(start) = self.moved(from) {
                    return Some((from, (start, start + (at - from))));
                }
            }
            None
        })
    }

    /// Moves everything in `module`. Where two come to lie at one address, the first in the old
    /// order has it.
    pub fn apply(&self, module: &mut ModuleSymbols) {
        let mut moved: Vec<Range> = Vec::with_capacity(module.ranges.len());
        for range in &module.ranges {
            moved.extend(self.pieces(range.start, range.end).map(|(_, (start, end))| Range {
                start,
                end,
                ..*range
            }));
        }
        moved.sort_by_key(|range| range.start);
        module.ranges.clear();
        for mut range in moved {
            range.start = range.start.max(module.ranges.last().map_or(0, |last| last.end));
            if range.start < range.end {
                module.ranges.push(range);
            }
        }
        for chain in &mut module.chains {
            chain.start = chain
                .start
                .address()
                .and_then(|start| self.moved(start))
                .map_or(Start::UNKNOWN, Start::at);
        }
        module.aliases.retain_mut(|alias| {
            self.moved(alias.address).map(|address| alias.address = address).is_some()
        });
        module.aliases.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(bytes: u32, start: u32, flags: u32) -> Vec<u8> {
        let mut header = vec![0; 8];
        header.extend(
            [bytes, start, 0x200, 0, 0, 0, 0, flags].into_iter().flat_map(u32::to_le_bytes),
        );
        header
    }

    #[test]
    fn offsets_lie_in_their_sections() {
        let addresses = Addresses::parse(
            &[header(0x100, 0x1000, 0x6000_0020), header(0x80, 0x2000, 0x4000_0040)].concat(),
        );
        assert_eq!(
            (addresses.at(1, 0), addresses.at(1, 0xff), addresses.at(1, 0x100)),
            (Some(0x1000), Some(0x10ff), None)
        );
        assert_eq!(
            (addresses.at(2, 4), addresses.at(0, 0), addresses.at(3, 0), addresses.at(0xffff, 0)),
            (Some(0x2004), None, None, None)
        );
        assert_eq!(addresses.span(1, 0xf0, 0x100), Some((0x10f0, 0x1100)));
        assert_eq!(
            (addresses.span(1, 0x10, 0), addresses.span(1, 0x10, u32::MAX)),
            (None, Some((0x1010, 0x1100)))
        );
        assert_eq!(addresses.code().spans(), [(0x1000, 0x1100)]);
    }

    #[test]
    fn addresses_are_moved_piece_by_piece() {
        let stream: Vec<u8> = [0x1000, 0x2080, 0x1040, 0, 0x1060, 0x2000]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        let omap = Omap::parse(&stream);
        assert_eq!(
            [0xfff, 0x1000, 0x103f, 0x1040, 0x1060].map(|at| omap.moved(at)),
            [None, Some(0x2080), Some(0x20bf), None, Some(0x2000)]
        );
    }
}
