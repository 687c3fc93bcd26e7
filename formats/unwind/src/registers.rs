//! The names of registers by their numbers in DWARF.

use gimli::{AArch64, Arm, LoongArch, MIPS, PowerPc64, RiscV, X86, X86_64};

use crate::architecture::Architecture;
use crate::rule::Register;

/// Names that gimli's tables lack.
const ALIASES: [(Architecture, &str, u16); 6] = [
    (Architecture::X86, "eip", 8),
    (Architecture::X86_64, "rip", 16),
    (Architecture::Arm64, "lr", 30),
    (Architecture::Arm64, "fp", 29),
    (Architecture::Arm, "fp", 11),
    (Architecture::PowerPc, "sp", 1),
];

/// IBM Z: ELF Application Binary Interface, section 1.3 (DWARF register number mapping).
const S390X: [&str; 66] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "f0", "f2", "f4", "f6", "f1", "f3", "f5", "f7", "f8", "f10", "f12", "f14", "f9", "f11",
    "f13", "f15", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12",
    "c13", "c14", "c15", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11",
    "a12", "a13", "a14", "a15", "pswm", "pswa",
];

/// SPARC Compliance Definition 2.4, chapter 4: globals, outs, locals, ins.
const SPARC: [&str; 32] = [
    "g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "o0", "o1", "o2", "o3", "o4", "o5", "sp", "o7",
    "l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "i0", "i1", "i2", "i3", "i4", "i5", "fp", "i7",
];

/// The name of `register`.
pub fn name(architecture: Architecture, register: Register) -> Option<&'static str> {
    let known = gimli::Register(register.0);
    match architecture {
        Architecture::X86 => X86::register_name(known),
        Architecture::X86_64 => X86_64::register_name(known),
        Architecture::Arm => Arm::register_name(known),
        Architecture::Arm64 => AArch64::register_name(known),
        Architecture::LoongArch => LoongArch::register_name(known),
        Architecture::Mips => MIPS::register_name(known),
        Architecture::PowerPc => PowerPc64::register_name(known),
        Architecture::RiscV => RiscV::register_name(known),
        Architecture::S390x => S390X.get(usize::from(register.0)).copied(),
        Architecture::Sparc => SPARC.get(usize::from(register.0)).copied(),
        Architecture::Other => None,
    }
}

/// The register of this name, in any case and with or without `$` before it.
pub fn find(architecture: Architecture, name: &str) -> Option<Register> {
    let bare = name.strip_prefix('$').unwrap_or(name);
    let is = |known: &str| known.strip_prefix('$').unwrap_or(known).eq_ignore_ascii_case(bare);
    let alias = ALIASES.iter().find(|(of, known, _)| *of == architecture && is(known));
    if let Some(&(_, _, number)) = alias {
        return Some(Register(number));
    }
    let (upper, lower) = (bare.to_ascii_uppercase(), bare.to_ascii_lowercase());
    let spelled = [bare, &upper, &lower, &format!("${lower}")];
    if let Some(known) = spelled.iter().find_map(|spelling| by_gimli(architecture, spelling)) {
        return Some(Register(known.0));
    }
    let table: &[&str] = match architecture {
        Architecture::S390x => &S390X,
        Architecture::Sparc => &SPARC,
        _ => &[],
    };
    let at = table.iter().position(|known| is(known))?;
    u16::try_from(at).ok().map(Register)
}

fn by_gimli(architecture: Architecture, name: &str) -> Option<gimli::Register> {
    match architecture {
        Architecture::X86 => X86::name_to_register(name),
        Architecture::X86_64 => X86_64::name_to_register(name),
        Architecture::Arm => Arm::name_to_register(name),
        Architecture::Arm64 => AArch64::name_to_register(name),
        Architecture::LoongArch => LoongArch::name_to_register(name),
        Architecture::Mips => MIPS::name_to_register(name),
        Architecture::PowerPc => PowerPc64::name_to_register(name),
        Architecture::RiscV => RiscV::name_to_register(name),
        Architecture::S390x | Architecture::Sparc | Architecture::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Architecture; 10] = [
        Architecture::X86,
        Architecture::X86_64,
        Architecture::Arm,
        Architecture::Arm64,
        Architecture::LoongArch,
        Architecture::Mips,
        Architecture::PowerPc,
        Architecture::RiscV,
        Architecture::S390x,
        Architecture::Sparc,
    ];

    #[test]
    fn each_name_finds_its_register() {
        for architecture in ALL {
            let known = (0..2048).map(Register).filter_map(|register| {
                architecture.register_name(register).map(|name| (register, name))
            });
            let mut count = 0;
            for (register, name) in known {
                count += 1;
                assert_eq!(architecture.register(name), Some(register), "{architecture:?} {name}");
            }
            assert!(count >= 32 || architecture == Architecture::X86, "{architecture:?}: {count}");
        }
    }

    #[test]
    fn the_stack_pointer_has_its_name() {
        for (architecture, names) in [
            (Architecture::X86, vec!["esp", "$esp"]),
            (Architecture::X86_64, vec!["rsp", "RSP"]),
            (Architecture::Arm, vec!["sp", "r13"]),
            (Architecture::Arm64, vec!["sp"]),
            (Architecture::LoongArch, vec!["sp", "$r3"]),
            (Architecture::Mips, vec!["sp"]),
            (Architecture::PowerPc, vec!["r1"]),
            (Architecture::RiscV, vec!["sp", "x2"]),
            (Architecture::S390x, vec!["r15"]),
            (Architecture::Sparc, vec!["sp"]),
        ] {
            for name in names {
                assert_eq!(architecture.register(name), architecture.stack_pointer(), "{name}");
            }
        }
    }

    #[test]
    fn unknown_names_find_nothing() {
        for name in ["", "$", "r99", "rsp ", "é"] {
            assert_eq!(Architecture::X86_64.register(name), None, "{name}");
        }
    }
}
