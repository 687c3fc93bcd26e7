//! Finds files that belong to an object file and lie elsewhere: the debug file that was split from it, and the file of
//! names that it shares with others (dwz). For Mach-O, `macho/dsym.rs` knows where to look.
//!
//! Where to look is gdb's convention ("Debugging Information in Separate Files"), which distributions follow:
//!
//! ```text
//! build-id abcdef…         DEBUG_DIR/.build-id/ab/cdef….debug
//! .gnu_debuglink NAME      beside the object, in .debug/ there, in DEBUG_DIR/folder of the object
//! .gnu_debugaltlink PATH   from the object's folder; by its build-id as above; in DEBUG_DIR/.dwz and .dwz/ beside;
//!                          `.debug_sup` of DWARF 5 likewise
//! ```

use std::fmt::Write;
use std::path::{Path, PathBuf};

use gimli::{EndianSlice, Reader};
use object::{Object, ObjectSection};

use super::macho;
use super::object::DebugFile;
use crate::bytes::{Companion, Mapped, os_path};
use symtool_module::{Detail, ModuleKind};

/// Where files that belong to an object are looked for, besides its own folder.
#[derive(Clone, Debug)]
pub struct Search {
    /// Folders with debug files, in order.
    pub debug_dirs: Vec<PathBuf>,
    /// Folders with symbol maps of Apple's bitcode builds (`UUID.bcsymbolmap`), in order.
    pub symbol_map_dirs: Vec<PathBuf>,
    /// Told of each place that was looked at, on any thread.
    pub told: fn(Looked<'_>),
}

/// A place where a file that belongs to an object was looked for.
#[derive(Clone, Copy, Debug)]
pub struct Looked<'a> {
    /// The object.
    pub object: &'a Path,
    /// The place.
    pub place: &'a Path,
    /// Whether there is a file; it may be of another build.
    pub is_there: bool,
}

impl Default for Search {
    /// `/usr/lib/debug`, where distributions put debug files.
    fn default() -> Self {
        Self { debug_dirs: vec![PathBuf::from("/usr/lib/debug")], ..Self::nowhere() }
    }
}

impl Search {
    /// Nowhere but beside the object.
    pub fn nowhere() -> Self {
        Self { debug_dirs: Vec::new(), symbol_map_dirs: Vec::new(), told: |_| {} }
    }

    /// `debug_dirs`, then where distributions put debug files; `symbol_map_dirs`.
    pub fn in_dirs(debug_dirs: &[PathBuf], symbol_map_dirs: &[PathBuf]) -> Self {
        let mut search = Self { debug_dirs: debug_dirs.to_vec(), symbol_map_dirs: symbol_map_dirs.to_vec(), ..Self::nowhere() };
        search.debug_dirs.extend(Self::default().debug_dirs);
        search
    }

    /// Opens the file at `place`, which may belong to the one at `object`, and tells of it.
    pub(super) fn open(&self, place: &Path, object: &Path) -> Option<Mapped> {
        let found = open_other(place, object);
        (self.told)(Looked { object, place, is_there: found.is_some() });
        found
    }

    /// Paths at which the file of kind `extension` with build-id `id` is kept.
    pub(super) fn by_build_id<'a>(&'a self, id: &[u8], extension: &str) -> impl Iterator<Item = PathBuf> + use<'a> {
        let (first, rest) = id.split_at(id.len().min(1));
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
        };
        let name = (!rest.is_empty()).then(|| format!(".build-id/{}/{}.{extension}", hex(first), hex(rest)));
        name.into_iter().flat_map(|name| self.debug_dirs.iter().map(move |folder| folder.join(&name)))
    }
}

/// The debug file that was split from `file`, if it is found; `None` too if `file` has debug data itself or names
/// none. It has the same build-id, or else the checksum that `file` asks for.
pub fn debug_file(file: &DebugFile<'_>, search: &Search) -> Option<Mapped> {
    if file.info().detail == Detail::Debug {
        return None;
    }
    if file.info().kind == ModuleKind::MachO {
        return macho::dsym::find(file, search);
    }
    let id = build_id(file.object());
    let same_id = |mapped: &Mapped| id.is_some() && object::File::parse(mapped.bytes()).ok().as_ref().and_then(build_id) == id;
    let by_id = search.by_build_id(id.unwrap_or_default(), "debug").filter_map(|path| search.open(&path, file.path())).find(same_id);
    by_id.or_else(|| {
        let (_, crc) = file.object().gnu_debuglink().ok()??;
        let is_it = |mapped: &Mapped| same_id(mapped) || crc32fast::hash(mapped.bytes()) == crc;
        link_places(file, search).into_iter().filter_map(|path| search.open(&path, file.path())).find(is_it)
    })
}

/// Where the file that `.gnu_debuglink` names may lie.
fn link_places(file: &DebugFile<'_>, search: &Search) -> Vec<PathBuf> {
    let Some((link, _)) = file.object().gnu_debuglink().ok().flatten() else { return Vec::new() };
    let (Some(name), Some(folder)) = (Path::new(os_path(link)).file_name(), folder(file.path())) else { return Vec::new() };
    let below = folder.strip_prefix("/").ok();
    let elsewhere = search.debug_dirs.iter().flat_map(|dir| below.iter().map(|folder| dir.join(folder).join(name)).chain([dir.join(name)]));
    [folder.join(name), folder.join(".debug").join(name)].into_iter().chain(elsewhere).collect()
}

