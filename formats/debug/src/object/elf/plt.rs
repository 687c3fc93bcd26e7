//! Names the stubs of the procedure linkage table by the function that each jumps to
//! (`malloc@plt`).
//!
//! No table lists them. A stub loads the address of its function from a slot of the global offset
//! table, and the relocation of that slot names the function; so each stub's instructions are read
//! for the slot. Known are the stubs that GNU ld, gold, lld and mold write for x86, ARM, `AArch64`,
//! RISC-V and s390x.

use hashbrown::HashMap;
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationTarget,
};

use crate::limits::MAX_NAME_BYTES;
use crate::object::symbols::SyntheticSymbol;

/// What stands after the name of the function that a stub leads to, as in GNU objdump.
const STUB_SUFFIX: &[u8] = b"@plt";

/// Instructions that lead to the slot at `slot`.
struct Jump {
    start: u64,
    end: u64,
    slot: u64,
}

/// The stubs of `file`, sorted and disjoint.
pub fn read(file: &object::File<'_>) -> Vec<SyntheticSymbol> {
    let mut jumps = Vec::new();
    for section in file.sections() {
        let is_stubs =
            matches!(section.name_bytes(), Ok(b".plt" | b".plt.sec" | b".plt.got" | b".plt.bnd"));
        if let (true, Ok(code)) = (is_stubs, section.data()) {
            let before = jumps.len();
            find(file, section.address(), code, &mut jumps);
            lengthen(&mut jumps[before..], section.address().saturating_add(code.len() as u64));
        }
    }
    if jumps.is_empty() {
        return Vec::new();
    }
    let slots = slots(file);
    jumps.sort_by_key(|jump| jump.start);
    let mut stubs: Vec<SyntheticSymbol> = Vec::new();
    for jump in jumps {
        let Some(name) = slots.get(&jump.slot) else { continue };
        let start = stubs.last().map_or(jump.start, |last| last.end.max(jump.start));
        if start < jump.end {
            stubs.push(SyntheticSymbol {
                start,
                end: jump.end,
                name: [name, STUB_SUFFIX].concat(),
            });
        }
    }
    stubs
}

/// The names of the functions that the dynamic linker puts into slots.
fn slots<'d>(file: &object::File<'d>) -> HashMap<u64, &'d [u8]> {
    let (Some(relocations), Some(symbols)) =
        (file.dynamic_relocations(), file.dynamic_symbol_table())
    else {
        return HashMap::new();
    };
    let name = |target| {
        let RelocationTarget::Symbol(index) = target else { return None };
        symbols
            .symbol_by_index(index)
            .ok()?
            .name_bytes()
            .ok()
            .filter(|name| !name.is_empty() && name.len() <= MAX_NAME_BYTES)
    };
    relocations.filter_map(|(slot, relocation)| Some((slot, name(relocation.target())?))).collect()
}

/// Lets each stub reach to the next: what stands between them (a second entry point, padding) is
/// part of it.
fn lengthen(jumps: &mut [Jump], section_end: u64) {
    for at in 0..jumps.len() {
        let next = jumps.get(at + 1).map_or(section_end, |next| next.start);
        // The last one is no longer than the one before.
        let length =
            at.checked_sub(1).map_or(u64::MAX, |before| jumps[before].end - jumps[before].start);
        let jump = &mut jumps[at];
        jump.end =
            if next == section_end { jump.start.saturating_add(length).min(next) } else { next };
    }
}

