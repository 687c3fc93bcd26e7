//! What both styles of a dump's report print, as minidump-stackwalk spells it.

use std::fmt::Write as _;

use symtool_core::dump::DumpModules;
use symtool_minidump::{
    CodeView, Context, Cpu, DumpExtent, DumpModule, DumpOs, DumpWalk, Minidump,
};
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

/// The last component of a path of any system; `?` if there is none.
pub fn file_name(path: Option<&str>) -> &str {
    let path = path.unwrap_or("?");
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

/// The file with a module's debug data, as the dump names it.
pub fn debug_file(module: &DumpModule) -> &str {
    match &module.code_view {
        CodeView::Pdb70 { file, .. } | CodeView::Pdb20 { file, .. } if !file.is_empty() => {
            file_name(Some(file))
        }
        _ => file_name(module.name.as_deref()),
    }
}

/// The debug id of Breakpad: a GUID and an age. Of a build-id it is the first 16 bytes, the first
/// three fields of which are little-endian.
pub fn debug_id(module: &DumpModule) -> Option<String> {
    let (guid, age) = match &module.code_view {
        CodeView::Pdb70 { guid, age, .. } => (*guid, *age),
        CodeView::Elf(id) => {
            let mut guid = [0; 16];
            let count = id.len().min(guid.len());
            guid[..count].copy_from_slice(&id[..count]);
            for field in [0..4, 4..6, 6..8] {
                guid[field].reverse();
            }
            (guid, 0)
        }
        CodeView::Pdb20 { signature, age, .. } => return Some(format!("{signature:08X}{age:x}")),
        CodeView::None | CodeView::Other(_) => return None,
    };
    let mut digits = hex::encode_upper(guid);
    let _ = write!(digits, "{age:x}");
    Some(digits)
}

/// The code id: a build-id, or of Windows the time stamp and the size.
pub fn code_id(module: &DumpModule, os: Option<DumpOs>) -> Option<String> {
    match (&module.code_view, os) {
        (CodeView::Elf(id), _) => Some(hex::encode(id)),
        (CodeView::Pdb70 { guid, .. }, Some(os)) if os.is_apple() => Some(hex::encode(guid)),
        (_, Some(DumpOs::Windows)) => Some(format!("{:08x}{:x}", module.time_stamp, module.size)),
        _ => None,
    }
}

/// The version of a module, if it has one.
pub fn version(module: &DumpModule) -> Option<String> {
    module.version.map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}"))
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
