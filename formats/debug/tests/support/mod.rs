//! What test files share.

#![allow(dead_code, reason = "no test file uses all of it")]

pub mod elf;

use std::path::{Path, PathBuf};

/// All files in `folder` and in folders in it, by path.
pub fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    files.sort();
    files
}
