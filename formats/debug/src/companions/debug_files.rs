//! Finds the debug file that was split from an object file.
//!
//! ```text
//! build-id abcdef…         DEBUG_DIR/.build-id/ab/cdef….debug
//! .gnu_debuglink NAME      beside the object, in .debug/ there, in DEBUG_DIR/folder of the object
//! ```

use std::path::{Path, PathBuf};

use object::Object;
use symtool_module::{Detail, ModuleKind};

use super::dsym;
use super::search::{Search, folder, open_other};
use crate::bytes::{Mapped, os_path};
use crate::object::ObjectFile;
use crate::object::links::build_id;

/// The debug file that was split from `file`, if it is found; `None` too if `file` has debug data
/// itself or names none. It has the same build-id, or else the checksum that `file` asks for.
pub fn debug_file(file: &ObjectFile<'_>, search: &Search) -> Option<Mapped> {
    if file.info.detail == Detail::Debug {
        return None;
    }
    if file.info.kind == ModuleKind::MachO {
        return dsym::find(file, search);
    }
    let id = build_id(&file.object);
    let same_id = |mapped: &Mapped| {
        id.is_some() && object::File::parse(mapped.bytes()).ok().as_ref().and_then(build_id) == id
    };
    let by_id = search
        .by_build_id(id.unwrap_or_default(), "debug")
        .filter_map(|path| search.open(&path, file.path()))
        .find(same_id);
    by_id.or_else(|| {
        let (_, crc) = file.object.gnu_debuglink().ok()??;
        let is_it = |mapped: &Mapped| same_id(mapped) || crc32fast::hash(mapped.bytes()) == crc;
        link_places(file, search)
            .into_iter()
            .filter_map(|path| search.open(&path, file.path()))
            .find(is_it)
    })
}

/// Where the file that `.gnu_debuglink` names may lie.
fn link_places(file: &ObjectFile<'_>, search: &Search) -> Vec<PathBuf> {
    let Some((link, _)) = file.object.gnu_debuglink().ok().flatten() else { return Vec::new() };
    let (Some(name), Some(folder)) = (Path::new(os_path(link)).file_name(), folder(file.path()))
    else {
        return Vec::new();
    };
    let below = folder.strip_prefix("/").ok();
    let elsewhere = search.debug_dirs.iter().flat_map(|dir| {
        below.iter().map(|folder| dir.join(folder).join(name)).chain([dir.join(name)])
    });
    [folder.join(name), folder.join(".debug").join(name)].into_iter().chain(elsewhere).collect()
}

/// A file that lies where the debug file of `file` should, for which [`debug_file`] has found none:
/// it is of another build.
pub fn other_build(file: &ObjectFile<'_>, search: &Search) -> Option<PathBuf> {
    let places = if file.info.kind == ModuleKind::MachO {
        dsym::places(file, search)
    } else {
        link_places(file, search)
    };
    places.into_iter().find(|place| open_other(place, file.path()).is_some())
}
