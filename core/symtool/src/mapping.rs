//! Mappings by their files: a path -> the mapping there, its ids, and the module that answers for
//! it.
//!
//! A file that the store has is answered from there; any other is imported first. Where the store
//! cannot be read or written, the mapping is answered from memory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::slice;

use symtool_debug::Mapped;
use symtool_debug::container::{self, Format, Kind};
use symtool_mapping::{Identity, Rejected, is_mapping};
use symtool_module::{BuildId, ModuleId};
use symtool_store::database::InMemoryModule;
use symtool_store::pack::{mapping_info, pack_mapping};
use symtool_store::{Catalog, Error as StoreError, Module, Store};

/// Why a file is not taken for a mapping.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A pipe, or a device.
    #[error("{}: not a regular file; name a mapping.txt", .0.display())]
    NotAFile(PathBuf),
    /// It cannot be opened, or is a damaged archive.
    #[error(transparent)]
    Unreadable(#[from] symtool_debug::Error),
    /// Its contents are something else.
    #[error("{}: not a mapping: {rejected}; {}", path.display(), next_step(*rejected))]
    NotAMapping {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        rejected: Rejected,
    },
    /// A zip file without a mapping.
    #[error("{}: not a mapping: a zip file without one; name a mapping.txt", .0.display())]
    Missing(PathBuf),
    /// A zip file of several mappings.
    #[error("{}: has several mappings; import it, and pass the id of one", .0.display())]
    Several(PathBuf),
    /// It cannot be packed.
    #[error("{}: cannot be packed: {cause}", path.display())]
    Pack {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// A file that is a mapping.
#[derive(Debug)]
pub struct MappingFile {
    mapped: Mapped,
    identity: Identity,
}

/// The mapping in the file at `path`: a `mapping.txt`, or R8's partition map. `None` if no file is
/// there; why it is none, if it is none.
pub fn at(path: &Path) -> Option<Result<MappingFile, MappingError>> {
    let metadata = std::fs::metadata(path).ok().filter(|metadata| !metadata.is_dir())?;
    if !metadata.is_file() {
        // Opening a pipe would wait for a writer.
        return Some(Err(MappingError::NotAFile(path.to_owned())));
    }
    Some(open(path))
}

fn open(path: &Path) -> Result<MappingFile, MappingError> {
    let mapped = Mapped::open(path)?;
    let mapped = match Kind::of(mapped.bytes()) {
        Kind::Archive(Format::Zip) => parts(&mapped)?,
        _ => mapped,
    };
    if !is_mapping(mapped.bytes()) {
        return Err(MappingError::NotAMapping {
            path: path.to_owned(),
            rejected: Rejected::of(mapped.bytes()),
        });
    }
    let identity = Identity::of(mapped.bytes(), None);
    Ok(MappingFile { mapped, identity })
}

/// The mapping in a zip file: whose parts it has, or the only one that is in it.
fn parts(archive: &Mapped) -> Result<Mapped, MappingError> {
    let members = container::list(archive, Format::Zip).members.into_iter().filter_map(Result::ok);
    let mut mappings = members.filter(|member| member.kind() == Kind::Mapping);
    match (mappings.next(), mappings.next()) {
        (Some(only), None) => Ok(only.open()?),
        (None, _) => Err(MappingError::Missing(archive.path().to_owned())),
        _ => Err(MappingError::Several(archive.path().to_owned())),
    }
}

/// What to do with a file that is no mapping.
fn next_step(rejected: Rejected) -> &'static str {
    match rejected {
        Rejected::Empty => "was it copied whole?",
        Rejected::Packed("gzip") => "unpack it first: gzip -d",
        Rejected::Packed("zstd") => "unpack it first: zstd -d",
        Rejected::Packed("xz") => "unpack it first: xz -d",
        Rejected::Packed("bzip2") => "unpack it first: bzip2 -d",
        Rejected::Packed(_) => "unpack it first",
        Rejected::Utf16 => "convert it first: iconv -f UTF-16 -t UTF-8",
        Rejected::Binary | Rejected::Text { .. } => {
            "name the mapping.txt that R8 or ProGuard wrote"
        }
    }
}

/// Whether a file called `path` should be a mapping, going by its name.
pub fn is_meant(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    ["mapping", "proguard", "retrace"].iter().any(|word| name.contains(word))
        || Path::new(&*name).extension().is_some_and(|extension| extension == "map")
}

/// Why the file `mapped`, which should be a mapping by its name, is none. `None` if it is one, or
/// another file.
pub fn refusal(mapped: &Mapped) -> Option<MappingError> {
    let (path, bytes) = (mapped.path(), mapped.bytes());
    if !is_meant(path) || Kind::of(bytes) != Kind::Other || is_mapping(bytes) {
        return None;
    }
    Some(MappingError::NotAMapping { path: path.to_owned(), rejected: Rejected::of(bytes) })
}

/// A mapping that can be asked.
#[derive(Debug)]
pub struct HeldMapping {
    /// Its module.
    pub module: InMemoryModule,
    /// What the user should know about the file, a sentence each.
    pub warnings: Vec<String>,
    /// Why it is not in the store, so that it is answered from memory.
    pub not_kept: Option<StoreError>,
}

impl MappingFile {
    /// The ids that it goes by, its own first, that of its contents last.
    pub fn ids(&self) -> Vec<BuildId> {
        let other =
            |bytes: &Vec<u8>| BuildId::from(&ModuleId { bytes: bytes.clone(), made_up: false });
        std::iter::once(BuildId::from(&self.identity.id))
            .chain(self.identity.others.iter().map(other))
            .collect()
    }

    /// The bytes of its own id.
    pub fn id(&self) -> Vec<u8> {
        self.identity.id.bytes.clone()
    }

    /// The mappings of the store that are this file: those with its contents, else those of the
    /// same build. Its own id comes first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn modules<'c>(&self, catalog: &'c Catalog<'_>) -> Result<Vec<&'c Module>, StoreError> {
        let ids = self.ids();
        // The last one is that of the contents.
        for id in ids.iter().rev() {
            let mut found = catalog.with_id(id.as_str())?;
            found.retain(|module| {
                module.record.is_mapping() && module.record.ids().any(|own| own == id)
            });
            if !found.is_empty() {
                found.sort_by_key(|module| ids.first() != Some(&module.record.id));
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// The module that answers for it, kept in `store` if that can be written.
    ///
    /// # Errors
    /// If it cannot be packed.
    pub fn hold(&self, store: &Store) -> Result<HeldMapping, MappingError> {
        if let Some(module) = self.stored(store) {
            return Ok(HeldMapping { module, warnings: Vec::new(), not_kept: None });
        }
        let (path, bytes) = (self.mapped.path(), self.mapped.bytes());
        let info = mapping_info(self.mapped.name(), &self.identity);
        let packed = pack_mapping(bytes, &info, &self.identity, bytes.len() as u64);
        let packed = packed.map_err(|cause| MappingError::Pack { path: path.to_owned(), cause })?;
        let warnings = packed
            .record
            .warnings
            .iter()
            .map(|warning| format!("{}: {warning}", path.display()))
            .collect();
        let not_kept = store.commit(slice::from_ref(&packed), false).err();
        Ok(HeldMapping { module: InMemoryModule::of(packed), warnings, not_kept })
    }

    fn stored(&self, store: &Store) -> Option<InMemoryModule> {
        let reader = store.read().ok()?;
        let catalog = reader.catalog();
        let found = self.modules(&catalog).ok()?;
        let ids = self.ids();
        let is_own = |module: &&&Module| ids.first() == Some(&module.record.id);
        let last = || found.iter().max_by_key(|module| module.record.imported_ms);
        let module = found.iter().find(is_own).or_else(last)?;
        // Another file of the same build may have been half of it.
        let is_this = module.record.ids().any(|id| Some(id) == ids.last());
        is_this.then(|| InMemoryModule::read(&reader, module).ok())?
    }
}
