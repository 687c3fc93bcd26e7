//! Loads debug sections: expanded in parallel where they are compressed (gABI, "Section
//! Compression"; `.zdebug_*`), relocated where the file is a relocatable object.

use std::convert::Infallible;

use gimli::{DwarfPackageSections, DwarfSections, EndianSlice, LittleEndian, SectionId};
use hashbrown::HashMap;
use libdeflater::Decompressor;
use memmap2::MmapMut;
use object::{BinaryFormat, CompressedData, CompressionFormat, Object, ObjectSection};
use rayon::prelude::*;

use super::layout::Layout;
use super::relocate;
use crate::bytes::{Mapped, SectionBytes, section_bytes};
use crate::limits::MAX_EXPANSION;
use crate::module::{DropCounts, DropReason};

/// The sections of DWARF data that are read.
pub type Sections<'d> = DwarfSections<SectionBytes<'d>>;

/// Bytes of all of `sections`, expanded.
pub fn bytes(sections: &Sections<'_>) -> u64 {
    let mut bytes = 0;
    sections.borrow(|section| measured(section, &mut bytes));
    bytes
}

/// The same for a package.
pub fn package_bytes(package: &DwarfPackageSections<SectionBytes<'_>>) -> u64 {
    let mut bytes = 0;
    // What is wrong with its index does not matter here.
    let _ = package
        .borrow(|section| measured(section, &mut bytes), EndianSlice::new(&[], LittleEndian));
    bytes
}

fn measured<'s>(section: &'s SectionBytes<'_>, bytes: &mut u64) -> EndianSlice<'s, LittleEndian> {
    *bytes += section.len() as u64;
    EndianSlice::new(section, LittleEndian)
}

/// Loads the debug sections of `object`, which lies in `mapped`. What it lacks is empty. Calls
/// `each` with every section as soon as it is there; expanding the largest takes as long as that of
/// all others together and reading them. Also returns what is wrong with sections that cannot be
/// read, which are empty too.
pub fn load<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
    layout: &Layout,
    dropped: &mut DropCounts,
    each: impl Fn(SectionId, &[u8]) + Sync,
) -> (Sections<'d>, Vec<String>) {
    let (mut found, damage) =
        read(object, mapped, layout, dropped, &READ, |id| Some(id.name()), each);
    (collect(&mut found), damage)
}

/// The same, but what only functions and lines are read from.
///
/// # Errors
/// If a section lies outside the file, its compressed data is damaged, or all together declare more
/// than [`MAX_EXPANSION`] allows.
pub fn load_units<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
    layout: &Layout,
) -> Result<Sections<'d>, String> {
    let ids: Vec<SectionId> = READ.into_iter().filter(|id| !RANGES.contains(id)).collect();
    let mut found = intact(read(
        object,
        mapped,
        layout,
        &mut DropCounts::default(),
        &ids,
        |id| Some(id.name()),
        |_, _| {},
    ))?;
    Ok(collect(&mut found))
}

/// The section `id` alone; `None` if there is none or it cannot be read.
pub fn load_one_of<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
    id: SectionId,
) -> Option<SectionBytes<'d>> {
    let (mut found, _) = read(
        object,
        mapped,
        &Layout::default(),
        &mut DropCounts::default(),
        &[id],
        |id| Some(id.name()),
        |_, _| {},
    );
    found.remove(&id).filter(|bytes| !bytes.is_empty())
}

/// The same for the sections of split DWARF, whose names end in `.dwo` (DWARF 5, section 7.3.2).
///
/// # Errors
/// As [`load_units`].
pub fn load_split<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
) -> Result<Sections<'d>, String> {
    Ok(collect(&mut split(object, mapped, &READ)?))
}

/// The same for a package of split DWARF (`.dwp`; DWARF 5, section 7.3.5).
///
/// # Errors
/// As [`load_units`].
pub fn load_package<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
) -> Result<DwarfPackageSections<SectionBytes<'d>>, String> {
    let mut found = split(object, mapped, &[&READ[..], &INDEXED].concat())?;
    let loaded: gimli::Result<_> =
        DwarfPackageSections::load(|id| Ok(found.remove(&id).unwrap_or_default()));
    loaded.map_err(|error| error.to_string())
}

