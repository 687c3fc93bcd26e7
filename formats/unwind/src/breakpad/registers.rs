//! Names of registers in Breakpad's symbol files, and their numbers in DWARF: [`Registers`].

use gimli::{AArch64, Arm, LoongArch, MIPS, PowerPc64, RiscV, X86, X86_64};

use crate::rule::Register;

/// The registers of an architecture.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    named: fn(&str) -> Option<gimli::Register>,
    name: fn(gimli::Register) -> Option<&'static str>,
    /// How gimli spells names: those of ARM in capital letters.
    is_upper: bool,
    /// Whether names have a `$` before them.
    has_dollar: bool,
    /// Names that gimli does not know, with theirs.
    aliases: &'static [(&'static str, &'static str)],
}

impl Registers {
    /// Those of `arch`, which is named as LLVM does; none if it is not known.
    pub fn of(arch: &str) -> Self {
        let is_arm64 = arch.starts_with("arm64") || arch.starts_with("aarch64");
        let is_arm = !is_arm64 && (arch.starts_with("arm") || arch.starts_with("thumb"));
        let (named, name): (fn(&str) -> _, fn(_) -> _) = match arch {
            "x86_64" | "x86_64h" => (X86_64::name_to_register, X86_64::register_name),
            "i386" => (X86::name_to_register, X86::register_name),
            _ if is_arm64 => (AArch64::name_to_register, AArch64::register_name),
            _ if is_arm => (Arm::name_to_register, Arm::register_name),
            _ if arch.starts_with("mips") => (MIPS::name_to_register, MIPS::register_name),
            _ if arch.starts_with("riscv") => (RiscV::name_to_register, RiscV::register_name),
            _ if arch.starts_with("loongarch") => {
                (LoongArch::name_to_register, LoongArch::register_name)
            }
            _ if arch.starts_with("powerpc") => {
                (PowerPc64::name_to_register, PowerPc64::register_name)
            }
            _ => (|_| None, |_| None),
        };
        // Breakpad's walkers call frame pointers and links so (stackwalker_arm.cc,
        // stackwalker_arm64.cc).
        let aliases: &[_] = match arch {
            _ if is_arm64 => &[("fp", "X29"), ("lr", "X30")],
            _ if is_arm => &[("fp", "R11"), ("sp", "R13"), ("lr", "R14"), ("pc", "R15")],
            "i386" => &[("eip", "RA")],
            _ => &[("rip", "RA")],
        };
        let has_dollar = arch.starts_with("x86_64") || arch == "i386";
        Self { named, name, is_upper: is_arm64 || is_arm, has_dollar, aliases }
    }

    /// The register in which a function finds its return address, where the processor has one.
    pub fn link(&self) -> Option<Register> {
        let names: [&[u8]; 3] = [b"lr", b"ra", b"$ra"];
        names.into_iter().find_map(|name| self.named(name))
    }

    /// The name of `register`.
    pub fn name(&self, register: Register) -> Option<String> {
        let name = (self.name)(gimli::Register(register.0))?;
        let alias = self.aliases.iter().find(|(_, known)| *known == name);
        let name = alias.map_or(name, |(alias, _)| alias);
        let dollar = if self.has_dollar { "$" } else { "" };
        Some(if self.is_upper { name.to_ascii_lowercase() } else { format!("{dollar}{name}") })
    }

    /// The register called `name`.
    pub fn named(&self, name: &[u8]) -> Option<Register> {
        let name = std::str::from_utf8(name).ok()?;
        let name = if self.has_dollar { name.strip_prefix('$')? } else { name };
        let alias = self.aliases.iter().find(|(alias, _)| *alias == name);
        let found = match alias {
            Some((_, name)) => (self.named)(name),
            None if self.is_upper => (self.named)(&name.to_ascii_uppercase()),
            None => (self.named)(name),
        };
        found.map(|register| Register(register.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        for (arch, want) in [
            ("x86_64", None),
            ("i386", None),
            ("arm", Some(14)),
            ("aarch64", Some(30)),
            ("mips", Some(31)),
            ("riscv64", Some(1)),
            ("loongarch64", Some(1)),
            ("powerpc64", Some(65)),
        ] {
            assert_eq!(Registers::of(arch).link(), want.map(Register), "{arch}");
        }
    }

    #[test]
    fn registers_by_name() {
        for (arch, name, want) in [
            ("x86_64", "$rsp", Some(7)),
            ("x86_64", "$r15", Some(15)),
            ("x86_64", "$rip", Some(16)),
            ("x86_64", "rsp", None),
            ("i386", "$esp", Some(4)),
            ("i386", "$ebp", Some(5)),
            ("i386", "$eip", Some(8)),
            ("arm", "r7", Some(7)),
            ("armv7", "fp", Some(11)),
            ("arm", "lr", Some(14)),
            ("arm", "pc", Some(15)),
            ("aarch64", "x19", Some(19)),
            ("arm64", "fp", Some(29)),
            ("arm64e", "lr", Some(30)),
            ("aarch64", "sp", Some(31)),
            ("mips", "$sp", Some(29)),
            ("mips64el", "$ra", Some(31)),
            ("riscv64", "s0", Some(8)),
            ("unknown", "r1", None),
        ] {
            let found = Registers::of(arch).named(name.as_bytes());
            assert_eq!(found, want.map(Register), "{arch} {name}");
            if let Some(register) = found {
                let name = Registers::of(arch).name(register).unwrap();
                let again = Registers::of(arch).named(name.as_bytes());
                assert_eq!(again, found, "{arch} {name}");
            }
        }
    }
}
