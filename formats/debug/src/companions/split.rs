//! Finds the `.dwo` files or the `.dwp` package that hold the functions of skeleton units (DWARF 5,
//! section 7.3.2; the GNU extension to DWARF 4 likewise).

use std::path::{Path, PathBuf};

use gimli::{DebugCuIndex, DwoId, EndianSlice, RunTimeEndian};
use hashbrown::HashSet;
use object::{Object, ObjectSection};

use super::Search;
use crate::bytes::{Error, Mapped};
use crate::dwarf::{Skeleton, SplitSections};
use crate::object::sections::{load_package, load_split};

/// Opened files.
#[derive(Debug, Default)]
pub struct SplitFiles {
    package: Option<Mapped>,
    /// By the number of the skeleton unit.
    files: Vec<(usize, Mapped)>,
    /// Files that were not found.
    missing: Vec<PathBuf>,
}

impl SplitFiles {
    /// Opens what `skeletons` refer to, the units of the object at `data`, which is at `own` or was
    /// split from that. A package that has any of them speaks for all, as in llvm-symbolizer.
    pub fn open(
        own: &Path,
        data: &Path,
        build_id: Option<&[u8]>,
        skeletons: &[Skeleton],
        search: &Search,
    ) -> Self {
        let mut split = Self::default();
        let Some(first) = skeletons.first() else { return split };
        let packages = package_paths(own, data, build_id, search);
        split.package = packages
            .iter()
            .filter_map(|place| search.open(place, data))
            .find(|package| has_unit(package, first.id));
        if split.package.is_some() {
            return split;
        }
        let folders: Vec<&Path> = [data, own].iter().filter_map(|path| path.parent()).collect();
        for Skeleton { unit, directory, name, .. } in skeletons {
            let recorded = directory.join(name);
            let file = name.file_name().unwrap_or_default();
            let beside = folders.iter().flat_map(|folder| [folder.join(name), folder.join(file)]);
            let searched = search.debug_dirs.iter().map(|dir| dir.join(file));
            match [recorded.clone()]
                .into_iter()
                .chain(beside)
                .chain(searched)
                .find_map(|dwo| search.open(&dwo, data))
            {
                Some(dwo) => split.files.push((*unit, dwo)),
                None => split.missing.push(recorded),
            }
        }
        split
    }

    /// How many were found, a package as one.
    pub fn found(&self) -> usize {
        self.files.len() + usize::from(self.package.is_some())
    }

    /// That no other process has written to any of them since.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub fn unchanged(&self) -> Result<(), Error> {
        self.package
            .iter()
            .chain(self.files.iter().map(|(_, file)| file))
            .try_for_each(Mapped::unchanged)
    }

    /// Loads their sections. A file that cannot be read is counted as one that was not found.
    pub fn sections(&self, missing: &mut Vec<PathBuf>) -> SplitSections<'_> {
        missing.extend(self.missing.iter().cloned());
        let mut sections = SplitSections::default();
        if let Some(package) = &self.package {
            match parse(package).and_then(|file| load_package(&file, package)) {
                Ok(package) => sections.package = Some(package),
                Err(_) => missing.push(package.path().to_owned()),
            }
        }
        for (unit, mapped) in &self.files {
            match parse(mapped).and_then(|file| load_split(&file, mapped)) {
                Ok(file) => drop(sections.files.insert(*unit, file)),
                Err(_) => missing.push(mapped.path().to_owned()),
            }
        }
        sections
    }
}

fn parse(mapped: &Mapped) -> Result<object::File<'_>, String> {
    object::File::parse(mapped.bytes()).map_err(|error| error.to_string())
}

/// Where the package of an object is kept: beside it or the debug file that was split from it, or
/// in a folder with debug files; named like one of them with `.dwp` behind, or in place of what
/// stands behind the dot, or by the build-id.
fn package_paths(
    own: &Path,
    data: &Path,
    build_id: Option<&[u8]>,
    search: &Search,
) -> Vec<PathBuf> {
    let named = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".dwp");
        [PathBuf::from(name), path.with_extension("dwp")]
    };
    let mut beside: Vec<PathBuf> = [data, own].into_iter().flat_map(named).collect();
    let file_names: Vec<PathBuf> =
        beside.iter().filter_map(|path| path.file_name()).map(PathBuf::from).collect();
    beside.extend(search.by_build_id(build_id.unwrap_or_default(), "dwp"));
    beside.extend(
        search.debug_dirs.iter().flat_map(|dir| file_names.iter().map(move |name| dir.join(name))),
    );
    let mut met = HashSet::new();
    beside.retain(|path| met.insert(path.clone()));
    beside
}

/// Whether `package` has the unit called `id`, by its index (DWARF 5, section 7.3.5.3).
fn has_unit(package: &Mapped, id: DwoId) -> bool {
    let Ok(file) = parse(package) else { return false };
    let Some(index) =
        file.section_by_name(".debug_cu_index").and_then(|index| index.uncompressed_data().ok())
    else {
        return false;
    };
    let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let index = DebugCuIndex::from(EndianSlice::new(&index, endian)).index();
    index.is_ok_and(|index| index.find(id.0).is_some())
}
