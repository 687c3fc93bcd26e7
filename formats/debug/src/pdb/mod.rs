//! Reads PDBs, Microsoft's files of debug data: [`PdbFile`]. Each module (what was compiled at
//! once) becomes a unit, public symbols answer where none does.
//!
//! ```text
//! streams.rs      the file's streams, by the crate pdb2
//! fields.rs       numbers and texts in them
//! header.rs       stream 1: the id; stream 3: modules, and where everything else is
//! addresses.rs    sections and offsets as addresses; images that were rearranged (OMAP)
//! publics.rs      linkage names of functions
//! modules.rs      what each module has
//! symbols.rs      a module's functions and inlined calls
//! lines.rs        its lines; annotations.rs: those of inlined calls
//! inlinees.rs     functions that were inlined; names.rs: their names
//! unit.rs         all of that as ranges
//! settle.rs       who has an address that several could have
//! unwind.rs       frame data of 32-bit x86
//! sources.rs      source files that were put into it
//! ```
//!
//! Formats: Microsoft's `cvinfo.h`, and LLVM's "The PDB File Format".

mod addresses;
mod annotations;
mod fields;
mod header;
mod inlinees;
mod lines;
mod modules;
mod names;
mod publics;
mod settle;
mod sources;
mod streams;
mod symbols;
mod unit;
mod unwind;

use symtool_module::{Detail, ModuleId, ModuleKind};
use symtool_unwind::windows::PeImage;
use xxhash_rust::xxh3::Xxh3;

use crate::Progress;
use crate::assemble::assemble;
pub use crate::bytes::is_pdb;
use crate::bytes::{Error, Mapped, PORTABLE_PDB, PdbKind, trim_heap};
use crate::dwarf::{DwarfSymbols, Spent, UnitSymbols, Work, owned};
use crate::limits::MAX_NAME_BYTES;
use crate::module::{CodeMark, DropCounts, DropReason, ModuleInfo, ModuleSymbols};
use crate::object::code::Code;
use crate::object::symbol_tables::SymbolTables;
use crate::object::symbols::SyntheticSymbol;
use crate::unwind::count_drops;
use addresses::{Addresses, Omap};
use fields::Fields;
use header::{DebugInfo, PdbInfo};
use inlinees::Inlinees;
use modules::OpenModules;
use names::IdNames;
use publics::Publics;
use settle::{aliases, keep_contributed, synthetic};
pub use sources::sources;
use streams::{Stream, Streams, bytes};
use unit::Shared;
use unwind::FrameDataStreams;

/// Streams whose numbers are fixed.
const INFO: u16 = 1;
const TYPES: u16 = 2;
const DEBUG_INFO: u16 = 3;
const IDS: u16 = 4;

/// The architecture that Microsoft numbers `machine` (`IMAGE_FILE_MACHINE_*`), as LLVM names it.
fn arch(machine: u16) -> &'static str {
    match machine {
        0x014c => "i386",
        0x8664 => "x86_64",
        0x01c0 | 0x01c2 | 0x01c4 => "arm",
        // The second is ARM64EC.
        0xaa64 | 0xa641 => "aarch64",
        _ => "unknown",
    }
}

/// The text in `strings` from `start` to a zero, unless it is longer than a name may be.
fn text_at(strings: &[u8], start: u32) -> Option<&[u8]> {
    let rest = strings.get(usize::try_from(start).ok()?..)?;
    let text = Fields(&rest[..rest.len().min(MAX_NAME_BYTES + 1)]).text();
    (text.len() <= MAX_NAME_BYTES).then_some(text)
}

/// A PDB whose head was read.
#[derive(Debug)]
pub struct PdbFile<'d> {
    /// Its bytes.
    pub mapped: &'d Mapped,
    /// What it says about itself.
    pub info: ModuleInfo,
    /// Whether it says how stacks are walked.
    pub has_frame_data: bool,
}

