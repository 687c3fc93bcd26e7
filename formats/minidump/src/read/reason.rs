//! Names of what a process died of, as minidump-stackwalk spells them.

use std::fmt::Debug;

use minidump_common::errors as known;
use num_traits::FromPrimitive;

use super::exception::DumpException;
use super::system::{Cpu, DumpOs, SystemInfo};

pub const ACCESS_VIOLATION: u32 = 0xc000_0005;
pub const IN_PAGE_ERROR: u32 = 0xc000_0006;
const STACK_BUFFER_OVERRUN: u32 = 0xc000_0409;

impl DumpException {
    /// The name of what happened, as minidump-stackwalk spells it: `SIGSEGV / SEGV_MAPERR`,
    /// `EXCEPTION_ACCESS_VIOLATION_WRITE`, `EXC_BAD_ACCESS / KERN_INVALID_ADDRESS`.
    pub fn reason(&self, system: &SystemInfo) -> String {
        let reason = match system.os {
            DumpOs::Windows => Some(windows(self)),
            DumpOs::Linux | DumpOs::Android => linux(self),
            DumpOs::MacOs | DumpOs::Ios => mac(self, system.cpu),
            DumpOs::Other(_) => None,
        };
        reason.unwrap_or_else(|| format!("unknown {} / {}", hex(self.code), hex(self.flags)))
    }
}

fn windows(exception: &DumpException) -> String {
    use known::{ExceptionCodeWindows as Code, NtStatusWindows, WinErrorWindows};
    let code = exception.code;
    match (code, Code::from_u32(code)) {
        (ACCESS_VIOLATION | IN_PAGE_ERROR, Some(known)) => access(exception, spelled(&known)),
        (_, Some(Code::OUT_OF_MEMORY)) => "Out of Memory".to_owned(),
        (_, Some(Code::UNHANDLED_CPP_EXCEPTION)) => "Unhandled C++ Exception".to_owned(),
        (_, Some(Code::SIMULATED)) => "Simulated Exception".to_owned(),
        (_, Some(known)) => spelled(&known),
        (STACK_BUFFER_OVERRUN, None) if !exception.parameters.is_empty() => {
            // `__fastfail` says why in the first parameter.
            let cause = exception.parameters[0] & 0xffff_ffff;
            let cause = named::<known::FastFailCode>(cause).unwrap_or_else(|| hex64(cause));
            format!("EXCEPTION_STACK_BUFFER_OVERRUN / {cause}")
        }
        _ => named::<WinErrorWindows>(code)
            .or_else(|| named::<NtStatusWindows>(code))
            .or_else(|| with_facility(code))
            .unwrap_or_else(|| format!("unknown {}", hex(code))),
    }
}

/// A failed access: whether it read, wrote or ran, and of a page that could not be loaded also why
/// (`EXCEPTION_RECORD` of WinNT.h).
fn access(exception: &DumpException, name: String) -> String {
    let [first, rest @ ..] = exception.parameters.as_slice() else { return name };
    match (exception.code, rest) {
        (ACCESS_VIOLATION, _) => named::<known::ExceptionCodeWindowsAccessType>(*first)
            .map_or(name.clone(), |kind| format!("{name}_{kind}")),
        (_, [_, status, ..]) => {
            let status = status & 0xffff_ffff;
            let status = named::<known::NtStatusWindows>(status).unwrap_or_else(|| hex64(status));
            named::<known::ExceptionCodeWindowsInPageErrorType>(*first)
                .map_or(name.clone(), |kind| format!("{name}_{kind} / {status}"))
        }
        _ => name,
    }
}

/// An error in the low half of a code, and in the bits above who reports it (`HRESULT`).
fn with_facility(code: u32) -> Option<String> {
    let facility = named::<known::WinErrorFacilityWindows>((code & 0x0fff_0000) >> 16)?;
    let error = named::<known::WinErrorWindows>(code & 0xffff)?;
    (code & 0xf000_0000 != 0).then(|| format!("{facility} / {error}"))
}

