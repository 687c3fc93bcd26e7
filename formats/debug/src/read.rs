//! Lists the steps of reading an object file with the files that belong to it:
//! [`DebugObject::read`].

use std::path::PathBuf;
use std::sync::OnceLock;

use gimli::SectionId;
use object::{CompressionFormat, Object, ObjectSection};
use symtool_module::{Detail, ModuleKind};

use crate::assemble::assemble;
use crate::bytes::{Error, Mapped, trim_heap};
use crate::companions::debug_map::{self, MappedObject, Objects};
use crate::companions::split::SplitFiles;
use crate::companions::{Search, shared_names, symbol_map};
use crate::debug_object::DebugObject;
use crate::dwarf::{self, DwarfSymbols, LinesAhead};
use crate::module::{DropCounts, DropReason, ModuleSymbols};
use crate::object::code::Code;
use crate::object::layout::Layout;
use crate::object::macho::symbol_map::SymbolMap;
use crate::object::sections::{self, Sections};
use crate::object::symbol_tables::SymbolTables;
use crate::object::{ObjectFile, elf, links, pe};
use crate::{Progress, go, unwind, warnings};

impl DebugObject<'_> {
    /// Reads all ranges, names and lines. Units are read in parallel on the current rayon pool; the
    /// result does not depend on how many threads there are. Files that belong to this one are
    /// looked for as `search` says.
    ///
    /// # Errors
    /// [`Error::NoSymbols`] if there is nothing to find addresses by, [`Error::Changed`] if another
    /// process wrote to one of the files meanwhile. Damage within a section costs the unit it is
    /// in, and is counted in `dropped`.
    pub fn read(&self, search: &Search, progress: &Progress) -> Result<ModuleSymbols, Error> {
        let module = self.read_all(search, progress);
        // Whatever came of it: it may be a file that is still being written.
        self.own.mapped.unchanged()?;
        self.data().mapped.unchanged()?;
        self.objects.as_ref().map_or(Ok(()), Objects::unchanged)?;
        module
    }

    fn read_all(&self, search: &Search, progress: &Progress) -> Result<ModuleSymbols, Error> {
        let (object, data) = (&self.own.object, self.data());
        let mut notes = Notes::default();
        let layout = Layout::of(object).map_err(|reason| self.own.damaged(reason))?;
        let code = Code::of(object, &layout);
        let mini = notes.expand_minidebug(object);
        let mini = mini.as_deref().and_then(|bytes| object::File::parse(bytes).ok());
        let is_macho = self.own.info.kind == ModuleKind::MachO;
        let map_file = if is_macho { symbol_map::find(&self.own, search) } else { None };
        let map = map_file.as_ref().and_then(SymbolMap::of);
        let tables = SymbolTables::read(object, mini.as_ref(), &layout, map.as_ref());
        if is_macho {
            notes.warnings.extend(warnings::hidden_names(&tables.symbols));
        }
        let DebugSections { sections, ahead, damage } = self.load_sections(&layout, &mut notes);
        let shared_file = shared_names::find(data, search);
        let shared = notes.load_shared(data, shared_file.as_ref());
        let skeletons = dwarf::skeletons(&sections, data.object.is_little_endian());
        let id = links::build_id(object);
        let split_files = SplitFiles::open(self.own.path(), data.path(), id, &skeletons, search);
        let split = split_files.sections(&mut notes.missing);
        let input = dwarf::Input {
            mapped: data.mapped,
            is_little_endian: object.is_little_endian(),
            code: &code,
            symbols: &tables.symbols,
            sections: &sections,
            shared: shared.as_ref(),
            split: &split,
            ahead: &ahead,
            functions_move: false,
            map: map.as_ref(),
            twins: &tables.twins,
        };
        let loaded = self
            .objects
            .as_ref()
            .map_or_else(Vec::new, |objects| objects.load(&tables.symbols, &mut notes.dropped));
        let (units, mut unwind) = rayon::join(
            || self.read_units(input, &loaded, progress, &mut notes.dropped),
            || unwind::read(&self.own, data, &code),
        );
        unwind::count_drops(&mut unwind, &mut notes.dropped);
        // All that is still needed of the file are names.
        shared_file.as_ref().map_or(Ok(()), Mapped::unchanged)?;
        split_files.unchanged()?;
        let mut module = self.assemble(units, &tables, std::mem::take(&mut notes.dropped));
        self.restore(&mut module, &layout);
        module.unwind = unwind;
        if module.ranges.is_empty() {
            notes.warnings.extend(self.no_names());
        }
        module.warnings = self.all_warnings(notes, &module.dropped, shared.is_some());
        if module.ranges.is_empty() && module.unwind.rows.is_empty() {
            Err(self.nothing_found(&module.dropped, damage))
        } else {
            Ok(module)
        }
    }

    /// Makes the addresses of `module`, which were laid out as `layout` says, those of the file.
    fn restore(&self, module: &mut ModuleSymbols, layout: &Layout) {
        layout.restore(module);
        if self.own.info.kind == ModuleKind::Pe {
            pe::make_relative(module, self.own.object.relative_address_base());
        }
    }

    /// The warnings of all steps, and those that need the result.
    fn all_warnings(&self, notes: Notes, dropped: &DropCounts, has_shared: bool) -> Vec<String> {
        let mut warnings = notes.warnings;
        warnings.extend(self.warnings(dropped, has_shared, &notes.missing));
        warnings.extend(self.objects.iter().flat_map(Objects::warnings));
        warnings
    }

    /// Loads the debug sections, and runs line programs while compressed entries are being
    /// expanded.
    fn load_sections(&self, layout: &Layout, notes: &mut Notes) -> DebugSections<'_> {
        let data = self.data();
        let ahead = OnceLock::new();
        let each = |id, section: &[u8]| {
            if id == SectionId::DebugLine && has_compressed_entries(&data.object) {
                ahead.get_or_init(|| run_lines(&data.object, section));
            }
        };
        let debug_layout =
            self.debug().map(|debug| layout.of_debug_file(&self.own.object, &debug.object));
        let (sections, damage) = sections::load(
            &data.object,
            data.mapped,
            debug_layout.as_ref().unwrap_or(layout),
            &mut notes.dropped,
            each,
        );
        notes.warnings.extend(
            damage
                .iter()
                .map(|reason| format!("{reason}: it was left out; was the file copied whole?")),
        );
        DebugSections { sections, damage, ahead: ahead.into_inner().unwrap_or_default() }
    }

    /// Reads functions, inlined calls and lines from the best source that there is. `loaded` are
    /// object files that the image was linked from.
    fn read_units<'a>(
        &'a self,
        input: dwarf::Input<'a>,
        loaded: &'a [MappedObject<'a>],
        progress: &Progress,
        dropped: &mut DropCounts,
    ) -> DwarfSymbols<'a> {
        if self.own.info.detail == Detail::Gopclntab {
            go::read(&self.own.object, progress, dropped)
        } else if loaded.is_empty() {
            dwarf::read(input, progress, dropped)
        } else {
            debug_map::read(loaded, progress, dropped)
        }
    }

    /// Joins what was read. Memory is given back on the way.
    fn assemble(
        &self,
        units: DwarfSymbols<'_>,
        tables: &SymbolTables<'_>,
        dropped: DropCounts,
    ) -> ModuleSymbols {
        let give_back = || {
            [self.own.mapped, self.data().mapped]
                .iter()
                .for_each(|mapped| mapped.release(mapped.bytes()));
            trim_heap();
        };
        give_back();
        let objects_bytes = self
            .objects
            .as_ref()
            .map_or(0, |objects| usize::try_from(objects.bytes()).unwrap_or(usize::MAX));
        let file_bytes =
            self.bytes().max(self.data().mapped.bytes().len()).saturating_add(objects_bytes);
        let module = assemble(self.own.info.clone(), units, tables, file_bytes, dropped, give_back);
        give_back();
        module
    }

    /// Why there is nothing to find addresses by. `damage` is what is wrong with debug sections.
    fn nothing_found(&self, dropped: &DropCounts, damage: Vec<String>) -> Error {
        let path = self.path().to_owned();
        match (damage.into_iter().next(), links::companion_kind(&self.own.object)) {
            (Some(reason), _) => self.data().damaged(reason),
            _ if dropped.has(DropReason::TooMuchWork) => Error::TooMuchWork { path },
            (None, Some(role)) => Error::Companion { path, role },
            (None, None) => match pe::pdb_name(&self.own.object) {
                Some(pdb) => Error::InPdb { path, pdb },
                None => Error::NoSymbols { path },
            },
        }
    }
}

