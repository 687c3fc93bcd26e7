//! Finds the files to import below the given paths, in the order of their names.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use symtool_debug::container::{self, Format, Kind};
use symtool_module::Arch;
use walkdir::{DirEntry, WalkDir};

/// All that was found at the paths of a command.
#[derive(Debug, Default)]
pub struct Files {
    /// In the order of the paths.
    pub found: Vec<Found>,
    /// Files in folders that are neither objects nor archives.
    pub passed_over: u64,
}

/// Something at a path.
#[derive(Debug)]
pub enum Found {
    /// A file to read: an object, a mapping, a segment, or one that was named.
    File { path: PathBuf, bytes: u64, is_named: bool },
    /// A file with members.
    Archive { path: PathBuf, format: Format, bytes: u64 },
    /// One architecture of a file that may have several.
    Slice { path: PathBuf, arch: Arch, bytes: u64 },
    /// Something that cannot be looked at, and why.
    Failed { path: PathBuf, reason: String },
    /// The end of what was found at one path: something should have come of it.
    End { path: PathBuf, what: &'static str },
}

impl Files {
    /// Looks at all of `paths`.
    pub fn at(paths: &[PathBuf]) -> Self {
        let mut files = Self::default();
        for path in paths {
            if let Some((file, arch)) = container::split(path) {
                let bytes = fs::metadata(&file).map_or(0, |metadata| metadata.len());
                files.found.push(Found::Slice { path: file, arch: arch.into(), bytes });
                continue;
            }
            let what = match fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => files.folder(path),
                // Whatever else is wrong with it, opening it will say.
                metadata => files.file(path, metadata.map_or(0, |metadata| metadata.len())),
            };
            files.found.push(Found::End { path: path.clone(), what });
        }
        files
    }

    fn file(&mut self, path: &Path, bytes: u64) -> &'static str {
        let path = path.to_owned();
        self.found.push(match Kind::of_file(&path) {
            Ok(Kind::Archive(format)) => Found::Archive { path, format, bytes },
            _ => Found::File { path, bytes, is_named: true },
        });
        "archive"
    }

    fn folder(&mut self, folder: &Path) -> &'static str {
        let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let before = self.found.len();
        let mut bundles = Vec::new();
        for entry in WalkDir::new(folder).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() && is_dsym(entry.path()) => {
                    bundles.push(entry.into_path());
                }
                Ok(entry) => self.entry(&canonical, entry),
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    let reason =
                        error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    self.failed(path, &reason);
                }
            }
        }
        // An image is told what it lacks, unless its dSYM has been there before.
        self.found[before..].sort_by_key(|found| !found.path().ancestors().any(is_dsym));
        let found = self.found[before..]
            .iter()
            .flat_map(|found| found.path().ancestors().filter(|folder| is_dsym(folder)));
        let full: HashSet<&Path> = found.collect();
        bundles.retain(|bundle| !full.contains(bundle.as_path()));
        for bundle in bundles {
            self.failed(bundle, "a dSYM bundle without an object file; was it copied whole?");
        }
        "folder"
    }

    /// Links to files out of the folder are followed; other links lead to what is found anyway, or
    /// in circles.
    fn entry(&mut self, folder: &Path, entry: DirEntry) {
        let is_link = entry.file_type().is_symlink();
        if is_link && !leads_out_of(folder, entry.path())
            || !is_link && !entry.file_type().is_file()
        {
            return;
        }
        let path = entry.into_path();
        let looked_at =
            fs::metadata(&path).and_then(|metadata| Ok((Kind::of_file(&path)?, metadata.len())));
        match looked_at {
            Ok((Kind::Object | Kind::Mapping | Kind::Segment, bytes)) => {
                self.found.push(Found::File { path, bytes, is_named: false });
            }
            Ok((Kind::Archive(format), bytes)) => {
                self.found.push(Found::Archive { path, format, bytes });
            }
            Ok((Kind::Other, _)) => self.passed_over += 1,
            // It went away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.failed(path, &error.to_string()),
        }
    }

    fn failed(&mut self, path: PathBuf, reason: &str) {
        let reason = format!("{}: {reason}", path.display());
        self.found.push(Found::Failed { path, reason });
    }
}

impl Found {
    fn path(&self) -> &Path {
        match self {
            Self::File { path, .. }
            | Self::Archive { path, .. }
            | Self::Slice { path, .. }
            | Self::Failed { path, .. }
            | Self::End { path, .. } => path,
        }
    }
}

/// Whether a folder is called like a dSYM bundle.
fn is_dsym(folder: &Path) -> bool {
    folder.extension().is_some_and(|extension| extension == "dSYM")
}

/// Whether the link at `path` leads to a file that is not in `folder`.
fn leads_out_of(folder: &Path, path: &Path) -> bool {
    path.canonicalize().is_ok_and(|target| !target.starts_with(folder) && target.is_file())
}
