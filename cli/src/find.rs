//! Modules by what people call them: paths, ids, names; and why a name names no module, crash or
//! group.

use std::ffi::OsStr;
use std::path::Path;

use symtool_debug::DebugFile;
use symtool_debug::container::{self, Format, Kind};
use symtool_debug::{Error, ModuleInfo};
use symtool_module::BuildId;
use symtool_store::database::{InMemoryModule, MIN_ID_DIGITS};
use symtool_store::{Catalog, Module, Named, Store, database as store};

use crate::moment::moment;
use symtool_core::mapping::{self as mapping_file, MappingError, MappingFile};

/// Why a name names no one module, crash or group.
#[derive(Debug)]
pub enum NotOne {
    /// No module has it.
    Unknown(String),
    /// Several have it.
    Ambiguous(String),
    /// The store cannot be read.
    Unreadable(store::Error),
}

impl NotOne {
    /// The whole story, with the next step.
    ///
    /// # Errors
    /// If the store cannot be read: that is no fault of the name.
    pub fn reason(self) -> Result<String, store::Error> {
        match self {
            Self::Unknown(reason) | Self::Ambiguous(reason) => Ok(reason),
            Self::Unreadable(error) => Err(error),
        }
    }
}

impl std::fmt::Display for NotOne {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(reason) | Self::Ambiguous(reason) => f.write_str(reason),
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotOne {}

impl From<store::Error> for NotOne {
    fn from(error: store::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Candidates that a message names.
const MAX_CANDIDATES: usize = 5;

/// The module that `name` names: the file at that path, by its id; an id or a prefix of one; or a
/// file name. Each may be followed by `:` and an architecture. Of several builds, the one imported
/// last if `latest`.
pub fn module<'c>(
    catalog: &'c Catalog<'_>,
    name: impl AsRef<OsStr>,
    latest: bool,
) -> Result<&'c Module, NotOne> {
    let path = Path::new(name.as_ref());
    let name = &*path.to_string_lossy();
    if let Some(info) = object_at(path) {
        let info = info?;
        let unknown = || {
            NotOne::Unknown(format!(
                "{name}: this build ({}) is not in the store; import it",
                info.id
            ))
        };
        return catalog.by_id(&info)?.ok_or_else(unknown);
    }
    if let Some(Ok(file)) = mapping_file::at(path) {
        return of_mapping_file(catalog, name, &file, latest);
    }
    let last_component = name.rsplit('/').next().unwrap_or(name);
    match catalog.named_any(&[name, last_component])? {
        Named::One(module) => Ok(module),
        Named::Several(builds) => one_of(name, builds, latest),
        Named::Unknown => Err(NotOne::Unknown(unknown(name))),
    }
}

/// The mapping that `name` names: the file at that path, by its id; an id or a prefix of one; or a
/// name.
pub fn mapping<'c>(
    catalog: &'c Catalog<'_>,
    name: impl AsRef<OsStr>,
) -> Result<&'c Module, NotOne> {
    let path = Path::new(name.as_ref());
    let name = &*path.to_string_lossy();
    match mapping_file::at(path) {
        Some(Ok(file)) => return of_mapping_file(catalog, name, &file, false),
        Some(Err(error))
            if name.contains('/') || matches!(catalog.named(name)?, Named::Unknown) =>
        {
            return Err(NotOne::Unknown(format!("{error:#}")));
        }
        _ => {}
    }
    let builds = match catalog.named(name)? {
        Named::One(module) => vec![module],
        Named::Several(modules) => modules,
        Named::Unknown => Vec::new(),
    };
    let is_other = !builds.is_empty();
    let mappings: Vec<&Module> =
        builds.into_iter().filter(|module| module.record.is_mapping()).collect();
    match mappings[..] {
        [only] => Ok(only),
        [] if is_other => Err(NotOne::Unknown(format!(
            "{name}: not a mapping but a module with addresses; name an imported mapping"
        ))),
        // Every mapping is called mapping.txt: one by that name, of some other path, need not be
        // the one.
        [] if name.contains('/') => Err(NotOne::Unknown(format!(
            "{name}: no such file; check the path, or pass the id of a mapping"
        ))),
        [] => Err(NotOne::Unknown(unknown(name).replace("no such module", "no such mapping"))),
        _ => one_of(name, mappings, false),
    }
}

/// The mapping of the store that is `file`: the one with its contents, else that of the same build.
fn of_mapping_file<'c>(
    catalog: &'c Catalog<'_>,
    name: &str,
    file: &MappingFile,
    latest: bool,
) -> Result<&'c Module, NotOne> {
    let (found, ids) = (file.modules(catalog)?, file.ids());
    match found[..] {
        [] => Err(NotOne::Unknown(format!(
            "{name}: this mapping ({}) is not in the store; import it",
            short(ids.first())
        ))),
        [first, ..] if found.len() == 1 || ids.first() == Some(&first.record.id) => Ok(first),
        _ => one_of(name, found, latest),
    }
}

