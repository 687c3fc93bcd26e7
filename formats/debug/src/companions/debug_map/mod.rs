//! Finds and reads the object files that keep the debug data of a linked image, and moves what they
//! say to where the linker has put each function.
//!
//! A linker of Apple's leaves debug data in the object files, and for each of them debugging
//! entries in the symbol table (`mach-o/stab.h`); `dsymutil` makes a dSYM of both:
//!
//! ```text
//! OSO          path of an object file, or of an archive with a member; n_value: when it was written
//! FUN          name of a function, where it lies in the image
//! FUN          (no name) its size
//! STSYM, GSYM  name of something else: a function too, where its section is not all code
//! ```
//!
//! In an object, every function lies elsewhere. One that the linker has thrown away, or taken from
//! another object, is not in the map, and what this object says of it goes unused.

mod entries;
mod mapped_object;
mod places;

use std::path::{Path, PathBuf};

use hashbrown::HashSet;
use rayon::prelude::*;

use super::Search;
use crate::Progress;
use crate::bytes::{Error, Mapped, os_path};
use crate::dwarf::{DwarfSymbols, Interval, UnitSymbols};
use crate::limits::MAX_OBJECTS;
use crate::module::{DropCounts, DropReason};
use crate::object::code::Code;
use crate::object::layout::Layout;
use crate::object::macho::with_macho;
use crate::object::symbols::Symbol;
use entries::MapFunction;
pub use mapped_object::MappedObject;
use places::ObjectPlaces;
use symtool_module::Arch;

/// The object files of a debug map, as far as they are found.
#[derive(Debug, Default)]
pub struct Objects<'d> {
    found: Vec<(Mapped, Vec<MapFunction<'d>>)>,
    /// Files and members that were not found, or are not what the linker saw.
    missing: Vec<PathBuf>,
    missing_functions: u64,
    /// Files that were written anew since.
    changed: Vec<PathBuf>,
}

impl<'d> Objects<'d> {
    /// Opens what `image`, which lies at `image_path`, refers to; `None` if it has no debug map.
    pub fn open(
        image: &object::File<'d>,
        image_path: &Path,
        arch: &Arch,
        search: &Search,
    ) -> Option<Self> {
        let code = Code::of(image, &Layout::default());
        let entries = with_macho!(image, file => entries::read(file, &code))
            .filter(|entries| !entries.is_empty())?;
        let mut objects = Self::default();
        let mut places = ObjectPlaces::of(&entries, image_path, arch, search);
        for entry in entries {
            let name = PathBuf::from(os_path(entry.path));
            let found = if objects.found.len() < MAX_OBJECTS { places.find(&entry) } else { None };
            match found {
                Some((object, is_changed)) => {
                    objects.found.push((object, entry.functions));
                    objects.changed.extend(is_changed.then_some(name));
                }
                None => {
                    objects.missing_functions += entry.functions.len() as u64;
                    objects.missing.push(name);
                }
            }
        }
        Some(objects)
    }

    /// Whether any object file was found.
    pub fn any(&self) -> bool {
        !self.found.is_empty()
    }

    /// That no other process has written to any of them since.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub fn unchanged(&self) -> Result<(), Error> {
        self.found.iter().try_for_each(|(file, _)| file.unchanged())
    }

    /// Bytes of all that were found.
    pub fn bytes(&self) -> u64 {
        self.found.iter().map(|(file, _)| file.bytes().len() as u64).sum()
    }

    /// What the user should know.
    pub fn warnings(&self) -> Vec<String> {
        let several = |files: &[PathBuf]| match files {
            [] => None,
            [one] => Some(one.display().to_string()),
            [first, others @ ..] => Some(format!("{} and {} more", first.display(), others.len())),
        };
        let missing = several(&self.missing).map(|files| {
            format!(
                "functions and inlined calls are in {files}, not found as the linker saw it: symbols answer instead; make a dSYM \
                 where the object files are (dsymutil), or pass their folder as --debug-dir and import again with --force"
            )
        });
        let changed = several(&self.changed)
            .map(|files| format!("{files}: written anew since the image was linked; lines are wrong where its source has changed"));
        missing.into_iter().chain(changed).collect()
    }

    /// Reads the headers and debug sections of all of them. `symbols` are the image's.
    pub fn load<'m>(
        &'m self,
        symbols: &[Symbol<'m>],
        dropped: &mut DropCounts,
    ) -> Vec<MappedObject<'m>> {
        dropped.count_many(DropReason::MissingObject, self.missing_functions);
        let load = |(mapped, functions): &'m (Mapped, Vec<MapFunction<'d>>)| {
            let mut dropped = DropCounts::default();
            let loaded = MappedObject::of(mapped, functions, &mut dropped);
            if loaded.is_none() {
                dropped.count_many(DropReason::MissingObject, functions.len() as u64);
            }
            (loaded, dropped)
        };
        let loaded: Vec<_> = self.found.par_iter().map(load).collect();
        loaded.iter().for_each(|(_, counts)| dropped.merge(counts));
        let mut loaded: Vec<MappedObject<'m>> =
            loaded.into_iter().filter_map(|(loaded, _)| loaded).collect();
        // Of one function under several names, perhaps of several objects, the first counts.
        let mut taken = HashSet::new();
        for object in &mut loaded {
            object.keep(&mut taken, symbols);
        }
        loaded
    }
}

/// What all of `objects` say, in the addresses of the image.
pub fn read<'m>(
    objects: &'m [MappedObject<'m>],
    progress: &Progress,
    dropped: &mut DropCounts,
) -> DwarfSymbols<'m> {
    let read_one = |object: &'m MappedObject<'m>| {
        let mut dropped = DropCounts::default();
        let symbols = object.read(progress, &mut dropped);
        // Functions that the image does not have are none that were lost.
        (symbols, dropped.damage())
    };
    let read: Vec<_> = objects.par_iter().with_max_len(1).map(read_one).collect();
    let (mut intervals, mut units): (Vec<Interval>, Vec<UnitSymbols<'m>>) =
        (Vec::new(), Vec::new());
    for (symbols, counts) in read {
        dropped.merge(&counts);
        let before = units.len();
        intervals.extend(
            symbols
                .intervals
                .into_iter()
                .map(|interval| Interval { unit: before + interval.unit, ..interval }),
        );
        units.extend(symbols.units);
    }
    intervals.sort_by_key(|interval| interval.start);
    DwarfSymbols { intervals, units, aliases: Vec::new() }
}
