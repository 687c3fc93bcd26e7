//! Lists the members of `ar` archives, which for a thin archive are files beside it.

use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use object::read::archive::{ArchiveFile, ArchiveMember};

use super::{Content, Listing, Member, last_component, member_path, text};
use crate::bytes::{Error, Kind, Mapped};

/// Lists the members of `archive`.
pub fn list(archive: &Mapped) -> Listing {
    let mut listing = Listing::default();
    let damaged = |error: object::Error| Error::DamagedArchive {
        path: archive.path().to_owned(),
        reason: error.to_string(),
    };
    let ar = match ArchiveFile::parse(archive.bytes()) {
        Ok(ar) => ar,
        Err(error) => {
            listing.members.push(Err(damaged(error)));
            return listing;
        }
    };
    for member in ar.members() {
        let found = member.map_err(damaged).and_then(|member| {
            if ar.is_thin() { beside(archive, &member) } else { inside(archive, &member) }
        });
        match found.transpose() {
            Some(member) => listing.members.push(member),
            None => listing.passed_over += 1,
        }
    }
    listing
}

/// The objects of an archive, by name and time.
#[derive(Debug, Default)]
pub struct Index(HashMap<Vec<u8>, Vec<(u64, Mapped)>>);

impl Index {
    /// Lists `archive`, as far as it can be read.
    pub fn of(archive: &Mapped) -> Self {
        let mut index = Self::default();
        let Ok(ar) = ArchiveFile::parse(archive.bytes()) else { return index };
        for member in ar.members().map_while(Result::ok) {
            let found =
                if ar.is_thin() { beside(archive, &member) } else { inside(archive, &member) };
            if let Ok(Some(Ok(object))) = found.map(|found| found.map(Member::open)) {
                index
                    .0
                    .entry(member.name().to_vec())
                    .or_default()
                    .push((member.date().unwrap_or(0), object));
            }
        }
        index
    }

    /// The object that is called `name` and was written at `time`, in seconds since 1970; at any
    /// time, where `time` is 0.
    pub fn get(&self, name: &[u8], time: u64) -> Option<&Mapped> {
        let alike = self.0.get(name)?;
        alike.iter().find(|(written, _)| time == 0 || *written == time).map(|(_, object)| object)
    }
}

/// A member whose bytes are in the archive, if it is an object or archive.
fn inside(archive: &Mapped, member: &ArchiveMember<'_>) -> Result<Option<Member>, Error> {
    let (path, name) = names(archive, member);
    let (start, size) = member.file_range();
    let range = usize::try_from(start).unwrap_or(usize::MAX)
        ..usize::try_from(start.saturating_add(size)).unwrap_or(usize::MAX);
    let Some(data) = archive.part(range, path.clone(), name.clone()) else {
        return Err(Error::DamagedArchive {
            path,
            reason: "it reaches beyond the archive".to_owned(),
        });
    };
    let kind = Kind::of_named(Path::new(&name), data.bytes());
    Ok((kind != Kind::Other).then_some(Member { kind, path, name, content: Content::Stored(data) }))
}

/// A member that is a file beside the thin `archive`, if it is an object.
fn beside(archive: &Mapped, member: &ArchiveMember<'_>) -> Result<Option<Member>, Error> {
    let (path, name) = names(archive, member);
    if !archive.is_whole_file() {
        return Err(Error::Elsewhere {
            path,
            file: String::from_utf8_lossy(member.name()).into_owned(),
            reason: "which was not packed".into(),
        });
    }
    let file = archive.path().parent().unwrap_or(Path::new("")).join(as_path(member.name()));
    match Kind::of_file(&file) {
        Ok(Kind::Object) => {
            Ok(Some(Member { kind: Kind::Object, path, name, content: Content::File(file) }))
        }
        Ok(Kind::Other | Kind::Mapping | Kind::Segment) => Ok(None),
        // A thin archive can name itself.
        Ok(Kind::Archive(_)) => Err(Error::Nested { path }),
        Err(cause) => Err(Error::Elsewhere {
            path,
            file: file.to_string_lossy().into_owned(),
            reason: cause.to_string(),
        }),
    }
}

fn names(archive: &Mapped, member: &ArchiveMember<'_>) -> (PathBuf, String) {
    let name = text(member.name());
    (member_path(archive.path(), "(", &name, ")"), last_component(&name))
}

#[cfg(unix)]
fn as_path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(name).into()
}

#[cfg(not(unix))]
fn as_path(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}
