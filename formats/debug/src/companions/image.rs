//! Finds the image of Windows that a PDB belongs to, beside it: `app.dll` beside `app.pdb`, or beside
//! `app.dll.pdb`; and the PDB of an image, which says how it is called.

use std::path::{Path, PathBuf};

use symtool_module::ModuleId;

use super::search::Search;
use crate::bytes::{Mapped, is_pdb};
use crate::object::ObjectFile;
use crate::pdb::PdbFile;

/// How images are called.
const EXTENSIONS: [&str; 6] = ["dll", "exe", "sys", "node", "pyd", "ocx"];

/// The image of the PDB at `pdb`, which has its id.
pub fn find(pdb: &Path, id: &ModuleId, search: &Search) -> Option<Mapped> {
    let has_id = |image: &Mapped| ObjectFile::parse(image).is_ok_and(|image| image.info.id == *id);
    places(pdb).into_iter().filter_map(|place| search.open(&place, pdb)).find(has_id)
}

/// The PDB called `name` beside the image at `image`, which has its id.
pub fn find_pdb(image: &Path, name: &str, id: &ModuleId, search: &Search) -> Option<Mapped> {
    let place = image.with_file_name(name);
    let has_id = |pdb: &Mapped| {
        is_pdb(pdb.bytes()) && PdbFile::parse(pdb).is_ok_and(|pdb| pdb.info.id == *id)
    };
    search.open(&place, image).filter(has_id)
}

fn places(pdb: &Path) -> Vec<PathBuf> {
    let whole = pdb.with_extension("");
    let is_image = |path: &Path| {
        path.extension()
            .is_some_and(|end| EXTENSIONS.iter().any(|known| end.eq_ignore_ascii_case(known)))
    };
    if is_image(&whole) {
        return vec![whole];
    }
    EXTENSIONS.iter().map(|extension| pdb.with_extension(extension)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_called_as_their_pdbs() {
        assert_eq!(places(Path::new("a/app.pdb"))[0], Path::new("a/app.dll"));
        assert_eq!(places(Path::new("a/app.dll.pdb")), [Path::new("a/app.dll")]);
        assert_eq!(places(Path::new("a/app.v2.pdb")).len(), EXTENSIONS.len());
    }
}
