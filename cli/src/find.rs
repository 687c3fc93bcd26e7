//! Finding modules by what people call them: in, paths, ids and names; out, a module of the store.

use std::ffi::OsStr;
use std::path::Path;

use symtool_core::store::{Catalog, MIN_ID_DIGITS, Module, Named};
use symtool_formats::container::{self, Kind};
use symtool_formats::debug::DebugFile;
use symtool_formats::{Error, ModuleInfo};

/// Why a name names no one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOne {
    /// No module has it.
    Unknown(String),
    /// Several have it.
    Ambiguous(String),
}

impl NotOne {
    /// The whole story, with the next step.
    pub fn reason(&self) -> &str {
        match self {
            Self::Unknown(reason) | Self::Ambiguous(reason) => reason,
        }
    }
}

/// The module that `name` names: the file at that path, by its id; an id or a prefix of one; or a file name. Each may
/// be followed by `:` and an architecture.
/// Of several builds, the one imported last if `latest`.
pub fn module(catalog: &Catalog, name: impl AsRef<OsStr>, latest: bool) -> Result<&Module, NotOne> {
    let path = Path::new(name.as_ref());
    let name = &*path.to_string_lossy();
    if let Some(info) = object_at(path) {
        let info = info?;
        let unknown = || NotOne::Unknown(format!("{name}: this build ({}) is not in the store; import it", info.id));
        return catalog.by_id(&info).ok_or_else(unknown);
    }
    let last_component = name.rsplit('/').next().unwrap_or(name);
    let named = match catalog.named(name) {
        Named::Unknown => catalog.named(last_component),
        named => named,
    };
    match named {
        Named::One(module) => Ok(module),
        Named::Several(builds) if latest => {
            builds.into_iter().max_by_key(|module| module.footer.imported_ms).ok_or_else(|| NotOne::Unknown(unknown(name)))
        }
        Named::Several(builds) => {
            // Builds for several architectures are told apart by those.
            let has_arches = builds.iter().any(|module| module.footer.arch != builds[0].footer.arch);
            let id = |module: &&Module| {
                let id = module.footer.short_id();
                if has_arches { format!("{id}:{}", module.footer.arch) } else { id.to_owned() }
            };
            let ids: Vec<String> = builds.iter().map(id).collect();
            Err(NotOne::Ambiguous(format!("{name}: {} builds have this name; pass an id ({}), or --latest", ids.len(), ids.join(", "))))
        }
        Named::Unknown => Err(NotOne::Unknown(unknown(name))),
    }
}

fn unknown(name: &str) -> String {
    let is_short_id = (4..MIN_ID_DIGITS).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_short_id {
        return format!("{name}: no such module; a prefix of an id needs {MIN_ID_DIGITS} digits");
    }
    format!("{name}: no such module in the store; import it, or see `symtool modules list`")
}

/// What the object at `path` is: an object file, a slice written `path:arch`, the DWARF file in a dSYM bundle.
/// `None` if `path` is the path of no file.
fn object_at(path: &Path) -> Option<Result<ModuleInfo, NotOne>> {
    let file = container::split(path).map_or_else(|| path.to_owned(), |(file, _)| file);
    if !container::is_bundle(&file) && matches!(Kind::of_file(&file), Ok(Kind::Other | Kind::Mapping) | Err(_)) {
        return None;
    }
    let info = container::open_object(path).and_then(|mapped| Ok(DebugFile::parse(&mapped)?.info().clone()));
    Some(info.map_err(|error| match error {
        Error::NoSlice { arch: None, .. } | Error::Bundle { .. } => NotOne::Ambiguous(error.to_string()),
        _ => NotOne::Unknown(error.to_string()),
    }))
}
