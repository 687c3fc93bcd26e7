//! Reads what a PDB says about itself: stream 1 (its id, named streams) and the head of stream 3
//! (its modules and where everything else is).

use hashbrown::HashMap;
use symtool_module::swapped_guid;

use super::fields::Fields;

/// A stream number that stands for none.
const NO_STREAM: u16 = 0xffff;
/// The feature that says that symbols and lines were left in the object files (`/DEBUG:FASTLINK`).
const MINIMAL_DEBUG_INFO: u32 = u32::from_le_bytes(*b"MINI");

/// `IMAGE_FILE_MACHINE_I386`.
const I386: u16 = 0x14c;

/// Stream 1 of a PDB.
#[derive(Clone, Copy, Debug)]
pub struct PdbInfo {
    /// As it is printed.
    pub guid: [u8; 16],
    pub age: u32,
    /// Symbols and lines are in the object files.
    pub is_fastlink: bool,
    /// The stream named `/names`: paths.
    pub names: Option<u16>,
}

impl PdbInfo {
    /// Reads the stream of `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let _version = fields.u32()?;
        let _signature = fields.u32()?;
        let age = fields.u32()?;
        let guid = swapped_guid(fields.take(16)?.try_into().ok()?);
        let names = named_stream(&mut fields, b"/names");
        let mut rest = fields;
        let mut is_fastlink = false;
        while let Some(feature) = rest.u32() {
            is_fastlink |= feature == MINIMAL_DEBUG_INFO;
        }
        Some(Self { guid, age, is_fastlink, names })
    }
}

/// The number of the stream called `name`. Leaves what follows the table of names.
fn named_stream(fields: &mut Fields<'_>, name: &[u8]) -> Option<u16> {
    let mut found = None;
    each_named_stream(fields, |text, stream| {
        if text == name {
            found = Some(stream);
        }
    })?;
    found
}

/// The streams that have names, in the stream of `bytes`, which [`PdbInfo::parse`] reads.
pub fn named_streams(bytes: &[u8]) -> HashMap<&[u8], u16> {
    let (mut named, mut fields) = (HashMap::new(), Fields(bytes));
    // Version, signature, age and id stand before them.
    if fields.skip(28).is_some() {
        each_named_stream(&mut fields, |name, stream| {
            named.insert(name, stream);
        });
    }
    named
}

/// Calls `each` with every stream that has a name: names end to end, and a hash table of their
/// offsets and streams. Leaves what follows the table.
fn each_named_stream<'a>(
    fields: &mut Fields<'a>,
    mut each: impl FnMut(&'a [u8], u16),
) -> Option<()> {
    let bytes = fields.u32()?;
    let names = fields.part(bytes)?;
    let count = skip_places(fields)?;
    for _ in 0..count {
        let (offset, stream) = (fields.u32()?, fields.u32()?);
        let mut text = Fields(names.0.get(usize::try_from(offset).ok()?..).unwrap_or_default());
        if let Ok(stream) = u16::try_from(stream) {
            each(text.text(), stream);
        }
    }
    Some(())
}

/// The number of entries of a hash table, which stand next.
pub fn skip_places(fields: &mut Fields<'_>) -> Option<u32> {
    let count = fields.u32()?;
    let _capacity = fields.u32()?;
    for _ in 0..2 {
        // Which places are taken, and which were.
        let words = fields.u32()?;
        fields.skip(usize::try_from(words).ok()?.checked_mul(4)?)?;
    }
    Some(count)
}

/// The head of stream 3, and its parts.
#[derive(Clone, Debug, Default)]
pub struct DebugInfo<'a> {
    pub age: u32,
    /// Private symbols were left out.
    pub is_stripped: bool,
    /// `IMAGE_FILE_MACHINE_*`.
    pub machine: u16,
    pub publics: Option<u16>,
    pub symbol_records: Option<u16>,
    /// Frame data without programs, of 32-bit x86; what others have is in the image.
    pub fpo: Option<u16>,
    /// Frame data with programs.
    pub frame_data: Option<u16>,
    pub omap_from_source: Option<u16>,
    pub sections: Option<u16>,
    /// Sections before the image was rearranged.
    pub original_sections: Option<u16>,
    modules: Fields<'a>,
    contributions: Fields<'a>,
}

/// What was compiled at once.
#[derive(Clone, Copy, Debug)]
pub struct ModuleEntry<'a> {
    pub name: &'a [u8],
    /// Its symbols and lines.
    pub stream: Option<u16>,
    pub symbol_bytes: u32,
    pub old_line_bytes: u32,
    pub line_bytes: u32,
}

/// Addresses that a module has: `bytes` bytes from `offset` on in `section`.
#[derive(Clone, Copy, Debug)]
pub struct Contribution {
    pub section: u16,
    pub offset: u32,
    pub bytes: u32,
    /// Its index.
    pub module: u16,
}

