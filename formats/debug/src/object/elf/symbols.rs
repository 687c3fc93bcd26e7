//! Reads symbol tables of ELF files.
//!
//! Functions, untyped and data symbols of allocated sections count (gABI, "Symbol Table").

use std::borrow::Cow;

use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolFlags, SymbolSection, elf};

use crate::limits::MAX_NAME_BYTES;
use crate::object::layout::Layout;
use crate::object::relocate;
use crate::object::symbols::SymbolEntry;

/// Those of `symbols`, which are from a table of `file`, that name addresses.
pub fn entries<'d: 'f, 'f>(
    file: &'f object::File<'d>,
    symbols: impl Iterator<Item = object::Symbol<'d, 'f>>,
    layout: &Layout,
) -> Vec<SymbolEntry<'d>> {
    let machine = file.architecture();
    let descriptors = Descriptors::of(file, layout);
    let mut source = None;
    let mut entries = Vec::new();
    for symbol in symbols {
        let SymbolFlags::Elf { st_info, .. } = symbol.flags() else { continue };
        let kind = st_info.st_type();
        let Some(name) = symbol.name_bytes().ok().filter(|name| name.len() <= MAX_NAME_BYTES)
        else {
            continue;
        };
        if kind == elf::STT_FILE {
            source = Some(name);
            continue;
        }
        let counts =
            matches!(kind, elf::STT_NOTYPE | elf::STT_FUNC | elf::STT_OBJECT | elf::STT_GNU_IFUNC);
        let SymbolSection::Section(section) = symbol.section() else { continue };
        if !counts || !is_allocated(file, section) || is_mapping_symbol(machine, name) {
            continue;
        }
        // Bit 0 of a function's address says Thumb or microMIPS.
        let has_mode_bit = kind == elf::STT_FUNC
            && matches!(
                machine,
                object::Architecture::Arm
                    | object::Architecture::Mips
                    | object::Architecture::Mips64
            );
        let value = if has_mode_bit { symbol.address() & !1 } else { symbol.address() };
        let address = layout.symbol_address(section, value);
        let address = descriptors
            .as_ref()
            .and_then(|descriptors| descriptors.code(address))
            .unwrap_or(address);
        entries.push(SymbolEntry {
            address,
            size: symbol.size(),
            name,
            file: source.filter(|_| symbol.is_local()),
        });
    }
    entries
}

/// Function descriptors, to which symbols of big-endian ppc64 refer instead of code (64-bit PowerPC
/// ELF ABI 1.9, section 3.2.1).
struct Descriptors<'d> {
    address: u64,
    data: Cow<'d, [u8]>,
}

impl<'d> Descriptors<'d> {
    fn of(file: &object::File<'d>, layout: &Layout) -> Option<Self> {
        let is_first_abi =
            file.architecture() == object::Architecture::PowerPc64 && !file.is_little_endian();
        let section = file.section_by_name(".opd").filter(|_| is_first_abi)?;
        let mut data = Cow::Borrowed(section.data().ok()?);
        if layout.is_relocatable() {
            relocate::apply(file, layout, &section, data.to_mut());
        }
        Some(Self { address: layout.address(&section), data })
    }

    /// The address of the code of the function whose descriptor lies at `address`.
    fn code(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.address)?).ok()?;
        Some(u64::from_be_bytes(*self.data.get(offset..)?.first_chunk()?))
    }
}

fn is_allocated(file: &object::File<'_>, section: object::SectionIndex) -> bool {
    file.section_by_index(section)
        .is_ok_and(|section| matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_ALLOC)))
}

/// Marks between code and data (`$a $t $d $x`), which name no function.
pub fn is_mapping_symbol(machine: object::Architecture, name: &[u8]) -> bool {
    use object::Architecture as A;
    let marks: &[&[u8]] = match machine {
        A::Arm => &[b"$a", b"$d", b"$t"],
        A::Aarch64 | A::Aarch64_Ilp32 | A::Riscv32 | A::Riscv64 => &[b"$d", b"$x"],
        A::Csky => &[b"$d", b"$t"],
        _ => return false,
    };
    // What assemblers call the ends of label differences that a linker may shorten.
    if matches!(machine, A::Riscv32 | A::Riscv64) && name == b".L0 " {
        return true;
    }
    let may_be_empty = !matches!(machine, A::Aarch64 | A::Aarch64_Ilp32 | A::Csky);
    (name.is_empty() && may_be_empty) || marks.iter().any(|mark| name.starts_with(mark))
}
