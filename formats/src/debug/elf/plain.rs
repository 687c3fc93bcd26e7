//! Symbol tables that a linker has compressed (lld, `--compress-sections=.strtab=zlib`; gABI, "Section Compression"): a copy of
//! the file in which they are plain, for readers that expect no others.

use object::{CompressedData, CompressionFormat, elf};

use crate::debug::sections::expand;
use crate::limits::MAX_EXPANSION;

/// Where fields stand in the headers of a file of 32 or 64 bits.
struct Fields {
    /// Bytes of an offset.
    word: usize,
    /// In the file's header: where the headers of sections lie, how long one is, and how many there are.
    table: usize,
    entry_bytes: usize,
    count: usize,
    /// In a section's header.
    flags: usize,
    offset: usize,
    size: usize,
    /// In the header of compressed data, and how long that is.
    plain_size: usize,
    packed: usize,
}

const OF_32: Fields =
    Fields { word: 4, table: 0x20, entry_bytes: 0x2e, count: 0x30, flags: 8, offset: 16, size: 20, plain_size: 4, packed: 12 };
const OF_64: Fields =
    Fields { word: 8, table: 0x28, entry_bytes: 0x3a, count: 0x3c, flags: 8, offset: 24, size: 32, plain_size: 8, packed: 24 };
/// Where a section's header says what it is, in 4 bytes.
const TYPE: usize = 4;

/// The bytes of `file` with plain symbol tables; `None` if they are plain already. What cannot be expanded is no symbol
/// table any more.
pub fn expanded(file: &[u8]) -> Option<Vec<u8>> {
    if !file.starts_with(&elf::ELFMAG) {
        return None;
    }
    let is_64 = *file.get(4)? == elf::ELFCLASS64.0;
    let headers = Headers { fields: if is_64 { OF_64 } else { OF_32 }, is_little: *file.get(5)? == elf::ELFDATA2LSB.0 };
    let packed: Vec<usize> = headers.all(file)?.filter(|header| headers.is_packed(file, *header) == Some(true)).collect();
    if packed.is_empty() {
        return None;
    }
    let mut copy = file.to_vec();
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

    fn is_packed(&self, file: &[u8], header: usize) -> Option<bool> {
        let kind = self.read(file, header.checked_add(TYPE)?, 4)?;
        let flags = self.read(file, header.checked_add(self.fields.flags)?, self.fields.word)?;
        let is_table = [elf::SHT_SYMTAB, elf::SHT_STRTAB].iter().any(|table| u64::from(table.0) == kind);
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

    /// Lets `header` lead to `plain`, which is put at the end of `copy`; to nothing, if there is none.
    fn replace(&self, copy: &mut Vec<u8>, header: usize, plain: Option<&[u8]>) -> Option<()> {
        let Fields { word, flags, offset, size, .. } = self.fields;
        let Some(plain) = plain else { return self.write(copy, header + TYPE, 4, elf::SHT_NULL.0.into()) };
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
        Some(if self.is_little { field.iter().rev().fold(0, push) } else { field.iter().fold(0, push) })
    }

    fn write(&self, bytes: &mut [u8], at: usize, width: usize, number: u64) -> Option<()> {
        let field = bytes.get_mut(at..at.checked_add(width)?)?;
        for (place, byte) in number.to_le_bytes()[..width].iter().enumerate() {
            field[if self.is_little { place } else { width - 1 - place }] = *byte;
        }
        Some(())
    }
}
