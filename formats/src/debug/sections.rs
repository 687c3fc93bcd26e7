//! Debug sections of an object file: in, the parsed file; out, their bytes, expanded in parallel where they are
//! compressed (gABI, "Section Compression"; `.zdebug_*`), relocated where the file is a relocatable object.

use gimli::{DwarfPackageSections, DwarfSections, SectionId};
use hashbrown::HashMap;
use libdeflater::Decompressor;
use memmap2::MmapMut;
use object::{CompressedData, CompressionFormat, Object, ObjectSection};
use rayon::prelude::*;

use super::Mapped;
use super::expanded::{self, Bytes};
use super::layout::Layout;
use super::relocate;
use crate::limits::MAX_EXPANSION;
use crate::module::{DropReason, Dropped};

/// The sections of DWARF data that are read.
pub type Sections<'d> = DwarfSections<Bytes<'d>>;

/// Loads the debug sections of `object`, which lies in `mapped`. What it lacks is empty. Calls `each` with every
/// section as soon as it is there; expanding the largest takes as long as that of all others together and reading them.
///
/// # Errors
/// If a section lies outside the file, its compressed data is damaged, or all together declare more than
/// [`MAX_EXPANSION`] allows.
pub fn load<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
    layout: &Layout,
    dropped: &mut Dropped,
    each: impl Fn(SectionId, &[u8]) + Sync,
) -> Result<Sections<'d>, String> {
    let mut found = read(object, mapped, layout, dropped, &READ, |id| Some(id.name()), each)?;
    DwarfSections::load(|id| Ok(found.remove(&id).unwrap_or_default()))
}

/// The same, but what only functions and lines are read from.
///
/// # Errors
/// As [`load`].
pub fn load_units<'d>(object: &object::File<'d>, mapped: &'d Mapped, layout: &Layout) -> Result<Sections<'d>, String> {
    let ids: Vec<SectionId> = READ.into_iter().filter(|id| !RANGES.contains(id)).collect();
    let mut found = read(object, mapped, layout, &mut Dropped::default(), &ids, |id| Some(id.name()), |_, _| {})?;
    DwarfSections::load(|id| Ok(found.remove(&id).unwrap_or_default()))
}

/// The same for the sections of split DWARF, whose names end in `.dwo` (DWARF 5, section 7.3.2).
///
/// # Errors
/// As [`load`].
pub fn load_split<'d>(object: &object::File<'d>, mapped: &'d Mapped) -> Result<Sections<'d>, String> {
    let mut found = read(object, mapped, &Layout::default(), &mut Dropped::default(), &READ, SectionId::dwo_name, |_, _| {})?;
    DwarfSections::load(|id| Ok(found.remove(&id).unwrap_or_default()))
}

/// The same for a package of split DWARF (`.dwp`; DWARF 5, section 7.3.5).
///
/// # Errors
/// As [`load`].
pub fn load_package<'d>(object: &object::File<'d>, mapped: &'d Mapped) -> Result<DwarfPackageSections<Bytes<'d>>, String> {
    let all = [&READ[..], &INDEXED].concat();
    let mut found = read(object, mapped, &Layout::default(), &mut Dropped::default(), &all, SectionId::dwo_name, |_, _| {})?;
    let loaded: gimli::Result<_> = DwarfPackageSections::load(|id| Ok(found.remove(&id).unwrap_or_default()));
    loaded.map_err(|error| error.to_string())
}

/// What is read. Locations of variables and macros are of no use here, types hold no code, and names are read from
/// the entries themselves.
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
const RANGES: [SectionId; 3] = [SectionId::DebugRanges, SectionId::DebugRngLists, SectionId::DebugAranges];

/// What is not read either, but has to be there: the index of a package refers to it.
const INDEXED: [SectionId; 5] =
    [SectionId::DebugLoc, SectionId::DebugLocLists, SectionId::DebugMacinfo, SectionId::DebugMacro, SectionId::DebugTypes];

