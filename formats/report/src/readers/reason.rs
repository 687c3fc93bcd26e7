//! Names that several formats share: of signals, and of reasons, systems and CPUs as Breakpad's
//! tools print them.

use crate::event::Reason;
use crate::event::image::ImageKind;
use crate::scan::text::some;

/// The signal that has `number` on Linux, but for those whose number depends on the machine.
pub fn signal_name(number: i64) -> Option<&'static str> {
    Some(match number {
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

impl Reason {
    /// Takes Breakpad's `SIGSEGV /SEGV_MAPERR`, `EXC_BAD_ACCESS / KERN_INVALID_ADDRESS`, or
    /// `EXCEPTION_ACCESS_VIOLATION_READ`.
    pub fn take_breakpad(&mut self, text: &str) {
        let (kind, code) =
            text.split_once('/').map_or((text, ""), |(kind, code)| (kind.trim(), code));
        if kind.starts_with("SIG") {
            self.signal = some(kind);
        } else {
            self.kind = some(kind);
        }
        self.code = some(code);
    }
}

/// The kind of images on a system.
pub fn kind_of(system: &str) -> ImageKind {
    let is = |names: &[&str]| names.iter().any(|name| system.starts_with(name));
    match () {
        () if is(&["Windows"]) => ImageKind::Pe,
        () if is(&["Mac", "iOS", "macOS"]) => ImageKind::MachO,
        () if is(&["Linux", "Android", "Solaris", "NaCl", "PS3", "Fuchsia"]) => ImageKind::Elf,
        () => ImageKind::Unknown,
    }
}

/// What Breakpad calls a CPU, as LLVM calls it.
pub fn arch(cpu: &str) -> &str {
    match cpu.trim() {
        "amd64" => "x86_64",
        "x86" => "i386",
        other => other,
    }
}