fn stream(number: u16) -> Option<u16> {
    (number != NO_STREAM).then_some(number)
}

impl<'a> DebugInfo<'a> {
    /// Reads the stream of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u32()? != u32::MAX {
            return None;
        }
        let _version = fields.u32()?;
        let age = fields.u32()?;
        let _globals = fields.u16()?;
        let _built_by = fields.u16()?;
        let publics = stream(fields.u16()?);
        let _dll = fields.u16()?;
        let symbol_records = stream(fields.u16()?);
        let _rebuilt_by = fields.u16()?;
        let [modules, contributions, section_map, files, type_servers] = take_five(&mut fields)?;
        let _mfc = fields.u32()?;
        let (debug_streams, edit_and_continue) = (fields.u32()?, fields.u32()?);
        let flags = fields.u16()?;
        let machine = fields.u16()?;
        let _reserved = fields.u32()?;
        let (modules, contributions) = (fields.part(modules)?, fields.part(contributions)?);
        for skipped in [section_map, files, type_servers, edit_and_continue] {
            fields.part(skipped)?;
        }
        let mut streams = fields.part(debug_streams)?;
        let mut numbers = [None; 11];
        for number in &mut numbers {
            *number = streams.u16().and_then(stream);
        }
        let is_stripped = flags & 2 != 0;
        Some(Self {
            age,
            is_stripped,
            machine,
            publics,
            symbol_records,
            fpo: numbers[0].filter(|_| machine == I386),
            frame_data: numbers[9].filter(|_| machine == I386),
            omap_from_source: numbers[4],
            sections: numbers[5],
            original_sections: numbers[10],
            modules,
            contributions,
        })
    }

    /// Whether there is frame data.
    pub fn has_frame_data(&self) -> bool {
        self.fpo.is_some() || self.frame_data.is_some()
    }

    /// All modules, as far as they can be read.
    pub fn modules(&self) -> Vec<ModuleEntry<'a>> {
        let mut fields = self.modules;
        std::iter::from_fn(|| module(&mut fields)).collect()
    }

    /// Which module has which addresses, as far as it can be read.
    pub fn contributions(&self) -> Vec<Contribution> {
        let mut fields = self.contributions;
        let extra = match fields.u32() {
            // 19970605 and 20140516 after 0xeffe0000.
            Some(0xf12e_ba2d) => 0,
            Some(0xf131_51e4) => 4,
            _ => return Vec::new(),
        };
        std::iter::from_fn(|| contribution(&mut fields, extra)).collect()
    }
}

fn take_five(fields: &mut Fields<'_>) -> Option<[u32; 5]> {
    let mut numbers = [0; 5];
    for number in &mut numbers {
        *number = fields.u32()?;
    }
    Some(numbers)
}

fn module<'a>(fields: &mut Fields<'a>) -> Option<ModuleEntry<'a>> {
    let before = fields.0.len();
    // Whether it is open, and its first contribution.
    fields.skip(4 + 28)?;
    let _flags = fields.u16()?;
    let stream = stream(fields.u16()?);
    let (symbol_bytes, old_line_bytes, line_bytes) = (fields.u32()?, fields.u32()?, fields.u32()?);
    // Counts and places of files.
    fields.skip(4 + 4 + 8)?;
    let name = fields.text();
    let _object = fields.text();
    fields.skip_padding(before - fields.0.len());
    Some(ModuleEntry { name, stream, symbol_bytes, old_line_bytes, line_bytes })
}

fn contribution(fields: &mut Fields<'_>, extra: usize) -> Option<Contribution> {
    let section = fields.u16()?;
    fields.skip(2)?;
    let (offset, bytes) = (fields.u32()?, fields.u32()?);
    let _characteristics = fields.u32()?;
    let module = fields.u16()?;
    // Two checksums.
    fields.skip(2 + 8 + extra)?;
    Some(Contribution { section, offset, bytes, module })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_the_stream_are_refused() {
        for end in 0..64 {
            assert!(DebugInfo::parse(&[0xff; 64][..end]).is_none());
        }
        assert!(DebugInfo::parse(&[0xff; 4096]).is_none());
        assert!(PdbInfo::parse(&[0xff; 27]).is_none());
        // Names of 2^32 - 1 bytes cost those, not the id.
        let info = PdbInfo::parse(&[0xff; 64]).unwrap();
        assert_eq!((info.guid, info.age, info.names), ([0xff; 16], u32::MAX, None));
    }

    #[test]
    fn fastlink_is_a_feature() {
        let mut stream = vec![0; 28];
        // No names, and an empty table.
        stream.extend([0u32, 0, 1, 0, 0].into_iter().flat_map(u32::to_le_bytes));
        stream.extend(20_140_508u32.to_le_bytes());
        assert!(!PdbInfo::parse(&stream).unwrap().is_fastlink);
        stream.extend(b"MINI");
        assert!(PdbInfo::parse(&stream).unwrap().is_fastlink);
    }
}