struct Found<'f, 'd> {
    id: SectionId,
    section: object::Section<'d, 'f>,
    data: CompressedData<'d>,
}

fn read<'d>(
    object: &object::File<'d>,
    mapped: &'d Mapped,
    layout: &Layout,
    dropped: &mut Dropped,
    ids: &[SectionId],
    name: fn(SectionId) -> Option<&'static str>,
    each: impl Fn(SectionId, &[u8]) + Sync,
) -> Result<HashMap<SectionId, Bytes<'d>>, String> {
    let mut found = Vec::new();
    for &id in ids {
        let Some(section) = name(id).and_then(|name| object.section_by_name(name)) else { continue };
        let data = section.compressed_data().map_err(|reason| format!("section {}: {reason}", id.name()))?;
        found.push(Found { id, section, data });
    }
    let limit = MAX_EXPANSION * mapped.bytes().len() as u64;
    let expanded = |data: &CompressedData<'_>| if data.format == CompressionFormat::None { 0 } else { data.uncompressed_size };
    let total = found.iter().fold(0u64, |total, found| total.saturating_add(expanded(&found.data)));
    if total > limit {
        return Err(format!("its compressed sections declare {total} bytes, over the limit of {limit}"));
    }
    // The largest first: it takes the longest.
    found.sort_by_key(|found| std::cmp::Reverse(found.data.uncompressed_size));
    let load_one = |found| load_one(object, mapped, layout, found).inspect(|(id, data, _)| each(*id, data));
    let loaded: Vec<(SectionId, Bytes<'d>, u64)> = found.par_iter().with_max_len(1).map(load_one).collect::<Result<_, String>>()?;
    dropped.count_many(DropReason::BadRelocation, loaded.iter().map(|(.., failed)| failed).sum());
    Ok(loaded.into_iter().map(|(id, data, _)| (id, data)).collect())
}

fn load_one<'d>(
    object: &object::File<'d>,
    mapped: &Mapped,
    layout: &Layout,
    found: &Found<'_, 'd>,
) -> Result<(SectionId, Bytes<'d>, u64), String> {
    let failed = |reason: String| format!("section {}: {reason}", found.id.name());
    let mut data = match found.data.format {
        CompressionFormat::None => Bytes::InFile(found.data.data),
        _ if found.data.uncompressed_size == 0 => Bytes::default(),
        format => {
            let data = expand(&found.data, format).map_err(failed)?;
            mapped.release(found.data.data);
            Bytes::Owned(data)
        }
    };
    let mut lost = 0;
    if layout.is_relocatable() && !data.is_empty() {
        let mut memory = data.into_owned().map_err(|error| failed(error.to_string()))?;
        lost = relocate::apply(object, layout, &found.section, &mut memory);
        data = Bytes::Owned(memory);
    }
    Ok((found.id, data, lost))
}

/// Expands `compressed`, whose size has been checked against the budget, to exactly the size that it declares.
fn expand(compressed: &CompressedData<'_>, format: CompressionFormat) -> Result<MmapMut, String> {
    let size = usize::try_from(compressed.uncompressed_size).map_err(|_| "too large for this machine".to_owned())?;
    let mut data = expanded::zeroed(size).map_err(|error| format!("{size} bytes do not fit into memory ({error})"))?;
    let damaged = |error: String| format!("damaged compressed data ({error})");
    let done = match format {
        CompressionFormat::Zlib => {
            Decompressor::new().zlib_decompress(compressed.data, &mut data[..size]).map_err(|error| damaged(error.to_string()))?
        }
        CompressionFormat::Zstandard => {
            zstd::bulk::decompress_to_buffer(compressed.data, &mut data[..size]).map_err(|error| damaged(error.to_string()))?
        }
        _ => return Err("compressed in a way that is not known".to_owned()),
    };
    if done != size {
        return Err(damaged(format!("{done} bytes instead of {size}")));
    }
    Ok(data)
}