impl<'d> PdbFile<'d> {
    /// Reads the head of `mapped`.
    ///
    /// # Errors
    /// [`Error::OtherPdb`] if it is one without symbols and lines, else [`Error::Damaged`].
    pub fn parse(mapped: &'d Mapped) -> Result<Self, Error> {
        let path = || mapped.path().to_owned();
        let damaged = |reason: String| Error::Damaged { path: path(), reason };
        let missing = |what: &str| damaged(format!("its {what} cannot be read"));
        if mapped.bytes().starts_with(PORTABLE_PDB) {
            return Err(Error::OtherPdb { path: path(), kind: PdbKind::Portable });
        }
        let work = Work::for_bytes(mapped.bytes().len() as u64);
        let streams = Streams::open(mapped, &work).map_err(damaged)?;
        let head = streams.get(INFO).map_err(damaged)?.ok_or_else(|| missing("id"))?;
        let info = PdbInfo::parse(&head).ok_or_else(|| missing("id"))?;
        if info.is_fastlink {
            return Err(Error::OtherPdb { path: path(), kind: PdbKind::FastLink });
        }
        let debug =
            streams.get(DEBUG_INFO).map_err(damaged)?.ok_or_else(|| missing("list of modules"))?;
        let debug_info = DebugInfo::parse(&debug).ok_or_else(|| missing("list of modules"))?;
        // The age of the list is the image's; what else is written to the file changes only the
        // other one.
        let age = if debug_info.age == 0 { info.age } else { debug_info.age };
        let mut hash = Xxh3::new();
        hash.update(&(mapped.bytes().len() as u64).to_le_bytes());
        hash.update(&head);
        hash.update(debug.get(..64).unwrap_or_default());
        let info = ModuleInfo {
            name: mapped.name().to_owned(),
            id: ModuleId::windows(info.guid, age),
            other_ids: Vec::new(),
            code: CodeMark::default(),
            kind: ModuleKind::Pe,
            arch: arch(debug_info.machine).into(),
            detail: if debug_info.is_stripped { Detail::Symbols } else { Detail::Debug },
            // Addresses are relative to the image: the file does not know where that lies.
            image_base: 0,
            fingerprint: hash.digest(),
        };
        Ok(Self { mapped, info, has_frame_data: debug_info.has_frame_data() })
    }

    /// Reads all ranges, names, lines and unwind rows. Modules are read in parallel; the result does
    /// not depend on how many threads there are. The code in `image`, which the PDB belongs to,
    /// shows what frame data does not say.
    ///
    /// # Errors
    /// [`Error::NoSymbols`] if there is nothing to find addresses by, [`Error::TooMuchWork`] if
    /// records refer to each other without end, [`Error::Damaged`].
    pub fn read(
        &self,
        image: Option<&PeImage<'_>>,
        progress: &Progress,
    ) -> Result<ModuleSymbols, Error> {
        let damaged =
            |reason: String| Error::Damaged { path: self.mapped.path().to_owned(), reason };
        let work = Work::for_bytes(self.mapped.bytes().len() as u64);
        let streams = Streams::open(self.mapped, &work).map_err(damaged)?;
        let mut dropped = DropCounts::default();
        let module = self.read_streams(&streams, image, &work, progress, &mut dropped);
        progress.spent(work.spent());
        if work.is_spent() {
            return Err(Error::TooMuchWork { path: self.mapped.path().to_owned() });
        }
        let mut module = module.map_err(damaged)?;
        if module.dropped.iter().any(|(reason, _)| reason.is_damage()) {
            let warning = "some of its debug data is damaged and was left out; was it copied whole? `modules show` has the counts";
            module.warnings.push(warning.to_owned());
        }
        if module.ranges.is_empty() {
            Err(Error::NoSymbols { path: self.mapped.path().to_owned() })
        } else {
            Ok(module)
        }
    }

