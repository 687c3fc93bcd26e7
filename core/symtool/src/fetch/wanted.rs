//! Modules that crashes wait for: what they are, and where servers have their files.

use symtool_crashes::fingerprint::Modules;
use symtool_crashes::{Crashes, Missing, StoredImage};
use symtool_debug::DebugFile;
use symtool_module::ModuleKind;
use symtool_report::{ImageId, ImageKind};
use symtool_store::Error;

use super::limits::MAX_FILE_NAME_BYTES;
use crate::dump::{WindowsFiles, windows_files};
use crate::layout::{FileKind, FileOf, Layout, file_name, without_extension};

/// A module that is wanted.
#[derive(Clone, Debug)]
pub struct WantedModule {
    /// File name; absent if no report says.
    pub name: Option<String>,
    /// The id, as reports spell it.
    pub id: String,
    /// Whether names of its functions are wanted.
    pub names: bool,
    /// Whether its unwind data is wanted.
    pub unwind: bool,
    image: Option<ImageId>,
    builds: Vec<Build>,
    /// What its PDB is called, if that is known.
    pdb: Option<String>,
}

/// A build that the module may be: some ids can be read in several ways.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Build {
    kind: ModuleKind,
    /// As much as is known of its id.
    id: Vec<u8>,
    /// Whether that is all of it.
    is_whole: bool,
    /// Of an image of Windows, its time stamp and size.
    code_id: Option<String>,
}

/// Bytes of the id of a PDB, without and with its age.
const GUID_BYTES: usize = 16;
const GUID_AND_AGE_BYTES: usize = 20;

/// The modules that crashes wait for, and with `all` those that none waits for: those that most
/// groups wait for first.
///
/// # Errors
/// If the store cannot be read.
pub fn wanted(
    crashes: &Crashes,
    modules: &Modules<'_>,
    all: bool,
) -> Result<Vec<WantedModule>, Error> {
    let mut found = crashes.missing(modules)?;
    found.retain(|module| all || module.waiting > 0 || module.lacks_unwind());
    found.iter().map(|module| WantedModule::of(module, crashes)).collect()
}

impl WantedModule {
    fn of(module: &Missing, crashes: &Crashes) -> Result<Self, Error> {
        let seen = crashes.image_of(module)?;
        let mut wanted = Self::new(module, seen.as_ref().map(|seen| &seen.image));
        // Reports have one id of an image; a minidump has both, and the name of the PDB.
        let dump = seen.and_then(|seen| seen.dump).filter(|_| wanted.is_windows());
        if let Some(((chunk, slot), id)) = dump.zip(wanted.image.as_ref()) {
            let dumps = crashes.dumps(chunk)?;
            let dump = dumps.get(slot)?;
            let files = if dump.is_there()? { windows_files(&dump, id) } else { None };
            wanted.take(files);
        }
        Ok(wanted)
    }

    fn new(module: &Missing, image: Option<&StoredImage>) -> Self {
        let (name, id) = (module.name.clone(), module.id.clone());
        let image = image.and_then(|image| Some((image.kind, image.id.clone()?)));
        let builds = image
            .as_ref()
            .filter(|_| !module.is_mapping)
            .map(|(kind, image)| builds(*kind, image, &id, name.as_deref()));
        Self {
            name,
            id,
            names: module.lacks_names,
            unwind: module.lacks_unwind(),
            image: image.map(|(_, image)| image),
            builds: builds.unwrap_or_default(),
            pdb: None,
        }
    }

    /// Takes what a minidump says of it.
    fn take(&mut self, files: Option<WindowsFiles>) {
        let Some(WindowsFiles { code_id, pdb }) = files else { return };
        for build in self.builds.iter_mut().filter(|build| build.kind == ModuleKind::Pe) {
            build.code_id = Some(code_id.clone());
        }
        self.pdb = pdb;
    }

    /// Where a source of `layout` has its file of this `kind`: in one of several places.
    pub fn keys(&self, layout: Layout, kind: FileKind) -> Vec<String> {
        let key = |build: &Build| {
            if !build.is_whole && layout != Layout::Breakpad {
                return None;
            }
            let (id, code_id) = (&build.id, build.code_id.as_deref());
            let name = match (build.kind, kind, &self.name) {
                (ModuleKind::Pe, FileKind::Debug | FileKind::Symbols, Some(name)) => {
                    self.pdb_of(name)
                }
                (_, _, Some(name)) => name.clone(),
                (ModuleKind::Elf | ModuleKind::MachO, FileKind::Debug, None) => String::new(),
                (_, _, None) if matches!(layout, Layout::Breakpad | Layout::Ssqp) => return None,
                (_, _, None) => String::new(),
            };
            let of = FileOf { kind: build.kind, id, made_up: false, name: &name, code_id };
            layout.key(kind, &of)
        };
        let mut keys: Vec<String> = self.builds.iter().filter_map(key).collect();
        // Breakpad writes ids so that both readings of one are the same.
        keys.dedup();
        keys
    }

