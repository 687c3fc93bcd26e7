//! Finds out what files have, without reading a function: ids, debug data, files that belong to
//! them.

use std::path::PathBuf;
use std::sync::Arc;

use symtool_debug::{DebugFile, Error, Inspection, Mapped, ModuleInfo, Search};
use symtool_mapping::is_mapping;
use symtool_module::Detail;

use super::budget::MemoryBudget;
use super::event::{Event, Events};
use super::files::Files;
use super::walk::{Content, Item, Walk};

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

/// What was looked at.
pub type Looked = Result<Object, Unreadable>;

/// Looks at all files that an import of `paths` would read, and for what belongs to them as
/// `search` says. With the objects comes the number of other files: mappings, which have no debug
/// data, and unlinked objects in folders and archives, in which nobody crashes.
pub fn inspect(paths: &[PathBuf], search: &Search, events: Events<'_>) -> (Vec<Looked>, u64) {
    let budget = MemoryBudget::default();
    let mut walk = Walk::new(Files::at(paths), &budget, events);
    let (mut objects, mut passed_over) = (Vec::new(), 0);
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
        match at(item, search) {
            None => passed_over += 1,
            Some(Ok(object)) if object.is_intermediate() && !is_named => passed_over += 1,
            Some(object) => objects.push(object),
        }
        let _ = events(Event::End { number });
    }
    passed_over += walk.passed_over();
    (objects, passed_over)
}

/// Looks at `item`. `None` if it is a mapping.
fn at(item: Item<'_>, search: &Search) -> Option<Looked> {
    let path = item.path;
    let (mapped, memory) = match item.content {
        Content::File { .. } => (Mapped::open(&path), None),
        Content::Member { member, memory, .. } => (member.open(), memory),
        Content::Failed(reason) => return Some(Err(Unreadable { path, reason })),
        Content::End { .. } => return None,
    };
    if mapped.as_ref().is_ok_and(|mapped| is_mapping(mapped.bytes())) {
        return None;
    }
    let looked = mapped
        .map(Mapped::with_plain_symbols)
        .and_then(|mapped| look(path.clone(), &mapped, search));
    drop(memory);
    Some(looked.map_err(|error| Unreadable { path, reason: error.to_string() }))
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
