//! Finds the dSYM of an image by its UUID.
//!
//! ```text
//! beside the image          App.dSYM/Contents/Resources/DWARF/App
//! beside its bundle         App.app.dSYM/Contents/Resources/DWARF/App         in a debug folder
//! the folder is the bundle  Contents/Resources/DWARF/App                      in a debug folder
//! ```

use std::path::PathBuf;

use super::Search;
use crate::bytes::Mapped;
use crate::container::{self, in_bundle};
use crate::object::ObjectFile;

/// The dSYM of `image`, if it is found.
pub fn find(image: &ObjectFile<'_>, search: &Search) -> Option<Mapped> {
    places(image, search).into_iter().find_map(|path| {
        let file = search.open(&path, image.path())?;
        let slice = container::slice(&file, &image.info.arch).ok()?.open().ok()?;
        let has_same_id =
            ObjectFile::parse(&slice).is_ok_and(|slice| slice.info.id == image.info.id);
        has_same_id.then_some(slice)
    })
}

/// Where the dSYM of `image` may lie.
pub fn places(image: &ObjectFile<'_>, search: &Search) -> Vec<PathBuf> {
    let name = &image.info.name;
    let Some(folder) = image.path().parent() else { return Vec::new() };
    let beside = in_bundle(&folder.join(format!("{name}.dSYM")), name);
    let bundles = folder
        .ancestors()
        .filter_map(|folder| folder.file_name()?.to_str())
        .filter(|bundle| bundle.contains('.'));
    let bundles: Vec<String> =
        [name.as_str()].into_iter().chain(bundles).map(|bundle| format!("{bundle}.dSYM")).collect();
    let searched = search.debug_dirs.iter().flat_map(|dir| {
        let bundles = bundles.iter().map(|bundle| in_bundle(&dir.join(bundle), name));
        bundles.chain([in_bundle(dir, name), dir.join(name)])
    });
    [beside].into_iter().chain(searched).collect()
}