/// Debug sections, and line programs in them that have been run.
struct DebugSections<'d> {
    sections: Sections<'d>,
    /// What is wrong with sections that cannot be read.
    damage: Vec<String>,
    ahead: LinesAhead,
}

/// What is worth telling of a file, as far as it has been read.
#[derive(Default)]
struct Notes {
    dropped: DropCounts,
    warnings: Vec<String>,
    /// Files of split DWARF that were not found.
    missing: Vec<PathBuf>,
}

impl Notes {
    /// The symbol table that distributions leave compressed in stripped files, if there is one.
    fn expand_minidebug(&mut self, object: &object::File<'_>) -> Option<Vec<u8>> {
        let expanded = elf::minidebug::expand(object)
            .map_err(|reason| format!("{reason}; its symbols were left out"));
        self.or_warn(expanded)
    }

    /// The sections of `file`, whose names `data` shares with others.
    fn load_shared<'m>(
        &mut self,
        data: &ObjectFile<'_>,
        file: Option<&'m Mapped>,
    ) -> Option<Sections<'m>> {
        let loaded = file.map(|file| shared_names::load(file, &mut self.dropped)).transpose();
        let shared = self.or_warn(loaded);
        if shared.is_none() && links::shared_names_link(&data.object).is_some() {
            self.dropped.count(DropReason::SharedNames);
        }
        shared
    }

    /// What `result` has; the reason why it has nothing is a warning.
    fn or_warn<T>(&mut self, result: Result<Option<T>, String>) -> Option<T> {
        result.unwrap_or_else(|reason| {
            self.warnings.push(reason);
            None
        })
    }
}

fn has_compressed_entries(object: &object::File<'_>) -> bool {
    let entries = object.section_by_name(SectionId::DebugInfo.name());
    entries
        .and_then(|entries| entries.compressed_file_range().ok())
        .is_some_and(|range| range.format != CompressionFormat::None)
}

fn run_lines(object: &object::File<'_>, debug_line: &[u8]) -> LinesAhead {
    let address_bytes = if object.is_64() { 8 } else { 4 };
    if object.is_little_endian() {
        LinesAhead::run(debug_line, gimli::LittleEndian, address_bytes)
    } else {
        LinesAhead::run(debug_line, gimli::BigEndian, address_bytes)
    }
}
