//! What a file has, for those who decide whether it is good enough: [`Inspection`], for which no function and no line
//! is read.

use std::path::PathBuf;

use super::companions::debug_files::other_build;
use super::companions::split::SplitFiles;
use super::companions::{Search, shared_names};
use super::dwarf::{Skeleton, count_units, lost_skeletons};
use super::layout::Layout;
use super::links::{build_id, shared_names_link};
use super::object::DebugFile;
use super::sections;
use ::object::{BinaryFormat, CompressionFormat, Object, ObjectKind, ObjectSection, SectionKind};

/// What a file has, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// It is not linked yet (`.o`, `.ko`).
    pub is_relocatable: bool,
    /// It has the code itself, and not only debug data about it.
    pub has_code: bool,
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
    pub shared: Option<Shared>,
    /// Why its debug sections cannot be read at all.
    pub damage: Option<String>,
}

/// A file of names that several files share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// As the file names it.
    pub name: String,
    /// Whether it is there, with the id that is asked for.
    pub is_found: bool,
}

impl DebugFile<'_> {
    /// Looks at headers, at the root of each unit, and at where files that belong to it should be. The debug file with
    /// which [`DebugFile::with_debug_data`] was called, or which is looked for as `search` says, counts as its own.
    pub fn inspect(&self, search: &Search) -> Inspection {
        let object = self.object();
        let data = self.data();
        let is_compressed = |section: &::object::Section<'_, '_>| {
            section.compressed_file_range().is_ok_and(|range| range.format != CompressionFormat::None)
        };
        let debug_link = object.gnu_debuglink().ok().flatten();
        let mut inspection = Inspection {
            is_relocatable: object.kind() == ObjectKind::Relocatable,
            has_code: self.has_code(),
            debug_link: debug_link.map(|(name, _)| String::from_utf8_lossy(name).into_owned()),
            compressed: data
                .object()
                .sections()
                .filter(is_compressed)
                .filter_map(|section| Some(section.name().ok()?.to_owned()))
                .collect(),
            ..Inspection::default()
        };
        if self.debug_path().is_none() && !data.has_units() {
            inspection.other_build = other_build(self, search);
        }
        if data.has_units()
            && let Err(damage) = data.inspect_units(search, &mut inspection)
        {
            inspection.damage = Some(damage);
        }
        inspection
    }

    fn has_units(&self) -> bool {
        [".debug_info", ".zdebug_info"].iter().any(|name| self.object().section_by_name(name).is_some())
    }

    fn has_code(&self) -> bool {
        let object = self.object();
        // In a debug file, code sections have no contents; a dSYM is marked as one.
        let has_contents = |section: &::object::Section<'_, '_>| section.file_range().is_some_and(|(_, bytes)| bytes > 0);
        let code = object.sections().any(|section| section.kind() == SectionKind::Text && has_contents(&section));
        code && !(object.format() == BinaryFormat::MachO && super::macho::is_dsym(object))
    }

    fn inspect_units(&self, search: &Search, inspection: &mut Inspection) -> Result<(), String> {
        let layout = Layout::of(self.object())?;
        let sections = sections::load_units(self.object(), self.mapped(), &layout)?;
        let (units, bad_units) = if self.object().is_little_endian() {
            count_units(&sections, gimli::LittleEndian)
        } else {
            count_units(&sections, gimli::BigEndian)
        };
        (inspection.units, inspection.bad_units) = (units, bad_units);
        let skeletons = self.skeletons(&sections);
        let split = SplitFiles::open(self.path(), self.path(), build_id(self.object()), &skeletons, search);
        inspection.split_files = split.found() as u64;
        let split = split.sections(&mut Vec::new());
        let lost = if self.object().is_little_endian() {
            lost_skeletons(&sections, &split, &skeletons, gimli::LittleEndian)
        } else {
            lost_skeletons(&sections, &split, &skeletons, gimli::BigEndian)
        };
        inspection.missing_split = lost.into_iter().map(|Skeleton { directory, name, .. }| directory.join(name)).collect();
        inspection.shared = shared_names_link(self.object()).map(|(name, _)| Shared {
            name: String::from_utf8_lossy(name).into_owned(),
            is_found: shared_names::find(self, search).is_some(),
        });
        Ok(())
    }
}
