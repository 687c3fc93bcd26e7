//! Finding modules by what people call them: in, paths, ids and names; out, a module of the store.

use std::path::Path;

use symtool_core::store::{Catalog, MIN_ID_DIGITS, Module, Named};
use symtool_formats::debug::{DebugFile, Mapped};
use symtool_formats::{ModuleId, ModuleKind};

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

/// The module that `name` names: the file at that path, by its id; an id or a prefix of one; or a file name.
/// Of several builds, the one imported last if `latest`.
pub fn module<'c>(catalog: &'c Catalog, name: &str, latest: bool) -> Result<&'c Module, NotOne> {
    if let Some(id) = id_of_file(Path::new(name)) {
        let unknown = || NotOne::Unknown(format!("{name}: this build ({}) is not in the store; import it", id.1));
        return catalog.by_id(id.0, &id.1).ok_or_else(unknown);
    }
    let last_component = name.rsplit('/').next().unwrap_or(name);
    let named = match catalog.named(name) {
        Named::Unknown => catalog.named(last_component),
        named => named,
    };
    match named {
        Named::One(module) => Ok(module),
        Named::Several(builds) if latest => {
            builds.into_iter().max_by_key(|module| module.footer.imported).ok_or_else(|| NotOne::Unknown(unknown(name)))
        }
        Named::Several(builds) => {
            let ids: Vec<&str> = builds.iter().map(|module| module.footer.short_id()).collect();
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

/// What the object file at `path` is, if there is one.
fn id_of_file(path: &Path) -> Option<(ModuleKind, ModuleId)> {
    if !path.is_file() {
        return None;
    }
    let mapped = Mapped::open(path).ok()?;
    let file = DebugFile::parse(&mapped).ok()?;
    Some((file.info().kind, file.info().id.clone()))
}
