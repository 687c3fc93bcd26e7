//! Tells which build a file is of, and which file of it.
//!
//! A linker writes an id into what it makes (`--build-id`, `LC_UUID`, a PDB's GUID), which all files of a build
//! share. Where there is none, one is made up from the whole file: whatever an answer depends on
//! may tell two of them apart (symbols, relocations, lines, though the code is the same).

use object::macho::MH_DYLIB_IN_CACHE;
use object::read::macho::MachHeader;
use object::{Object, ObjectSection, SectionFlags, SectionKind};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use super::{macho, pe};
use crate::module::CodeMark;
use symtool_module::ModuleId;

/// The build-id or UUID; where the file has none, a hash of `bytes`, which are all of it.
pub fn module_id(object: &object::File<'_>, bytes: &[u8]) -> ModuleId {
    match own_id(object) {
        Some(id) => id,
        None => ModuleId { bytes: xxh3_128(bytes).to_be_bytes().to_vec(), made_up: true },
    }
}

fn own_id(object: &object::File<'_>) -> Option<ModuleId> {
    let build_id = object.build_id().ok().flatten().filter(|id| !id.is_empty()).map(<[u8]>::to_vec);
    let id = build_id.or_else(|| Some(object.mach_uuid().ok()??.to_vec()));
    id.map(|bytes| ModuleId { bytes, made_up: false }).or_else(|| pe::id(object))
}

/// The ids that earlier versions made up: up to 0.4 a hash of the code alone, or of all of `bytes`
/// if the code was split off.
pub fn former_ids(object: &object::File<'_>, bytes: &[u8]) -> Vec<ModuleId> {
    if own_id(object).is_some() {
        return Vec::new();
    }
    let mut hash = Xxh3::new();
    let has_code = !macho::is_dsym(object);
    let code = object.sections().filter(|section| has_code && section.kind() == SectionKind::Text);
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
    vec![ModuleId { bytes: hash.digest128().to_be_bytes().to_vec(), made_up: true }]
}

/// How long the code of `object` is, and what it is. Tools that change it after linking (BOLT)
/// leave the id as it was.
pub fn code(object: &object::File<'_>) -> CodeMark {
    // The dynamic linker's cache changes the code of what is put into it.
    let is_in_cache = macho::with_macho!(object, file => file.macho_header().flags(file.endian()).contains(MH_DYLIB_IN_CACHE));
    let Some(text) = [".text", "__text"]
        .iter()
        .find_map(|name| object.section_by_name(name))
        .filter(|_| is_in_cache != Some(true))
    else {
        return CodeMark::default();
    };
    let contents = text.data().ok().filter(|code| {
        !code.is_empty() && code.len() as u64 == text.size() && !macho::is_dsym(object)
    });
    CodeMark { bytes: Some(text.size()), contents: contents.map(xxh3_64) }
}

/// A hash of the file's size and of its section table, which of 463 MB are a few kilobytes.
pub fn fingerprint(object: &object::File<'_>, file_bytes: usize) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&(file_bytes as u64).to_le_bytes());
    for section in object.sections() {
        let flags = match section.flags() {
            SectionFlags::Elf { sh_flags, .. } => sh_flags.0,
            SectionFlags::MachO { flags, .. } => flags.0.into(),
            _ => 0,
        };
        let name = section.name_bytes().unwrap_or_default();
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name);
        [section.address(), section.size(), flags]
            .iter()
            .for_each(|number| hash.update(&number.to_le_bytes()));
    }
    hash.digest()
}
