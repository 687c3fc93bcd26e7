//! Finds the file of names that an object file shares with others (dwz).
//!
//! ```text
//! .gnu_debugaltlink PATH   from the object's folder; by its build-id; in DEBUG_DIR/.dwz and .dwz/ beside;
//!                          `.debug_sup` of DWARF 5 likewise
//! ```

use std::path::Path;

use super::search::{Search, folder};
use crate::bytes::{Mapped, os_path};
use crate::module::DropCounts;
use crate::object::ObjectFile;
use crate::object::layout::Layout;
use crate::object::links::{shared_names_id, shared_names_link};
use crate::object::sections::{self, Sections};

/// The file of shared names that `file` refers to, if it is found: it has the id that `file` asks
/// for.
pub fn find(file: &ObjectFile<'_>, search: &Search) -> Option<Mapped> {
    let (name, id) = shared_names_link(&file.object)?;
    let name = Path::new(os_path(name));
    let folder = folder(file.path())?;
    let from_object = [folder.join(name)].into_iter();
    let beside = name.file_name().into_iter().flat_map(|name| {
        let below = search
            .debug_dirs
            .iter()
            .flat_map(move |dir| [dir.join(".dwz").join(name), dir.join(name)]);
        [folder.join(name), folder.join(".dwz").join(name)].into_iter().chain(below)
    });
    let is_it = |mapped: &Mapped| {
        object::File::parse(mapped.bytes()).is_ok_and(|object| shared_names_id(&object) == Some(id))
    };
    from_object
        .chain(search.by_build_id(id, "debug"))
        .chain(beside)
        .filter_map(|path| search.open(&path, file.path()))
        .find(is_it)
}

/// The sections of `file`, which has shared names.
///
/// # Errors
/// What is wrong with it.
pub fn load<'m>(file: &'m Mapped, dropped: &mut DropCounts) -> Result<Sections<'m>, String> {
    let in_file = |reason: String| {
        format!("{}: {reason}; the names in it are missing", file.path().display())
    };
    let object = object::File::parse(file.bytes()).map_err(|error| in_file(error.to_string()))?;
    let (sections, damage) = sections::load(&object, file, &Layout::default(), dropped, |_, _| {});
    damage.into_iter().next().map_or(Ok(sections), |reason| Err(in_file(reason)))
}
