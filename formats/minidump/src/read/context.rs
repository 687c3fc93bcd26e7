//! The registers of a thread.

use minidump_common::format::{
    CONTEXT_AMD64, CONTEXT_ARM, CONTEXT_ARM64, CONTEXT_ARM64_OLD, CONTEXT_X86, ContextFlagsCpu,
};
use scroll::ctx::{SizeWith, TryFromCtx};
use scroll::{Endian, Pread};
use symtool_unwind::Register;

use super::system::Cpu;
use crate::bytes::Bytes;
use crate::limits;

/// The general registers of a thread, by their numbers in DWARF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    cpu: Cpu,
    values: Vec<u64>,
}

impl Context {
    /// The processor.
    pub fn cpu(&self) -> Cpu {
        self.cpu
    }

    /// What `register` has; `None` if it is no general register.
    pub fn get(&self, register: Register) -> Option<u64> {
        self.values.get(usize::from(register.0)).copied()
    }

    /// All registers with their values, by number.
    pub fn registers(&self) -> impl ExactSizeIterator<Item = (Register, u64)> + '_ {
        self.values
            .iter()
            .enumerate()
            .map(|(number, value)| (Register(u16::try_from(number).unwrap_or(u16::MAX)), *value))
    }

    /// The address of the instruction that the thread was at.
    pub fn pc(&self) -> u64 {
        self.get(pc(self.cpu)).unwrap_or_default()
    }

    /// The stack pointer.
    pub fn sp(&self) -> u64 {
        self.get(sp(self.cpu)).unwrap_or_default()
    }
}

/// The number of the program counter. Those of ARM are DWARF's (`aadwarf32` and `aadwarf64` of
/// Arm's ABI); of x86 it is the column of the return address (System V ABI).
pub fn pc(cpu: Cpu) -> Register {
    Register(match cpu {
        Cpu::X86 => 8,
        Cpu::X64 | Cpu::Other(_) => 16,
        Cpu::Arm => 15,
        Cpu::Arm64 => 32,
    })
}

/// The number of the stack pointer.
pub fn sp(cpu: Cpu) -> Register {
    Register(match cpu {
        Cpu::X86 => 4,
        Cpu::X64 | Cpu::Other(_) => 7,
        Cpu::Arm => 13,
        Cpu::Arm64 => 31,
    })
}

/// Reads the context in `range` of the file, as its flags and its length say. `None` if it is that
/// of another processor than `cpu`, or too short to have a program counter.
pub fn read(bytes: Bytes<'_>, offset: u64, size: u64, cpu: Option<Cpu>) -> Option<Context> {
    offset.checked_add(size).filter(|end| *end <= bytes.len())?;
    let data = &*bytes.get(offset, size.min(limits::MAX_CONTEXT_BYTES))?;
    let endian = bytes.endian();
    let cpu = cpu.filter(|cpu| !matches!(cpu, Cpu::Other(_))).or_else(|| guessed(data, endian))?;
    let values = match cpu {
        Cpu::X86 => x86(data, endian),
        Cpu::X64 => x64(data, endian),
        Cpu::Arm => arm(data, endian),
        Cpu::Arm64 => arm64(data, endian),
        Cpu::Other(_) => None,
    }?;
    Some(Context { cpu, values })
}

/// Which processor a context is of, told by its length and its flags, where the dump does not say.
fn guessed(data: &[u8], endian: Endian) -> Option<Cpu> {
    [Cpu::X64, Cpu::Arm64, Cpu::X86, Cpu::Arm].into_iter().find(|cpu| match cpu {
        Cpu::X64 => x64(data, endian).is_some(),
        Cpu::Arm64 => arm64(data, endian).is_some(),
        Cpu::X86 => x86(data, endian).is_some(),
        Cpu::Arm => arm(data, endian).is_some(),
        Cpu::Other(_) => false,
    })
}

/// Reads a record of which the last part may be missing: writers leave out what they did not save.
/// Its first `least` bytes have to be there.
fn padded<T>(data: &[u8], least: usize, endian: Endian) -> Option<T>
where
    T: for<'a> TryFromCtx<'a, Endian, Error = scroll::Error> + SizeWith<Endian>,
{
    if data.len() < least {
        return None;
    }
    let whole = T::size_with(&endian);
    if data.len() >= whole {
        return data.pread_with(0, endian).ok();
    }
    let mut long = data.to_vec();
    long.resize(whole, 0);
    long.pread_with(0, endian).ok()
}

/// Whether `flags` name this processor. Its bits may stand beside others, such as those of states
/// that are saved behind the context.
fn names(flags: u32, cpu: ContextFlagsCpu) -> bool {
    ContextFlagsCpu::from_flags(flags).contains(cpu)
}

fn x86(data: &[u8], endian: Endian) -> Option<Vec<u64>> {
    let c: CONTEXT_X86 = padded(data, 204, endian)?;
    names(c.context_flags, ContextFlagsCpu::CONTEXT_X86).then(|| {
        [c.eax, c.ecx, c.edx, c.ebx, c.esp, c.ebp, c.esi, c.edi, c.eip].map(u64::from).to_vec()
    })
}

fn x64(data: &[u8], endian: Endian) -> Option<Vec<u64>> {
    let c: CONTEXT_AMD64 = padded(data, 256, endian)?;
    let general = [
        c.rax, c.rdx, c.rcx, c.rbx, c.rsi, c.rdi, c.rbp, c.rsp, c.r8, c.r9, c.r10, c.r11, c.r12,
        c.r13, c.r14, c.r15, c.rip,
    ];
    names(c.context_flags, ContextFlagsCpu::CONTEXT_AMD64).then(|| general.to_vec())
}

fn arm(data: &[u8], endian: Endian) -> Option<Vec<u64>> {
    let c: CONTEXT_ARM = padded(data, 72, endian)?;
    // Windows' flag is bit 21 (`CONTEXT_ARM` of WinNT.h), Breakpad's bit 30; the registers lie
    // alike.
    let known =
        names(c.context_flags, ContextFlagsCpu::CONTEXT_ARM) || c.context_flags & 0x0020_0000 != 0;
    known.then(|| c.iregs.map(u64::from).to_vec())
}

/// Breakpad's layout has flags of 64 bits with bit 31 set, Windows' has flags of 32 bits with bit
/// 22 set.
fn arm64(data: &[u8], endian: Endian) -> Option<Vec<u64>> {
    let flags: u32 = match endian {
        Endian::Little => data.pread_with(0, endian).ok()?,
        Endian::Big => {
            // Of Breakpad's flags the low half comes last.
            let [high, low]: [u32; 2] =
                [data.pread_with(0, endian).ok()?, data.pread_with(4, endian).ok()?];
            if high == 0 { low } else { high }
        }
    };
    let (registers, sp, pc) = if names(flags, ContextFlagsCpu::CONTEXT_ARM64_OLD) {
        let c: CONTEXT_ARM64_OLD = padded(data, 272, endian)?;
        (c.iregs, c.sp, c.pc)
    } else if names(flags, ContextFlagsCpu::CONTEXT_ARM64) {
        let c: CONTEXT_ARM64 = padded(data, 272, endian)?;
        (c.iregs, c.sp, c.pc)
    } else {
        return None;
    };
    Some(registers.into_iter().chain([sp, pc]).collect())
}