/// The module that answers for the mapping in `file`; what the user should know about that is told.
///
/// # Errors
/// If the mapping cannot be packed.
pub fn hold(file: &MappingFile, store: &Store) -> Result<InMemoryModule, MappingError> {
    let held = file.hold(store)?;
    held.warnings.iter().for_each(|warning| warn!("{warning}"));
    if let Some(error) = held.not_kept {
        detail!("the mapping is answered from memory: {error}");
    }
    Ok(held.module)
}

/// What the file at a path is a file of.
#[cfg(feature = "bucket")]
pub enum Meant {
    /// An object.
    Object(ModuleInfo),
    /// A mapping with these ids, in hexadecimal.
    Mapping(Vec<String>),
}

/// What the file at `path` is, as [`module`] takes it; `None` if it is the path of no file.
#[cfg(feature = "bucket")]
pub fn meant(path: &Path) -> Option<Result<Meant, NotOne>> {
    if let Some(info) = object_at(path) {
        return Some(info.map(Meant::Object));
    }
    let file = mapping_file::at(path)?.ok()?;
    Some(Ok(Meant::Mapping(file.ids().iter().map(ToString::to_string).collect())))
}

fn short(id: Option<&BuildId>) -> &str {
    id.map_or("", BuildId::short)
}

/// Of several `builds` the last one, if `latest`.
fn one_of<'c>(name: &str, builds: Vec<&'c Module>, latest: bool) -> Result<&'c Module, NotOne> {
    if latest {
        let last = builds.into_iter().max_by_key(|module| module.record.imported_ms);
        return last.ok_or_else(|| NotOne::Unknown(unknown(name)));
    }
    if builds.iter().all(|module| module.record.is_mapping()) {
        let count = builds.len();
        return Err(NotOne::Ambiguous(format!(
            "{name}: {count} mappings have this name: {}; pass an id or a path",
            candidates(builds)
        )));
    }
    // Builds for several architectures are told apart by those.
    let has_arches = builds.iter().any(|module| module.record.arch != builds[0].record.arch);
    let id = |module: &&Module| {
        let id = module.record.short_id();
        if has_arches { format!("{id}:{}", module.record.arch) } else { id.to_owned() }
    };
    let ids: Vec<String> = builds.iter().map(id).collect();
    let more = if ids.len() > MAX_CANDIDATES { ", …" } else { "" };
    let some = ids[..ids.len().min(MAX_CANDIDATES)].join(", ");
    Err(NotOne::Ambiguous(format!(
        "{name}: {} builds have this name; pass an id ({some}{more}), or --latest",
        ids.len()
    )))
}

/// The ids of some mappings, the last import first, with what tells them apart.
pub fn candidates(mut mappings: Vec<&Module>) -> String {
    mappings.sort_by_key(|module| std::cmp::Reverse(module.record.imported_ms));
    let told = |module: &&Module| {
        format!("{} (imported {})", module.record.short_id(), moment(module.record.imported, true))
    };
    let some: Vec<String> = mappings.iter().take(MAX_CANDIDATES).map(told).collect();
    let more = mappings.len().saturating_sub(MAX_CANDIDATES);
    if more > 0 {
        format!("{}, and {more} more (symtool modules list)", some.join(", "))
    } else {
        some.join(", ")
    }
}

fn unknown(name: &str) -> String {
    let is_short_id = (4..MIN_ID_DIGITS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_short_id {
        return format!("{name}: no such module; a prefix of an id needs {MIN_ID_DIGITS} digits");
    }
    format!("{name}: no such module in the store; import it, or see `symtool modules list`")
}

/// What the object at `path` is: an object file, a slice written `path:arch`, the DWARF file in a
/// dSYM bundle. `None` if `path` is the path of no file.
fn object_at(path: &Path) -> Option<Result<ModuleInfo, NotOne>> {
    let file = container::split(path).map_or_else(|| path.to_owned(), |(file, _)| file);
    let kind = Kind::of_file(&file).unwrap_or(Kind::Other);
    let is_mapping = || {
        kind == Kind::Archive(Format::Zip)
            && mapping_file::at(path).is_some_and(|file| file.is_ok())
    };
    if !container::is_bundle(&file)
        && (matches!(kind, Kind::Other | Kind::Mapping | Kind::Segment) || is_mapping())
    {
        return None;
    }
    let info = container::open_object(path)
        .and_then(|mapped| Ok(DebugFile::parse(&mapped)?.info().clone()));
    Some(info.map_err(|error| match error {
        Error::NoSlice { arch: None, .. } | Error::Bundle { .. } => {
            NotOne::Ambiguous(error.to_string())
        }
        _ => NotOne::Unknown(error.to_string()),
    }))
}
