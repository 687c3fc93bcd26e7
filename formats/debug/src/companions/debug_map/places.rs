//! Looks for the object files that a debug map names, and for members of archives.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hashbrown::{HashMap, HashSet};

use super::entries::MapEntry;
use crate::bytes::{Format, Kind, Mapped, os_path};
use crate::companions::Search;
use crate::container;
use crate::object::arch_of;
use symtool_module::Arch;

/// The path of an archive and the name of a member, where `path` is `archive(member)`.
fn split_member(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    let member = path.strip_suffix(b")").and_then(|path| {
        path.iter().rposition(|byte| *byte == b'(').map(|at| (&path[..at], &path[at + 1..]))
    });
    member.map_or((path, None), |(archive, member)| (archive, Some(member)))
}

/// Where object files are looked for: there where the linker saw them, beside the image, in the
/// folders to search.
pub struct ObjectPlaces<'a> {
    /// The image's folder.
    beside: &'a Path,
    arch: &'a Arch,
    search: &'a Search,
    /// File names that several recorded paths end in: by name alone, one could be taken for
    /// another.
    ambiguous: HashSet<OsString>,
    /// Archives that have been opened, by their recorded paths.
    archives: HashMap<PathBuf, Option<container::Index>>,
}

impl<'a> ObjectPlaces<'a> {
    /// Places for all of `entries`, of the image at `image`.
    pub fn of(
        entries: &[MapEntry<'_>],
        image: &'a Path,
        arch: &'a Arch,
        search: &'a Search,
    ) -> Self {
        let (mut recorded, mut ambiguous) = (HashMap::new(), HashSet::new());
        for file in entries.iter().map(|entry| Path::new(os_path(split_member(entry.path).0))) {
            let name = file.file_name().unwrap_or_default();
            if *recorded.entry(name).or_insert(file) != file {
                ambiguous.insert(name.to_owned());
            }
        }
        Self {
            beside: image.parent().unwrap_or(Path::new("")),
            arch,
            search,
            ambiguous,
            archives: HashMap::new(),
        }
    }

    /// The object of `entry`, and whether its file is newer than what the linker saw. As `dsymutil`
    /// has it, a member of another time is another member.
    pub fn find(&mut self, entry: &MapEntry<'_>) -> Option<(Mapped, bool)> {
        let (recorded, member) = split_member(entry.path);
        let recorded = Path::new(os_path(recorded));
        let Some(member) = member else {
            return self.places(recorded).find_map(|place| {
                let object = self.object(&place)?;
                Some((object, entry.time != 0 && written(&place) != Some(entry.time)))
            });
        };
        if !self.archives.contains_key(recorded) {
            let archive = self.places(recorded).find_map(|place| self.archive(&place));
            self.archives.insert(recorded.to_owned(), archive);
        }
        let object = self.archives.get(recorded)?.as_ref()?.get(member, entry.time)?;
        is_of_arch(object, self.arch).then(|| (object.clone(), false))
    }

    fn places(&self, recorded: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        let mut places = vec![recorded.to_owned(), self.beside.join(recorded)];
        let relative = recorded.strip_prefix("/").unwrap_or(recorded);
        places.extend(self.search.debug_dirs.iter().map(|dir| dir.join(relative)));
        if let Some(name) = recorded.file_name().filter(|name| !self.ambiguous.contains(*name)) {
            places.push(self.beside.join(name));
            places.extend(self.search.debug_dirs.iter().map(|dir| dir.join(name)));
        }
        places.into_iter()
    }

    fn object(&self, place: &Path) -> Option<Mapped> {
        let file = Mapped::open(place).ok()?;
        container::slice(&file, self.arch).ok()?.open().ok()
    }

    fn archive(&self, place: &Path) -> Option<container::Index> {
        let file = Mapped::open(place).ok()?;
        let is_fat = Kind::of(file.bytes()) == Kind::Archive(Format::Fat);
        let archive =
            if is_fat { container::slice(&file, self.arch).ok()?.open().ok()? } else { file };
        (Kind::of(archive.bytes()) == Kind::Archive(Format::Ar))
            .then(|| container::Index::of(&archive))
    }
}

fn is_of_arch(object: &Mapped, arch: &Arch) -> bool {
    arch_of(object).is_ok_and(|own| own == *arch)
}

/// When the file at `path` was written last, in seconds since 1970.
fn written(path: &Path) -> Option<u64> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_archives() {
        assert_eq!(split_member(b"/a/libx.a(y.o)"), (&b"/a/libx.a"[..], Some(&b"y.o"[..])));
        assert_eq!(split_member(b"/a (b)/y.o"), (&b"/a (b)/y.o"[..], None));
    }
}
