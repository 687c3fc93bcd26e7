//! Finds the one object that a path means: a file, a slice of one (`path:arch`), the file in a dSYM
//! bundle, the image of an app or framework.

use std::path::{Path, PathBuf};

use super::fat::{self, slice};
use super::{Member, list};
use crate::bytes::{Error, Format, Kind, Mapped, os_path};
use symtool_module::Arch;

/// Where a dSYM bundle keeps its files.
const DWARF_FOLDER: &str = "Contents/Resources/DWARF";

/// The path of a file and the architecture in it that `path` means, where it is written `path:arch`
/// and is not the name of a file itself.
pub fn split(path: &Path) -> Option<(PathBuf, String)> {
    if path.exists() {
        return None;
    }
    let bytes = path.as_os_str().as_encoded_bytes();
    let (file, arch) = bytes.split_at(bytes.iter().rposition(|byte| *byte == b':')?);
    let (file, arch) = (Path::new(os_path(file)), std::str::from_utf8(&arch[1..]).ok()?);
    let is_name =
        !arch.is_empty() && arch.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_there = file.is_file() || is_bundle(file);
    (is_name && is_there).then(|| (file.into(), arch.to_owned()))
}

/// Whether the folder at `path` stands for the object in it: a dSYM bundle, an app or a framework.
pub fn is_bundle(path: &Path) -> bool {
    path.join(DWARF_FOLDER).is_dir() || image_in(path).is_some()
}

/// The image of the app or framework at `path`, which is called like the folder: in it, or on macOS
/// in `Contents/MacOS`.
fn image_in(path: &Path) -> Option<PathBuf> {
    let is_one =
        path.extension().is_some_and(|extension| extension == "app" || extension == "framework");
    let name = path.file_stem().filter(|_| is_one)?;
    [path.join(name), path.join("Contents/MacOS").join(name)]
        .into_iter()
        .find(|image| image.is_file())
}

/// Where the file `name` lies in the dSYM bundle at `bundle`.
pub fn in_bundle(bundle: &Path, name: &str) -> PathBuf {
    bundle.join(DWARF_FOLDER).join(name)
}

/// The one file in the bundle at `path`; `path` itself, if it is none.
fn only_file(path: &Path) -> Result<PathBuf, Error> {
    if let Some(image) = image_in(path) {
        return Ok(image);
    }
    if !is_bundle(path) {
        return Ok(path.to_owned());
    }
    let entries = std::fs::read_dir(path.join(DWARF_FOLDER))
        .map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|file| {
            !matches!(Kind::of_file(file), Ok(Kind::Other | Kind::Mapping | Kind::Segment) | Err(_))
        })
        .collect();
    match (files.pop(), files.len()) {
        (Some(only), 0) => Ok(only),
        (last, others) => Err(Error::Bundle {
            path: path.to_owned(),
            files: others + usize::from(last.is_some()),
        }),
    }
}

/// The slice for `arch` of the file at `path`, or of the file in the dSYM bundle there.
///
/// # Errors
/// Those of [`Mapped::open`]; [`Error::NoSlice`], [`Error::Bundle`].
pub fn open_slice(path: &Path, arch: &Arch) -> Result<Member, Error> {
    slice(&Mapped::open(&only_file(path)?)?, arch)
}

/// The one object at `path`: an object file, a slice written `path:arch`, a file of one slice, a
/// dSYM bundle of one file.
///
/// # Errors
/// Those of [`Mapped::open`]; [`Error::NoSlice`] if there are several slices, or none as asked for;
/// [`Error::Bundle`].
pub fn open_object(path: &Path) -> Result<Mapped, Error> {
    if let Some((file, arch)) = split(path) {
        return open_slice(&file, &arch.into())?.open();
    }
    let file = Mapped::open(&only_file(path)?)?.with_plain_symbols();
    match Kind::of(file.bytes()) {
        Kind::Archive(Format::Fat) => {}
        Kind::Archive(format @ (Format::Gzip | Format::Xz | Format::Zstd)) => {
            let only = list(&file, format).members.into_iter().next();
            return only.map_or(Ok(file), |member| member?.open());
        }
        _ => return Ok(file),
    }
    let mut members = fat::list(&file).members.into_iter().collect::<Result<Vec<_>, Error>>()?;
    match members.pop() {
        Some(only) if members.is_empty() => only.open(),
        last => {
            let has: Vec<String> =
                members.iter().chain(&last).map(|member| member.arch().to_string()).collect();
            Err(Error::NoSlice { path: path.to_owned(), arch: None, has: has.join(", ") })
        }
    }
}
