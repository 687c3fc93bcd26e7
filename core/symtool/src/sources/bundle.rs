//! Source bundles: zip files with source and a list of it, `manifest.json`, as `sentry-cli
//! difutil bundle-sources` makes them. The format is that of the crate symbolic-debuginfo 13
//! (`sourcebundle`): the zip file may stand behind `SYSB` and a version.

use std::collections::HashMap;

use serde::Deserialize;
use symtool_debug::container::ZipFiles;
use symtool_debug::limits::MAX_SOURCE_BYTES;
use symtool_debug::{Error, Mapped};

use super::limits::MAX_MANIFEST_BYTES;
use super::texts::Texts;

const MANIFEST: &str = "manifest.json";

/// A source bundle.
#[derive(Debug)]
pub struct Bundle {
    zip: ZipFiles,
    /// Members by the paths of their files.
    members: Texts<String>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    files: HashMap<String, FileInfo>,
}

/// What the list says of a member.
#[derive(Deserialize)]
struct FileInfo {
    #[serde(default)]
    path: String,
}

impl Bundle {
    /// Whether `bytes` begin as a bundle does.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(b"SYSB") || bytes.starts_with(b"PK\x03\x04")
    }

    /// Reads the list of the bundle `mapped`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(mapped: &Mapped) -> Result<Self, Error> {
        let damaged =
            |reason: String| Error::DamagedArchive { path: mapped.path().to_owned(), reason };
        let zip = ZipFiles::open(mapped)?;
        let manifest = zip.get(MANIFEST, MAX_MANIFEST_BYTES)?;
        let manifest = manifest
            .ok_or_else(|| damaged(format!("it is no source bundle, as it has no {MANIFEST}")))?;
        let manifest: Manifest = serde_json::from_slice(&manifest)
            .map_err(|error| damaged(format!("{MANIFEST}: {error}")))?;
        let files = manifest.files.into_iter().filter(|(_, file)| !file.path.is_empty());
        Ok(Self { zip, members: Texts::of(files.map(|(member, file)| (file.path, member))) })
    }

    /// The file with the path `parts`; one that is damaged is none.
    pub fn find(&self, parts: &[String]) -> Option<Vec<u8>> {
        self.zip.get(self.members.find(parts)?, MAX_SOURCE_BYTES).ok().flatten()
    }
}
