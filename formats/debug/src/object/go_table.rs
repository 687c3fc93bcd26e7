//! Finds the section with the table by which Go's runtime prints stacks (`.gopclntab`).

use object::Object;

/// Names of the table's section: in ELF files, in those that can be loaded anywhere, and in Mach-O
/// files.
const SECTIONS: [&str; 3] = [".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"];

/// Whether `object` has the table.
pub fn has_table(object: &object::File<'_>) -> bool {
    section(object).is_some()
}

/// The section with the table, if `object` has one.
pub fn section<'d, 'f>(object: &'f object::File<'d>) -> Option<object::Section<'d, 'f>> {
    SECTIONS.iter().find_map(|name| object.section_by_name(name))
}