fn find(file: &object::File<'_>, address: u64, code: &[u8], jumps: &mut Vec<Jump>) {
    match file.architecture() {
        Architecture::X86_64 | Architecture::X86_64_X32 => {
            x86(address, code, jumps, |after, [a, b, c, d]| {
                matches!(after, [0xff, 0x25])
                    .then_some(Slot::Relative(i32::from_le_bytes([a, b, c, d])))
            });
        }
        Architecture::I386 => {
            let table = [".got.plt", ".got"]
                .iter()
                .find_map(|name| file.section_by_name(name))
                .map_or(0, |got| got.address());
            x86(address, code, jumps, |opcode, [a, b, c, d]| match opcode {
                [0xff, 0x25] => Some(Slot::At(u64::from(u32::from_le_bytes([a, b, c, d])))),
                [0xff, 0xa3] => Some(Slot::At(
                    table.wrapping_add_signed(i64::from(i32::from_le_bytes([a, b, c, d])))
                        & 0xffff_ffff,
                )),
                _ => None,
            });
        }
        Architecture::Aarch64 | Architecture::Aarch64_Ilp32 => words(address, code, jumps, aarch64),
        Architecture::Arm => words(address, code, jumps, arm),
        Architecture::Riscv32 | Architecture::Riscv64 => words(address, code, jumps, riscv),
        Architecture::S390x => s390x(address, code, jumps),
        _ => {}
    }
}

enum Slot {
    At(u64),
    /// From the end of the instruction.
    Relative(i32),
}

/// `jmp *SLOT`, in entries of 16 bytes, or of 8 where two jumps stand in one.
fn x86(
    address: u64,
    code: &[u8],
    jumps: &mut Vec<Jump>,
    slot: impl Fn([u8; 2], [u8; 4]) -> Option<Slot>,
) {
    let mut at = 0;
    while let Some(&[a, b, c, d, e, f]) = code.get(at..).and_then(|rest| rest.first_chunk()) {
        let Some(slot) = slot([a, b], [c, d, e, f]) else {
            at += 1;
            continue;
        };
        let end = address.wrapping_add(at as u64).wrapping_add(6);
        let slot = match slot {
            Slot::At(slot) => slot,
            Slot::Relative(distance) => end.wrapping_add_signed(i64::from(distance)),
        };
        // endbr64 or a bnd prefix may stand before the jump; entries begin at a multiple of 8.
        jumps.push(Jump { start: (end - 6) & !7, end, slot });
        at += 6;
    }
}

/// Gets an address and the instructions from there on, and returns how many belong to a stub, and
/// its slot.
type StubAt = fn(u64, &[u32]) -> Option<(usize, u64)>;

/// Instructions of four bytes each.
fn words(address: u64, code: &[u8], jumps: &mut Vec<Jump>, stub: StubAt) {
    let words: Vec<u32> = code.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let mut at = 0;
    while at < words.len() {
        let start = address.wrapping_add(4 * at as u64);
        match stub(start, &words[at..]) {
            Some((length, slot)) => {
                jumps.push(Jump { start, end: start.wrapping_add(4 * length as u64), slot });
                at += length;
            }
            None => at += 1,
        }
    }
}

/// `[bti c;] adrp x16, PAGE; ldr x17, [x16, #OFFSET]; add x16, …; br x17`.
fn aarch64(address: u64, words: &[u32]) -> Option<(usize, u64)> {
    let landing = usize::from(words.first() == Some(&0xd503_245f));
    let &[adrp, ldr] = words.get(landing..)?.first_chunk()?;
    if adrp & 0x9f00_001f != 0x9000_0010 || ldr & 0xbfc0_03ff != 0xb940_0211 {
        return None;
    }
    let pages = i64::from((adrp << 8).cast_signed() >> 11 & !3 | (adrp >> 29 & 3).cast_signed());
    let scale = ldr >> 30;
    let page = (address.wrapping_add(4 * landing as u64) & !0xfff).wrapping_add_signed(pages << 12);
    Some((landing + 2, page.wrapping_add(u64::from(ldr >> 10 & 0xfff) << scale)))
}

