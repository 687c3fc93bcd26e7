//! Lines of source around a location, from where source is at hand: folders, source bundles, and
//! files with debug data that have the text in them.
//!
//! Paths come from debug data and from reports, which anybody may have written. No file is read but
//! those in the folders that the user names.

mod bundle;
pub mod limits;
mod path;
mod texts;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use symtool_debug::{Error, Mapped, embedded_sources};

use bundle::Bundle;
use limits::{MAX_KEPT_TEXT_BYTES, SHOWN_LINE_BYTES};
use symtool_debug::limits::MAX_SOURCE_BYTES;
use texts::Texts;

/// Where source is at hand.
#[derive(Debug, Default)]
pub struct Sources {
    places: Vec<Place>,
    maps: Vec<PathMap>,
    kept: Mutex<Kept>,
}

/// Paths that begin otherwise where source is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMap {
    /// How they begin in debug data.
    pub from: String,
    /// A folder; one that is relative counts from each place.
    pub to: String,
}

/// A place where source is at hand.
#[derive(Debug)]
enum Place {
    /// A folder, without links in its path.
    Folder(PathBuf),
    Bundle(Bundle),
    Texts(Texts),
}

/// Files that were read, the last ones.
#[derive(Debug, Default)]
struct Kept {
    texts: HashMap<String, Option<Arc<[u8]>>>,
    bytes: usize,
}

/// Some lines of a source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceLines {
    /// The number of the first one.
    pub first_line: u32,
    /// The lines, without their ends.
    pub lines: Vec<String>,
}

impl Sources {
    /// Source in `places`: folders, source bundles (zip files with a `manifest.json`, as
    /// `sentry-cli` makes them), and object files and PDBs with source in them. Paths that begin as
    /// one of `maps` says are looked for where it says.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub fn open(places: &[PathBuf], maps: Vec<PathMap>) -> Result<Self, Error> {
        let places = places.iter().map(|path| Place::open(path)).collect::<Result<_, _>>()?;
        Ok(Self { places, maps, kept: Mutex::default() })
    }

    /// Line `line` of `file` with up to `around` lines before and after it; `None` if the file is
    /// not at hand, or has no such line.
    pub fn around(&self, file: &str, line: u32, around: u32) -> Option<SourceLines> {
        if line == 0 {
            return None;
        }
        let text = self.text(file)?;
        let first_line = line.saturating_sub(around).max(1);
        let last = usize::try_from(line.saturating_add(around)).ok()?;
        let lines: Vec<String> = lines(&text)
            .take(last)
            .skip(usize::try_from(first_line).ok()? - 1)
            .map(shown)
            .collect();
        let has_line = u32::try_from(lines.len()).ok()? > line - first_line;
        has_line.then_some(SourceLines { first_line, lines })
    }

    fn text(&self, file: &str) -> Option<Arc<[u8]>> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = lock().texts.get(file) {
            return text.clone();
        }
        let text: Option<Arc<[u8]>> = self.find(file).map(Into::into);
        let mut kept = lock();
        let bytes = file.len() + text.as_ref().map_or(0, |text| text.len());
        if kept.bytes + bytes > MAX_KEPT_TEXT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.texts.insert(file.to_owned(), text.clone());
        text
    }

    fn find(&self, file: &str) -> Option<Vec<u8>> {
        let parts = path::parts(file);
        if parts.is_empty() {
            return None;
        }
        let mut candidates = Vec::new();
        for map in &self.maps {
            if let Some(rest) = path::rest(&parts, &path::parts(&map.from)) {
                let to = Path::new(&map.to);
                if to.is_absolute() {
                    let folder = to.canonicalize().ok()?;
                    return read(&folder, rest);
                }
                candidates.push([&path::parts(&map.to)[..], rest].concat());
            }
        }
        candidates.push(parts);
        self.places.iter().find_map(|place| candidates.iter().find_map(|parts| place.find(parts)))
    }
}

impl Place {
    fn open(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            let io = |cause| Error::Io { path: path.to_owned(), cause };
            return Ok(Self::Folder(path.canonicalize().map_err(io)?));
        }
        let mapped = Mapped::open(path)?;
        if Bundle::is_one(mapped.bytes()) {
            return Bundle::open(&mapped).map(Self::Bundle);
        }
        let texts = embedded_sources(&mapped)?;
        Ok(Self::Texts(Texts::of(
            texts
                .into_iter()
                .map(|source| (String::from_utf8_lossy(&source.path).into_owned(), source.text)),
        )))
    }

    fn find(&self, parts: &[String]) -> Option<Vec<u8>> {
        match self {
            Self::Folder(folder) => path::ends(folder, parts).find_map(|end| read(folder, end)),
            Self::Bundle(bundle) => bundle.find(parts),
            Self::Texts(texts) => texts.find(parts).cloned(),
        }
    }
}

/// The file at `parts` in `folder`, which has no links in its path; nothing if it lies elsewhere.
fn read(folder: &Path, parts: &[String]) -> Option<Vec<u8>> {
    let path = parts.iter().fold(folder.to_owned(), |path, part| path.join(part));
    let path = path.canonicalize().ok().filter(|path| path.starts_with(folder))?;
    if !path.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(path).ok()?.take(MAX_SOURCE_BYTES + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_SOURCE_BYTES).then_some(text)
}

/// The lines of `text`; what follows the last end of a line is one if there is anything.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The beginning of a line, as text.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(SHOWN_LINE_BYTES)]).into_owned()
}

#[cfg(test)]
mod tests;
