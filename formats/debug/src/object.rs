//! What an object file is, and the way to everything in it: [`DebugFile`], whose [`DebugFile::read`] lists the steps of
//! reading it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ::object::{BinaryFormat, CompressionFormat, Object, ObjectSection};
use gimli::SectionId;
use xxhash_rust::xxh3::xxh3_64;

use super::assemble::assemble;
use super::code::Code;
use super::companions::debug_map::{self, Objects};
use super::companions::{Search, debug_files, shared_names, split::SplitFiles, symbol_map};
use super::layout::Layout;
use super::links;
use super::macho::symbol_map::SymbolMap;
use super::symbols::{self, Extra, Symbol, Twin};
use super::{Progress, dwarf, elf, go, identity, macho, sections};
use crate::bytes::{Error, Kind, Mapped, trim_heap};
use crate::module::{DropReason, Dropped, ModuleInfo, ModuleSymbols};
use symtool_module::{Detail, ModuleKind};

/// A parsed object file.
#[derive(Debug)]
pub struct DebugFile<'d> {
    mapped: &'d Mapped,
    object: ::object::File<'d>,
    info: ModuleInfo,
    /// The debug file that was split from it.
    debug: Option<Box<Self>>,
    /// The object files with the debug data of an image.
    objects: Option<Objects<'d>>,
}

impl<'d> DebugFile<'d> {
    /// Parses the headers of `mapped` and finds out what it is.
    ///
    /// # Errors
    /// [`Error::NotAnObject`] or [`Error::Damaged`].
    pub fn parse(mapped: &'d Mapped) -> Result<Self, Error> {
        let path = mapped.path();
        let bytes = mapped.bytes();
        if Kind::of(bytes) != Kind::Object {
            return Err(Error::NotAnObject { path: path.to_owned(), found: guess(bytes) });
        }
        let damaged = |error: ::object::Error| Error::Damaged { path: path.to_owned(), reason: error.to_string() };
        let object = ::object::File::parse(bytes).map_err(damaged)?;
        if macho::with_macho!(&object, file => file.macho_load_commands().is_err()).unwrap_or(false) {
            return Err(Error::Damaged { path: path.to_owned(), reason: "its load commands lie outside the file".to_owned() });
        }
        let (kind, arch, detail, image_base) = match object.format() {
            BinaryFormat::MachO => (ModuleKind::MachO, macho::arch(&object), macho::detail(&object), macho::image_base(&object)),
            _ => (ModuleKind::Elf, elf::arch(&object), elf::detail(&object), elf::image_base(&object)),
        };
        let info = ModuleInfo {
            name: mapped.name().to_owned(),
            id: identity::module_id(&object, bytes),
            other_ids: identity::former_ids(&object, bytes),
            code: identity::code(&object),
            kind,
            arch: arch.to_owned(),
            detail,
            image_base,
            fingerprint: identity::fingerprint(&object, bytes.len()),
        };
        Ok(Self { mapped, object, info, debug: None, objects: None })
    }

    /// What the file says about itself.
    pub fn info(&self) -> &ModuleInfo {
        &self.info
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.mapped.path()
    }