    fn read_streams(
        &self,
        streams: &Streams<'_>,
        image: Option<&PeImage<'_>>,
        work: &Work,
        progress: &Progress,
        dropped: &mut DropCounts,
    ) -> Result<ModuleSymbols, String> {
        // Told of by whoever asked for this.
        let spent = |_| String::new();
        let mut open = |number: Option<u16>| match number.map(|number| streams.get(number)) {
            Some(Ok(stream)) => stream,
            Some(Err(_)) => {
                dropped.count(DropReason::BadSection);
                None
            }
            None => None,
        };
        let (head, debug) = (open(Some(INFO)), open(Some(DEBUG_INFO)));
        let info = PdbInfo::parse(bytes(head.as_ref())).ok_or("its id cannot be read")?;
        let debug_info =
            DebugInfo::parse(bytes(debug.as_ref())).ok_or("its list of modules cannot be read")?;
        let (types, ids) = (open(Some(TYPES)), open(Some(IDS)));
        let common = CommonStreams::open(&info, &debug_info, open);
        let modules = OpenModules::open(&debug_info, streams, dropped);
        // Most of it was copied.
        self.mapped.release(self.mapped.bytes());
        let addresses = Addresses::parse(bytes(common.sections.as_ref()));
        let code = addresses.code();
        let omap = common.omap.as_ref().map(|omap| Omap::parse(omap));
        let (publics, strings) = (common.publics(&addresses, &code, work), common.strings());
        let publics = publics.map_err(spent)?;
        let unwind = common.frame_data(&code, omap.as_ref()).read(image);
        let parsed = modules.parse(&addresses, dropped);
        let id_names = IdNames::parse(bytes(types.as_ref()), bytes(ids.as_ref()));
        let inlinees = Inlinees::of(&parsed, strings, &id_names, work).map_err(spent)?;
        drop((types, ids));
        let shared = Shared { addresses: &addresses, publics: &publics, strings, work };
        let mut units = inlinees.read(&shared, progress, dropped);
        keep_contributed(&mut units, &debug_info.contributions(), &addresses, &code);
        let trampolines = parsed.iter().flat_map(|module| &module.records.trampolines);
        let synthetic = synthetic(trampolines, &addresses, &publics, &units);
        let mut module = self.join(units, publics, synthetic, std::mem::take(dropped));
        if let Some(omap) = &omap {
            omap.apply(&mut module);
        }
        module.unwind = unwind;
        count_drops(&mut module.unwind, &mut module.dropped);
        Ok(module)
    }

    /// Joins `units` and symbols.
    fn join<'s>(
        &self,
        mut units: Vec<UnitSymbols<'s>>,
        publics: Publics<'s>,
        synthetic: Vec<SyntheticSymbol>,
        dropped: DropCounts,
    ) -> ModuleSymbols {
        let intervals = owned(&mut units);
        let aliases = aliases(&mut units, &publics);
        let Publics { symbols, twins } = publics;
        let tables = SymbolTables { symbols, twins, synthetic };
        let give_back = || {
            self.mapped.release(self.mapped.bytes());
            trim_heap();
        };
        let units = DwarfSymbols { intervals, units, aliases };
        let file_bytes = self.mapped.bytes().len();
        assemble(self.info.clone(), units, &tables, file_bytes, dropped, give_back)
    }
}

/// The streams that all modules share.
struct CommonStreams {
    names: Option<Stream>,
    sections: Option<Stream>,
    omap: Option<Stream>,
    frame_data: Option<Stream>,
    fpo: Option<Stream>,
    publics: Option<Stream>,
    symbol_records: Option<Stream>,
}

impl CommonStreams {
    fn open(
        info: &PdbInfo,
        debug_info: &DebugInfo<'_>,
        mut open: impl FnMut(Option<u16>) -> Option<Stream>,
    ) -> Self {
        let original = debug_info.original_sections;
        Self {
            names: open(info.names),
            sections: open(original).or_else(|| open(debug_info.sections)),
            omap: open(debug_info.omap_from_source.filter(|_| original.is_some())),
            frame_data: open(debug_info.frame_data),
            fpo: open(debug_info.fpo),
            publics: open(debug_info.publics),
            symbol_records: open(debug_info.symbol_records),
        }
    }

    /// Paths, and names of modules.
    fn strings(&self) -> &[u8] {
        strings(bytes(self.names.as_ref()))
    }

    fn publics(
        &self,
        addresses: &Addresses,
        code: &Code,
        work: &Work,
    ) -> Result<Publics<'_>, Spent> {
        let (map, records) = (bytes(self.publics.as_ref()), bytes(self.symbol_records.as_ref()));
        Publics::parse(map, records, addresses, code, work)
    }

    fn frame_data<'s>(&'s self, code: &'s Code, omap: Option<&'s Omap>) -> FrameDataStreams<'s> {
        FrameDataStreams {
            frame_data: bytes(self.frame_data.as_ref()),
            fpo: bytes(self.fpo.as_ref()),
            strings: self.strings(),
            code,
            omap,
        }
    }
}

/// The texts in the stream named `/names`, end to end, behind a magic number, a version and their
/// size.
fn strings(stream: &[u8]) -> &[u8] {
    let mut fields = Fields(stream);
    let size = (|| {
        (fields.u32()? == 0xeffe_effe).then_some(())?;
        let _version = fields.u32()?;
        fields.u32()
    })();
    size.and_then(|size| fields.part(size)).map_or(&[], |strings| strings.0)
}
