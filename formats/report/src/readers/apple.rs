//! What all formats of Apple share: their words, as values of an event.

use crate::event::Reason;
use crate::scan::text::{hex, some, word};
use symtool_module::Arch;

/// The architecture that `Code Type:` or `cpuType` names, as LLVM calls it; another name as it is.
pub fn arch(code_type: &str) -> Option<Arch> {
    let (name, _) = word(code_type)?;
    let name = match name {
        "X86-64" => "x86_64",
        "X86" => "i386",
        "ARM-64" => "arm64",
        "ARM" => "arm",
        "PPC" => "ppc",
        other => other,
    };
    some(name)
}

/// The architecture of a Mach-O file's CPU type and subtype, as LLVM calls it.
///
/// Source: `mach/machine.h`.
pub fn cpu(kind: Option<u64>, subtype: Option<u64>) -> Option<Arch> {
    /// Pointers of 64 bits; of 32 bits on a 64-bit CPU.
    const ABI_64: u64 = 0x0100_0000;
    const ABI_64_32: u64 = 0x0200_0000;
    const X86: u64 = 7;
    const ARM: u64 = 12;
    const X86_64: u64 = X86 | ABI_64;
    const ARM64: u64 = ARM | ABI_64;
    const ARM64_32: u64 = ARM | ABI_64_32;
    // The upper byte of a subtype has flags.
    let subtype = subtype.unwrap_or_default() & 0x00ff_ffff;
    let name = match (kind?, subtype) {
        (X86, _) => "i386",
        (X86_64, 8) => "x86_64h",
        (X86_64, _) => "x86_64",
        (ARM, 6) => "armv6",
        (ARM, 9) => "armv7",
        (ARM, 11) => "armv7s",
        (ARM, 12) => "armv7k",
        (ARM, _) => "arm",
        (ARM64, 2) => "arm64e",
        (ARM64, _) => "arm64",
        (ARM64_32, _) => "arm64_32",
        _ => return None,
    };
    Some(name.into())
}

/// The name of a Mach exception's number.
///
/// Source: `mach/exception_types.h`.
pub fn exception_name(number: i64) -> Option<&'static str> {
    Some(match number {
        1 => "EXC_BAD_ACCESS",
        2 => "EXC_BAD_INSTRUCTION",
        3 => "EXC_ARITHMETIC",
        4 => "EXC_EMULATION",
        5 => "EXC_SOFTWARE",
        6 => "EXC_BREAKPOINT",
        7 => "EXC_SYSCALL",
        8 => "EXC_MACH_SYSCALL",
        9 => "EXC_RPC_ALERT",
        10 => "EXC_CRASH",
        11 => "EXC_RESOURCE",
        12 => "EXC_GUARD",
        13 => "EXC_CORPSE_NOTIFY",
        _ => return None,
    })
}

/// The name of a signal's number, as Apple's systems count them.
///
/// Source: `sys/signal.h`.
pub fn signal_name(number: i64) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGEMT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGBUS",
        11 => "SIGSEGV",
        12 => "SIGSYS",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// `EXC_BAD_ACCESS (SIGSEGV)`, `SIGSEGV` or `EXC_CRASH`: the Mach exception and the signal.
pub fn exception_type(reason: &mut Reason, text: &str) {
    let Some((kind, rest)) = word(text) else { return };
    if kind.starts_with("SIG") {
        reason.signal = some(kind);
    } else {
        reason.kind = some(kind);
        reason.signal = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .and_then(|(signal, _)| some(signal));
    }
}

/// `KERN_INVALID_ADDRESS at 0x88`, or codes without an address.
pub fn exception_codes(reason: &mut Reason, text: &str) {
    match text.split_once(" at ") {
        Some((code, address)) => {
            reason.code = some(code);
            // `0x0000000000000008 (possible pointer authentication failure)`, `0x8 -> 0x…`
            reason.fault_address = word(address).and_then(|(address, _)| hex(address));
        }
        None => reason.code = some(text),
    }
}

/// `macOS 13.0 (22A380)`: name, version and build.
pub fn os(text: &str) -> crate::event::Os {
    let (front, build) = match text.trim().strip_suffix(')').and_then(|text| text.rsplit_once('('))
    {
        Some((front, build)) => (front.trim(), some(build)),
        None => (text.trim(), None),
    };
    let digits = front.find(|c: char| c.is_ascii_digit()).unwrap_or(front.len());
    crate::event::Os { name: some(&front[..digits]), version: some(&front[digits..]), build }
}

/// `*** Terminating app due to uncaught exception 'Name', reason: 'message'`: the name and the
/// message.
pub fn uncaught_exception(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("uncaught exception '")?;
    let (name, rest) = rest.split_once('\'')?;
    let message = rest.split_once("reason: ").map_or("", |(_, message)| message.trim());
    // The message is quoted, and may have quotes in it.
    Some((
        name,
        message.strip_prefix('\'').map_or(message, |message| {
            message.rsplit_once('\'').map_or(message, |(message, _)| message)
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_apple() {
        for (text, want) in
            [("ARM-64 (Native)", "arm64"), ("X86-64 (Translated)", "x86_64"), ("armv7", "armv7")]
        {
            assert_eq!(arch(text), Some(Arch::from(want)));
        }
        let mut reason = Reason::default();
        exception_type(&mut reason, "EXC_BAD_ACCESS (SIGSEGV)");
        exception_codes(
            &mut reason,
            "KERN_INVALID_ADDRESS at 0x0000000000000010 -> 0x10 (possible pointer authentication failure)",
        );
        assert_eq!(
            (reason.kind.as_deref(), reason.signal.as_deref()),
            (Some("EXC_BAD_ACCESS"), Some("SIGSEGV"))
        );
        assert_eq!(
            (reason.code.as_deref(), reason.fault_address),
            (Some("KERN_INVALID_ADDRESS"), Some(0x10))
        );
        let os = os("iPhone OS 13.3.1 (17D50)");
        assert_eq!(
            (os.name.as_deref(), os.version.as_deref(), os.build.as_deref()),
            (Some("iPhone OS"), Some("13.3.1"), Some("17D50"))
        );
    }

    #[test]
    fn exceptions_in_words() {
        let text = "*** Terminating app due to uncaught exception 'NSRangeException', reason: 'index 3 beyond 'x''";
        assert_eq!(uncaught_exception(text), Some(("NSRangeException", "index 3 beyond 'x'")));
        assert_eq!(uncaught_exception("abort() called"), None);
    }
}
