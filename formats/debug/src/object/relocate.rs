//! Relocates a debug section of a relocatable object.
//!
//! Debug sections need little: a symbol's address, or the difference of two. RISC-V and `LoongArch`
//! leave differences to the linker, which may shorten code (RISC-V psABI, "Relocations";
//! `LoongArch` psABI, likewise).

use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, Relocation, RelocationFlags, RelocationKind,
    RelocationTarget,
};
use object::{SymbolSection, elf};

use super::layout::Layout;
use crate::bytes::leb128;

/// What a relocation does to the number at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Puts the value there, or adds what is there already if the addend is implicit.
    Set,
    /// Puts the value less the place there.
    SetRelative,
    Add,
    Sub,
    /// The low six bits only.
    SetSix,
    SubSix,
    SetUleb,
    SubUleb,
}

/// Where a number lies and how wide it is; 0 bytes for ULEB128.
#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    bytes: usize,
}

/// Applies the relocations of `section` to `data`, its contents. Returns how many could not be
/// applied.
pub fn apply<'d>(
    file: &object::File<'d>,
    layout: &Layout,
    section: &object::Section<'d, '_>,
    data: &mut [u8],
) -> u64 {
    let mut failed = 0;
    let is_little = file.is_little_endian();
    for (offset, relocation) in section.relocations() {
        let Some((change, bytes)) = change(file.architecture(), &relocation) else {
            failed += u64::from(!does_nothing(file.architecture(), &relocation));
            continue;
        };
        let done = usize::try_from(offset).ok().zip(target(file, layout, &relocation)).and_then(
            |(at, target)| {
                let value = target.wrapping_add(relocation.addend().cast_unsigned());
                write(
                    data,
                    Place { offset: at, bytes },
                    change,
                    value,
                    relocation.has_implicit_addend(),
                    is_little,
                )
            },
        );
        failed += u64::from(done.is_none());
    }
    failed
}

fn change(machine: Architecture, relocation: &Relocation) -> Option<(Change, usize)> {
    let bytes = usize::from(relocation.size() / 8);
    match relocation.kind() {
        RelocationKind::Absolute if bytes > 0 => return Some((Change::Set, bytes)),
        RelocationKind::Relative if bytes > 0 => return Some((Change::SetRelative, bytes)),
        _ => {}
    }
    let RelocationFlags::Elf { r_type } = relocation.flags() else { return None };
    match machine {
        Architecture::Riscv32 | Architecture::Riscv64 => Some(match r_type {
            elf::R_RISCV_ADD8 => (Change::Add, 1),
            elf::R_RISCV_ADD16 => (Change::Add, 2),
            elf::R_RISCV_ADD32 => (Change::Add, 4),
            elf::R_RISCV_ADD64 => (Change::Add, 8),
            elf::R_RISCV_SUB8 => (Change::Sub, 1),
            elf::R_RISCV_SUB16 => (Change::Sub, 2),
            elf::R_RISCV_SUB32 => (Change::Sub, 4),
            elf::R_RISCV_SUB64 => (Change::Sub, 8),
            elf::R_RISCV_SET6 => (Change::SetSix, 1),
            elf::R_RISCV_SUB6 => (Change::SubSix, 1),
            elf::R_RISCV_SET8 => (Change::Set, 1),
            elf::R_RISCV_SET16 => (Change::Set, 2),
            elf::R_RISCV_SET32 => (Change::Set, 4),
            elf::R_RISCV_32_PCREL => (Change::SetRelative, 4),
            elf::R_RISCV_SET_ULEB128 => (Change::SetUleb, 0),
            elf::R_RISCV_SUB_ULEB128 => (Change::SubUleb, 0),
            _ => return None,
        }),
        Architecture::LoongArch32 | Architecture::LoongArch64 => Some(match r_type {
            elf::R_LARCH_ADD8 => (Change::Add, 1),
            elf::R_LARCH_ADD16 => (Change::Add, 2),
            elf::R_LARCH_ADD32 => (Change::Add, 4),
            elf::R_LARCH_ADD64 => (Change::Add, 8),
            elf::R_LARCH_SUB8 => (Change::Sub, 1),
            elf::R_LARCH_SUB16 => (Change::Sub, 2),
            elf::R_LARCH_SUB32 => (Change::Sub, 4),
            elf::R_LARCH_SUB64 => (Change::Sub, 8),
            // Compilers leave 0 in these fields, so that adding to them is setting them.
            elf::R_LARCH_ADD6 => (Change::SetSix, 1),
            elf::R_LARCH_SUB6 => (Change::SubSix, 1),
            elf::R_LARCH_ADD_ULEB128 => (Change::SetUleb, 0),
            elf::R_LARCH_SUB_ULEB128 => (Change::SubUleb, 0),
            _ => return None,
        }),
        _ => None,
    }
}

