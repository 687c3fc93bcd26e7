//! Makes copies of files that the `object` crate does not read as they are: with symbol tables that
//! a linker has compressed (lld, `--compress-sections=.strtab=zlib`; gABI, "Section Compression"),
//! and without the names of sections.

use object::{CompressedData, CompressionFormat, elf};

use crate::bytes::Mapped;
use crate::limits::MAX_EXPANSION;
use crate::object::sections::expand;

/// Where fields stand in the headers of a file of 32 or 64 bits.
struct Fields {
    /// Bytes of an offset.
    word: usize,
    /// In the file's header: where the headers of sections lie, how long one is, and how many there
    /// are.
    table: usize,
    entry_bytes: usize,
    count: usize,
    /// Which section has the names of all.
    names: usize,
    /// In a section's header.
    flags: usize,
    offset: usize,
    size: usize,
    link: usize,
    /// In the header of compressed data, and how long that is.
    plain_size: usize,
    packed: usize,
}

const OF_32: Fields = Fields {
    word: 4,
    table: 0x20,
    entry_bytes: 0x2e,
    count: 0x30,
    names: 0x32,
    flags: 8,
    offset: 16,
    size: 20,
    link: 24,
    plain_size: 4,
    packed: 12,
};
const OF_64: Fields = Fields {
    word: 8,
    table: 0x28,
    entry_bytes: 0x3a,
    count: 0x3c,
    names: 0x3e,
    flags: 8,
    offset: 24,
    size: 32,
    link: 40,
    plain_size: 8,
    packed: 24,
};
/// Where a section's header says what it is, in 4 bytes.
const TYPE: usize = 4;
/// The index of a section that is too large for the file's header: section 0 has it.
const SECTION_0_SAYS: u64 = elf::SHN_XINDEX.0 as u64;

impl Mapped {
    /// The same file with symbol tables that are not compressed, and with names of sections, if
    /// only empty ones.
    #[must_use]
    pub fn with_plain_symbols(self) -> Self {
        match expanded(self.bytes()) {
            // What was cut meanwhile is still to be found so.
            Some(bytes) if self.unchanged().is_ok() => {
                let (path, name) = (self.path().to_owned(), self.name().to_owned());
                Self::unpacked(bytes, path, name)
            }
            _ => self,
        }
    }
}

/// The bytes of `file` with plain symbol tables, and with empty names of sections if the header
/// names no section that has them; `None` if there is nothing to change. What cannot be expanded is
/// no symbol table any more.
fn expanded(file: &[u8]) -> Option<Vec<u8>> {
    if !file.starts_with(&elf::ELFMAG) {
        return None;
    }
    let is_64 = *file.get(4)? == elf::ELFCLASS64.0;
    let headers = Headers {
        fields: if is_64 { OF_64 } else { OF_32 },
        is_little: *file.get(5)? == elf::ELFDATA2LSB.0,
    };
    let packed: Vec<usize> = headers
        .all(file)?
        .filter(|header| headers.is_packed(file, *header) == Some(true))
        .collect();
    let is_nameless = headers.is_nameless(file)?;
    if packed.is_empty() && !is_nameless {
        return None;
    }
    let mut copy = file.to_vec();
    if is_nameless {
        headers.name_nothing(&mut copy)?;
    }
    let mut room_bytes = MAX_EXPANSION * file.len() as u64;
    for header in packed {
        let data = headers.packed(file, header).filter(|data| data.uncompressed_size <= room_bytes);
        let plain = data.and_then(|data| {
            room_bytes -= data.uncompressed_size;
            expand(&data, data.format).ok()
        });
        headers.replace(&mut copy, header, plain.as_deref())?;
    }
    Some(copy)
}

struct Headers {
    fields: Fields,
    is_little: bool,
}

impl Headers {
    /// Where the headers of sections lie.
    fn all(&self, file: &[u8]) -> Option<impl Iterator<Item = usize>> {
        let Fields { word, table, entry_bytes, count, .. } = self.fields;
        let table = usize::try_from(self.read(file, table, word)?).ok()?;
        let entry_bytes = usize::try_from(self.read(file, entry_bytes, 2)?).ok()?;
        let count = usize::try_from(self.read(file, count, 2)?).ok()?;
        Some((0..count).map_while(move |index| table.checked_add(index * entry_bytes)))
    }