/// A file that lies where the debug file of `file` should, for which [`debug_file`] has found none: it is of another
/// build.
pub fn other_build(file: &DebugFile<'_>, search: &Search) -> Option<PathBuf> {
    let places = if file.info().kind == ModuleKind::MachO { macho::dsym::places(file, search) } else { link_places(file, search) };
    places.into_iter().find(|place| open_other(place, file.path()).is_some())
}

/// Path and id of the file of shared names that `object` refers to.
pub fn shared_names_link<'d>(object: &object::File<'d>) -> Option<(&'d [u8], &'d [u8])> {
    object.gnu_debugaltlink().ok().flatten().or_else(|| match supplement(object)? {
        (Role::User, name, id) => Some((name, id)),
        (Role::Supplement, ..) => None,
    })
}

/// The file of shared names that `file` refers to, if it is found: it has the id that `file` asks for.
pub fn shared_names(file: &DebugFile<'_>, search: &Search) -> Option<Mapped> {
    let (name, id) = shared_names_link(file.object())?;
    let name = Path::new(os_path(name));
    let folder = folder(file.path())?;
    let from_object = [folder.join(name)].into_iter();
    let beside = name.file_name().into_iter().flat_map(|name| {
        let below = search.debug_dirs.iter().flat_map(move |dir| [dir.join(".dwz").join(name), dir.join(name)]);
        [folder.join(name), folder.join(".dwz").join(name)].into_iter().chain(below)
    });
    let id_of = |object: &object::File<'_>| {
        let supplement = supplement(object).filter(|(role, ..)| *role == Role::Supplement).map(|(.., id)| id.to_vec());
        supplement.or_else(|| build_id(object).map(<[u8]>::to_vec))
    };
    let is_it = |mapped: &Mapped| object::File::parse(mapped.bytes()).is_ok_and(|object| id_of(&object).as_deref() == Some(id));
    from_object.chain(search.by_build_id(id, "debug")).chain(beside).filter_map(|path| search.open(&path, file.path())).find(is_it)
}

/// Which side of a supplementary file an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It refers to one.
    User,
    /// It is one.
    Supplement,
}

/// What `.debug_sup` says: the side, the name of the supplementary file and its checksum (DWARF 5, section 7.3.6).
fn supplement<'d>(object: &object::File<'d>) -> Option<(Role, &'d [u8], &'d [u8])> {
    let data = object.section_by_name(".debug_sup")?.data().ok()?;
    let endian = if object.is_little_endian() { gimli::RunTimeEndian::Little } else { gimli::RunTimeEndian::Big };
    let mut reader = EndianSlice::new(data, endian);
    let _version = reader.read_u16().ok()?;
    let role = if reader.read_u8().ok()? == 0 { Role::User } else { Role::Supplement };
    let name = reader.read_null_terminated_slice().ok()?.slice();
    let length = usize::try_from(reader.read_uleb128().ok()?).ok()?;
    Some((role, name, reader.split(length).ok()?.slice()))
}

/// Opens the file at `path`, unless it is `object` itself.
pub fn open_other(path: &Path, object: &Path) -> Option<Mapped> {
    if path == object || path.canonicalize().ok()? == object.canonicalize().unwrap_or_default() {
        return None;
    }
    Mapped::open(path).ok().map(Mapped::with_plain_symbols)
}

/// The folder of `path`, free of symbolic links: a link beside other files leads to where the file's own are.
fn folder(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()?.parent().map(Path::to_owned)
}

/// What a file is that has nothing of its own: it is read with the files that it belongs to.
pub fn role(object: &object::File<'_>) -> Option<Companion> {
    let has = |name| object.section_by_name(name).is_some();
    if has(".debug_info.dwo") {
        return Some(if has(".debug_cu_index") { Companion::Package } else { Companion::SplitUnits });
    }
    let has_code = object.sections().any(|section| section.kind() == object::SectionKind::Text);
    let is_supplement = supplement(object).is_some_and(|(role, ..)| role == Role::Supplement);
    (has(".debug_info") && (is_supplement || !has_code && shared_names_link(object).is_none() && has_partial_units(object)))
        .then_some(Companion::SharedNames)
}

/// Whether the first unit is one that others import (dwz).
fn has_partial_units(object: &object::File<'_>) -> bool {
    let endian = if object.is_little_endian() { gimli::RunTimeEndian::Little } else { gimli::RunTimeEndian::Big };
    let section =
        |id: gimli::SectionId| object.section_by_name(id.name()).and_then(|section| section.uncompressed_data().ok()).unwrap_or_default();
    let (entries, abbreviations) = (section(gimli::SectionId::DebugInfo), section(gimli::SectionId::DebugAbbrev));
    let header = gimli::DebugInfo::new(&entries, endian).units().next().ok().flatten();
    let root = header.and_then(|header| {
        let table = header.abbreviations(&gimli::DebugAbbrev::new(&abbreviations, endian)).ok()?;
        Some(header.entries_raw(&table, None).ok()?.read_abbreviation().ok()??.tag())
    });
    root == Some(gimli::DW_TAG_partial_unit)
}

pub fn build_id<'d>(object: &object::File<'d>) -> Option<&'d [u8]> {
    object.build_id().ok().flatten().filter(|id| !id.is_empty())
}
