//! Whether a file is the one that was asked for: [`check`].

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use symtool_debug::{DebugFile, Search};
use symtool_module::ModuleKind;

use super::wanted::WantedModule;
use crate::import::{WalkedFile, each_file};

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The right one.
    Right {
        /// Whether it says how stacks are walked.
        has_unwind: bool,
    },
    /// Another one, and what it is.
    Wrong(String),
    /// A cabinet, which is not read.
    Cabinet,
}

/// What cabinets begin with.
const CABINET: &[u8] = b"MSCF";

/// Looks whether the file at `path`, or the one that is packed in it, is of `wanted`, and no other
/// one with it. Slices of a universal file may be of other builds.
pub fn check(path: &Path, wanted: &WantedModule) -> Checked {
    if is_cabinet(path).unwrap_or_default() {
        return Checked::Cabinet;
    }
    let (mut is_there, mut has_unwind, mut has_others, mut other) = (false, false, false, None);
    let walked = each_file(&[path.to_owned()], |file| {
        let found = match &file {
            WalkedFile::Opened { mapped, .. } => DebugFile::parse(mapped).ok(),
            WalkedFile::Failed { .. } => None,
        };
        let Some(found) = found else { return Ok(()) };
        if wanted.is_of(&found) {
            is_there = true;
            has_unwind |= found.inspect(&Search::nowhere()).has_unwind;
        } else {
            has_others |= found.info().kind != ModuleKind::MachO;
            other = Some(format!("of {}", found.info().id));
        }
        Ok(())
    });
    if is_there && !has_others && walked.is_ok() {
        return Checked::Right { has_unwind };
    }
    Checked::Wrong(other.unwrap_or_else(|| "no file with debug data".to_owned()))
}

fn is_cabinet(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(CABINET.len() as u64).read_to_end(&mut start)?;
    Ok(start == CABINET)
}

/// Where a folder may have the file with this `key` packed as a cabinet: the last letter of the name
/// is an underscore then.
pub fn cabinet_beside(place: &Path) -> Option<PathBuf> {
    let name = place.file_name()?.to_str()?;
    let (last, _) = name.char_indices().last()?;
    let packed = place.with_file_name(format!("{}_", &name[..last]));
    packed.is_file().then_some(packed)
}
