//! Names architectures as Apple's and LLVM's tools call a CPU type and subtype.

use object::macho::{self, CpuSubtype, CpuType};

/// The name, such as `arm64e`, of `kind` and `subtype`, whose capability bits do not matter.
pub fn name(kind: CpuType, subtype: CpuSubtype) -> &'static str {
    match (kind, subtype.id()) {
        (macho::CPU_TYPE_X86, _) => "i386",
        (macho::CPU_TYPE_X86_64, macho::CPU_SUBTYPE_X86_64_H) => "x86_64h",
        (macho::CPU_TYPE_X86_64, _) => "x86_64",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V4T) => "armv4t",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V5TEJ) => "armv5e",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V6) => "armv6",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V6M) => "armv6m",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V7) => "armv7",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V7EM) => "armv7em",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V7K) => "armv7k",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V7M) => "armv7m",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_V7S) => "armv7s",
        (macho::CPU_TYPE_ARM, macho::CPU_SUBTYPE_ARM_XSCALE) => "xscale",
        (macho::CPU_TYPE_ARM, _) => "arm",
        (macho::CPU_TYPE_ARM64, macho::CPU_SUBTYPE_ARM64E) => "arm64e",
        (macho::CPU_TYPE_ARM64, _) => "arm64",
        (macho::CPU_TYPE_ARM64_32, _) => "arm64_32",
        (macho::CPU_TYPE_POWERPC, _) => "ppc",
        (macho::CPU_TYPE_POWERPC64, _) => "ppc64",
        _ => "unknown",
    }
}
