//! Unpacks the members of archives: those of tar as they come, those of zip by the list at its end.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};

use super::budget::Budget;
use super::{BUFFER_BYTES, Unpacked, compressed, is_copy, layer};
use crate::limits::{MAX_PACKED_NAMES, MAX_ZIP_BYTES};

/// Hands on the files of a tar.
pub fn tar(name: &str, input: impl BufRead, depth: usize, budget: &Budget, to: &mut impl Unpacked) {
    let input: Box<dyn Read + '_> = Box::new(input);
    let mut archive = tar::Archive::new(input);
    let entries = match archive.entries() {
        Ok(entries) => entries.raw(true),
        Err(error) => return to.lost(name, &error.to_string()),
    };
    let mut names = Names::default();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            // What follows cannot be found.
            Err(error) => return to.lost(name, &format!("damaged archive: {error}")),
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let member = text(&entry.header().path_bytes());
        if names.is_wanted(&member) {
            let entry: Box<dyn Read + '_> = Box::new(entry);
            layer(
                &format!("{name}!{member}"),
                BufReader::with_capacity(BUFFER_BYTES, entry),
                depth + 1,
                budget,
                to,
            );
        }
    }
}

/// Hands on the files of a zip file, which is taken whole.
pub fn zip(
    name: &str,
    mut input: impl BufRead,
    depth: usize,
    budget: &Budget,
    to: &mut impl Unpacked,
) {
    let mut bytes = Vec::new();
    if let Err(error) = input.by_ref().take(MAX_ZIP_BYTES + 1).read_to_end(&mut bytes) {
        return to.lost(name, &error.to_string());
    }
    if bytes.len() as u64 > MAX_ZIP_BYTES {
        return to.lost(name, &format!("a zip file of more than {MAX_ZIP_BYTES} bytes; unpack it, and pass the reports in it"));
    }
    let zip = match ZipArchive::from_slice(bytes.as_slice()) {
        Ok(zip) => zip,
        Err(error) => return to.lost(name, &format!("damaged zip file: {error}")),
    };
    let mut names = Names::default();
    for entry in zip.entries() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return to.lost(name, &format!("damaged zip file: {error}")),
        };
        let member = text(entry.file_path().as_ref());
        if entry.is_dir() || !names.is_wanted(&member) {
            continue;
        }
        let member = format!("{name}!{member}");
        if entry.flags().is_encrypted() {
            to.lost(&member, "it is encrypted; unpack it, and pass what is in it");
            continue;
        }
        let packed = match zip.get_entry(entry.wayfinder()) {
            Ok(found) => found.data(),
            Err(error) => {
                to.lost(&member, &format!("damaged zip file: {error}"));
                continue;
            }
        };
        match entry.compression_method() {
            // Members can share their bytes, so these count as unpacked, too.
            CompressionMethod::STORE => compressed(&member, packed, depth, budget, to),
            CompressionMethod::DEFLATE => {
                compressed(&member, DeflateDecoder::new(packed), depth, budget, to);
            }
            method => to.lost(
                &member,
                &format!(
                    "packed by {method:?}, which is not read; unpack it, and pass what is in it"
                ),
            ),
        }
    }
}

/// Names of members so far.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// Whether the member `name` may be a report of its own: not what macOS writes beside files,
    /// and no second copy of one that came.
    fn is_wanted(&mut self, name: &str) -> bool {
        let file = name.rsplit('/').next().unwrap_or(name);
        let is_own =
            !name.starts_with("__MACOSX/") && !file.starts_with("._") && file != ".DS_Store";
        let is_copy =
            is_copy(name, |text| self.0.contains(text)) || self.0.contains(&format!("{name}.pb"));
        if self.0.len() < MAX_PACKED_NAMES {
            self.0.insert(name.to_owned());
        }
        is_own && !is_copy && !file.is_empty()
    }
}

/// A member's name as text, in which nothing controls a terminal.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .collect()
}
