//! Files of split DWARF: in, the skeleton units of an object; out, the `.dwo` files or the `.dwp` package that
//! hold their functions (DWARF 5, section 7.3.2; the GNU extension to DWARF 4 likewise).

use std::path::{Path, PathBuf};

use hashbrown::HashMap;

use super::companions::Search;
use super::expanded::Bytes;
use super::sections::{Sections, load_package, load_split};
use super::{Mapped, dwarf::Skeleton};

/// Opened files.
#[derive(Debug, Default)]
pub struct SplitFiles {
    package: Option<Mapped>,
    /// By the number of the skeleton unit.
    files: Vec<(usize, Mapped)>,
    /// Files that were not found.
    missing: Vec<PathBuf>,
}

/// Their sections.
#[derive(Debug, Default)]
pub struct SplitSections<'d> {
    /// The sections of a package.
    pub package: Option<gimli::DwarfPackageSections<Bytes<'d>>>,
    /// The sections of `.dwo` files, by the number of the skeleton unit.
    pub files: HashMap<usize, Sections<'d>>,
}

impl SplitFiles {
    /// Opens what `skeletons`, the units of the object at `path`, refer to. A package speaks for all of them, as
    /// in llvm-symbolizer.
    pub fn open(path: &Path, skeletons: &[Skeleton], search: &Search) -> Self {
        let mut split = Self::default();
        if skeletons.is_empty() {
            return split;
        }
        split.package = package_paths(path).iter().find_map(|package| search.open(package, path));
        if split.package.is_some() {
            return split;
        }
        for Skeleton { unit, directory, name } in skeletons {
            let recorded = directory.join(name);
            let beside = path.parent().unwrap_or(Path::new(""));
            let file = name.file_name().unwrap_or_default();
            let places = [recorded.clone(), beside.join(name), beside.join(file)];
            let searched = search.debug_dirs.iter().map(|dir| dir.join(file));
            match places.into_iter().chain(searched).find_map(|dwo| search.open(&dwo, path)) {
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

/// Where the package of an object is kept: beside it, named like it or like the file it was split from.
fn package_paths(path: &Path) -> Vec<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".dwp");
    let mut paths = vec![PathBuf::from(name)];
    if path.extension().is_some_and(|extension| extension == "debug") {
        paths.push(path.with_extension("dwp"));
    }
    paths
}
