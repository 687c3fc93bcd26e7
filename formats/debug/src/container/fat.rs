//! Lists the slices of universal ("fat") Mach-O files, one for each architecture.
//!
//! A slice is written `path:arch`. A file of one architecture is its own only slice, so that
//! whoever names the one that he means can do so either way.

use std::path::{Path, PathBuf};

use object::macho::{CpuSubtype, CpuType, FAT_MAGIC, FatArch32, FatArch64};
use object::read::macho::{FatArch, MachOFatFile};

use super::{Content, Listing, Member, member_path};
use crate::bytes::{Error, Format, Kind, Mapped};
use crate::limits::MAX_SLICES;
use crate::object::arch_of;
use crate::object::macho::arch_name;
use symtool_module::Arch;

/// A slice as the header has it.
struct Slice {
    kind: CpuType,
    subtype: CpuSubtype,
    start: u64,
    end: u64,
}

/// Lists the slices of `file`.
pub fn list(file: &Mapped) -> Listing {
    let mut listing = Listing::default();
    let slices = match slices(file.bytes()) {
        Ok(slices) => slices,
        Err(reason) => {
            listing.members.push(Err(Error::Damaged { path: file.path().to_owned(), reason }));
            return listing;
        }
    };
    for (at, slice) in slices.iter().enumerate() {
        let overlaps =
            slices[..at].iter().any(|other| slice.start < other.end && other.start < slice.end);
        match member(file, slice, overlaps).transpose() {
            Some(member) => listing.members.push(member),
            None => listing.passed_over += 1,
        }
    }
    listing
}

fn member(file: &Mapped, slice: &Slice, overlaps: bool) -> Result<Option<Member>, Error> {
    let path = slice_path(file.path(), arch_name(slice.kind, slice.subtype));
    let damaged = |reason: &str| Error::Damaged { path: path.clone(), reason: reason.to_owned() };
    if overlaps {
        return Err(damaged("it has bytes that belong to another slice"));
    }
    let range = usize::try_from(slice.start).unwrap_or(usize::MAX)
        ..usize::try_from(slice.end).unwrap_or(usize::MAX);
    let Some(data) = file.part(range, path.clone(), file.name().to_owned()) else {
        return Err(damaged("it lies outside the file"));
    };
    let kind = Kind::of(data.bytes());
    // A slice can be a static library; other things (bitcode) have no addresses.
    let is_read = matches!(kind, Kind::Object | Kind::Archive(Format::Ar));
    Ok(is_read.then_some(Member {
        kind,
        path,
        name: file.name().to_owned(),
        content: Content::Stored(data),
    }))
}

fn slices(bytes: &[u8]) -> Result<Vec<Slice>, String> {
    if bytes.starts_with(&FAT_MAGIC.to_be_bytes()) {
        table::<FatArch32>(bytes)
    } else {
        table::<FatArch64>(bytes)
    }
}

fn table<F: FatArch>(bytes: &[u8]) -> Result<Vec<Slice>, String> {
    let file = MachOFatFile::<F>::parse(bytes).map_err(|error| error.to_string())?;
    if file.arches().len() > MAX_SLICES {
        return Err(format!(
            "it declares {} slices, over the limit of {MAX_SLICES}",
            file.arches().len()
        ));
    }
    let slice = |arch: &F| {
        let (start, size) = arch.file_range();
        Slice {
            kind: arch.cputype(),
            subtype: arch.cpusubtype(),
            start,
            end: start.saturating_add(size),
        }
    };
    Ok(file.arches().iter().map(slice).collect())
}

/// How the slice `arch` of the file at `path` is written.
fn slice_path(path: &Path, arch: &str) -> PathBuf {
    member_path(path, ":", arch, "")
}

/// Of the slices of `file`, which may be a thin file too, that for `arch`.
///
/// # Errors
/// [`Error::NoSlice`] if there is none; [`Error::Damaged`] if the slices cannot be listed.
pub fn slice(file: &Mapped, arch: &Arch) -> Result<Member, Error> {
    if Kind::of(file.bytes()) != Kind::Archive(Format::Fat) {
        let own = arch_of(file)?;
        if !own.is_same(arch) {
            return Err(Error::NoSlice {
                path: file.path().to_owned(),
                arch: Some(arch.clone()),
                has: own.to_string(),
            });
        }
        let path = slice_path(file.path(), own.as_str());
        let content = Content::Stored(file.clone().known_as(path.clone(), file.name().to_owned()));
        return Ok(Member { kind: Kind::Object, path, name: file.name().to_owned(), content });
    }
    let mut has = Vec::new();
    for member in list(file).members {
        match member {
            Ok(member) if member.arch().is_same(arch) => return Ok(member),
            Ok(member) => has.push(member.arch().to_string()),
            // That of another slice does not matter.
            Err(error) if arch_in(error.path()).is_same(arch) || error.path() == file.path() => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
    Err(Error::NoSlice {
        path: file.path().to_owned(),
        arch: Some(arch.clone()),
        has: has.join(", "),
    })
}

impl Member {
    /// The architecture of a slice.
    pub(super) fn arch(&self) -> Arch {
        arch_in(&self.path)
    }
}

/// The architecture that [`slice_path`] wrote.
fn arch_in(path: &Path) -> Arch {
    path.to_string_lossy().rsplit(':').next().unwrap_or_default().into()
}
