//! What an object file is, and the way to everything in it: in, a mapped file; out, [`DebugFile`], whose
//! [`DebugFile::read`] lists the steps of reading it.

use ::object::{Architecture, Object, ObjectKind, ObjectSection, ObjectSegment};
use xxhash_rust::xxh3::Xxh3;

use super::assemble::assemble;
use super::sections::{Code, debug_section};
use super::{Mapped, Progress, dwarf, symbols};
use crate::Error;
use crate::module::{Detail, Dropped, ModuleId, ModuleInfo, ModuleKind, ModuleSymbols};

/// A parsed object file.
#[derive(Debug)]
pub struct DebugFile<'d> {
    mapped: &'d Mapped,
    object: ::object::File<'d>,
    info: ModuleInfo,
}

impl<'d> DebugFile<'d> {
    /// Parses the headers of `mapped` and finds out what it is.
    ///
    /// # Errors
    /// [`Error::NotAnObject`] or [`Error::Damaged`].
    pub fn parse(mapped: &'d Mapped) -> Result<Self, Error> {
        let path = mapped.path();
        let bytes = mapped.bytes();
        if !bytes.starts_with(&::object::elf::ELFMAG) {
            return Err(Error::NotAnObject { path: path.to_owned(), found: guess(bytes) });
        }
        let damaged = |error: ::object::Error| Error::Damaged { path: path.to_owned(), reason: error.to_string() };
        let object = ::object::File::parse(bytes).map_err(damaged)?;
        if object.kind() == ObjectKind::Relocatable {
            return Err(Error::Relocatable { path: path.to_owned() });
        }
        let info = ModuleInfo {
            name: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            id: module_id(&object, bytes),
            kind: ModuleKind::Elf,
            arch: arch(&object).to_owned(),
            detail: detail(&object),
            image_base: object.segments().map(|segment| segment.address()).min().unwrap_or(0),
        };
        Ok(Self { mapped, object, info })
    }

    /// What the file says about itself.
    pub fn info(&self) -> &ModuleInfo {
        &self.info
    }

    /// Reads all ranges, names and lines. Units are read in parallel on the current rayon pool; the result does
    /// not depend on how many threads there are.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a debug section lies outside the file, [`Error::NoSymbols`] if there is nothing to
    /// find addresses by. Damage within a section costs the unit it is in, and is
    /// counted in `dropped`.
    pub fn read(&self, progress: &Progress) -> Result<ModuleSymbols, Error> {
        let mut dropped = Dropped::default();
        let code = Code::of(&self.object);
        let symbols = symbols::read(&self.object);
        let sections = gimli::DwarfSections::load(|id| debug_section(&self.object, id, self.mapped.bytes().len()))
            .map_err(|reason| self.damaged(reason))?;
        let dwarf = if self.object.is_little_endian() {
            dwarf::read(&sections, gimli::LittleEndian, &code, &symbols, self.mapped, progress, &mut dropped)
        } else {
            dwarf::read(&sections, gimli::BigEndian, &code, &symbols, self.mapped, progress, &mut dropped)
        };
        let mut module = assemble(self.info.clone(), dwarf, &symbols, &code, self.mapped.bytes().len(), dropped);
        module.warnings = self.warnings(&module.dropped);
        if module.ranges.is_empty() {
            return Err(Error::NoSymbols { path: self.mapped.path().to_owned() });
        }
        Ok(module)
    }

    /// What is damaged, or known to be elsewhere and not read.
    fn warnings(&self, dropped: &Dropped) -> Vec<String> {
        let mut warnings = Vec::new();
        if dropped.iter().any(|(reason, _)| reason.is_damage()) {
            warnings
                .push("some of its debug data is damaged and was left out; was it copied whole? `modules show` has the counts".to_owned());
        }
        if let Ok(Some((file, _))) = self.object.gnu_debugaltlink() {
            let file = String::from_utf8_lossy(file);
            warnings.push(format!("names shared with other files are in {file}, which is not read: some functions have no name"));
        }
        if let (Ok(Some((file, _))), true) = (self.object.gnu_debuglink(), self.info.detail < Detail::Debug) {
            let file = String::from_utf8_lossy(file);
            warnings.push(format!("its debug data is in {file}; import that file too, in any order"));
        }
        warnings
    }

    fn damaged(&self, reason: String) -> Error {
        Error::Damaged { path: self.mapped.path().to_owned(), reason }
    }
}

/// The build-id; where the file has none, a hash of its code, or of all of it if the code was split off.
fn module_id(object: &::object::File<'_>, bytes: &[u8]) -> ModuleId {
    if let Ok(Some(id)) = object.build_id()
        && !id.is_empty()
    {
        return ModuleId { bytes: id.to_vec(), made_up: false };
    }
    let mut hash = Xxh3::new();
    let code = object.sections().filter(|section| section.kind() == ::object::SectionKind::Text);
    let mut hashed = 0;
    for section in code {
        if let Ok(data) = section.data() {
            hash.update(&section.address().to_le_bytes());
            hash.update(data);
            hashed += data.len();
        }
    }
    if hashed == 0 {
        hash.update(bytes);
    }
    ModuleId { bytes: hash.digest128().to_be_bytes().to_vec(), made_up: true }
}

fn detail(object: &::object::File<'_>) -> Detail {
    if [".debug_info", ".zdebug_info"].iter().any(|name| object.section_by_name(name).is_some()) {
        Detail::Debug
    } else if object.symbols().next().is_some() {
        Detail::Symbols
    } else {
        Detail::Exports
    }
}

/// The architecture, as LLVM names it.
fn arch(object: &::object::File<'_>) -> &'static str {
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

/// What a file that is no ELF object seems to be.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => "a Mach-O file or Java class",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'M', b'Z', ..] => "a Windows executable",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "an ar archive",
        [0x1f, 0x8b, ..] => "a gzip file",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd file",
        _ if bytes.iter().take(512).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => "text",
        _ => "unknown contents",
    }
}