    pub(super) fn object(&self) -> &::object::File<'d> {
        &self.object
    }

    pub(super) fn mapped(&self) -> &'d Mapped {
        self.mapped
    }

    /// The path of the debug file that was split from this one, if [`DebugFile::with_debug_data`] was given it.
    pub fn debug_path(&self) -> Option<&Path> {
        self.debug.as_ref().map(|debug| debug.path())
    }

    /// The debug file that was split from this one, if it is found and this one has no debug data itself.
    pub fn debug_file(&self, search: &Search) -> Option<Mapped> {
        debug_files::debug_file(self, search)
    }

    /// The same with the debug data of `debug`, which was split from it; else with that of the object files that it
    /// was linked from, where it says which (Mach-O). Symbols and code stay its own, as in llvm-symbolizer.
    #[must_use]
    pub fn with_debug_data(mut self, debug: Option<Self>, search: &Search) -> Self {
        if self.info.detail == Detail::Debug {
            return self;
        }
        if let Some(debug) = debug.filter(|debug| debug.info.detail == Detail::Debug) {
            self.info.detail = Detail::Debug;
            let both = [self.info.fingerprint.to_le_bytes(), debug.info.fingerprint.to_le_bytes()].concat();
            self.info.fingerprint = xxh3_64(&both);
            self.debug = Some(Box::new(debug));
            return self;
        }
        self.objects = Objects::open(&self.object, self.mapped.path(), &self.info.arch, search);
        if self.objects.as_ref().is_some_and(Objects::any) {
            self.info.detail = Detail::DebugMap;
        }
        self
    }

    /// The file with the debug data.
    pub(super) fn data(&self) -> &Self {
        self.debug.as_deref().unwrap_or(self)
    }

    /// The file's size in bytes.
    pub fn bytes(&self) -> usize {
        self.mapped.bytes().len()
    }

    /// Bytes of memory that [`DebugFile::read`] may take, roughly: a file's worth, and its sections expanded.
    pub fn working_bytes(&self) -> u64 {
        let expanded = self.object.sections().filter_map(|section| section.compressed_file_range().ok());
        let expanded = expanded.filter(|range| range.format != CompressionFormat::None).map(|range| range.uncompressed_size);
        let own = expanded.fold(self.mapped.bytes().len() as u64, u64::saturating_add);
        let objects = self.objects.as_ref().map_or(0, Objects::bytes);
        own.saturating_add(self.debug.as_ref().map_or(0, |debug| debug.working_bytes())).saturating_add(objects)
    }

    /// Reads all ranges, names and lines. Units are read in parallel on the current rayon pool; the result does
    /// not depend on how many threads there are. Files that belong to this one are looked for as `search` says.
    ///
    /// # Errors
    /// [`Error::NoSymbols`] if there is nothing to find addresses by, [`Error::Changed`] if another process wrote to one of
    /// the files meanwhile. Damage within a section costs the unit it is in, and is counted in `dropped`.
    pub fn read(&self, search: &Search, progress: &Progress) -> Result<ModuleSymbols, Error> {
        let module = self.read_all(search, progress);
        // Whatever came of it: it may be a file that is still being written.
        self.mapped.unchanged()?;
        self.data().mapped.unchanged()?;
        self.objects.as_ref().map_or(Ok(()), Objects::unchanged)?;
        module
    }

    fn read_all(&self, search: &Search, progress: &Progress) -> Result<ModuleSymbols, Error> {
        let (object, path) = (&self.object, self.mapped.path());
        let (mut dropped, mut warnings) = (Dropped::default(), Vec::new());
        let layout = Layout::of(object).map_err(|reason| self.damaged(reason))?;
        let code = Code::of(object, &layout);
        let mini = elf::minidebug::expand(object).unwrap_or_else(|reason| {
            warnings.push(format!("{reason}; its symbols were left out"));
            None
        });
        let mini = mini.as_deref().and_then(|bytes| ::object::File::parse(bytes).ok());
        let is_macho = self.info.kind == ModuleKind::MachO;
        let map_file = if is_macho { symbol_map::find(self, search) } else { None };
        let map = map_file.as_ref().and_then(SymbolMap::of);
        let (symbols, twins, extras) = names(object, mini.as_ref(), &layout, map.as_ref());
        if is_macho && symbols.iter().any(|symbol| macho::symbol_map::is_hidden(symbol.name)) {
            warnings.push(
                "names are hidden (`__hidden#…_`); pass the folder with its .bcsymbolmap file, of the .xcarchive, as --bcsymbolmap \
                 and import again with --force"
                    .to_owned(),
            );
        }
        let data = self.data();
        // While compressed entries are being expanded, line programs are run.
        let ahead = OnceLock::new();
        let each = |id, section: &[u8]| {
            if id == SectionId::DebugLine && data.has_compressed_entries() {
                ahead.get_or_init(|| data.run_lines(section));
            }
        };
        let debug_layout = self.debug.as_ref().map(|debug| layout.of_debug_file(object, &debug.object));
        let of_data = debug_layout.as_ref().unwrap_or(&layout);
        let (sections, damage) = sections::load(&data.object, data.mapped, of_data, &mut dropped, each);
        let ahead = ahead.into_inner().unwrap_or_default();
        let shared_file = shared_names::find(data, search);
        let shared = shared_file.as_ref().map(|file| load_shared(file, &mut dropped)).transpose().unwrap_or_else(|reason| {
            warnings.push(reason);
            None
        });
        if shared.is_none() && links::shared_names_link(&data.object).is_some() {
            dropped.count(DropReason::SharedNames);
        }
        warnings.extend(damage.iter().map(|reason| format!("{reason}: it was left out; was the file copied whole?")));
        let build_id = links::build_id(object);
        let split_files = SplitFiles::open(path, data.path(), build_id, &self.skeletons(&sections), search);
        let mut missing = Vec::new();
        let split = split_files.sections(&mut missing);
        let objects = self.objects.as_ref();
        let loaded = objects.map_or_else(Vec::new, |objects| objects.load(&symbols, &mut dropped));
        let input = dwarf::Input {
            sections: &sections,
            shared: shared.as_ref(),
            split: &split,
            ahead: &ahead,
            functions_move: false,
            map: map.as_ref(),
            twins: &twins,
        };
        let dwarf = if self.info.detail == Detail::Gopclntab {
            go::read(object, progress, &mut dropped)
        } else if !loaded.is_empty() {
            debug_map::read(&loaded, progress, &mut dropped)
        } else if object.is_little_endian() {
            dwarf::read(input, gimli::LittleEndian, &code, &symbols, data.mapped, progress, &mut dropped)
        } else {
            dwarf::read(input, gimli::BigEndian, &code, &symbols, data.mapped, progress, &mut dropped)
        };
        // All that is still needed of the file are names.
        shared_file.as_ref().map_or(Ok(()), Mapped::unchanged)?;
        split_files.unchanged()?;
        let give_back = || {
            [self.mapped, data.mapped].iter().for_each(|mapped| mapped.release(mapped.bytes()));
            trim_heap();
        };
        give_back();
        let objects_bytes = objects.map_or(0, |objects| usize::try_from(objects.bytes()).unwrap_or(usize::MAX));
        let file_bytes = self.mapped.bytes().len().max(data.mapped.bytes().len()).saturating_add(objects_bytes);
        let mut module = assemble(self.info.clone(), dwarf, &symbols, &extras, file_bytes, dropped, give_back);
        give_back();
        layout.restore(&mut module);
        warnings.extend(self.warnings(&module.dropped, shared.is_some(), &missing));
        warnings.extend(objects.into_iter().flat_map(Objects::warnings));
        module.warnings = warnings;
        if module.ranges.is_empty() {
            let path = path.to_owned();
            let is_too_much = module.dropped.has(DropReason::TooMuchWork);
            return Err(match (damage.into_iter().next(), links::role(object)) {
                (Some(reason), _) => data.damaged(reason),
                _ if is_too_much => Error::TooMuchWork { path },
                (None, Some(role)) => Error::Companion { path, role },
                (None, None) => Error::NoSymbols { path },
            });
        }
        Ok(module)
    }

    fn has_compressed_entries(&self) -> bool {
        let entries = self.object.section_by_name(SectionId::DebugInfo.name());
        entries.and_then(|entries| entries.compressed_file_range().ok()).is_some_and(|range| range.format != CompressionFormat::None)
    }

    fn run_lines(&self, debug_line: &[u8]) -> dwarf::LinesAhead {
        let address_bytes = if self.object.is_64() { 8 } else { 4 };
        if self.object.is_little_endian() {
            dwarf::LinesAhead::run(debug_line, gimli::LittleEndian, address_bytes)
        } else {
            dwarf::LinesAhead::run(debug_line, gimli::BigEndian, address_bytes)
        }
    }

    pub(super) fn skeletons(&self, sections: &sections::Sections<'_>) -> Vec<dwarf::Skeleton> {
        if self.object.is_little_endian() {
            dwarf::skeletons(sections, gimli::LittleEndian)
        } else {
            dwarf::skeletons(sections, gimli::BigEndian)
        }
    }

    /// What is damaged, or known to be elsewhere and was not found.
    fn warnings(&self, dropped: &Dropped, has_shared: bool, missing: &[PathBuf]) -> Vec<String> {
        let mut warnings = Vec::new();
        let has_name = |section: ::object::Section<'_, '_>| section.name_bytes().is_ok_and(|name| !name.is_empty());
        if self.object.sections().next().is_some() && !self.object.sections().any(has_name) {
            let reason = "its sections have no names, so its debug data cannot be found";
            warnings.push(format!("{reason}: symbols answer instead; was it copied whole?"));
        }
        if dropped.iter().any(|(reason, _)| reason.is_damage()) {
            warnings
                .push("some of its debug data is damaged and was left out; was it copied whole? `modules show` has the counts".to_owned());
        }
        if dropped.has(DropReason::TooMuchWork) {
            let reason = "its debug data refers to itself so often that reading it takes too much work, as no compiler writes it";
            warnings.push(format!("{reason}: it was left out, symbols answer instead; make the file anew from its sources"));
        }
        if let (Some((file, _)), false) = (links::shared_names_link(&self.data().object), has_shared) {
            let file = String::from_utf8_lossy(file);
            warnings.push(format!(
                "names shared with other files are in {file}, which was not found: some functions have no name; \
                 pass its folder as --debug-dir and import again"
            ));
        }
        if let [first, others @ ..] = missing {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            warnings.push(format!(
                "functions and inlined calls are in {}{more}, which was not found: symbols answer instead; \
                 pass the folder with the .dwo files or .dwp package as --debug-dir and import again",
                first.display()
            ));
        }
        if let (Ok(Some((file, _))), true) = (self.object.gnu_debuglink(), self.info.detail < Detail::Debug) {
            let file = String::from_utf8_lossy(file);
            warnings.push(format!("its debug data is in {file}; import that file too, in any order"));
        }
        warnings
    }

    fn damaged(&self, reason: String) -> Error {
        Error::Damaged { path: self.mapped.path().to_owned(), reason }
    }
}