/// The sections `ids` of split DWARF, all of them intact. Nothing in them is moved.
fn split<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
    ids: &[SectionId],
) -> Result<Found<'d>, String> {
    let (layout, mut dropped) = (Layout::default(), DropCounts::default());
    intact(read(object, mapped, &layout, &mut dropped, ids, SectionId::dwo_name, |_, _| {}))
}

fn collect<'d>(found: &mut Found<'d>) -> Sections<'d> {
    let Ok(sections) =
        DwarfSections::load(|id| Ok::<_, Infallible>(found.remove(&id).unwrap_or_default()));
    sections
}

fn intact((found, damage): (Found<'_>, Vec<String>)) -> Result<Found<'_>, String> {
    damage.into_iter().next().map_or(Ok(found), Err)
}

/// What is read. Locations of variables and macros are of no use here, types hold no code, and
/// names are read from the entries themselves.
const READ: [SectionId; 12] = [
    SectionId::DebugInfo,
    SectionId::DebugStr,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugStrOffsets,
    SectionId::DebugCuIndex,
    SectionId::DebugTuIndex,
];

/// What no unit's root needs.
const RANGES: [SectionId; 3] =
    [SectionId::DebugRanges, SectionId::DebugRngLists, SectionId::DebugAranges];

/// What is not read either, but has to be there: the index of a package refers to it.
const INDEXED: [SectionId; 5] = [
    SectionId::DebugLoc,
    SectionId::DebugLocLists,
    SectionId::DebugMacinfo,
    SectionId::DebugMacro,
    SectionId::DebugTypes,
];

/// Sections by their meaning.
type Found<'d> = HashMap<SectionId, SectionBytes<'d>>;

/// A section of the file. Relocatable objects have several of one name, one in each group of
/// sections (gABI, "Section Groups"): one for each type, say. As in a linked file they are one, end
/// to end.
struct Part<'f, 'd> {
    id: SectionId,
    section: object::Section<'d, 'f>,
    data: CompressedData<'d>,
}

struct LoadedPart<'d> {
    id: SectionId,
    data: SectionBytes<'d>,
    /// Relocations that could not be applied.
    lost: u64,
}

fn read<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
    layout: &Layout,
    dropped: &mut DropCounts,
    ids: &[SectionId],
    name: fn(SectionId) -> Option<&'static str>,
    each: impl Fn(SectionId, &[u8]) + Sync,
) -> (Found<'d>, Vec<String>) {
    let (mut parts, mut damage) = (Vec::new(), Vec::new());
    for (id, section) in find(object, ids, name) {
        match section.compressed_data() {
            Ok(data) => parts.push(Part { id, section, data }),
            Err(reason) => damage.push(format!("section {}: {reason}", id.name())),
        }
    }
    let limit = MAX_EXPANSION * mapped.bytes().len() as u64;
    let is_compressed = |part: &Part<'_, '_>| part.data.format != CompressionFormat::None;
    let total = parts
        .iter()
        .filter(|part| is_compressed(part))
        .fold(0u64, |total, part| total.saturating_add(part.data.uncompressed_size));
    if total > limit {
        damage.push(format!(
            "its compressed sections declare {total} bytes, over the limit of {limit}"
        ));
        parts.retain(|part| !is_compressed(part));
    }
    let is_alone = |id| parts.iter().filter(|part| part.id == id).count() == 1;
    // The largest first: it takes the longest.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|part| std::cmp::Reverse(parts[*part].data.uncompressed_size));
    let load_one = |number: usize| {
        let part = &parts[number];
        let loaded = load_one(object, mapped, layout, part)
            .map_err(|reason| format!("section {}: {reason}", part.id.name()));
        loaded.inspect(|loaded| {
            if is_alone(part.id) {
                each(part.id, &loaded.data);
            }
        })
    };
    let loaded: Vec<Result<LoadedPart<'d>, String>> =
        order.par_iter().with_max_len(1).map(|number| load_one(*number)).collect();
    let mut loaded: Vec<(usize, Result<LoadedPart<'d>, String>)> =
        order.into_iter().zip(loaded).collect();
    loaded.sort_by_key(|(number, _)| *number);
    let found = join(loaded.into_iter().map(|(_, part)| part), dropped, &mut damage);
    dropped.count_many(DropReason::BadSection, damage.len() as u64);
    (found, damage)
}

/// The sections with the names of `ids`, in the order of the file.
fn find<'f, 'd>(
    object: &'f object::File<'d>,
    ids: &[SectionId],
    name: fn(SectionId) -> Option<&'static str>,
) -> Vec<(SectionId, object::Section<'d, 'f>)> {
    let named = ids.iter().filter_map(|id| Some((*id, name(*id)?)));
    if object.format() != BinaryFormat::Elf {
        return named.filter_map(|(id, name)| Some((id, object.section_by_name(name)?))).collect();
    }
    let named: Vec<(SectionId, &str)> = named.collect();
    let id = |section: &object::Section<'d, 'f>| {
        let section = section.name_bytes().ok()?;
        let plain =
            section.strip_prefix(b".debug_").or_else(|| section.strip_prefix(b".zdebug_"))?;
        named
            .iter()
            .find(|(_, name)| name.as_bytes().strip_prefix(b".debug_") == Some(plain))
            .map(|(id, _)| *id)
    };
    object.sections().filter_map(|section| Some((id(&section)?, section))).collect()
}

/// Puts what belongs together end to end. What is wrong with a part is told.
fn join<'d>(
    parts: impl Iterator<Item = Result<LoadedPart<'d>, String>>,
    dropped: &mut DropCounts,
    damage: &mut Vec<String>,
) -> Found<'d> {
    let mut several: HashMap<SectionId, Vec<SectionBytes<'d>>> = HashMap::new();
    for part in parts {
        match part {
            Ok(LoadedPart { id, data, lost }) => {
                dropped.count_many(DropReason::BadRelocation, lost);
                several.entry(id).or_default().push(data);
            }
            Err(reason) => damage.push(reason),
        }
    }
    let mut found = Found::new();
    for (id, parts) in several {
        match section_bytes::concat(parts) {
            Ok(data) => drop(found.insert(id, data)),
            Err(error) => damage.push(format!("section {}: {error}", id.name())),
        }
    }
    found
}

