//! Puts original files where a symbol server looks for them: [`place`].

use std::io;
use std::path::{Path, PathBuf};

use symtool_debug::{DebugFile, Error, Mapped};
use symtool_module::ModuleId;

use super::layout::places;
use super::{Layout, replace};
use crate::import::{self, WalkedFile};

/// A file in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedFile {
    /// What its module is called.
    pub name: String,
    /// Its module's id.
    pub id: ModuleId,
    /// Where it is now.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// What became of a file.
#[derive(Debug)]
pub enum Placed {
    /// It is in its place, where it may have been before.
    Done(PlacedFile),
    /// It is in none, and why.
    Failed {
        /// The file, or the member of an archive.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file in a folder that no server hands out.
    PassedOver,
}

/// Puts all files below `paths` into `folder` as `layout` says, and tells `each` what became of
/// them. Archives are looked into as an import does.
///
/// # Errors
/// Those of `each`.
pub fn place(
    paths: &[PathBuf],
    layout: Layout,
    folder: &Path,
    mut each: impl FnMut(Placed) -> io::Result<()>,
) -> io::Result<()> {
    import::each_file(paths, |file| match file {
        WalkedFile::Opened { path, mapped, is_named } => {
            for placed in one(&path, &mapped, is_named, layout, folder) {
                each(placed)?;
            }
            Ok(())
        }
        WalkedFile::Failed { path, reason } => each(Placed::Failed { path, reason }),
    })
}

fn one(path: &Path, mapped: &Mapped, is_named: bool, layout: Layout, folder: &Path) -> Vec<Placed> {
    let failed = |reason: String| Placed::Failed { path: path.to_owned(), reason };
    let file = match DebugFile::parse(mapped) {
        Ok(file) => file,
        Err(error) => return vec![failed(error.to_string())],
    };
    let places = match places(layout, &file) {
        Ok(places) => places,
        Err(_) if !is_named => return vec![Placed::PassedOver],
        Err(reason) => return vec![failed(format!("{}: {reason}", path.display()))],
    };
    let info = file.info();
    let put = |place: PathBuf| {
        let target = folder.join(place);
        match put(mapped, &target) {
            Ok(()) => Placed::Done(PlacedFile {
                name: info.name.clone(),
                id: info.id.clone(),
                path: target,
                bytes: mapped.bytes().len() as u64,
            }),
            Err(error) => failed(format!("{}: {error}", target.display())),
        }
    };
    let outcomes = places.into_iter().map(put).collect();
    match mapped.unchanged() {
        Ok(()) => outcomes,
        Err(error) => vec![failed(error.to_string())],
    }
}

/// Makes `target` a copy of `mapped`, unless it is one.
fn put(mapped: &Mapped, target: &Path) -> io::Result<()> {
    let known = match Mapped::open(target) {
        Ok(known) => Some(known),
        Err(Error::Missing { .. } | Error::Empty { .. }) => None,
        Err(error) => return Err(io::Error::other(error.to_string())),
    };
    if known.is_some_and(|known| known.bytes() == mapped.bytes()) {
        return Ok(());
    }
    replace(target, |out| out.write_all(mapped.bytes()))
}
