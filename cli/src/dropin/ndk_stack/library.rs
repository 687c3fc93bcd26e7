//! Finds the library of a frame: in the folder of symbols by its name, or in an app there by the
//! place at which it was mapped.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use symtool_debug::container::member_at;
use symtool_debug::{DebugFile, Mapped};
use tempfile::TempDir;

use super::frame::{Frame, name};

/// The libraries in a folder.
pub struct Libraries {
    folder: PathBuf,
    /// Libraries taken out of apps.
    unpacked: Option<TempDir>,
}

impl Libraries {
    /// Those in `folder`.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, unpacked: None }
    }

    /// The library of `frame`, if it is there and is of the build that crashed. Warnings go to
    /// `out`. Of a frame that names an app alone, the library is put into what is printed.
    pub fn of(&mut self, frame: &mut Frame<'_>, out: &mut Vec<u8>) -> Option<PathBuf> {
        let file = name(frame.file);
        if let Some(app) = frame.container {
            return self.beside(file, frame, out).or_else(|| {
                let app = self.folder.join(OsStr::from_bytes(name(app)));
                let (library, _) = self.unpack(&app, frame.offset?)?;
                checked(&library, &shown(&app, file), frame, out).then_some(library)
            });
        }
        if !file.ends_with(b".apk") || file == b".apk" {
            return self.beside(file, frame, out);
        }
        let app = self.folder.join(OsStr::from_bytes(file));
        let (library, member) = self.unpack(&app, frame.offset?)?;
        if let Some(at) = memchr::memmem::find(&frame.tail, file) {
            let at = at + file.len();
            frame.tail.splice(at..at, [b"!", member.as_bytes()].concat());
        }
        let file = name(member.as_bytes());
        self.beside(file, frame, out)
            .or_else(|| checked(&library, &shown(&app, file), frame, out).then_some(library))
    }

    /// The file called `name` in the folder, if it is of the build.
    fn beside(&self, name: &[u8], frame: &Frame<'_>, out: &mut Vec<u8>) -> Option<PathBuf> {
        let path = self.folder.join(OsStr::from_bytes(name));
        let shown = path.to_string_lossy().into_owned();
        checked(&path, &shown, frame, out).then_some(path)
    }

    /// Takes the member of the app at `path` in which `offset` lies out of it: where it is now, and
    /// what the app calls it.
    fn unpack(&mut self, path: &Path, offset: u64) -> Option<(PathBuf, String)> {
        let app = Mapped::open(path).ok()?;
        let (member, called) = member_at(&app, offset)?;
        let bytes = member.open().ok()?;
        if self.unpacked.is_none() {
            self.unpacked = TempDir::new().ok();
        }
        let folder = self.unpacked.as_ref()?.path().join(offset.to_string());
        fs::create_dir_all(&folder).ok()?;
        let file = folder.join(OsStr::from_bytes(name(called.as_bytes())));
        fs::write(&file, bytes.bytes()).ok()?;
        Some((file, called))
    }
}

fn shown(app: &Path, library: &[u8]) -> String {
    format!("{}!{}", app.display(), String::from_utf8_lossy(library))
}

/// Whether the file at `path` is there and has the build-id of `frame`, if that has one. Warnings
/// call it `shown`.
fn checked(path: &Path, shown: &str, frame: &Frame<'_>, out: &mut Vec<u8>) -> bool {
    if !path.exists() {
        return false;
    }
    let Some(wanted) = frame.build_id else { return true };
    let Some(found) = build_id(path) else {
        let line = format!("ERROR: Could not determine build ID for {}\n", path.display());
        out.extend_from_slice(line.as_bytes());
        return false;
    };
    if found.as_bytes() == wanted {
        return true;
    }
    let wanted = String::from_utf8_lossy(wanted);
    let lines = format!(
        "WARNING: Mismatched build id for {shown}\nWARNING:   Expected {wanted}\nWARNING:   Found    {found}\n"
    );
    out.extend_from_slice(lines.as_bytes());
    false
}

/// The build-id of the ELF file at `path`.
fn build_id(path: &Path) -> Option<String> {
    let mapped = Mapped::open(path).ok()?;
    let file = DebugFile::parse(&mapped).ok()?;
    let id = &file.info().id;
    (!id.made_up).then(|| id.to_string())
}
