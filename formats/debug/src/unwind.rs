//! Reads how stacks are walked, from the code file and from the file with the debug data.

use gimli::SectionId;
use object::{Object, ObjectSection, SectionKind};
use symtool_unwind::windows::{PeImage, PeSection, read_function_table};
use symtool_unwind::{
    Architecture, CodeRange, Section, UnwindDropReason, UnwindSections, UnwindTable,
    UnwindTableBuilder,
};

use crate::bytes::SectionBytes;
use crate::module::{DropCounts, DropReason};
use crate::object::code::Code;
use crate::object::elf::segments;
use crate::object::{ObjectFile, pe, sections};

/// Reads the unwind data of `own`, and of `data`, which has its debug data and may be the same file.
/// `code` are the executable addresses of `own`. Addresses of an image of Windows are relative to
/// it.
///
/// Relocatable objects have no rows: nothing runs in them, and their addresses mean several places.
pub fn read(own: &ObjectFile<'_>, data: &ObjectFile<'_>, code: &Code) -> UnwindTable {
    let object = &own.object;
    if object.kind() == object::ObjectKind::Relocatable {
        return UnwindTable::default();
    }
    if let Some((machine, table)) = pe::function_table(object) {
        let mut builder = UnwindTableBuilder::default();
        read_function_table(&pe_image(object), machine, table, &mut builder);
        return builder.finish();
    }
    let debug_frame = sections::load_one_of(&data.object, data.mapped, SectionId::DebugFrame);
    let table = sections_of(own, code, debug_frame.as_ref()).read();
    if object.format() == object::BinaryFormat::Pe {
        relative(table, object.relative_address_base())
    } else {
        table
    }
}

/// Whether `own`, or `data`, which has its debug data, says how stacks are walked. No row is read.
pub fn is_there(own: &object::File<'_>, data: &object::File<'_>) -> bool {
    let has_section = |file: &object::File<'_>, name: &str| {
        file.section_by_name(name).is_some_and(|section| bytes_of(&section).is_some())
    };
    own.kind() != object::ObjectKind::Relocatable
        && (pe::function_table(own).is_some()
            || [".eh_frame", ".ARM.exidx", "__unwind_info"]
                .iter()
                .any(|name| has_section(own, name))
            || has_section(data, ".debug_frame")
            || eh_frame_of_segments(own).is_some())
}

/// All sections that are about unwinding.
fn sections_of<'s>(
    own: &'s ObjectFile<'_>,
    code: &'s Code,
    debug_frame: Option<&'s SectionBytes<'_>>,
) -> UnwindSections<'s> {
    let object = &own.object;
    let section = |name: &str| {
        let section = object.section_by_name(name)?;
        Some(Section { address: section.address(), bytes: bytes_of(&section)? })
    };
    UnwindSections {
        architecture: Architecture::from_name(own.info.arch.as_str()),
        is_big_endian: !object.is_little_endian(),
        address_bytes: if object.is_64() { 8 } else { 4 },
        code: code_ranges(object, code),
        image_base: own.info.image_base,
        eh_frame: section(".eh_frame").or_else(|| eh_frame_of_segments(object)),
        debug_frame: debug_frame.map(|bytes| Section { address: 0, bytes }),
        got: object.section_by_name(".got").map(|section| section.address()),
        exidx: section(".ARM.exidx"),
        extab: section(".ARM.extab"),
        unwind_info: section("__unwind_info"),
        is_mach_o: object.format() == object::BinaryFormat::MachO,
    }
}

/// `.eh_frame` of a file without section headers.
fn eh_frame_of_segments<'d>(object: &object::File<'d>) -> Option<Section<'d>> {
    let (address, bytes) =
        segments::are_all(object).then(|| segments::eh_frame(object)).flatten()?;
    Some(Section { address, bytes })
}

/// What the file has of `section`; `None` if that is nothing. A debug file has its header alone,
/// and a dSYM says that it lies where the file begins.
fn bytes_of<'d>(section: &object::Section<'d, '_>) -> Option<&'d [u8]> {
    section.file_range().filter(|(offset, _)| *offset > 0)?;
    section.data().ok().filter(|bytes| !bytes.is_empty())
}

/// The executable addresses, with what the file has of them.
fn code_ranges<'s>(object: &'s object::File<'_>, code: &Code) -> Vec<CodeRange<'s>> {
    let sections: Vec<(u64, &[u8])> = object
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .filter_map(|section| Some((section.address(), section.data().ok()?)))
        .collect();
    let range = |&(start, end): &(u64, u64)| {
        let bytes = sections.iter().find_map(|(address, bytes)| {
            let from = usize::try_from(start.checked_sub(*address)?).ok()?;
            let size = usize::try_from(end - start).unwrap_or(usize::MAX);
            let rest = bytes.get(from..).filter(|rest| !rest.is_empty())?;
            Some(&rest[..size.min(rest.len())])
        });
        CodeRange { start, end, bytes: bytes.unwrap_or_default() }
    };
    code.spans().iter().map(range).collect()
}

/// The sections of an image of Windows.
pub fn pe_image<'d>(object: &object::File<'d>) -> PeImage<'d> {
    let base = object.relative_address_base();
    PeImage::new(object.sections().filter_map(|section| {
        Some(PeSection {
            start: u32::try_from(section.address().checked_sub(base)?).ok()?,
            memory_bytes: u32::try_from(section.size()).ok()?,
            bytes: section.data().unwrap_or_default(),
            is_code: section.kind() == SectionKind::Text,
        })
    }))
}

/// `table` with addresses relative to `base`.
fn relative(mut table: UnwindTable, base: u64) -> UnwindTable {
    table.rows.retain_mut(|row| {
        let is_inside = row.start >= base;
        (row.start, row.end) = (row.start.saturating_sub(base), row.end.saturating_sub(base));
        is_inside
    });
    table
}

/// Counts what was left out of `table` with everything else that was.
pub fn count_drops(table: &mut UnwindTable, dropped: &mut DropCounts) {
    for (reason, count) in std::mem::take(&mut table.drops).iter() {
        let reason = match reason {
            UnwindDropReason::BadEntry => DropReason::BadUnwindEntry,
            UnwindDropReason::NotSupported => DropReason::UnsupportedUnwindRule,
            UnwindDropReason::Tombstone => DropReason::UnwindTombstone,
            UnwindDropReason::Overlap => DropReason::UnwindOverlap,
            UnwindDropReason::TooMuchWork => DropReason::TooMuchUnwindWork,
        };
        dropped.count_many(reason, count);
    }
}