/// Whether a relocation only tells the linker what it may shorten, or where a thread-local variable
/// lies, which no function needs.
fn does_nothing(machine: Architecture, relocation: &Relocation) -> bool {
    use Architecture as A;
    let RelocationFlags::Elf { r_type } = relocation.flags() else { return false };
    if relocation.kind() == RelocationKind::None {
        return true;
    }
    match machine {
        A::X86_64 | A::X86_64_X32 => {
            matches!(r_type, elf::R_X86_64_DTPOFF32 | elf::R_X86_64_DTPOFF64)
        }
        A::I386 => r_type == elf::R_386_TLS_LDO_32,
        A::Arm => r_type == elf::R_ARM_TLS_LDO32,
        A::Mips | A::Mips64 | A::Mips64_N32 => {
            matches!(r_type, elf::R_MIPS_TLS_DTPREL32 | elf::R_MIPS_TLS_DTPREL64)
        }
        A::PowerPc => r_type == elf::R_PPC_DTPREL32,
        A::PowerPc64 => r_type == elf::R_PPC64_DTPREL64,
        A::S390x => matches!(r_type, elf::R_390_TLS_LDO32 | elf::R_390_TLS_LDO64),
        A::Riscv32 | A::Riscv64 => {
            matches!(
                r_type,
                elf::R_RISCV_RELAX
                    | elf::R_RISCV_ALIGN
                    | elf::R_RISCV_TLS_DTPREL32
                    | elf::R_RISCV_TLS_DTPREL64
            )
        }
        A::LoongArch32 | A::LoongArch64 => {
            matches!(
                r_type,
                elf::R_LARCH_RELAX
                    | elf::R_LARCH_ALIGN
                    | elf::R_LARCH_TLS_DTPREL32
                    | elf::R_LARCH_TLS_DTPREL64
            )
        }
        _ => false,
    }
}

/// The address of what a relocation refers to. What is defined elsewhere lies at 0.
fn target(file: &object::File<'_>, layout: &Layout, relocation: &Relocation) -> Option<u64> {
    match relocation.target() {
        RelocationTarget::Absolute => Some(0),
        RelocationTarget::Section(index) => Some(layout.symbol_address(index, 0)),
        RelocationTarget::Symbol(index) => {
            let symbol = file.symbol_by_index(index).ok()?;
            Some(match symbol.section() {
                SymbolSection::Section(section) => layout.symbol_address(section, symbol.address()),
                SymbolSection::Absolute => symbol.address(),
                _ => 0,
            })
        }
        _ => None,
    }
}

fn write(
    data: &mut [u8],
    place: Place,
    change: Change,
    value: u64,
    adds: bool,
    is_little: bool,
) -> Option<()> {
    let field = data.get_mut(place.offset..)?;
    if place.bytes == 0 {
        return leb128::rewrite(field, |old| {
            if change == Change::SubUleb { old.wrapping_sub(value) } else { value }
        });
    }
    let field = field.get_mut(..place.bytes)?;
    let old = read(field, is_little);
    let six = |new: u64| old & !0x3f | new & 0x3f;
    let base = if adds { old } else { 0 };
    let new = match change {
        Change::Set => base.wrapping_add(value),
        Change::SetRelative => base.wrapping_add(value).wrapping_sub(place.offset as u64),
        Change::Add => old.wrapping_add(value),
        Change::Sub => old.wrapping_sub(value),
        Change::SetSix => six(value),
        Change::SubSix => six(old.wrapping_sub(value)),
        Change::SetUleb | Change::SubUleb => return None,
    };
    let bytes = new.to_le_bytes();
    for (at, byte) in field.iter_mut().enumerate() {
        *byte = bytes[if is_little { at } else { place.bytes - 1 - at }];
    }
    Some(())
}

fn read(field: &[u8], is_little: bool) -> u64 {
    let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    if is_little { field.iter().rev().fold(0, push) } else { field.iter().fold(0, push) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(
        before: &[u8],
        bytes: usize,
        change: Change,
        value: u64,
        adds: bool,
        is_little: bool,
    ) -> Vec<u8> {
        let mut data = before.to_vec();
        assert_eq!(
            write(&mut data, Place { offset: 1, bytes }, change, value, adds, is_little),
            Some(())
        );
        data
    }

    #[test]
    fn numbers_of_both_byte_orders() {
        assert_eq!(written(&[9, 1, 0, 9], 2, Change::Set, 0x203, false, true), [9, 3, 2, 9]);
        assert_eq!(written(&[9, 0, 1, 9], 2, Change::Set, 0x203, true, false), [9, 2, 4, 9]);
        assert_eq!(
            written(&[9, 5, 0, 9], 2, Change::SetRelative, 0x10, false, true),
            [9, 15, 0, 9]
        );
    }

    #[test]
    fn differences() {
        assert_eq!(written(&[9, 5, 0, 9], 2, Change::Add, 0x100, false, true), [9, 5, 1, 9]);
        assert_eq!(written(&[9, 5, 1, 9], 2, Change::Sub, 6, false, true), [9, 0xff, 0, 9]);
        assert_eq!(written(&[9, 0xc5, 9], 1, Change::SubSix, 6, false, true), [9, 0xff, 9]);
        assert_eq!(
            written(&[9, 0x80, 0x81, 0x00, 9], 0, Change::SubUleb, 1, false, true),
            [9, 0xff, 0x80, 0x00, 9]
        );
        assert_eq!(
            written(&[9, 0x80, 0x80, 0x00, 9], 0, Change::SetUleb, 0x81, false, true),
            [9, 0x81, 0x81, 0x00, 9]
        );
    }

    #[test]
    fn a_place_outside_is_not_written() {
        let mut data = [0; 4];
        assert_eq!(
            write(&mut data, Place { offset: 2, bytes: 4 }, Change::Set, 1, false, true),
            None
        );
        assert_eq!(
            write(&mut data, Place { offset: usize::MAX, bytes: 4 }, Change::Set, 1, false, true),
            None
        );
        assert_eq!(
            write(&mut [0x80; 4], Place { offset: 0, bytes: 0 }, Change::SetUleb, 1, false, true),
            None
        );
    }
}
