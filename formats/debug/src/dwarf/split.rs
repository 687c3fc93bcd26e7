//! Finds the units with the functions of skeleton units (DWARF 5, section 3.1.2) in the sections of
//! `.dwo` files or of a `.dwp` package.

use std::sync::Arc;

use gimli::{DwarfPackage, EndianSlice, Endianity};
use hashbrown::HashMap;

use super::units::{Unit, Units};
use crate::bytes::SectionBytes;
use crate::module::DropCounts;
use crate::object::sections::{self, Sections};

type Slice<'d, E> = EndianSlice<'d, E>;

/// The sections of the files that hold the functions of skeleton units.
#[derive(Debug, Default)]
pub struct SplitSections<'d> {
    /// The sections of a package.
    pub package: Option<gimli::DwarfPackageSections<SectionBytes<'d>>>,
    /// The sections of `.dwo` files, by the number of the skeleton unit.
    pub files: HashMap<usize, Sections<'d>>,
}

impl SplitSections<'_> {
    /// Bytes of all of them, expanded.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(sections::bytes).sum::<u64>()
            + self.package.as_ref().map_or(0, sections::package_bytes)
    }
}

/// Split units, which hold the functions of skeleton units.
pub struct SplitUnits<'d, E: Endianity> {
    package: Option<DwarfPackage<Slice<'d, E>>>,
    files: &'d SplitSections<'d>,
    endian: E,
}

impl<'d, E: Endianity> SplitUnits<'d, E> {
    /// The units of `sections`.
    pub fn new(sections: &'d SplitSections<'d>, endian: E) -> Self {
        let slice = |section: &'d SectionBytes<'d>| EndianSlice::new(section, endian);
        let package = sections
            .package
            .as_ref()
            .and_then(|package| package.borrow(slice, EndianSlice::new(&[], endian)).ok());
        Self { package, files: sections, endian }
    }

    /// The unit with the functions of `skeleton`, which is unit `index` of `parent`, and the file
    /// it is in.
    pub fn of(
        &self,
        parent: &Units<'d, E>,
        index: usize,
        skeleton: &Unit<'d, E>,
    ) -> Option<(Units<'d, E>, Unit<'d, E>)> {
        let id = skeleton.dwo_id?;
        let dwarf = if let Some(package) = &self.package {
            package.find_cu(id, &parent.dwarf).ok()??
        } else {
            let sections = self.files.files.get(&index)?;
            let mut dwarf = sections.borrow(|section| EndianSlice::new(section, self.endian));
            dwarf.make_dwo(&parent.dwarf);
            dwarf
        };
        let units = Units::list(dwarf, Arc::clone(&parent.work), &mut DropCounts::default());
        let mut unit = (0..units.len())
            .filter_map(|index| units.parse(index).ok())
            .find(|unit| unit.dwo_id == Some(id))?;
        unit.copy_relocated_attributes(skeleton);
        Some((units, unit))
    }
}