    /// Whether there are sections, but none has their names (gABI, "ELF Header": `e_shstrndx`).
    fn is_nameless(&self, file: &[u8]) -> Option<bool> {
        let Fields { word, table, count, names, link, .. } = self.fields;
        let count = self.read(file, count, 2)?;
        let index = match self.read(file, names, 2)? {
            index if index == SECTION_0_SAYS => {
                let first = usize::try_from(self.read(file, table, word)?).ok()?;
                self.read(file, first.checked_add(link)?, 4)?
            }
            index => index,
        };
        Some(count > 0 && (index == 0 || index >= count))
    }

    /// Lets section 0, which has no contents, be the one with the names.
    fn name_nothing(&self, copy: &mut [u8]) -> Option<()> {
        let Fields { word, table, names, link, .. } = self.fields;
        let first = usize::try_from(self.read(copy, table, word)?).ok()?;
        self.write(copy, first.checked_add(link)?, 4, 0)?;
        self.write(copy, names, 2, SECTION_0_SAYS)
    }

    fn is_packed(&self, file: &[u8], header: usize) -> Option<bool> {
        let kind = self.read(file, header.checked_add(TYPE)?, 4)?;
        let flags = self.read(file, header.checked_add(self.fields.flags)?, self.fields.word)?;
        let is_table =
            [elf::SHT_SYMTAB, elf::SHT_STRTAB].iter().any(|table| u64::from(table.0) == kind);
        Some(is_table && flags & elf::SHF_COMPRESSED.0 != 0)
    }

    fn packed<'d>(&self, file: &'d [u8], header: usize) -> Option<CompressedData<'d>> {
        let Fields { word, offset, size, plain_size, packed, .. } = self.fields;
        let start = usize::try_from(self.read(file, header + offset, word)?).ok()?;
        let bytes = usize::try_from(self.read(file, header + size, word)?).ok()?;
        let section = file.get(start..start.checked_add(bytes)?)?;
        let format = match self.read(section, 0, 4)? {
            kind if kind == u64::from(elf::ELFCOMPRESS_ZLIB.0) => CompressionFormat::Zlib,
            kind if kind == u64::from(elf::ELFCOMPRESS_ZSTD.0) => CompressionFormat::Zstandard,
            _ => return None,
        };
        let uncompressed_size = self.read(section, plain_size, word)?;
        Some(CompressedData { format, data: section.get(packed..)?, uncompressed_size })
    }

    /// Lets `header` lead to `plain`, which is put at the end of `copy`; to nothing, if there is
    /// none.
    fn replace(&self, copy: &mut Vec<u8>, header: usize, plain: Option<&[u8]>) -> Option<()> {
        let Fields { word, flags, offset, size, .. } = self.fields;
        let Some(plain) = plain else {
            return self.write(copy, header + TYPE, 4, elf::SHT_NULL.0.into());
        };
        // Symbols are read where they are aligned.
        copy.resize(copy.len().next_multiple_of(8), 0);
        let start = copy.len() as u64;
        copy.extend_from_slice(plain);
        let old_flags = self.read(copy, header + flags, word)?;
        self.write(copy, header + flags, word, old_flags & !elf::SHF_COMPRESSED.0)?;
        self.write(copy, header + offset, word, start)?;
        self.write(copy, header + size, word, plain.len() as u64)
    }

    fn read(&self, bytes: &[u8], at: usize, width: usize) -> Option<u64> {
        let field = bytes.get(at..at.checked_add(width)?)?;
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_little {
            field.iter().rev().fold(0, push)
        } else {
            field.iter().fold(0, push)
        })
    }

    fn write(&self, bytes: &mut [u8], at: usize, width: usize, number: u64) -> Option<()> {
        let field = bytes.get_mut(at..at.checked_add(width)?)?;
        for (place, byte) in number.to_le_bytes()[..width].iter().enumerate() {
            field[if self.is_little { place } else { width - 1 - place }] = *byte;
        }
        Some(())
    }
}
