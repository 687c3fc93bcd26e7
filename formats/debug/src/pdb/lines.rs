//! Reads the line data of a module: which addresses have which line, where inlined functions begin,
//! what it shares with other modules: [`LineData`].
//!
//! It is a list of parts (`DEBUG_S_*` in Microsoft's `cvinfo.h`), each a kind, a length and its
//! contents.

use hashbrown::HashMap;

use super::addresses::Addresses;
use super::fields::Fields;
use crate::module::{DropCounts, DropReason};

/// The code there was made by the compiler and has no line; debuggers step over it, or into it.
const NO_LINES: [u32; 2] = [0x00fe_efee, 0x00f0_0f00];
/// A part that is to be ignored.
const IGNORE: u32 = 0x8000_0000;
/// An id of a function that another module defines.
const IMPORTED: u32 = 0x8000_0000;

/// A line of code, and its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpan {
    pub start: u64,
    pub end: u64,
    /// As [`LineData::path`] takes it.
    pub file: u32,
    pub line: u32,
    pub column: u32,
}

/// Where a function that was inlined stands in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inlinee {
    /// As [`LineData::path`] takes it.
    pub file: u32,
    pub line: u32,
}

/// What a module says about lines.
#[derive(Debug, Default)]
pub struct LineData<'a> {
    /// Disjoint, sorted.
    pub spans: Vec<LineSpan>,
    /// By their ids.
    pub inlinees: HashMap<u32, Inlinee>,
    /// Where paths begin in the table of strings, by the place of the file in this table.
    checksums: Fields<'a>,
    /// Functions of other modules: where the module's name begins in the table of strings, and
    /// their ids there.
    imports: Vec<(u32, Vec<u32>)>,
    /// The ids of the whole file for those of this module.
    exports: HashMap<u32, u32>,
}

impl<'a> LineData<'a> {
    /// Reads the parts in `bytes`. What cannot be read ends it, and is counted.
    pub fn parse(bytes: &'a [u8], addresses: &Addresses, dropped: &mut DropCounts) -> Self {
        let mut data = Self::default();
        let mut fields = Fields(bytes);
        let mut sequences = Vec::new();
        while !fields.is_empty() {
            let Some((kind, part)) = part(&mut fields) else {
                dropped.count(DropReason::BadLines);
                break;
            };
            let is_read = match kind {
                0xf2 => sequence(part, addresses, &mut sequences),
                0xf4 => {
                    data.checksums = part;
                    Some(())
                }
                0xf6 => data.read_inlinees(part),
                0xf7 => data.read_imports(part),
                0xf8 => data.read_exports(part),
                _ => Some(()),
            };
            if is_read.is_none() {
                dropped.count(DropReason::BadLines);
            }
        }
        data.spans = disjoint(sequences);
        data
    }

    fn read_inlinees(&mut self, mut fields: Fields<'_>) -> Option<()> {
        let has_more_files = match fields.u32()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        while !fields.is_empty() {
            let (id, file, line) = (fields.u32()?, fields.u32()?, fields.u32()?);
            if has_more_files {
                let more = fields.u32()?;
                fields.skip(usize::try_from(more).ok()?.checked_mul(4)?)?;
            }
            self.inlinees.entry(id).or_insert(Inlinee { file, line });
        }
        Some(())
    }

    fn read_imports(&mut self, mut fields: Fields<'_>) -> Option<()> {
        while !fields.is_empty() {
            let (module, count) = (fields.u32()?, fields.u32()?);
            let mut ids = fields.part(count.checked_mul(4)?)?;
            self.imports.push((module, std::iter::from_fn(|| ids.u32()).collect()));
        }
        Some(())
    }

    fn read_exports(&mut self, mut fields: Fields<'_>) -> Option<()> {
        while !fields.is_empty() {
            let (local, global) = (fields.u32()?, fields.u32()?);
            self.exports.insert(local, global);
        }
        Some(())
    }

    /// Where the path of `file` begins in the table of strings.
    pub fn path(&self, file: u32) -> Option<u32> {
        Fields(self.checksums.0.get(usize::try_from(file).ok()?..)?).u32()
    }

    /// Where the name of the module that defines `id` stands in the list of imports, and the
    /// function's id there. `None` if it is this one.
    pub fn import(&self, id: u32) -> Option<(usize, u32)> {
        let index = id.checked_sub(IMPORTED)?;
        let number = usize::try_from(index >> 20).ok()?;
        let (_, ids) = self.imports.get(number)?;
        Some((number, *ids.get(usize::try_from(index & 0xf_ffff).ok()?)?))
    }

    /// Where the names of the modules that functions are imported from begin in the table of
    /// strings.
    pub fn imports(&self) -> impl Iterator<Item = u32> {
        self.imports.iter().map(|(module, _)| *module)
    }

    /// The id of the whole file for `id`, which is one of this module's.
    pub fn export(&self, id: u32) -> Option<u32> {
        self.exports.get(&id).copied()
    }
}

/// The next part.
fn part<'a>(fields: &mut Fields<'a>) -> Option<(u32, Fields<'a>)> {
    let (kind, bytes) = (fields.u32()?, fields.u32()?);
    let part = fields.part(bytes)?;
    fields.skip_padding(part.0.len());
    Some((if kind & IGNORE != 0 { 0 } else { kind }, part))
}

