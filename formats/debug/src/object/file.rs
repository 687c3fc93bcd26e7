//! Parses an object file and finds out what it is: [`ObjectFile`].

use std::path::Path;

use object::{BinaryFormat, CompressionFormat, Object, ObjectSection, SectionKind};
use symtool_module::{Arch, ModuleKind};

use super::{elf, identity, macho, pe};
use crate::bytes::{Error, Kind, Mapped};
use crate::module::ModuleInfo;

/// A parsed object file, without the files that belong to it.
#[derive(Debug)]
pub struct ObjectFile<'d> {
    /// Its bytes.
    pub mapped: &'d Mapped,
    /// Its headers.
    pub object: object::File<'d>,
    /// What it says about itself.
    pub info: ModuleInfo,
}

impl<'d> ObjectFile<'d> {
    /// Parses the headers of `mapped` and finds out what it is.
    ///
    /// # Errors
    /// [`Error::NotAnObject`] or [`Error::Damaged`].
    pub fn parse(mapped: &'d Mapped) -> Result<Self, Error> {
        let path = mapped.path();
        let bytes = mapped.bytes();
        if Kind::of(bytes) != Kind::Object {
            return Err(Error::NotAnObject { path: path.to_owned(), found: guess(bytes) });
        }
        let damaged = |error: object::Error| Error::Damaged {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let object = object::File::parse(bytes).map_err(damaged)?;
        if macho::with_macho!(&object, file => file.macho_load_commands().is_err()).unwrap_or(false)
        {
            return Err(Error::Damaged {
                path: path.to_owned(),
                reason: "its load commands lie outside the file".to_owned(),
            });
        }
        let (kind, arch, detail, image_base) = match object.format() {
            BinaryFormat::MachO => (
                ModuleKind::MachO,
                macho::arch(&object),
                macho::detail(&object),
                macho::image_base(&object),
            ),
            // Addresses are made relative to the image.
            BinaryFormat::Pe => (ModuleKind::Pe, elf::arch(&object), pe::detail(&object), 0),
            _ => (
                ModuleKind::Elf,
                elf::arch(&object),
                elf::detail(&object),
                elf::image_base(&object),
            ),
        };
        let info = ModuleInfo {
            name: mapped.name().to_owned(),
            id: identity::module_id(&object, bytes),
            other_ids: identity::former_ids(&object, bytes),
            code: identity::code(&object),
            kind,
            arch: arch.into(),
            detail,
            image_base,
            fingerprint: identity::fingerprint(&object, bytes.len()),
        };
        Ok(Self { mapped, object, info })
    }

    /// The file's path.
    pub fn path(&self) -> &'d Path {
        self.mapped.path()
    }

    /// Bytes of the file, and of its compressed sections once expanded.
    pub fn working_bytes(&self) -> u64 {
        let expanded =
            self.object.sections().filter_map(|section| section.compressed_file_range().ok());
        let expanded = expanded
            .filter(|range| range.format != CompressionFormat::None)
            .map(|range| range.uncompressed_size);
        expanded.fold(self.mapped.bytes().len() as u64, u64::saturating_add)
    }

    /// Whether it has debug data of its own.
    pub fn has_units(&self) -> bool {
        [".debug_info", ".zdebug_info"]
            .iter()
            .any(|name| self.object.section_by_name(name).is_some())
    }

    /// Whether it has the code itself, and not only debug data about it.
    pub fn has_code(&self) -> bool {
        // In a debug file, code sections have no contents; a dSYM is marked as one.
        let has_contents = |section: &object::Section<'_, '_>| {
            section.file_range().is_some_and(|(_, bytes)| bytes > 0)
        };
        let code = self
            .object
            .sections()
            .any(|section| section.kind() == SectionKind::Text && has_contents(&section));
        code && !(self.object.format() == BinaryFormat::MachO && macho::is_dsym(&self.object))
    }

    /// The error that says that it is damaged.
    pub fn damaged(&self, reason: String) -> Error {
        Error::Damaged { path: self.path().to_owned(), reason }
    }
}

/// The architecture of the object file `mapped`, as LLVM names it.
///
/// # Errors
/// Those of [`ObjectFile::parse`].
pub fn arch_of(mapped: &Mapped) -> Result<Arch, Error> {
    ObjectFile::parse(mapped).map(|file| file.info.arch)
}

/// What a file that is no object seems to be.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xca, 0xfe, 0xba, 0xbe, ..] => "a Java class",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'M', b'Z', ..] => "a program of DOS",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "an ar archive",
        [0x1f, 0x8b, ..] => "a gzip file",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd file",
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "a bzip2 file; unpack it first",
        [0x5d, 0, 0, ..] => "an lzma file; unpack it first",
        _ if bytes
            .iter()
            .take(512)
            .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) =>
        {
            "text"
        }
        _ => "unknown contents",
    }
}
