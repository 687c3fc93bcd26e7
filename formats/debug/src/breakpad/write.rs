//! Writes a module as a Breakpad symbol file: [`write_breakpad`]. `runs.rs` tells what a function
//! is.

use std::borrow::Cow;
use std::io::{self, Write};

use symtool_module::{ModuleId, ModuleKind, first_16, swapped_guid};
use symtool_unwind::write_cfi;

use super::header::ARCHES;
use super::runs::{FunctionRun, runs};
use super::{NO_FILE, NO_NAME};
use crate::module::{FileId, FunctionId, ModuleInfo, ModuleSymbols, SourceLocation};

/// Addresses that one `INLINE` record is given. Those of a call with more are told by several.
const RANGES_PER_RECORD: usize = 1000;

/// What a symbol file says of a module besides its symbols.
#[derive(Debug)]
pub struct BreakpadHead<'a> {
    /// What the module is called; on Windows, its PDB.
    pub name: &'a str,
    /// What its code is called, if that is something else.
    pub code_name: Option<&'a str>,
    /// Who writes it.
    pub generator: &'a str,
}

/// The id by which Breakpad calls a module: a GUID, of which that of an ELF file is the beginning of
/// its build-id, and an age.
pub fn breakpad_id(kind: ModuleKind, id: &ModuleId) -> String {
    let first = first_16(&id.bytes);
    let guid = if kind == ModuleKind::Elf && !id.made_up { swapped_guid(first) } else { first };
    let age = match (kind, id.bytes.get(16..20)) {
        (ModuleKind::Pe, Some(&[a, b, c, d])) => u32::from_be_bytes([a, b, c, d]),
        _ => 0,
    };
    format!("{:032X}{age:x}", u128::from_be_bytes(guid))
}

/// The id of a build as Sentry writes it: a GUID with hyphens, and the age behind it unless that is 0.
/// `None` if the file has no id, or as an image of Windows only a time stamp and a size.
pub fn debug_id(kind: ModuleKind, id: &ModuleId) -> Option<String> {
    if id.made_up || kind == ModuleKind::Pe && id.bytes.len() < 16 {
        return None;
    }
    let id = breakpad_id(kind, id).to_ascii_lowercase();
    let (guid, age) = id.split_at_checked(32)?;
    let fields: Vec<&str> = [0..8, 8..12, 12..16, 16..20, 20..32].map(|field| &guid[field]).into();
    let age = if age == "0" { String::new() } else { format!("-{age}") };
    Some(fields.join("-") + &age)
}

/// Writes the file of `symbols`, whose names `spell` spells where it can. Gives back how many unwind
/// rows were left out, as no record can tell them.
///
/// # Errors
/// Those of `out`.
pub fn write_breakpad(
    symbols: &ModuleSymbols,
    head: &BreakpadHead<'_>,
    spell: &dyn Fn(&[u8]) -> Option<String>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut writer = Writer { symbols, spell, out };
    writer.head(head)?;
    writer.tables()?;
    for run in runs(symbols) {
        writer.function(&run)?;
    }
    writer.aliases()?;
    write_cfi(&symbols.unwind, symbols.info.arch.as_str(), symbols.info.image_base, writer.out)
}

struct Writer<'a> {
    symbols: &'a ModuleSymbols,
    spell: &'a dyn Fn(&[u8]) -> Option<String>,
    out: &'a mut dyn Write,
}

