//! What a walk has to know of processors: their registers' roles, and how addresses are spelled.

use scroll::Endian;
use symtool_unwind::Register;
use symtool_unwind::apply::{Machine, Registers};

use crate::read::context::Context;
use crate::read::system::{Cpu, DumpOs};

/// A processor, and what its operating system's programs do.
#[derive(Clone, Copy, Debug)]
pub struct Processor {
    pub cpu: Cpu,
    pub machine: Machine,
    /// The register with the address of the frame record: the caller's frame pointer, and the
    /// return address behind it. `None` where programs keep no such chain.
    pub frame_pointer: Option<Register>,
    /// Whether the outermost function has 0 in its frame pointer, and no other function.
    pub frame_pointer_ends: bool,
    /// The register that a call leaves the return address in; `None` if it is pushed.
    pub link: Option<Register>,
    /// Whether functions without unwind data are leaves: they change neither the stack pointer nor
    /// any register that their caller keeps (Microsoft, "x64 exception handling", "ARM64 exception
    /// handling").
    pub has_leaves: bool,
    /// The bits of an address that are neither an authentication code nor a mode.
    address_bits: u64,
}

impl Processor {
    /// `None` for a processor whose stacks cannot be walked.
    pub fn new(cpu: Cpu, os: Option<DumpOs>, endian: Endian, last_address: u64) -> Option<Self> {
        let windows = os == Some(DumpOs::Windows);
        let apple = os.is_some_and(DumpOs::is_apple);
        let mut machine = match cpu {
            Cpu::X86 => Machine::I386,
            Cpu::X64 => Machine::X86_64,
            Cpu::Arm => Machine::ARM,
            Cpu::Arm64 => Machine::AARCH64,
            Cpu::Other(_) => return None,
        };
        machine.is_big_endian = endian == Endian::Big;
        let frame_pointer = match cpu {
            Cpu::X86 => Some(5),
            // Windows' compiler points rbp into the middle of frames.
            Cpu::X64 => (!windows).then_some(6),
            // Only Apple's ABI says where it points.
            Cpu::Arm => apple.then_some(7),
            Cpu::Arm64 => Some(29),
            Cpu::Other(_) => None,
        };
        let link = match cpu {
            Cpu::Arm => Some(14),
            Cpu::Arm64 => Some(30),
            _ => None,
        };
        Some(Self {
            cpu,
            machine,
            frame_pointer: frame_pointer.map(Register),
            frame_pointer_ends: cpu == Cpu::Arm64 || apple,
            link: link.map(Register),
            has_leaves: windows && matches!(cpu, Cpu::X64 | Cpu::Arm64),
            address_bits: match cpu {
                // At least those of the smallest address spaces of Apple and Linux, 39 bits.
                Cpu::Arm64 => u64::MAX >> last_address.leading_zeros().min(64 - 39),
                // Bit 0 of a return address says that the caller is Thumb code.
                Cpu::Arm => !1,
                _ => u64::MAX,
            },
        })
    }

    /// An address without the authentication code or the mode that it may carry.
    pub fn strip(self, address: u64) -> u64 {
        address & self.address_bits
    }

    /// The bytes of a word.
    pub fn word(self) -> u64 {
        self.machine.word_bytes.into()
    }

    /// The registers of a context.
    pub fn registers(context: &Context) -> Registers {
        let mut registers = Registers::default();
        for (register, value) in context.registers() {
            registers.set(register, Some(value));
        }
        registers
    }
}