fn load_one<'d>(
    object: &object::File<'d>,
    mapped: &Mapped,
    layout: &Layout,
    part: &Part<'_, 'd>,
) -> Result<LoadedPart<'d>, String> {
    let mut data = match part.data.format {
        CompressionFormat::None => SectionBytes::InFile(part.data.data),
        _ if part.data.uncompressed_size == 0 => SectionBytes::default(),
        format => {
            let data = expand(&part.data, format)?;
            mapped.release(part.data.data);
            SectionBytes::Owned(data)
        }
    };
    let mut lost = 0;
    if layout.is_relocatable() && !data.is_empty() {
        let mut memory = data.into_owned().map_err(|error| error.to_string())?;
        lost = relocate::apply(object, layout, &part.section, &mut memory);
        data = SectionBytes::Owned(memory);
    }
    Ok(LoadedPart { id: part.id, data, lost })
}

/// Expands `compressed`, whose size has been checked against the budget, to exactly the size that
/// it declares.
///
/// # Errors
/// If it is damaged, or does not fit into memory.
pub fn expand(
    compressed: &CompressedData<'_>,
    format: CompressionFormat,
) -> Result<MmapMut, String> {
    let size = usize::try_from(compressed.uncompressed_size)
        .map_err(|_| "too large for this machine".to_owned())?;
    let mut data = section_bytes::zeroed(size)
        .map_err(|error| format!("{size} bytes do not fit into memory ({error})"))?;
    let damaged = |error: String| format!("damaged compressed data ({error})");
    let done = match format {
        CompressionFormat::Zlib => Decompressor::new()
            .zlib_decompress(compressed.data, &mut data[..size])
            .map_err(|error| damaged(error.to_string()))?,
        CompressionFormat::Zstandard => {
            zstd::bulk::decompress_to_buffer(compressed.data, &mut data[..size])
                .map_err(|error| damaged(error.to_string()))?
        }
        _ => return Err("compressed in a way that is not known".to_owned()),
    };
    if done != size {
        return Err(damaged(format!("{done} bytes instead of {size}")));
    }
    Ok(data)
}
