//! Finds out what files have, without reading a function: ids, debug data, files that belong to
//! them. Mappings are read whole, as their hash is that of all lines.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use symtool_debug::{DebugFile, Error, Inspection, Mapped, ModuleInfo, Search};
use symtool_mapping::{Identity, MappingFacts, MappingReader, is_mapping};
use symtool_module::Detail;
use symtool_store::database::is_segment;
use symtool_store::pack::Packed;
use symtool_store::{ModuleRecord, Store};

use super::budget::MemoryBudget;
use super::event::{Event, Events};
use super::files::Files;
use super::segments;
use super::walk::{Content, Item, Walk};
use crate::mapping::refusal;

/// An object that was looked at.
#[derive(Debug)]
pub struct Object {
    /// Its path, with the name of its member.
    pub path: PathBuf,
    /// What it says about itself; its detail is that of its debug file, if one was found.
    pub info: ModuleInfo,
    /// How much it has itself.
    pub own: Detail,
    /// Where its debug file was found.
    pub debug_file: Option<PathBuf>,
    /// What else it has, and lacks.
    pub inspection: Inspection,
}

/// One that cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// A mapping that was read.
#[derive(Debug)]
pub struct LookedMapping {
    /// Its path, with the name of its member.
    pub path: PathBuf,
    /// The name of the file or member.
    pub name: String,
    /// What it is called by.
    pub identity: Identity,
    /// What it says of itself, whether it is whole, and what cannot be read of it.
    pub facts: MappingFacts,
}

/// A module that a store has exported.
#[derive(Debug)]
pub struct LookedModule {
    /// The path of the segment, with the name of its member.
    pub path: PathBuf,
    /// What the store knew of the module. Its blocks are intact.
    pub record: ModuleRecord,
}

/// What was looked at.
#[derive(Debug)]
pub enum Looked {
    /// An object file.
    Object(Box<Object>),
    /// A mapping.
    Mapping(Box<LookedMapping>),
    /// A module of a segment.
    Module(Box<LookedModule>),
    /// Neither, or a damaged one.
    Unreadable(Unreadable),
}

impl Looked {
    /// Its path, with the name of its member.
    pub fn path(&self) -> &Path {
        match self {
            Self::Object(object) => &object.path,
            Self::Mapping(mapping) => &mapping.path,
            Self::Module(module) => &module.path,
            Self::Unreadable(unreadable) => &unreadable.path,
        }
    }

    /// The object file that it is.
    pub fn object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }
}

/// Looks at all files that an import of `paths` would read, and for what belongs to them as
/// `search` says. With them comes the number of other files, and of unlinked objects in folders and
/// archives, in which nobody crashes.
pub fn inspect(paths: &[PathBuf], search: &Search, events: Events<'_>) -> (Vec<Looked>, u64) {
    let budget = MemoryBudget::default();
    let mut walk = Walk::new(Files::at(paths), &budget, events);
    let (mut found, mut passed_over) = (Vec::new(), 0);
    for (number, item) in walk.by_ref().enumerate() {
        if matches!(item.content, Content::End { .. }) {
            continue;
        }
        // It only shows progress.
        let _ = events(Event::Begin {
            number,
            path: &item.path,
            bytes: item.weight,
            progress: &Arc::default(),
        });
        let is_named = paths.contains(&item.path);
        for looked in at(item, search) {
            match looked {
                Looked::Object(object) if object.is_intermediate() && !is_named => passed_over += 1,
                looked => found.push(looked),
            }
        }
        let _ = events(Event::End { number });
    }
    passed_over += walk.passed_over();
    (found, passed_over)
}

/// Looks at `item`: at the end of a folder or archive nothing, and of a segment all of its modules.
fn at(item: Item<'_>, search: &Search) -> Vec<Looked> {
    let path = item.path;
    let (opened, _memory) = match item.content {
        Content::File { .. } => (Mapped::open(&path).map_err(|error| error.to_string()), None),
        Content::Member { member, memory, .. } => {
            (member.open().map_err(|error| error.to_string()), memory)
        }
        Content::Failed(reason) => (Err(reason), None),
        Content::End { .. } => return Vec::new(),
    };
    let looked = opened.and_then(|mapped| {
        if is_mapping(mapped.bytes()) {
            let mapping = look_at_mapping(path.clone(), &mapped);
            return mapping.map(|mapping| vec![Looked::Mapping(Box::new(mapping))]);
        }
        if is_segment(mapped.bytes()) {
            return look_at_segment(&path, &mapped);
        }
        if let Some(reason) = refusal(&mapped) {
            return Err(reason.to_string());
        }
        let found = look(path.clone(), &mapped.with_plain_symbols(), search);
        found.map(|found| vec![Looked::Object(Box::new(found))]).map_err(|error| error.to_string())
    });
    looked.unwrap_or_else(|reason| vec![Looked::Unreadable(Unreadable { path, reason })])
}

/// Checks the segment `mapped`, and says what its modules are.
///
/// # Errors
/// Why it cannot be read, or that it is sealed.
fn look_at_segment(path: &Path, mapped: &Mapped) -> Result<Vec<Looked>, String> {
    // Of no store, so that only those can be read that are not sealed.
    let store = Store::at(&path.join("none"), Duration::ZERO);
    let modules = segments::read(&store, path, mapped).map_err(|error| error.to_string())?;
    let looked = |module: Packed| {
        Looked::Module(Box::new(LookedModule { path: path.to_owned(), record: module.record }))
    };
    Ok(modules.into_iter().map(looked).collect())
}

/// Reads all of the mapping `mapped`: only so it shows whether it is whole.
///
/// # Errors
/// Why it cannot be read.
fn look_at_mapping(path: PathBuf, mapped: &Mapped) -> Result<LookedMapping, String> {
    let mut reader = MappingReader::new(mapped.bytes());
    let read = reader.by_ref().try_for_each(|class| class.map(drop));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    mapped.unchanged().map_err(|error| error.to_string())?;
    Ok(LookedMapping {
        path,
        name: mapped.name().to_owned(),
        identity: Identity::of(mapped.bytes(), None),
        facts: reader.into_facts(),
    })
}

fn look(path: PathBuf, mapped: &Mapped, search: &Search) -> Result<Object, Error> {
    let file = DebugFile::parse(mapped)?;
    let own = file.info().detail;
    let debug = file.debug_file(search);
    let file =
        file.with_debug_data(debug.as_ref().and_then(|debug| DebugFile::parse(debug).ok()), search);
    let debug_file = file.debug_path().map(ToOwned::to_owned);
    Ok(Object {
        path,
        info: file.info().clone(),
        own,
        debug_file,
        inspection: file.inspect(search),
    })
}

impl Object {
    /// Whether it is on the way to something that is linked. Modules of the kernel are not: they
    /// have an id.
    pub fn is_intermediate(&self) -> bool {
        self.inspection.is_relocatable && self.info.id.made_up
    }

    /// Whether `other` is of the same build.
    pub fn is_build_of(&self, other: &Self) -> bool {
        let (a, b) = (&self.info, &other.info);
        !a.id.made_up && (a.kind, &a.id, &a.arch) == (b.kind, &b.id, &b.arch)
    }
}
