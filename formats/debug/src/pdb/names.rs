//! Names the functions that were inlined: [`IdNames`]. Streams 2 and 4 have types and ids, records
//! numbered one after the other from the number that their head says.

use super::fields::Fields;
use crate::limits::MAX_NAME_BYTES;

/// The records of a stream, by number.
#[derive(Debug, Default)]
struct Numbered<'a> {
    bytes: &'a [u8],
    first: u32,
    /// Where each record begins.
    starts: Vec<u32>,
}

impl<'a> Numbered<'a> {
    /// The records in `stream`, as far as they can be read.
    fn parse(stream: &'a [u8]) -> Self {
        Self::parse_head(stream).unwrap_or_default()
    }

    fn parse_head(stream: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(stream);
        let (_version, head_bytes, first) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let bytes = stream.get(usize::try_from(head_bytes).ok()?..)?;
        let mut records = Fields(bytes);
        let mut starts = Vec::new();
        while !records.is_empty() {
            let start = u32::try_from(bytes.len() - records.0.len()).ok()?;
            if records.record().is_none() {
                break;
            }
            starts.push(start);
        }
        Some(Self { bytes, first, starts })
    }

    fn get(&self, number: u32) -> Option<(u16, Fields<'a>)> {
        let start = self.starts.get(usize::try_from(number.checked_sub(self.first)?).ok()?)?;
        Fields(self.bytes.get(usize::try_from(*start).ok()?..)?).record()
    }
}

/// The names of inlined functions, by id.
#[derive(Debug, Default)]
pub struct IdNames<'a> {
    types: Numbered<'a>,
    ids: Numbered<'a>,
}

impl<'a> IdNames<'a> {
    /// Those in the streams of `types` and `ids`.
    pub fn parse(types: &'a [u8], ids: &'a [u8]) -> Self {
        Self { types: Numbered::parse(types), ids: Numbered::parse(ids) }
    }

    /// The function numbered `id`, with what it is in before it.
    pub fn name(&self, id: u32) -> Option<Vec<u8>> {
        let (kind, mut fields) = self.ids.get(id)?;
        let scope = fields.u32()?;
        let _type = fields.u32()?;
        let scope = match kind {
            // LF_FUNC_ID: in a namespace, or in nothing.
            0x1601 => self.text(scope),
            // LF_MFUNC_ID: in a class.
            0x1602 => self.class(scope),
            _ => return None,
        };
        let name = fields.text();
        let name = match scope.filter(|scope| !scope.is_empty()) {
            Some(scope) => [scope, b"::", name].concat(),
            None => name.to_vec(),
        };
        (!name.is_empty() && name.len() <= MAX_NAME_BYTES).then_some(name)
    }

    /// `LF_STRING_ID`.
    fn text(&self, id: u32) -> Option<&'a [u8]> {
        let (kind, mut fields) = self.ids.get(id).filter(|_| id != 0)?;
        let _parts = fields.u32()?;
        (kind == 0x1605).then(|| fields.text())
    }

    fn class(&self, number: u32) -> Option<&'a [u8]> {
        let (kind, mut fields) = self.types.get(number)?;
        match kind {
            // LF_CLASS, LF_STRUCTURE, LF_INTERFACE: members, properties, three types, size.
            0x1504 | 0x1505 | 0x1519 => {
                fields.skip(16)?;
                skip_number(&mut fields)?;
            }
            // LF_UNION: members, properties, type, size.
            0x1506 => {
                fields.skip(8)?;
                skip_number(&mut fields)?;
            }
            // LF_ENUM: members, properties, two types.
            0x1507 => fields.skip(12)?,
            _ => return None,
        }
        Some(fields.text())
    }
}

/// Passes over a number of any size.
fn skip_number(fields: &mut Fields<'_>) -> Option<()> {
    let bytes = match fields.u16()? {
        0..=0x7fff => 0,
        0x8000 => 1,
        0x8001 | 0x8002 => 2,
        0x8003 | 0x8004 => 4,
        0x8009 | 0x800a => 8,
        _ => return None,
    };
    fields.skip(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(records: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut stream: Vec<u8> =
            [20_040_203u32, 12, 0x1000].into_iter().flat_map(u32::to_le_bytes).collect();
        for (kind, contents) in records {
            stream.extend(u16::try_from(contents.len() + 2).unwrap().to_le_bytes());
            stream.extend(kind.to_le_bytes());
            stream.extend(contents);
        }
        stream
    }

    fn id(scope: u32, name: &str) -> Vec<u8> {
        [&scope.to_le_bytes()[..], &[0; 4], name.as_bytes(), b"\0"].concat()
    }

    #[test]
    fn functions_with_what_they_are_in() {
        let types = stream(&[
            (0x1505, [&[0; 16][..], b"\x08\0shop::Cart\0"].concat()),
            (0x1506, [&[0; 8][..], b"\x02\x80\0\x10U\0"].concat()),
        ]);
        let ids = stream(&[
            (0x1605, b"\0\0\0\0shop\0".to_vec()),
            (0x1601, id(0x1000, "taxed")),
            (0x1602, id(0x1000, "total")),
            (0x1602, id(0x1001, "u")),
            (0x1601, id(0, "plain")),
            (0x1602, id(0x1009, "lost")),
        ]);
        let names = IdNames::parse(&types, &ids);
        let name = |id| names.name(id).map(|name| String::from_utf8(name).unwrap());
        for (id, want) in [
            (0x1001, "shop::taxed"),
            (0x1002, "shop::Cart::total"),
            (0x1003, "U::u"),
            (0x1004, "plain"),
            (0x1005, "lost"),
        ] {
            assert_eq!(name(id).as_deref(), Some(want));
        }
        // No function, one too many, one too few.
        assert_eq!([0x1000, 0x1006, 0xfff, u32::MAX].map(name), [const { None }; 4]);
    }
}
