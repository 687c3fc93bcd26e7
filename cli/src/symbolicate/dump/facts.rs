//! What both styles of a dump's report print, as minidump-stackwalk spells it.

use std::fmt::Write as _;

use symtool_core::dump::DumpModules;
use symtool_minidump::{Context, Cpu, DumpExtent, DumpOs, DumpWalk, Minidump};
use symtool_store::Module;

/// A dump, and what was found out about it.
#[derive(Clone, Copy)]
pub struct DumpReport<'a> {
    pub dump: &'a Minidump<'a>,
    pub extent: &'a DumpExtent,
    pub modules: &'a DumpModules<'a>,
    pub walk: &'a DumpWalk,
}

impl DumpReport<'_> {
    /// What the process died of; `None` if the dump was asked for.
    pub fn reason(&self) -> Option<String> {
        let (exception, system) = (self.dump.exception.as_ref()?, self.dump.system.as_ref()?);
        Some(exception.reason(system))
    }

    /// The address whose access failed, or that of the instruction.
    pub fn crash_address(&self) -> Option<u64> {
        let (exception, system) = (self.dump.exception.as_ref()?, self.dump.system.as_ref()?);
        Some(exception.crash_address(system))
    }

    /// A failed assertion in one sentence.
    pub fn assertion(&self) -> Option<String> {
        let assertion = self.dump.assertion.as_ref()?;
        let kind = match assertion.kind {
            1 => "Invalid parameter passed to library function",
            2 => "Pure virtual function called",
            _ => "Assertion failed",
        };
        Some(format!(
            "{kind}: {} in {} ({}:{})",
            assertion.expression, assertion.function, assertion.file, assertion.line
        ))
    }

    /// The name of the operating system.
    pub fn os(&self) -> &'static str {
        self.dump.os().map_or("unknown", DumpOs::name)
    }

    /// The version of the operating system, with its service pack or the kernel's version.
    pub fn os_version(&self) -> Option<String> {
        let system = self.dump.system.as_ref()?;
        let (major, minor, build) = system.version;
        let mut version = String::new();
        // Linux has its version in the text.
        if (major, minor, build) != (0, 0, 0) {
            let _ = write!(version, "{major}.{minor}.{build}");
        }
        if let Some(more) = system.service_pack.as_deref().map(str::trim) {
            let space = if version.is_empty() || more.is_empty() { "" } else { " " };
            let _ = write!(version, "{space}{more}");
        }
        Some(version).filter(|version| !version.is_empty())
    }

    /// The name of the processor.
    pub fn cpu(&self) -> &'static str {
        self.dump.cpu().map_or("unknown", Cpu::name)
    }

    /// Family, model and stepping of the processor, on x86.
    pub fn cpu_info(&self) -> Option<String> {
        let system = self.dump.system.as_ref()?;
        let is_x86 = matches!(system.cpu, Cpu::X86 | Cpu::X64);
        let (level, revision) = system.processor_level;
        is_x86.then(|| {
            let vendor = system.vendor.as_deref().map(str::trim).unwrap_or_default();
            let (model, stepping) = (revision >> 8, revision & 0xff);
            format!("{vendor} family {level} model {model} stepping {stepping}").trim().to_owned()
        })
    }

    /// How long the process ran, in seconds.
    pub fn uptime(&self) -> Option<u32> {
        let (began, ..) = self.dump.process.times?;
        self.dump.time.checked_sub(began)
    }

    /// The number of the main module: the first one.
    pub fn main_module(&self) -> Option<usize> {
        (!self.dump.modules.is_empty()).then_some(0)
    }

    /// The store's module of one of the dump.
    pub fn known(&self, number: usize) -> Option<&Module> {
        self.modules.get(number)
    }

    /// The name of a thread, if it has one.
    pub fn thread_name(&self, thread: usize) -> Option<&str> {
        let number = self.walk.threads.get(thread)?.thread?;
        self.dump.threads.get(number)?.name.as_deref()
    }
}

/// The names and values of a thread's registers.
pub fn registers(context: &Context) -> Vec<(String, u64)> {
    let cpu = context.cpu();
    let names = context.registers().map(|(register, value)| {
        let name = match (cpu, register.0) {
            (Cpu::X86, number) => ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"]
                .get(usize::from(number))
                .copied(),
            (Cpu::X64, number) => [
                "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11",
                "r12", "r13", "r14", "r15", "rip",
            ]
            .get(usize::from(number))
            .copied(),
            (Cpu::Arm, 11) | (Cpu::Arm64, 29) => Some("fp"),
            (Cpu::Arm, 13) | (Cpu::Arm64, 31) => Some("sp"),
            (Cpu::Arm, 14) | (Cpu::Arm64, 30) => Some("lr"),
            (Cpu::Arm, 15) | (Cpu::Arm64, 32) => Some("pc"),
            _ => None,
        };
        let letter = if cpu == Cpu::Arm64 { 'x' } else { 'r' };
        (name.map_or_else(|| format!("{letter}{}", register.0), str::to_owned), value)
    });
    names.collect()
}