    /// What its file of this `kind` is called.
    pub fn file_name(&self, kind: FileKind) -> String {
        let name = short(file_name(self.name.as_deref().unwrap_or(&self.id)));
        let is = |kind| self.builds.iter().any(|build| build.kind == kind);
        match kind {
            FileKind::Symbols => format!("{name}.sym"),
            FileKind::Debug if is(ModuleKind::Pe) => short(file_name(&self.pdb_of(&name))),
            FileKind::Debug if is(ModuleKind::Elf) => format!("{name}.debug"),
            FileKind::Debug | FileKind::Executable => name,
        }
    }

    /// What the PDB of the image `name` is called: as a minidump says, else like the image.
    fn pdb_of(&self, name: &str) -> String {
        self.pdb.clone().unwrap_or_else(|| pdb_name(name))
    }

    /// Whether `file` is of this build.
    pub fn is_of(&self, file: &DebugFile<'_>) -> bool {
        let info = file.info();
        let has_id = self.image.as_ref().is_some_and(|id| id.is_of(info.kind, &info.id.bytes));
        let has_code_id = || {
            let found = file.server_role().code_id;
            let is_it = |wanted: &String| {
                found.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
            };
            self.builds.iter().filter_map(|build| build.code_id.as_ref()).any(is_it)
        };
        !info.id.made_up && (has_id || has_code_id())
    }

    /// Whether it is one for Windows.
    pub fn is_windows(&self) -> bool {
        self.builds.iter().any(|build| build.kind == ModuleKind::Pe)
    }
}

