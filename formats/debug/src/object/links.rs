//! Reads what an object file says of the files that belong to it: its build-id, the file of names
//! that it shares with others, and whether it is such a companion itself.

use gimli::{EndianSlice, Reader};
use object::{Object, ObjectSection};

use crate::bytes::Companion;

/// The build-id of `object`, unless it is empty.
pub fn build_id<'d>(object: &object::File<'d>) -> Option<&'d [u8]> {
    object.build_id().ok().flatten().filter(|id| !id.is_empty())
}

/// Path and id of the file of shared names that `object` refers to.
pub fn shared_names_link<'d>(object: &object::File<'d>) -> Option<(&'d [u8], &'d [u8])> {
    object.gnu_debugaltlink().ok().flatten().or_else(|| match supplement(object)? {
        (Role::User, name, id) => Some((name, id)),
        (Role::Supplement, ..) => None,
    })
}

/// The id by which files refer to `object`, which has names that they share.
pub fn shared_names_id<'d>(object: &object::File<'d>) -> Option<&'d [u8]> {
    let supplement =
        supplement(object).filter(|(role, ..)| *role == Role::Supplement).map(|(.., id)| id);
    supplement.or_else(|| build_id(object))
}

/// Which side of a supplementary file an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It refers to one.
    User,
    /// It is one.
    Supplement,
}

/// What `.debug_sup` says: the side, the name of the supplementary file and its checksum (DWARF 5,
/// section 7.3.6).
fn supplement<'d>(object: &object::File<'d>) -> Option<(Role, &'d [u8], &'d [u8])> {
    let data = object.section_by_name(".debug_sup")?.data().ok()?;
    let endian = if object.is_little_endian() {
        gimli::RunTimeEndian::Little
    } else {
        gimli::RunTimeEndian::Big
    };
    let mut reader = EndianSlice::new(data, endian);
    let _version = reader.read_u16().ok()?;
    let role = if reader.read_u8().ok()? == 0 { Role::User } else { Role::Supplement };
    let name = reader.read_null_terminated_slice().ok()?.slice();
    let length = usize::try_from(reader.read_uleb128().ok()?).ok()?;
    Some((role, name, reader.split(length).ok()?.slice()))
}

/// What a file is that has nothing of its own: it is read with the files that it belongs to.
pub fn role(object: &object::File<'_>) -> Option<Companion> {
    let has = |name| object.section_by_name(name).is_some();
    if has(".debug_info.dwo") {
        return Some(if has(".debug_cu_index") {
            Companion::Package
        } else {
            Companion::SplitUnits
        });
    }
    let has_code = object.sections().any(|section| section.kind() == object::SectionKind::Text);
    let is_supplement = supplement(object).is_some_and(|(role, ..)| role == Role::Supplement);
    (has(".debug_info")
        && (is_supplement
            || !has_code && shared_names_link(object).is_none() && has_partial_units(object)))
    .then_some(Companion::SharedNames)
}

/// Whether the first unit is one that others import (dwz).
fn has_partial_units(object: &object::File<'_>) -> bool {
    let endian = if object.is_little_endian() {
        gimli::RunTimeEndian::Little
    } else {
        gimli::RunTimeEndian::Big
    };
    let section = |id: gimli::SectionId| {
        object
            .section_by_name(id.name())
            .and_then(|section| section.uncompressed_data().ok())
            .unwrap_or_default()
    };
    let (entries, abbreviations) =
        (section(gimli::SectionId::DebugInfo), section(gimli::SectionId::DebugAbbrev));
    let header = gimli::DebugInfo::new(&entries, endian).units().next().ok().flatten();
    let root = header.and_then(|header| {
        let table = header.abbreviations(&gimli::DebugAbbrev::new(&abbreviations, endian)).ok()?;
        Some(header.entries_raw(&table, None).ok()?.read_abbreviation().ok()??.tag())
    });
    root == Some(gimli::DW_TAG_partial_unit)
}
