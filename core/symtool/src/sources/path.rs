//! Paths of any system as lists of names, and where in a folder a file may be.

use std::path::Path;

use super::limits::MAX_PATH_PARTS;

/// The names in `path`, without what leads nowhere (`.`) and with steps back taken; a drive counts
/// as a name. Empty if it has too many.
pub fn parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part if parts.is_empty() && is_drive(part) => parts.push(part.to_ascii_lowercase()),
            part => parts.push(part.to_owned()),
        }
    }
    if parts.len() > MAX_PATH_PARTS { Vec::new() } else { parts }
}

fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// What follows `from` in `parts`, if they begin with it.
pub fn rest<'p>(parts: &'p [String], from: &[String]) -> Option<&'p [String]> {
    let rest = parts.strip_prefix(from)?;
    (!rest.is_empty()).then_some(rest)
}

/// Where a file with the path `parts` may be in `folder`: at the whole path, else at the end of it,
/// the longest first. Its name alone says too little, unless its folder is called as `folder` is.
pub fn ends<'p>(folder: &Path, parts: &'p [String]) -> impl Iterator<Item = &'p [String]> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let last = parts.len().saturating_sub(1);
    let is_alone_fine = last == 0 || name.is_some_and(|name| parts[last - 1] == name);
    (0..parts.len()).filter(move |at| *at < last || is_alone_fine).map(move |at| &parts[at..])
}