fn linux(exception: &DumpException) -> Option<String> {
    use known::ExceptionCodeLinux as Signal;
    let flags = exception.flags;
    let signal = Signal::from_u32(exception.code)?;
    let own = match signal {
        Signal::SIGILL => named::<known::ExceptionCodeLinuxSigillKind>(flags),
        Signal::SIGTRAP => named::<known::ExceptionCodeLinuxSigtrapKind>(flags),
        Signal::SIGFPE => named::<known::ExceptionCodeLinuxSigfpeKind>(flags),
        Signal::SIGSEGV => named::<known::ExceptionCodeLinuxSigsegvKind>(flags),
        Signal::SIGBUS => named::<known::ExceptionCodeLinuxSigbusKind>(flags),
        Signal::SIGSYS => named::<known::ExceptionCodeLinuxSigsysKind>(flags),
        _ => None,
    };
    // Codes below zero, and 0x80, say who sent the signal, whichever it is.
    let sender = i32::from_ne_bytes(flags.to_ne_bytes());
    let sender = known::ExceptionCodeLinuxSicode::from_i32(sender).map(|code| spelled(&code));
    let signal = spelled(&signal);
    Some(match own.or(sender) {
        Some(code) if code == "SI_USER" => signal,
        Some(code) => format!("{signal} / {code}"),
        None => format!("{signal} / {}", hex(flags)),
    })
}

fn mac(exception: &DumpException, cpu: Cpu) -> Option<String> {
    use known::ExceptionCodeMac as Code;
    let flags = exception.flags;
    let (x86, arm) = (matches!(cpu, Cpu::X86 | Cpu::X64), cpu == Cpu::Arm64);
    let code = Code::from_u32(exception.code)?;
    let detail = match code {
        Code::SIMULATED => return Some("Simulated Exception".to_owned()),
        Code::EXC_BAD_ACCESS => {
            named::<known::ExceptionCodeMacBadAccessKernType>(flags).or_else(|| match cpu {
                _ if arm => named::<known::ExceptionCodeMacBadAccessArmType>(flags),
                _ if x86 => named::<known::ExceptionCodeMacBadAccessX86Type>(flags),
                _ => None,
            })
        }
        Code::EXC_BAD_INSTRUCTION if arm => {
            named::<known::ExceptionCodeMacBadInstructionArmType>(flags)
        }
        Code::EXC_BAD_INSTRUCTION if x86 => {
            named::<known::ExceptionCodeMacBadInstructionX86Type>(flags)
        }
        Code::EXC_ARITHMETIC if arm => named::<known::ExceptionCodeMacArithmeticArmType>(flags),
        Code::EXC_ARITHMETIC if x86 => named::<known::ExceptionCodeMacArithmeticX86Type>(flags),
        Code::EXC_BREAKPOINT if arm => named::<known::ExceptionCodeMacBreakpointArmType>(flags),
        Code::EXC_BREAKPOINT if x86 => named::<known::ExceptionCodeMacBreakpointX86Type>(flags),
        Code::EXC_SOFTWARE => named::<known::ExceptionCodeMacSoftwareType>(flags),
        Code::EXC_RESOURCE => named::<known::ExceptionCodeMacResourceType>(flags >> 29),
        Code::EXC_GUARD => named::<known::ExceptionCodeMacGuardType>(flags >> 29),
        _ => None,
    };
    Some(format!("{} / {}", spelled(&code), detail.unwrap_or_else(|| hex(flags))))
}

fn hex(word: u32) -> String {
    format!("{word:#010x}")
}

fn hex64(word: u64) -> String {
    format!("{word:#010x}")
}

fn spelled(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// The name that one of the lists of codes has for `number`.
fn named<T: FromPrimitive + Debug>(number: impl Into<u64>) -> Option<String> {
    T::from_u64(number.into()).map(|value| spelled(&value))
}
