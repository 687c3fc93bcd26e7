//! Finds by program headers what section headers would say, in files that have none: what the
//! dynamic linker and unwinders use is also there at run time.

use object::read::StringTable;
use object::read::elf::{Dyn, ElfFile, FileHeader, GnuHashTable, HashTable, ProgramHeader, Sym};
use object::{Architecture, Object, ObjectSegment, elf};

use super::symbols::is_mapping_symbol;
use crate::limits::MAX_NAME_BYTES;
use crate::object::symbols::SymbolEntry;

/// How linkers encode the head of `.eh_frame_hdr`: addresses relative to themselves, a number of
/// four bytes, a table relative to the head (LSB 5.0, section 10.6.2).
const EH_FRAME_HEAD: [u8; 4] = [1, 0x1b, 0x03, 0x3b];

/// Calls `$body` with the file, of 32 or 64 bits.
macro_rules! with_elf {
    ($object:expr, $file:ident => $body:expr) => {
        match $object {
            object::File::Elf32($file) => $body,
            object::File::Elf64($file) => $body,
            _ => None,
        }
    };
}

/// Whether `object` is an ELF file that has segments and no sections.
pub fn are_all(object: &object::File<'_>) -> bool {
    object.format() == object::BinaryFormat::Elf
        && object.sections().next().is_none()
        && object.segments().next().is_some()
}

/// The address of `.eh_frame`, and its bytes up to the last entry that the table before it lists
/// (`PT_GNU_EH_FRAME`).
pub fn eh_frame<'d>(object: &object::File<'d>) -> Option<(u64, &'d [u8])> {
    let head = with_elf!(object, file => segment(file, elf::PT_GNU_EH_FRAME))?;
    let bytes = from(object, head)?;
    let word = |at: usize| {
        let word = *bytes.get(at..)?.first_chunk()?;
        Some(number(object, word))
    };
    if !bytes.starts_with(&EH_FRAME_HEAD) {
        return None;
    }
    let start = relative(head.checked_add(4)?, word(4)?)?;
    let count = usize::try_from(word(8)?).ok()?;
    let table = bytes.get(12..)?.chunks_exact(8).take(count);
    let entries = table.filter_map(|pair| relative(head, number(object, *pair.last_chunk()?)));
    let last = entries.filter(|entry| *entry >= start).max()?;
    let last_bytes = number(object, *from(object, last)?.first_chunk()?);
    let bytes = last.checked_sub(start)?.checked_add(4 + u64::from(last_bytes))?;
    Some((start, from(object, start)?.get(..usize::try_from(bytes).ok()?)?))
}

/// The symbols that the dynamic linker knows (`PT_DYNAMIC`).
pub fn symbols<'d>(object: &object::File<'d>) -> Vec<SymbolEntry<'d>> {
    with_elf!(object, file => dynamic_symbols(object, file)).unwrap_or_default()
}

fn dynamic_symbols<'d, Elf: FileHeader>(
    object: &object::File<'d>,
    file: &ElfFile<'d, Elf>,
) -> Option<Vec<SymbolEntry<'d>>> {
    let endian = file.endian();
    let mut headers = file.elf_program_headers().iter();
    let dynamic = headers.find_map(|header| header.dynamic(endian, file.data()).ok()?)?;
    let value = |tag| Some(dynamic.iter().find(|entry| entry.tag(endian) == tag)?.val(endian));
    let table = |tag| from(object, value(tag)?);
    let by_gnu_hash = || {
        let table = GnuHashTable::<Elf>::parse(endian, table(elf::DT_GNU_HASH)?).ok()?;
        table.symbol_table_length(endian)
    };
    let by_hash =
        || Some(HashTable::<Elf>::parse(endian, table(elf::DT_HASH)?).ok()?.symbol_table_length());
    let count = usize::try_from(by_gnu_hash().or_else(by_hash)?).ok()?;
    let symbols = table(elf::DT_SYMTAB)?;
    let (symbols, _) = object::pod::slice_from_bytes::<Elf::Sym>(symbols, count).ok()?;
    let names = table(elf::DT_STRTAB)?;
    let names = &names[..names.len().min(usize::try_from(value(elf::DT_STRSZ)?).ok()?)];
    let names = StringTable::new(names, 0, names.len() as u64);
    let machine = object.architecture();
    let has_mode_bit =
        matches!(machine, Architecture::Arm | Architecture::Mips | Architecture::Mips64);
    let entry = |symbol: &Elf::Sym| {
        let kind = symbol.st_type();
        let counts =
            matches!(kind, elf::STT_NOTYPE | elf::STT_FUNC | elf::STT_OBJECT | elf::STT_GNU_IFUNC);
        let name = symbol.name(endian, names).ok()?;
        let is_named = name.len() <= MAX_NAME_BYTES && !is_mapping_symbol(machine, name);
        let address: u64 = symbol.st_value(endian).into();
        let mode = u64::from(has_mode_bit && kind == elf::STT_FUNC);
        let is_here = !symbol.st_shndx(endian).is_special();
        (counts && is_named && is_here).then(|| SymbolEntry {
            address: address & !mode,
            size: symbol.st_size(endian).into(),
            name,
            file: None,
        })
    };
    Some(symbols.iter().filter_map(entry).collect())
}

/// The address of the first segment of `kind`.
fn segment<Elf: FileHeader>(file: &ElfFile<'_, Elf>, kind: elf::ProgramType) -> Option<u64> {
    let endian = file.endian();
    let mut headers = file.elf_program_headers().iter();
    headers.find(|header| header.p_type(endian) == kind).map(|header| header.p_vaddr(endian).into())
}

/// The bytes of the file from `address` to the end of its segment.
fn from<'d>(object: &object::File<'d>, address: u64) -> Option<&'d [u8]> {
    object.segments().find_map(|segment| {
        let offset = usize::try_from(address.checked_sub(segment.address())?).ok()?;
        segment.data().ok()?.get(offset..).filter(|bytes| !bytes.is_empty())
    })
}

fn number(object: &object::File<'_>, bytes: [u8; 4]) -> u32 {
    if object.is_little_endian() { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
}

/// `base` and a signed `distance`.
fn relative(base: u64, distance: u32) -> Option<u64> {
    base.checked_add_signed(distance.cast_signed().into())
}
