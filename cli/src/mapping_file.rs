//! Mappings by their files: a path -> the mapping there, its ids, and the module that answers for it.
//!
//! A file that the store has is answered from there; any other is imported first. Where the store cannot be read or written, the mapping
//! is answered from memory.

use std::ffi::OsStr;
use std::path::Path;
use std::slice;

use anyhow::{Context, Result, anyhow};
use symtool_debug::Mapped;
use symtool_debug::container::{self, Format, Kind};
use symtool_mapping::{Identity, Rejected, is_mapping};
use symtool_module::ModuleId;
use symtool_store::Store;
use symtool_store::database::Held;
use symtool_store::pack::{mapping_info, pack_mapping};

use crate::find;

/// A file that is a mapping.
#[derive(Debug)]
pub struct MappingFile {
    mapped: Mapped,
    identity: Identity,
}

/// The mapping in the file at `path`: a `mapping.txt`, or R8's partition map. `None` if no file is there; why it is none, if it is none.
pub fn at(path: &Path) -> Option<Result<MappingFile>> {
    let metadata = std::fs::metadata(path).ok().filter(|metadata| !metadata.is_dir())?;
    if !metadata.is_file() {
        // Opening a pipe would wait for a writer.
        return Some(Err(anyhow!("{}: not a regular file; name a mapping.txt", path.display())));
    }
    Some(open(path))
}

fn open(path: &Path) -> Result<MappingFile> {
    let name = path.display();
    let mapped = Mapped::open(path)?;
    let mapped = match Kind::of(mapped.bytes()) {
        Kind::Archive(Format::Zip) => parts(&mapped)?,
        _ => mapped,
    };
    if !is_mapping(mapped.bytes()) {
        let rejected = Rejected::of(mapped.bytes());
        return Err(anyhow!("{name}: not a mapping: {rejected}; {}", advice(rejected)));
    }
    let identity = Identity::of(mapped.bytes(), None);
    Ok(MappingFile { mapped, identity })
}

/// The mapping in a zip file: whose parts it has, or the only one that is in it.
fn parts(archive: &Mapped) -> Result<Mapped> {
    let name = archive.path().display();
    let members = container::list(archive, Format::Zip).members.into_iter().filter_map(Result::ok);
    let mut mappings = members.filter(|member| member.kind() == Kind::Mapping);
    match (mappings.next(), mappings.next()) {
        (Some(only), None) => Ok(only.open()?),
        (None, _) => Err(anyhow!("{name}: not a mapping: a zip file without one; name a mapping.txt")),
        _ => Err(anyhow!("{name}: has several mappings; import it, and pass the id of one")),
    }
}

/// What to do with a file that is no mapping.
pub fn advice(rejected: Rejected) -> &'static str {
    match rejected {
        Rejected::Empty => "was it copied whole?",
        Rejected::Packed("gzip") => "unpack it first: gzip -d",
        Rejected::Packed("zstd") => "unpack it first: zstd -d",
        Rejected::Packed("xz") => "unpack it first: xz -d",
        Rejected::Packed("bzip2") => "unpack it first: bzip2 -d",
        Rejected::Packed(_) => "unpack it first",
        Rejected::Utf16 => "convert it first: iconv -f UTF-16 -t UTF-8",
        Rejected::Binary | Rejected::Text { .. } => "name the mapping.txt that R8 or ProGuard wrote",
    }
}

/// Whether a file called `path` should be a mapping, going by its name.
pub fn is_meant(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    ["mapping", "proguard", "retrace"].iter().any(|word| name.contains(word))
        || Path::new(&*name).extension().is_some_and(|extension| extension == "map")
}

/// Why the file `mapped`, which should be a mapping by its name, is none. `None` if it is one, or another file.
pub fn refusal(mapped: &Mapped) -> Option<String> {
    let (path, bytes) = (mapped.path(), mapped.bytes());
    if !is_meant(path) || Kind::of(bytes) != Kind::Other || is_mapping(bytes) {
        return None;
    }
    let rejected = Rejected::of(bytes);
    Some(format!("{}: not a mapping: {rejected}; {}", path.display(), advice(rejected)))
}

impl MappingFile {
    /// The ids that it goes by, its own first, that of its contents last.
    pub fn ids(&self) -> Vec<String> {
        let other = |bytes: &Vec<u8>| ModuleId { bytes: bytes.clone(), made_up: false }.to_string();
        std::iter::once(self.identity.id.to_string()).chain(self.identity.others.iter().map(other)).collect()
    }

    /// The bytes of its own id.
    pub fn id(&self) -> Vec<u8> {
        self.identity.id.bytes.clone()
    }

    /// The module that answers for it.
    ///
    /// # Errors
    /// If it cannot be packed.
    pub fn hold(&self, store: &Store) -> Result<Held> {
        if let Some(held) = self.stored(store) {
            return Ok(held);
        }
        let bytes = self.mapped.bytes();
        let info = mapping_info(self.mapped.name(), &self.identity);
        let path = self.mapped.path().display();
        let packed = pack_mapping(bytes, &info, &self.identity, bytes.len() as u64).with_context(|| format!("{path}: cannot be packed"))?;
        for warning in &packed.footer.warnings {
            warn!("{path}: {warning}");
        }
        if let Err(error) = store.commit(slice::from_ref(&packed), false) {
            detail!("{path}: answered from memory: {error}");
        }
        Ok(Held::of(packed))
    }

    fn stored(&self, store: &Store) -> Option<Held> {
        let reader = store.read().ok()?;
        let catalog = reader.catalog();
        let module = find::of_file(&catalog, self)?;
        // Another file of the same build may have been half of it.
        let is_this = module.footer.ids().any(|id| Some(id) == self.ids().last().map(String::as_str));
        is_this.then(|| Held::read(&reader, module).ok())?
    }
}
