//! Knows what is special about ELF files: their identity, symbols and stubs.

pub mod minidebug;
pub mod plain;
pub mod plt;
pub mod segments;
mod symbols;

use object::{Architecture, Object, ObjectSegment};
use symtool_module::Detail;

use super::go_table;
use super::layout::Layout;
use super::symbols::SymbolEntry;

/// How much `object` can tell.
pub fn detail(object: &object::File<'_>) -> Detail {
    if [".debug_info", ".zdebug_info"].iter().any(|name| object.section_by_name(name).is_some()) {
        Detail::Debug
    } else if go_table::has_table(object) {
        Detail::Gopclntab
    } else if object.symbols().next().is_some()
        || object.section_by_name(".gnu_debugdata").is_some()
    {
        Detail::Symbols
    } else {
        Detail::Exports
    }
}

/// The address of the first loaded page.
pub fn image_base(object: &object::File<'_>) -> u64 {
    object.segments().map(|segment| segment.address()).min().unwrap_or(0)
}

/// The architecture, as LLVM names it.
pub fn arch(object: &object::File<'_>) -> &'static str {
    match object.architecture() {
        Architecture::Aarch64 => "aarch64",
        Architecture::Aarch64_Ilp32 => "aarch64_32",
        Architecture::Arm => "arm",
        Architecture::I386 => "i386",
        Architecture::LoongArch32 => "loongarch32",
        Architecture::LoongArch64 => "loongarch64",
        Architecture::Mips => "mips",
        Architecture::Mips64 | Architecture::Mips64_N32 => "mips64",
        Architecture::PowerPc => "ppc",
        Architecture::PowerPc64 => "ppc64",
        Architecture::Riscv32 => "riscv32",
        Architecture::Riscv64 => "riscv64",
        Architecture::S390x => "s390x",
        Architecture::Sparc64 => "sparcv9",
        Architecture::X86_64 => "x86_64",
        Architecture::X86_64_X32 => "x86_64_x32",
        _ => "unknown",
    }
}

/// The symbols of `file`, from `.symtab`, or from `.dynsym` where there is none, or from what the
/// dynamic linker is told where there are no sections, and those of `mini`, the file in its `.gnu_debugdata`.
pub fn read_symbols<'d>(
    file: &object::File<'d>,
    mini: Option<&object::File<'d>>,
    layout: &Layout,
) -> Vec<SymbolEntry<'d>> {
    let mut entries = symbols::entries(file, file.symbols(), layout);
    if entries.is_empty() {
        entries = symbols::entries(file, file.dynamic_symbols(), layout);
    }
    if segments::are_all(file) {
        entries = segments::symbols(file);
    }
    if let Some(mini) = mini {
        // Before the others: it replaces none of them.
        entries.splice(..0, minidebug::entries(file, mini));
    }
    entries
}
