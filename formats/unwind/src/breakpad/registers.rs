//! The registers that records name: [`Registers`].

use hashbrown::HashMap;

use crate::architecture::Architecture;
use crate::rule::Register;

/// The registers of a module, found by name.
#[derive(Debug)]
pub struct Registers {
    architecture: Architecture,
    /// Those that were found: records name the same few again and again.
    found: HashMap<Box<[u8]>, Register>,
}

impl Registers {
    /// Those of `architecture`.
    pub fn of(architecture: Architecture) -> Self {
        Self { architecture, found: HashMap::new() }
    }

    /// The register called `name`, with a `$` before it on x86.
    pub fn named(&mut self, name: &[u8]) -> Option<Register> {
        if let Some(register) = self.found.get(name) {
            return Some(*register);
        }
        let register = self.architecture.register(std::str::from_utf8(name).ok()?)?;
        // As many as there are registers and spellings of them.
        self.found.insert(name.into(), register);
        Some(register)
    }

    /// The register that a call leaves the return address in.
    pub fn link(&self) -> Option<Register> {
        self.architecture.link_register()
    }
}

/// What records call `register`.
pub fn name(architecture: Architecture, register: Register) -> Option<String> {
    let name = match (architecture, register.0) {
        (Architecture::X86, 8) => "eip",
        (Architecture::X86_64, 16) => "rip",
        (Architecture::Arm, 13) => "sp",
        (Architecture::Arm, 14) => "lr",
        (Architecture::Arm, 15) => "pc",
        _ => architecture.register_name(register)?,
    };
    Some(match architecture {
        Architecture::X86 | Architecture::X86_64 => format!("${name}"),
        Architecture::Arm | Architecture::Arm64 => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_by_name() {
        for (arch, known, want) in [
            (Architecture::X86_64, "$rsp", Some(7)),
            (Architecture::X86_64, "$r15", Some(15)),
            (Architecture::X86_64, "$rip", Some(16)),
            (Architecture::X86, "$esp", Some(4)),
            (Architecture::X86, "$eip", Some(8)),
            (Architecture::Arm, "r7", Some(7)),
            (Architecture::Arm, "fp", Some(11)),
            (Architecture::Arm, "lr", Some(14)),
            (Architecture::Arm64, "x19", Some(19)),
            (Architecture::Arm64, "lr", Some(30)),
            (Architecture::Arm64, "sp", Some(31)),
            (Architecture::Mips, "$ra", Some(31)),
            (Architecture::RiscV, "s0", Some(8)),
            (Architecture::X86_64, "$nosuch", None),
            (Architecture::Other, "r1", None),
        ] {
            let mut registers = Registers::of(arch);
            for _ in 0..2 {
                assert_eq!(registers.named(known.as_bytes()), want.map(Register), "{known}");
            }
            if let Some(register) = want.map(Register) {
                let name = name(arch, register).unwrap();
                assert_eq!(registers.named(name.as_bytes()), Some(register), "{known} {name}");
            }
        }
    }
}
