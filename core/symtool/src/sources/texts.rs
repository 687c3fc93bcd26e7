//! Files by their paths.

use std::collections::BTreeMap;

use super::path;

/// Files by the names in their paths, the last one first.
#[derive(Debug)]
pub struct Texts<T = Vec<u8>>(BTreeMap<Vec<String>, T>);

impl<T> Texts<T> {
    /// Of files with their paths.
    pub fn of(files: impl Iterator<Item = (String, T)>) -> Self {
        let key = |path: String| path::parts(&path).into_iter().rev().collect();
        Self(files.map(|(path, text)| (key(path), text)).collect())
    }

    /// The file with the path `parts`; else the one whose path is the longest end of it.
    pub fn find(&self, parts: &[String]) -> Option<&T> {
        let mut key: Vec<String> = parts.iter().rev().cloned().collect();
        while !key.is_empty() {
            if let Some(text) = self.0.get(&key) {
                return Some(text);
            }
            key.pop();
        }
        None
    }
}
