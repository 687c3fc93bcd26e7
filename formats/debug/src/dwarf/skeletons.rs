//! Finds skeleton units: which units keep their functions in other files, and where (DWARF 5,
//! section 3.1.2; `DW_AT_GNU_dwo_name` before).

use std::path::PathBuf;
use std::sync::Arc;

use gimli::{
    BigEndian, DwoId, EndianSlice, Endianity, LittleEndian, Section, UnitType, constants as dw,
};
use rayon::prelude::*;

use super::split::{SplitSections, SplitUnits};
use super::units::Units;
use super::work::Work;
use crate::bytes::os_path;
use crate::module::DropCounts;
use crate::object::sections::{Sections, bytes as sections_bytes};

/// A unit whose functions are in another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// Its number, in the order of `.debug_info`.
    pub unit: usize,
    /// The compilation directory.
    pub directory: PathBuf,
    /// The file's name, relative to the directory unless it is absolute.
    pub name: PathBuf,
    /// By what the other file's unit is known.
    pub id: DwoId,
}

/// The skeleton units of a file, in its order.
pub fn list(sections: &Sections<'_>, is_little_endian: bool) -> Vec<Skeleton> {
    if is_little_endian { list_as(sections, LittleEndian) } else { list_as(sections, BigEndian) }
}

fn list_as<E: Endianity + Send + Sync>(sections: &Sections<'_>, endian: E) -> Vec<Skeleton> {
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    // Without it, split functions would have no addresses.
    if dwarf.debug_addr.reader().is_empty() {
        return Vec::new();
    }
    let work = Work::for_bytes(sections_bytes(sections));
    let units = Units::list(dwarf, Arc::new(work), &mut DropCounts::default());
    let skeleton = |index: usize| {
        let header = units.header(index);
        if header.version() >= 5 && !matches!(header.type_(), UnitType::Skeleton(_)) {
            return None;
        }
        let unit = units.parse(index).ok()?;
        let root = unit.entry(unit.header.root_offset()).ok()?;
        let name = root
            .attr_value(dw::DW_AT_dwo_name)
            .or_else(|| root.attr_value(dw::DW_AT_GNU_dwo_name))?;
        let name = units.dwarf.attr_string(&unit, name).ok()?;
        let directory =
            unit.comp_dir.map_or_else(PathBuf::new, |directory| os_path(directory.slice()).into());
        Some(Skeleton {
            unit: index,
            directory,
            name: os_path(name.slice()).into(),
            id: unit.dwo_id?,
        })
    };
    (0..units.len()).into_par_iter().filter_map(skeleton).collect()
}

/// Those of `skeletons`, of the file with `sections`, whose functions are not in `split`: the file
/// is not there, or its id is another.
pub fn lost<'s>(
    sections: &Sections<'_>,
    split: &SplitSections<'_>,
    skeletons: &'s [Skeleton],
    is_little_endian: bool,
) -> Vec<&'s Skeleton> {
    if is_little_endian {
        lost_as(sections, split, skeletons, LittleEndian)
    } else {
        lost_as(sections, split, skeletons, BigEndian)
    }
}

fn lost_as<'s, E: Endianity + Send + Sync>(
    sections: &Sections<'_>,
    split: &SplitSections<'_>,
    skeletons: &'s [Skeleton],
    endian: E,
) -> Vec<&'s Skeleton> {
    let work = Work::for_bytes(sections_bytes(sections) + split.bytes());
    let units = Units::list(
        sections.borrow(|section| EndianSlice::new(section, endian)),
        Arc::new(work),
        &mut DropCounts::default(),
    );
    let split = SplitUnits::new(split, endian);
    let is_lost = |skeleton: &&Skeleton| {
        !units
            .parse(skeleton.unit)
            .is_ok_and(|unit| split.of(&units, skeleton.unit, &unit).is_some())
    };
    skeletons.iter().filter(is_lost).collect()
}
