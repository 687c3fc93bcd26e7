//! Looks at what a file has, for those who decide whether it is good enough: [`Inspection`], for
//! which no function and no line is read.

use std::path::PathBuf;

use object::{CompressionFormat, Object, ObjectKind, ObjectSection};

use crate::companions::debug_files::other_build;
use crate::companions::split::SplitFiles;
use crate::companions::{Search, shared_names};
use crate::debug_object::DebugObject;
use crate::dwarf::{Skeleton, count_units, lost_skeletons, skeletons};
use crate::object::ObjectFile;
use crate::object::layout::Layout;
use crate::object::links::{build_id, shared_names_link};
use crate::object::sections;
use crate::unwind;

/// What a file has, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// It is not linked yet (`.o`, `.ko`).
    pub is_relocatable: bool,
    /// It has the code itself, and not only debug data about it.
    pub has_code: bool,
    /// It, or its debug file, says how stacks are walked.
    pub has_unwind: bool,
    /// The debug file that it names (`.gnu_debuglink`).
    pub debug_link: Option<String>,
    /// A file that lies where its debug file should and is of another build.
    pub other_build: Option<PathBuf>,
    /// Debug sections that are compressed, by name.
    pub compressed: Vec<String>,
    /// Units in `.debug_info`, its own or its debug file's.
    pub units: u64,
    /// Units whose header or root cannot be read; what follows a bad header is not known.
    pub bad_units: u64,
    /// Files of split DWARF (`.dwo`, `.dwp`) that were found.
    pub split_files: u64,
    /// Those that were not found, or are of another build.
    pub missing_split: Vec<PathBuf>,
    /// The file of names that it shares with others (dwz).
    pub shared: Option<SharedNames>,
    /// Why its debug sections cannot be read at all.
    pub damage: Option<String>,
}

/// A file of names that several files share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedNames {
    /// As the file names it.
    pub name: String,
    /// Whether it is there, with the id that is asked for.
    pub is_found: bool,
}

/// What a symbol server hands a file out as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerRole {
    /// It has the code itself.
    pub has_code: bool,
    /// It has debug data, or is what was split from the code.
    pub has_debug_data: bool,
    /// Of an image of Windows, the time stamp and size by which it is found: `4F2596DA6000`.
    pub code_id: Option<String>,
}

impl DebugObject<'_> {
    /// Looks at headers, at the root of each unit, and at where files that belong to it should be.
    /// The debug file with which [`DebugObject::with_debug_data`] was called, or which is looked for
    /// as `search` says, counts as its own.
    pub fn inspect(&self, search: &Search) -> Inspection {
        let object = &self.own.object;
        let data = self.data();
        let is_compressed = |section: &object::Section<'_, '_>| {
            section
                .compressed_file_range()
                .is_ok_and(|range| range.format != CompressionFormat::None)
        };
        let debug_link = object.gnu_debuglink().ok().flatten();
        let mut inspection = Inspection {
            is_relocatable: object.kind() == ObjectKind::Relocatable,
            has_code: self.own.has_code(),
            has_unwind: unwind::is_there(&self.own.object, &data.object),
            debug_link: debug_link.map(|(name, _)| String::from_utf8_lossy(name).into_owned()),
            compressed: data
                .object
                .sections()
                .filter(is_compressed)
                .filter_map(|section| Some(section.name().ok()?.to_owned()))
                .collect(),
            ..Inspection::default()
        };
        if self.debug_path().is_none() && !data.has_units() {
            inspection.other_build = other_build(&self.own, search);
        }
        if data.has_units()
            && let Err(damage) = inspect_units(data, search, &mut inspection)
        {
            inspection.damage = Some(damage);
        }
        inspection
    }
}

/// Looks at the units of `file`, and at where files with more of them should be.
///
/// # Errors
/// Why its debug sections cannot be read.
fn inspect_units(
    file: &ObjectFile<'_>,
    search: &Search,
    inspection: &mut Inspection,
) -> Result<(), String> {
    let layout = Layout::of(&file.object)?;
    let sections = sections::load_units(&file.object, file.mapped, &layout)?;
    let (units, bad_units) = count_units(&sections, file.object.is_little_endian());
    (inspection.units, inspection.bad_units) = (units, bad_units);
    let skeletons = skeletons(&sections, file.object.is_little_endian());
    let split =
        SplitFiles::open(file.path(), file.path(), build_id(&file.object), &skeletons, search);
    inspection.split_files = split.found() as u64;
    let split = split.sections(&mut Vec::new());
    let lost = lost_skeletons(&sections, &split, &skeletons, file.object.is_little_endian());
    inspection.missing_split =
        lost.into_iter().map(|Skeleton { directory, name, .. }| directory.join(name)).collect();
    inspection.shared = shared_names_link(&file.object).map(|(name, _)| SharedNames {
        name: String::from_utf8_lossy(name).into_owned(),
        is_found: shared_names::find(file, search).is_some(),
    });
    Ok(())
}