impl Writer<'_> {
    /// `MODULE` and `INFO`.
    fn head(&mut self, head: &BreakpadHead<'_>) -> io::Result<()> {
        let ModuleInfo { kind, id, other_ids, arch, .. } = &self.symbols.info;
        let os = match kind {
            ModuleKind::MachO => "mac",
            ModuleKind::Pe => "windows",
            ModuleKind::Elf | ModuleKind::Proguard => "Linux",
        };
        let arch = match arch.as_str() {
            "i386" => "x86",
            "aarch64" => "arm64",
            arch => ARCHES.iter().find(|(_, known)| *known == arch).map_or(arch, |(name, _)| name),
        };
        write!(self.out, "MODULE {os} {arch} {} ", breakpad_id(*kind, id))?;
        self.text(head.name.as_bytes())?;
        let code_id = match kind {
            ModuleKind::Elf if !id.made_up => Some(id.to_string()),
            ModuleKind::Pe => other_ids.iter().chain([id]).find_map(|id| stamp_and_size(&id.bytes)),
            _ => None,
        };
        if let Some(code_id) = code_id {
            write!(self.out, "INFO CODE_ID {}", code_id.to_ascii_uppercase())?;
            if let Some(name) = head.code_name {
                write!(self.out, " ")?;
                return self.text(name.as_bytes()).and_then(|()| self.generator(head));
            }
            writeln!(self.out)?;
        }
        self.generator(head)
    }

    fn generator(&mut self, head: &BreakpadHead<'_>) -> io::Result<()> {
        writeln!(self.out, "INFO GENERATOR {}", head.generator)
    }

    /// `FILE` and `INLINE_ORIGIN`, by the numbers that they have in the module; those of what is not
    /// known come last.
    fn tables(&mut self) -> io::Result<()> {
        let symbols = self.symbols;
        for number in 0..symbols.files.len() {
            write!(self.out, "FILE {number} ")?;
            self.text(symbols.files.get(number).map_or(NO_FILE, |file| file.path))?;
        }
        write!(self.out, "FILE {} ", symbols.files.len())?;
        self.text(NO_FILE)?;
        let mut is_inlined = vec![false; symbols.functions.len() + 1];
        for chain in symbols.chains.iter().filter(|chain| chain.caller.is_some()) {
            is_inlined[self.origin(chain.function)] = true;
        }
        for (number, _) in is_inlined.iter().enumerate().filter(|(_, is_inlined)| **is_inlined) {
            write!(self.out, "INLINE_ORIGIN {number} ")?;
            self.name(symbols.functions.name(number))?;
        }
        Ok(())
    }

    fn origin(&self, function: Option<FunctionId>) -> usize {
        function.map_or(self.symbols.functions.len(), |function| function.index() as usize)
    }

    fn file(&self, file: Option<FileId>) -> usize {
        file.map_or(self.symbols.files.len(), |file| file.index() as usize)
    }

    fn function(&mut self, run: &FunctionRun) -> io::Result<()> {
        let name = self.symbols.functions.name(self.origin(run.function));
        if run.end == u64::MAX {
            write!(self.out, "PUBLIC {:x} 0 ", self.relative(run.start))?;
            return self.name(name);
        }
        let (start, size) = (self.relative(run.start), run.end - run.start);
        write!(self.out, "FUNC {start:x} {size:x} 0 ")?;
        self.name(name)?;
        for call in &run.calls {
            let SourceLocation { file, line, .. } = call.call;
            let (file, origin) = (self.file(file), self.origin(call.function));
            for ranges in call.ranges.chunks(RANGES_PER_RECORD) {
                write!(self.out, "INLINE {} {line} {file} {origin}", call.depth)?;
                for (start, end) in ranges {
                    write!(self.out, " {:x} {:x}", self.relative(*start), end - start)?;
                }
                writeln!(self.out)?;
            }
        }
        for line in &run.lines {
            let (start, size) = (self.relative(line.start), line.end - line.start);
            writeln!(self.out, "{start:x} {size:x} {} {}", line.line, line.file.index())?;
        }
        Ok(())
    }

    /// Further names of functions, where readers look for none but other tools may.
    fn aliases(&mut self) -> io::Result<()> {
        let symbols = self.symbols;
        for alias in &symbols.aliases {
            write!(self.out, "PUBLIC m {:x} 0 ", self.relative(alias.address))?;
            self.name(&alias.name)?;
        }
        Ok(())
    }

    /// An address as it counts from the image.
    fn relative(&self, address: u64) -> u64 {
        address.saturating_sub(self.symbols.info.image_base)
    }

    fn name(&mut self, raw: &[u8]) -> io::Result<()> {
        if raw.is_empty() {
            return self.text(NO_NAME);
        }
        match (self.spell)(raw) {
            Some(name) => self.text(name.as_bytes()),
            None => self.text(raw),
        }
    }

    /// Writes `text` and ends the line.
    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let text = if text.iter().any(is_end) {
            Cow::Owned(text.iter().map(|byte| if is_end(byte) { b' ' } else { *byte }).collect())
        } else {
            Cow::Borrowed(text)
        };
        self.out.write_all(&text)?;
        writeln!(self.out)
    }
}

/// The code id of an image of Windows whose id has 8 bytes: its time stamp, and its size without
/// leading zeros.
fn stamp_and_size(id: &[u8]) -> Option<String> {
    let (stamp, size) = id.split_at_checked(4)?;
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes);
    Some(format!("{:08X}{:x}", number(stamp)?, number(size)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digits: &str, made_up: bool) -> ModuleId {
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        ModuleId { bytes: (0..digits.len()).step_by(2).map(byte).collect(), made_up }
    }

    #[test]
    fn ids() {
        let build_id = "143facb8b0edf2c9ee67c2858418d0b04ce3faf1";
        for (kind, id, want) in [
            (ModuleKind::Elf, id(build_id, false), "B8AC3F14EDB0C9F2EE67C2858418D0B00"),
            (ModuleKind::Elf, id(&build_id[..16], false), "B8AC3F14EDB0C9F200000000000000000"),
            (ModuleKind::Elf, id(&build_id[..32], true), "143FACB8B0EDF2C9EE67C2858418D0B00"),
            (ModuleKind::MachO, id(&build_id[..32], false), "143FACB8B0EDF2C9EE67C2858418D0B00"),
            (
                ModuleKind::Pe,
                id("3723f16866a99c534c4c44205044422e0000001a", false),
                "3723F16866A99C534C4C44205044422E1a",
            ),
        ] {
            assert_eq!(breakpad_id(kind, &id), want);
        }
        for (kind, id, want) in [
            // As Sentry's symbolic has it for its fixture crash.linux.
            (
                ModuleKind::Elf,
                id("f1c3bcc0279865fe3058404b2831d9e64135386c", false),
                Some("c0bcc3f1-9827-fe65-3058-404b2831d9e6"),
            ),
            (
                ModuleKind::MachO,
                id("3a9a8b2c4d5e6f708192a3b4c5d6e7f8", false),
                Some("3a9a8b2c-4d5e-6f70-8192-a3b4c5d6e7f8"),
            ),
            (
                ModuleKind::Pe,
                id("3249d99d0c4049318610f4e4fb0b69360000000a", false),
                Some("3249d99d-0c40-4931-8610-f4e4fb0b6936-a"),
            ),
            (ModuleKind::Pe, id("4f2596da00006000", false), None),
            (ModuleKind::Elf, id(&build_id[..32], true), None),
        ] {
            assert_eq!(debug_id(kind, &id).as_deref(), want);
        }
        assert_eq!(stamp_and_size(&id("4f2596da00006000", false).bytes).unwrap(), "4F2596DA6000");
        assert_eq!(stamp_and_size(&id(build_id, false).bytes), None);
    }
}
