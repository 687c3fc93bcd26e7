//! Opens object files for tests and examples, and writes rows as text.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::borrow::Cow;
use std::fmt::Write;

use object::{Object, ObjectSection, ObjectSegment, SectionFlags, SectionKind};
use symtool_unwind::{
    Architecture, Cfa, CodeRange, Recovery, Rule, RuleFlags, Section, UnwindSections, UnwindTable,
};

/// What the sections of `file` say of unwinding.
pub fn sections<'a>(file: &object::File<'a>) -> UnwindSections<'a> {
    let named = |names: &[&str]| {
        let section = names.iter().find_map(|name| file.section_by_name(name))?;
        let bytes = match section.uncompressed_data().ok().filter(|bytes| !bytes.is_empty())? {
            Cow::Borrowed(bytes) => bytes,
            // A test or an example has few of them.
            Cow::Owned(bytes) => bytes.leak(),
        };
        Some(Section { address: section.address(), bytes })
    };
    let code = file.sections().filter(is_code).map(|section| CodeRange {
        start: section.address(),
        end: section.address() + section.size(),
        bytes: section.data().unwrap_or_default(),
    });
    UnwindSections {
        architecture: architecture(file.architecture()),
        is_big_endian: !file.is_little_endian(),
        address_bytes: if file.is_64() { 8 } else { 4 },
        image_base: file
            .segments()
            .filter(|segment| segment.name().ok().flatten() == Some("__TEXT"))
            .map(|segment| segment.address())
            .min()
            .unwrap_or_default(),
        code: code.collect(),
        eh_frame: named(&[".eh_frame", "__eh_frame"]),
        debug_frame: named(&[".debug_frame", "__debug_frame"]),
        got: file.section_by_name(".got").map(|got| got.address()),
        is_mach_o: file.format() == object::BinaryFormat::MachO,
        exidx: named(&[".ARM.exidx"]),
        extab: named(&[".ARM.extab"]),
        unwind_info: named(&["__unwind_info"]),
    }
}

fn is_code(section: &object::Section<'_, '_>) -> bool {
    match section.flags() {
        SectionFlags::Elf { sh_flags, .. } => sh_flags.contains(object::elf::SHF_EXECINSTR),
        _ => section.kind() == SectionKind::Text,
    }
}

fn architecture(of: object::Architecture) -> Architecture {
    use object::Architecture as Known;
    match of {
        Known::I386 => Architecture::X86,
        Known::X86_64 | Known::X86_64_X32 => Architecture::X86_64,
        Known::Arm => Architecture::Arm,
        Known::Aarch64 | Known::Aarch64_Ilp32 => Architecture::Arm64,
        Known::LoongArch32 | Known::LoongArch64 => Architecture::LoongArch,
        Known::Mips | Known::Mips64 | Known::Mips64_N32 => Architecture::Mips,
        Known::PowerPc | Known::PowerPc64 => Architecture::PowerPc,
        Known::Riscv32 | Known::Riscv64 => Architecture::RiscV,
        Known::S390x => Architecture::S390x,
        Known::Sparc | Known::Sparc64 => Architecture::Sparc,
        _ => Architecture::Other,
    }
}

/// All rows, one a line: `START END cfa=… ra=… rN=… FLAG…`. A register is told as `rN+OFFSET`,
/// memory in brackets, and expressions by their bytes.
pub fn text(table: &UnwindTable) -> String {
    let mut text = String::new();
    for row in &table.rows {
        let rule = rule(table.rule(row));
        writeln!(text, "{:x} {:x} {rule}", row.start, row.end).unwrap();
    }
    text
}

fn rule(rule: &Rule) -> String {
    let mut text = match &rule.cfa {
        Cfa::Register(register, offset) => format!("cfa=r{}{offset:+}", register.0),
        Cfa::Expression(bytes) => format!("cfa={}", expression(bytes)),
    };
    write!(text, " ra={}", recovery(&rule.return_address)).unwrap();
    for (register, found) in rule.saved() {
        write!(text, " r{}={}", register.0, recovery(found)).unwrap();
    }
    for (flag, name) in [
        (RuleFlags::SIGNAL_FRAME, "signal"),
        (RuleFlags::END_OF_STACK, "end"),
        (RuleFlags::BODY_ONLY, "body"),
        (RuleFlags::SIGNED_RETURN_ADDRESS, "signed"),
    ] {
        if rule.flags.has(flag) {
            write!(text, " {name}").unwrap();
        }
    }
    text
}

fn recovery(recovery: &Recovery) -> String {
    match recovery {
        Recovery::Undefined => "undefined".to_owned(),
        Recovery::SameValue => "same".to_owned(),
        Recovery::AtCfa(offset) => format!("[cfa{offset:+}]"),
        Recovery::CfaPlus(offset) => format!("cfa{offset:+}"),
        Recovery::Register(register, offset) => format!("r{}{offset:+}", register.0),
        Recovery::AtExpression(bytes) => format!("[{}]", expression(bytes)),
        Recovery::Expression(bytes) => expression(bytes),
    }
}

fn expression(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    format!("<{hex}>")
}