/// The beginning of `name`, which may come from a report, as file systems take it.
fn short(mut name: String) -> String {
    let mut end = name.len().min(MAX_FILE_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

/// The builds that an image of `kind` with `id` may be, which reports spell `spelled`.
fn builds(kind: ImageKind, id: &ImageId, spelled: &str, name: Option<&str>) -> Vec<Build> {
    let build =
        |kind, id: &[u8], is_whole| Build { kind, id: id.to_vec(), is_whole, code_id: None };
    let looks_like_windows = name.is_some_and(|name| {
        ["dll", "exe", "sys", "pdb"].iter().any(|end| without_extension(name, end).is_some())
    });
    match (kind, id) {
        (ImageKind::Proguard | ImageKind::Other, _) => Vec::new(),
        (ImageKind::Pe, ImageId::Whole(id)) => windows(id, spelled).into_iter().collect(),
        (ImageKind::Unknown, ImageId::Whole(id)) if looks_like_windows => {
            windows(id, spelled).into_iter().collect()
        }
        (ImageKind::Elf, ImageId::Whole(id)) => vec![build(ModuleKind::Elf, id, true)],
        (ImageKind::MachO, ImageId::Whole(id)) => vec![build(ModuleKind::MachO, id, true)],
        (ImageKind::Unknown, ImageId::Whole(id)) => {
            let uuid = (id.len() == 16).then(|| build(ModuleKind::MachO, id, true));
            std::iter::once(build(ModuleKind::Elf, id, true)).chain(uuid).collect()
        }
        (_, ImageId::Prefix(prefix)) => vec![build(ModuleKind::Elf, prefix, false)],
        (_, ImageId::Either(uuid)) if looks_like_windows => {
            windows(uuid, spelled).into_iter().collect()
        }
        (_, ImageId::Either(uuid)) => {
            let elf = id.keys().nth(1).map(|prefix| build(ModuleKind::Elf, &prefix, false));
            std::iter::once(build(ModuleKind::MachO, uuid, true)).chain(elf).collect()
        }
    }
}

/// An image of Windows: by its GUID and its age, which minidumps tell apart and reports write behind
/// it, or by its time stamp and size.
fn windows(id: &[u8], spelled: &str) -> Option<Build> {
    let build = |id: Vec<u8>, code_id| Build { kind: ModuleKind::Pe, id, is_whole: true, code_id };
    if let Some((stamp, size)) = id.split_at_checked(4).filter(|(_, size)| size.len() == 4) {
        let stamp = u32::from_be_bytes(stamp.try_into().ok()?);
        let size = u32::from_be_bytes(size.try_into().ok()?);
        return Some(build(id.to_vec(), Some(format!("{stamp:08X}{size:x}"))));
    }
    match id.len() {
        GUID_BYTES => {
            let digits: String = spelled.chars().filter(|digit| *digit != '-').collect();
            let age = digits.get(2 * GUID_BYTES..).filter(|age| !age.is_empty()).unwrap_or("0");
            let age = u32::from_str_radix(age, 16).ok()?;
            Some(build([id, &age.to_be_bytes()].concat(), None))
        }
        GUID_AND_AGE_BYTES => Some(build(id.to_vec(), None)),
        _ => None,
    }
}

/// What the PDB of the image `name` is called, if it is called like it.
fn pdb_name(name: &str) -> String {
    let stem = ["dll", "exe", "sys"].iter().find_map(|end| without_extension(name, end));
    match (stem, without_extension(name, "pdb")) {
        (_, Some(_)) => name.to_owned(),
        (stem, None) => format!("{}.pdb", stem.unwrap_or(name)),
    }
}

#[cfg(test)]
impl WantedModule {
    /// One that names are wanted of.
    pub fn named(name: &str, kind: ImageKind, id: ImageId, spelled: &str) -> Self {
        let builds = builds(kind, &id, spelled, Some(name));
        let (name, id, image) = (Some(name.to_owned()), spelled.to_owned(), Some(id));
        Self { name, id, names: true, unwind: false, image, builds, pdb: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: [u8; 16] = [
        0x49, 0x7b, 0x72, 0xf6, 0x39, 0x0a, 0x44, 0xfc, 0x87, 0x8e, 0x5a, 0x2d, 0x63, 0xb6, 0xcc,
        0x4b,
    ];

    fn keys(module: &WantedModule, kind: FileKind) -> String {
        let keys = Layout::NAMES.map(|(_, layout)| module.keys(layout, kind));
        keys.concat().join(" ")
    }

    #[test]
    fn windows_files() {
        let guid = "497b72f6390a44fc878e5a2d63b6cc4b";
        let whole = ImageId::Whole(GUID.to_vec());
        for spelled in [&format!("{guid}a"), "497B72F6-390A-44FC-878E-5A2D63B6CC4B-a"] {
            let module = WantedModule::named("Shop.dll", ImageKind::Pe, whole.clone(), spelled);
            assert_eq!(keys(&module, FileKind::Debug), format!("shop.pdb/{guid}a/shop.pdb"));
            assert_eq!(keys(&module, FileKind::Executable), "");
            let want = format!("Shop.pdb/{}a/Shop.sym", guid.to_uppercase());
            assert_eq!(keys(&module, FileKind::Symbols), want);
            assert_eq!(module.file_name(FileKind::Debug), "Shop.pdb");
        }
        let with_age = ImageId::Whole([&GUID[..], &[0, 0, 0, 2]].concat());
        let module = WantedModule::named("Shop.dll", ImageKind::Pe, with_age, "");
        assert_eq!(keys(&module, FileKind::Debug), format!("shop.pdb/{guid}2/shop.pdb"));
        let code = ImageId::Whole(vec![0x5a, 0xb3, 0x80, 0x77, 0, 0, 0x70, 0]);
        let module = WantedModule::named("a.exe", ImageKind::Pe, code, "5ab380777000");
        assert_eq!(keys(&module, FileKind::Executable), "a.exe/5AB380777000/a.exe");
        assert_eq!(keys(&module, FileKind::Debug), "");
    }

    #[test]
    fn an_id_that_can_be_read_in_two_ways() {
        let either = ImageId::Either(GUID);
        let module = WantedModule::named("x", ImageKind::Unknown, either, "");
        let want = "497B/72F6/390A/44FC/878E/5A2D63B6CC4B _.dwarf/mach-uuid-sym-497b72f6390a44fc878e5a2d63b6cc4b/_.dwarf";
        assert_eq!(keys(&module, FileKind::Debug), want);
        // As a Mach-O file, and as an ELF file of which only the beginning of the id is known.
        let guid = "497B72F6390A44FC878E5A2D63B6CC4B0";
        assert_eq!(keys(&module, FileKind::Symbols), format!("x/{guid}/x.sym"));
    }

    #[test]
    fn what_has_no_name_is_found_by_its_id_alone() {
        let id = ImageId::Whole(vec![0xab; 20]);
        let mut module = WantedModule::named("x", ImageKind::Elf, id, "ab");
        module.name = None;
        let id = "ab".repeat(20);
        assert_eq!(
            keys(&module, FileKind::Executable),
            format!("buildid/{id}/executable .build-id/ab/{}", &id[2..])
        );
        assert_eq!(keys(&module, FileKind::Symbols), "");
        assert!(
            keys(&module, FileKind::Debug)
                .ends_with(&format!("_.debug/elf-buildid-sym-{id}/_.debug"))
        );
    }
}
