//! The architectures whose unwind data is read, with the registers that their ABIs give a role.

use crate::registers;
use crate::rule::Register;

/// Which registers there are and what their numbers mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Architecture {
    /// 32-bit x86.
    X86,
    /// 64-bit x86, also with 32-bit pointers (x32).
    X86_64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Arm64,
    /// `LoongArch` of both widths.
    LoongArch,
    /// MIPS of both widths.
    Mips,
    /// PowerPC of both widths.
    PowerPc,
    /// RISC-V of both widths.
    RiscV,
    /// IBM Z.
    S390x,
    /// SPARC of both widths.
    Sparc,
    /// Any other.
    #[default]
    Other,
}

impl Architecture {
    /// The architecture of this name, in any of the spellings of LLVM, Apple and Debian.
    pub fn from_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let starts = |beginnings: &[&str]| beginnings.iter().any(|start| name.starts_with(start));
        match name.as_str() {
            "i386" | "i486" | "i586" | "i686" | "x86" => Self::X86,
            "amd64" | "x64" => Self::X86_64,
            "xscale" => Self::Arm,
            "s390x" => Self::S390x,
            _ if starts(&["x86_64"]) => Self::X86_64,
            _ if starts(&["aarch64", "arm64"]) => Self::Arm64,
            _ if starts(&["arm", "thumb"]) => Self::Arm,
            _ if starts(&["loongarch"]) => Self::LoongArch,
            _ if starts(&["mips"]) => Self::Mips,
            _ if starts(&["ppc", "powerpc"]) => Self::PowerPc,
            _ if starts(&["riscv"]) => Self::RiscV,
            _ if starts(&["sparc"]) => Self::Sparc,
            _ => Self::Other,
        }
    }

    /// The stack pointer.
    pub fn stack_pointer(self) -> Option<Register> {
        let number = match self {
            Self::X86 => 4,
            Self::X86_64 => 7,
            Self::Arm => 13,
            Self::Arm64 => 31,
            Self::LoongArch => 3,
            Self::Mips => 29,
            Self::PowerPc => 1,
            Self::RiscV => 2,
            Self::S390x => 15,
            Self::Sparc => 14,
            Self::Other => return None,
        };
        Some(Register(number))
    }

    /// The register that a call leaves the return address in. x86 has none: a call pushes it.
    pub fn link_register(self) -> Option<Register> {
        let number = match self {
            Self::X86 | Self::X86_64 | Self::Other => return None,
            Self::Arm | Self::S390x => 14,
            Self::Arm64 => 30,
            Self::LoongArch | Self::RiscV => 1,
            Self::Mips => 31,
            Self::PowerPc => 65,
            Self::Sparc => 15,
        };
        Some(Register(number))
    }

    /// Whether a function that has not saved its return address has it in `register`, the column
    /// for return addresses of its call frame information. Columns of signal frames may be no
    /// register at all: 32 and 96 on ARM64, 64 on RISC-V and `LoongArch`.
    pub(crate) fn may_hold_return_address(self, register: Register) -> bool {
        match self {
            Self::X86 | Self::X86_64 => false,
            Self::Arm64 => register.0 < 31,
            Self::Arm | Self::S390x => register.0 < 16,
            Self::LoongArch | Self::Mips | Self::RiscV | Self::Sparc => register.0 < 32,
            Self::PowerPc | Self::Other => true,
        }
    }

    /// The name of `register`, as its ABI spells it.
    pub fn register_name(self, register: Register) -> Option<&'static str> {
        registers::name(self, register)
    }

    /// The register of this name in any case, as [`Architecture::register_name`] gives it or by
    /// another name for it, such as `lr`.
    pub fn register(self, name: &str) -> Option<Register> {
        registers::find(self, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_names() {
        for (name, want) in [
            ("x86_64", Architecture::X86_64),
            ("x86_64h", Architecture::X86_64),
            ("x86_64_x32", Architecture::X86_64),
            ("i386", Architecture::X86),
            ("arm64e", Architecture::Arm64),
            ("AArch64", Architecture::Arm64),
            ("arm64_32", Architecture::Arm64),
            ("armv7k", Architecture::Arm),
            ("ppc64", Architecture::PowerPc),
            ("sparcv9", Architecture::Sparc),
            ("hexagon", Architecture::Other),
        ] {
            assert_eq!(Architecture::from_name(name), want, "{name}");
        }
    }
}