/// `add ip, pc, #A; add ip, ip, #B; ldr pc, [ip, #C]!`.
fn arm(address: u64, words: &[u32]) -> Option<(usize, u64)> {
    let rotated = |word: u32| u64::from((word & 0xff).rotate_right(2 * (word >> 8 & 0xf)));
    let &[first, second, third] = words.first_chunk()?;
    if first & 0xffff_f000 != 0xe28f_c000
        || second & 0xffff_f000 != 0xe28c_c000
        || third & 0xffff_f000 != 0xe5bc_f000
    {
        return None;
    }
    let slot = address
        .wrapping_add(8)
        .wrapping_add(rotated(first))
        .wrapping_add(rotated(second))
        .wrapping_add(u64::from(third & 0xfff));
    Some((3, slot & 0xffff_ffff))
}

/// `auipc t3, PAGES; l[wd] t3, OFFSET(t3); jalr t1, t3`.
fn riscv(address: u64, words: &[u32]) -> Option<(usize, u64)> {
    let &[auipc, load, jalr] = words.first_chunk()?;
    if auipc & 0xfff != 0xe17
        || !matches!(load & 0xf_ffff, 0xe_2e03 | 0xe_3e03)
        || jalr & 0xfff != 0x367
    {
        return None;
    }
    let pages = i64::from((auipc & 0xffff_f000).cast_signed());
    let offset = i64::from(load.cast_signed() >> 20);
    Some((3, address.wrapping_add_signed(pages).wrapping_add_signed(offset)))
}

/// `larl %r1, SLOT; lg %r1, 0(%r1); br %r1`, in entries of 32 bytes.
fn s390x(address: u64, code: &[u8], jumps: &mut Vec<Jump>) {
    for (index, entry) in code.as_chunks::<32>().0.iter().enumerate() {
        let &[0xc0, 0x10, a, b, c, d, 0xe3, 0x10, 0x10, 0x00, 0x00, 0x04, ..] = entry else {
            continue;
        };
        let start = address.wrapping_add(32 * index as u64);
        let slot = start.wrapping_add_signed(2 * i64::from(i32::from_be_bytes([a, b, c, d])));
        jumps.push(Jump { start, end: start.wrapping_add(32), slot });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot_of(words: &[u32], stub: StubAt) -> Option<u64> {
        stub(0x1_0000, words).map(|(_, slot)| slot)
    }

    /// Instructions as GNU as encodes them, checked with objdump.
    #[test]
    fn slots_of_four_byte_instructions() {
        // adrp x16, 0x30000; ldr x17, [x16, #0x10]
        assert_eq!(slot_of(&[0x9000_0110, 0xf940_0a11], aarch64), Some(0x3_0010));
        // The same behind bti c, from 0x10004.
        assert_eq!(slot_of(&[0xd503_245f, 0x9000_0110, 0xf940_0a11], aarch64), Some(0x3_0010));
        // adrp x16, 0xf000 (one page back); ldr x17, [x16]
        assert_eq!(slot_of(&[0xf0ff_fff0, 0xf940_0211], aarch64), Some(0xf000));
        // add ip, pc, #0, 12; add ip, ip, #0x10000; ldr pc, [ip, #0x1c]!
        assert_eq!(slot_of(&[0xe28f_c600, 0xe28c_ca10, 0xe5bc_f01c], arm), Some(0x2_0024));
        // auipc t3, 0x2; ld t3, -16(t3); jalr t1, t3
        assert_eq!(slot_of(&[0x0000_2e17, 0xff0e_3e03, 0x000e_0367], riscv), Some(0x1_1ff0));
        assert_eq!(slot_of(&[0, 0, 0], riscv), None);
        assert_eq!(slot_of(&[], arm), None);
    }

    #[test]
    fn stubs_reach_to_the_next() {
        let jump = |start, end| Jump { start, end, slot: 0 };
        let mut jumps = [jump(0x20, 0x26), jump(0x30, 0x36), jump(0x40, 0x46)];
        lengthen(&mut jumps, 0x60);
        assert_eq!(
            jumps.map(|jump| (jump.start, jump.end)),
            [(0x20, 0x30), (0x30, 0x40), (0x40, 0x50)]
        );
    }
}