/// The architecture of the object file `mapped`, as LLVM names it.
///
/// # Errors
/// Those of [`DebugFile::parse`].
pub fn arch_of(mapped: &Mapped) -> Result<String, Error> {
    DebugFile::parse(mapped).map(|file| file.info.arch)
}

/// The sections of a file of shared names.
fn load_shared<'m>(file: &'m Mapped, dropped: &mut Dropped) -> Result<sections::Sections<'m>, String> {
    let in_file = |reason: String| format!("{}: {reason}; the names in it are missing", file.path().display());
    let object = ::object::File::parse(file.bytes()).map_err(|error| in_file(error.to_string()))?;
    let (sections, damage) = sections::load(&object, file, &Layout::default(), dropped, |_, _| {});
    damage.into_iter().next().map_or(Ok(sections), |reason| Err(in_file(reason)))
}

/// What tables of `object` name: symbols, those that lie under others, and what there is besides. `mini` is the file in its `.gnu_debugdata`.
fn names<'d>(
    object: &::object::File<'d>,
    mini: Option<&::object::File<'d>>,
    layout: &Layout,
    map: Option<&SymbolMap<'d>>,
) -> (Vec<Symbol<'d>>, Vec<Twin<'d>>, Vec<Extra>) {
    let names = macho::with_macho!(object, file => {
        let (symbols, twins) = symbols::spans_and_twins(macho::symbols::read(file, map));
        let extras = macho::extras::read(file, &symbols, macho::image_base(object));
        (symbols, twins, extras)
    });
    names.unwrap_or_else(|| {
        let (symbols, twins) = symbols::spans_and_twins(elf::symbols::read(object, mini, layout));
        (symbols, twins, elf::plt::read(object))
    })
}

/// What a file that is no object seems to be.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xca, 0xfe, 0xba, 0xbe, ..] => "a Java class",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'M', b'Z', ..] => "a Windows executable",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "an ar archive",
        [0x1f, 0x8b, ..] => "a gzip file",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd file",
        _ if bytes.iter().take(512).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => "text",
        _ => "unknown contents",
    }
}