/// Appends the spans of one stretch of code, which can be of several files. They are not yet
/// disjoint.
fn sequence(
    mut fields: Fields<'_>,
    addresses: &Addresses,
    sequences: &mut Vec<Vec<LineSpan>>,
) -> Option<()> {
    let (offset, section, flags, bytes) =
        (fields.u32()?, fields.u16()?, fields.u16()?, fields.u32()?);
    // A tombstone of what the linker has discarded.
    let Some((first, end)) = addresses.span(section, offset, bytes) else { return Some(()) };
    let has_columns = flags & 1 != 0;
    let mut spans: Vec<LineSpan> = Vec::new();
    while !fields.is_empty() {
        let (file, count, _block_bytes) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let mut lines = fields.part(count.checked_mul(8)?)?;
        let mut columns =
            if has_columns { fields.part(count.checked_mul(4)?)? } else { Fields::default() };
        while let (Some(offset), Some(flags)) = (lines.u32(), lines.u32()) {
            let column = columns.u32().map_or(0, |both| both & 0xffff);
            let line = flags & 0x00ff_ffff;
            let line = if NO_LINES.contains(&line) { 0 } else { line };
            let start = first + u64::from(offset);
            if start < end {
                spans.push(LineSpan { start, end, file, line, column });
            }
        }
    }
    // Of several at one address the last holds.
    spans.sort_by_key(|span| span.start);
    for at in 1..spans.len() {
        spans[at - 1].end = spans[at].start;
    }
    spans.retain(|span| span.start < span.end);
    if !spans.is_empty() {
        sequences.push(spans);
    }
    Some(())
}

/// All spans; where sequences overlap, as functions were folded, the first one has the address.
fn disjoint(mut sequences: Vec<Vec<LineSpan>>) -> Vec<LineSpan> {
    sequences.sort_by_key(|spans| spans.first().map(|span| span.start));
    let mut all: Vec<LineSpan> = Vec::with_capacity(sequences.iter().map(Vec::len).sum());
    for spans in sequences {
        for mut span in spans {
            span.start = span.start.max(all.last().map_or(0, |last| last.end));
            if span.start < span.end {
                all.push(span);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn addresses() -> Addresses {
        let mut header = vec![0; 8];
        header.extend(words(&[0x1000, 0x1000, 0x1000, 0, 0, 0, 0, 0x6000_0020]));
        Addresses::parse(&header)
    }

    fn parse(parts: &[(u32, Vec<u8>)]) -> (Vec<(u64, u64, u32, u32)>, DropCounts) {
        let mut bytes = Vec::new();
        for (kind, part) in parts {
            bytes.extend(words(&[*kind, u32::try_from(part.len()).unwrap()]));
            bytes.extend(part);
        }
        let mut dropped = DropCounts::default();
        let data = LineData::parse(&bytes, &addresses(), &mut dropped);
        (
            data.spans.iter().map(|span| (span.start, span.end, span.file, span.line)).collect(),
            dropped,
        )
    }

    #[test]
    fn lines_of_several_files_share_one_stretch() {
        let part = words(&[0x10, 1, 0x20, 0, 2, 28, 0, 5, 8, 7, 24, 1, 20, 4, 9]);
        assert_eq!(
            parse(&[(0xf2, part)]).0,
            [(0x1010, 0x1014, 0, 5), (0x1014, 0x1018, 24, 9), (0x1018, 0x1030, 0, 7)]
        );
    }

    #[test]
    fn of_folded_functions_the_first_has_the_address() {
        let of_line = |line| (0xf2, words(&[0, 1, 8, 0, 1, 20, 0, line]));
        assert_eq!(parse(&[of_line(1), of_line(2)]).0, [(0x1000, 0x1008, 0, 1)]);
        assert_eq!(
            parse(&[(0x8000_00f2, of_line(1).1), of_line(0x00f0_0f00)]).0,
            [(0x1000, 0x1008, 0, 0)]
        );
    }

    #[test]
    fn counts_beyond_the_part_end_it() {
        for part in [words(&[0, 1, 8, 0, u32::MAX, 20]), words(&[0, 1, 8, 0, 0x4000_0000, 20])] {
            let (spans, dropped) = parse(&[(0xf2, part)]);
            assert!(spans.is_empty() && dropped.has(DropReason::BadLines));
        }
        for kind in [0xf6, 0xf7, 0xf8] {
            assert!(
                parse(&[(kind, words(&[1, 2, 3, u32::MAX, u32::MAX]))]).1.has(DropReason::BadLines),
                "{kind:x}"
            );
        }
        let mut dropped = DropCounts::default();
        LineData::parse(&words(&[0xf2, u32::MAX]), &addresses(), &mut dropped);
        assert!(dropped.has(DropReason::BadLines));
    }

    #[test]
    fn functions_of_other_modules() {
        let bytes = [
            words(&[0xf7, 20]),
            words(&[7, 3, 0x1001, 0x1002, 0x1003]),
            words(&[0xf8, 8, 0x1001, 0x2001]),
        ]
        .concat();
        let data = LineData::parse(&bytes, &addresses(), &mut DropCounts::default());
        assert_eq!(
            [0x8000_0001, 0x8000_0003, 0x8010_0000, 0x1001].map(|id| data.import(id)),
            [Some((0, 0x1002)), None, None, None]
        );
        assert_eq!((data.export(0x1001), data.export(0x1002)), (Some(0x2001), None));
    }
}
