//! Finds the file of names that an object file shares with others (dwz).
//!
//! ```text
//! .gnu_debugaltlink PATH   from the object's folder; by its build-id; in DEBUG_DIR/.dwz and .dwz/ beside;
//!                          `.debug_sup` of DWARF 5 likewise
//! ```

use std::path::Path;

use super::search::{Search, folder};
use crate::DebugFile;
use crate::bytes::{Mapped, os_path};
use crate::links::{shared_names_id, shared_names_link};

/// The file of shared names that `file` refers to, if it is found: it has the id that `file` asks for.
pub fn find(file: &DebugFile<'_>, search: &Search) -> Option<Mapped> {
    let (name, id) = shared_names_link(file.object())?;
    let name = Path::new(os_path(name));
    let folder = folder(file.path())?;
    let from_object = [folder.join(name)].into_iter();
    let beside = name.file_name().into_iter().flat_map(|name| {
        let below = search.debug_dirs.iter().flat_map(move |dir| [dir.join(".dwz").join(name), dir.join(name)]);
        [folder.join(name), folder.join(".dwz").join(name)].into_iter().chain(below)
    });
    let is_it = |mapped: &Mapped| object::File::parse(mapped.bytes()).is_ok_and(|object| shared_names_id(&object) == Some(id));
    from_object.chain(search.by_build_id(id, "debug")).chain(beside).filter_map(|path| search.open(&path, file.path())).find(is_it)
}
