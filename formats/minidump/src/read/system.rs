//! The processor and the operating system that a dump comes from.

use minidump_common::format::{MINIDUMP_SYSTEM_INFO, PlatformId, ProcessorArchitecture};
use num_traits::FromPrimitive;

use super::reader::{FileRange, Reader};
use crate::bytes::faults::DumpPart;

/// A processor's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cpu {
    /// 32-bit x86.
    X86,
    /// x86-64.
    X64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Arm64,
    /// Another one: its number in the dump.
    Other(u16),
}

impl Cpu {
    /// The name that minidump-stackwalk prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X64 => "amd64",
            Self::Arm => "arm",
            Self::Arm64 => "arm64",
            Self::Other(_) => "unknown",
        }
    }

    /// How many bytes an address has.
    pub fn word_bytes(self) -> u64 {
        match self {
            Self::X86 | Self::Arm => 4,
            Self::X64 | Self::Arm64 | Self::Other(_) => 8,
        }
    }

    fn numbered(number: u16) -> Self {
        use ProcessorArchitecture as P;
        match P::from_u16(number) {
            Some(P::PROCESSOR_ARCHITECTURE_INTEL | P::PROCESSOR_ARCHITECTURE_IA32_ON_WIN64) => {
                Self::X86
            }
            Some(P::PROCESSOR_ARCHITECTURE_AMD64) => Self::X64,
            Some(P::PROCESSOR_ARCHITECTURE_ARM) => Self::Arm,
            Some(P::PROCESSOR_ARCHITECTURE_ARM64 | P::PROCESSOR_ARCHITECTURE_ARM64_OLD) => {
                Self::Arm64
            }
            _ => Self::Other(number),
        }
    }
}

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DumpOs {
    /// Windows of any kind.
    Windows,
    /// macOS.
    MacOs,
    /// iOS.
    Ios,
    /// Linux.
    Linux,
    /// Android.
    Android,
    /// Another one: its number in the dump.
    Other(u32),
}

impl DumpOs {
    /// The name that minidump-stackwalk prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Windows => "Windows NT",
            Self::MacOs => "Mac OS X",
            Self::Ios => "iOS",
            Self::Linux => "Linux",
            Self::Android => "Android",
            Self::Other(_) => "unknown",
        }
    }

    /// Whether its files are Mach-O.
    pub fn is_apple(self) -> bool {
        matches!(self, Self::MacOs | Self::Ios)
    }

    /// Whether its files are ELF.
    pub fn is_linux(self) -> bool {
        matches!(self, Self::Linux | Self::Android)
    }

    fn numbered(number: u32) -> Self {
        use PlatformId as P;
        match P::from_u32(number) {
            Some(
                P::VER_PLATFORM_WIN32s
                | P::VER_PLATFORM_WIN32_WINDOWS
                | P::VER_PLATFORM_WIN32_NT
                | P::VER_PLATFORM_WIN32_CE,
            ) => Self::Windows,
            Some(P::MacOs) => Self::MacOs,
            Some(P::Ios) => Self::Ios,
            Some(P::Linux) => Self::Linux,
            Some(P::Android) => Self::Android,
            _ => Self::Other(number),
        }
    }
}

/// What `SystemInfoStream` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemInfo {
    /// The processor.
    pub cpu: Cpu,
    /// The operating system.
    pub os: DumpOs,
    /// Major, minor and build number of the operating system.
    pub version: (u32, u32, u32),
    /// Its service pack, or the kernel's version.
    pub service_pack: Option<String>,
    /// How many processors there are.
    pub processors: u8,
    /// Level and revision of the processor: on x86 its family, and its model and stepping.
    pub processor_level: (u16, u16),
    /// Twelve characters that x86's `cpuid` tells of the vendor, such as `GenuineIntel`.
    pub vendor: Option<String>,
}

impl SystemInfo {
    /// The version of the operating system as people call it: of Linux and Android that of the
    /// kernel, elsewhere the numbers and the service pack.
    pub fn os_version(&self) -> Option<String> {
        let (major, minor, build) = self.version;
        let numbers = (self.version != (0, 0, 0)).then(|| format!("{major}.{minor}.{build}"));
        let text = self.service_pack.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let is_linux = matches!(self.os, DumpOs::Linux | DumpOs::Android);
        match (numbers, text) {
            // Crashpad has the rest of the kernel's release there, and more.
            (Some(numbers), Some(text)) if is_linux => {
                let rest = text.split_whitespace().next().filter(|word| word.starts_with('-'));
                Some(numbers + rest.unwrap_or_default())
            }
            // Breakpad has what `uname` prints: the system, the kernel's release, more.
            (None, Some(text)) if is_linux => {
                text.split_whitespace().find(|word| *word != "Linux").map(str::to_owned)
            }
            (Some(numbers), Some(text)) => Some(format!("{numbers} {text}")),
            (numbers, text) => numbers.or(text.map(str::to_owned)),
        }
    }
}

/// Reads `SystemInfoStream`.
pub fn read(reader: &mut Reader<'_>, stream: FileRange) -> Option<SystemInfo> {
    let raw: MINIDUMP_SYSTEM_INFO = reader.record(DumpPart::System, stream.offset)?;
    let cpu = Cpu::numbered(raw.processor_architecture);
    let vendor = (cpu == Cpu::X86 || cpu == Cpu::X64)
        .then(|| String::from_utf8_lossy(&raw.cpu.data[..12]).into_owned())
        .filter(|vendor| vendor.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
    Some(SystemInfo {
        cpu,
        os: DumpOs::numbered(raw.platform_id),
        version: (raw.major_version, raw.minor_version, raw.build_number),
        service_pack: reader
            .utf16(DumpPart::System, raw.csd_version_rva.into())
            .filter(|text| !text.is_empty()),
        processors: raw.number_of_processors,
        processor_level: (raw.processor_level, raw.processor_revision),
        vendor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_systems_are_those_that_people_call_them() {
        for (os, version, text, want) in [
            (DumpOs::Linux, (6, 18, 44), Some("-generic #1 SMP x86_64"), Some("6.18.44-generic")),
            (DumpOs::Linux, (6, 18, 44), Some("#1 SMP"), Some("6.18.44")),
            (DumpOs::Linux, (0, 0, 0), Some("Linux 5.4.0-42 #46 x86_64"), Some("5.4.0-42")),
            (DumpOs::Android, (0, 0, 0), Some(" "), None),
            (DumpOs::Windows, (10, 0, 19045), None, Some("10.0.19045")),
            (
                DumpOs::Windows,
                (6, 1, 7601),
                Some("Service Pack 1"),
                Some("6.1.7601 Service Pack 1"),
            ),
            (DumpOs::MacOs, (0, 0, 0), Some("23A344"), Some("23A344")),
            (DumpOs::MacOs, (0, 0, 0), None, None),
        ] {
            let system = SystemInfo {
                cpu: Cpu::X64,
                os,
                version,
                service_pack: text.map(str::to_owned),
                processors: 1,
                processor_level: (0, 0),
                vendor: None,
            };
            assert_eq!(system.os_version().as_deref(), want, "{os:?} {version:?} {text:?}");
        }
    }
}
