//! Names functions for grouping: the same in every build, with what rules see of them.
//!
//! A crash store sees the same few thousand functions again and again, so each is demangled and
//! looked at once.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use symtool_demangle::{Spelling, demangle};
use symtool_grouping::normal::{self, Scoped};
use symtool_grouping::rules::{Family, FrameFacts, FrameMatches, Rules};
use symtool_report::FrameKind;
use xxhash_rust::xxh3::xxh3_128;

use crate::fingerprint::frame_cache::package;
use crate::limits::KEPT_FUNCTIONS;
use crate::stored::chunk::{Chunk, Place, StoredFrame};

/// A frame's function, as grouping sees it.
#[derive(Clone, Debug)]
pub struct Name {
    /// As people read it.
    pub shown: String,
    /// The same in every build.
    pub normal: String,
    /// What rules see of it.
    pub seen: FrameMatches,
    /// Whether it is the application's own as far as it alone can tell.
    pub is_app: bool,
    /// The hash of [`Name::normal`].
    pub identity: u128,
    /// Whether the name alone tells what the function is about.
    pub is_telling: bool,
    /// Where it is at home, if that is known.
    home: Option<Home>,
}

/// The class and source file that a function is in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Home {
    /// The hash of its class or namespace.
    scope: u128,
    /// The name of the file without what follows the first dot, so that a class's header belongs to
    /// it; empty where the class is enough.
    file: Box<str>,
    /// Whether the file is a header that code of a class may be from, whatever the class's own file
    /// is.
    is_header: bool,
}

impl Name {
    /// Whether both functions are of one class and one source file, so that one of them calls the
    /// other as a part of itself.
    pub fn shares_home(&self, other: &Self) -> bool {
        let are_near = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
        let homes = self.home.as_ref().zip(other.home.as_ref());
        homes.is_some_and(|(one, other)| {
            one.scope == other.scope
                && (one.is_header || other.is_header || are_near(&one.file, &other.file))
        })
    }
}

/// What a name is made from.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// What kind of code it is in.
    pub kind: FrameKind,
    /// The function as the linker knows it, or as the report spells it; the method, if there is a
    /// class.
    pub function: Option<&'a [u8]>,
    /// The class.
    pub module: Option<&'a str>,
    /// The image's path or name, or the package that the report names.
    pub package: Option<&'a str>,
    /// The source file.
    pub path: Option<&'a str>,
    /// What the report says.
    pub in_app: Option<bool>,
}

impl<'a> Parts<'a> {
    /// What `frame` of `chunk` is, but for its function.
    pub fn of(chunk: &'a Chunk, frame: &StoredFrame) -> Self {
        let image = match frame.place {
            Place::Image { image, .. } => Some(image),
            _ => None,
        };
        let package = package(chunk, image, chunk.text_of(frame.package));
        Self {
            kind: frame.kind,
            function: None,
            module: None,
            package,
            path: None,
            in_app: frame.in_app,
        }
    }
}

/// Shards, so that threads seldom wait for each other.
const SHARDS: usize = 32;

/// Names that were asked for.
#[derive(Debug, Default)]
pub struct Names([Mutex<HashMap<u128, Arc<Name>>>; SHARDS]);

impl Names {
    /// The name that `parts` make under `rules`, which are the same at every call.
    pub fn get(&self, rules: &Rules, parts: &Parts<'_>) -> Arc<Name> {
        let key = key(parts);
        let shard = usize::try_from(key % SHARDS as u128).unwrap_or(0);
        let lock = || self.0[shard].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = lock().get(&key) {
            return Arc::clone(name);
        }
        let name = Arc::new(make(rules, parts));
        let mut shard = lock();
        if shard.len() >= KEPT_FUNCTIONS / SHARDS {
            shard.clear();
        }
        shard.insert(key, Arc::clone(&name));
        name
    }
}

fn make(rules: &Rules, parts: &Parts<'_>) -> Name {
    let spelled = parts.function.map(|raw| {
        demangle(raw, Spelling::Symtool)
            .unwrap_or_else(|| String::from_utf8_lossy(raw).into_owned())
    });
    let (shown, normal) = match (&spelled, parts.module) {
        (Some(method), Some(class)) => (format!("{class}.{method}"), normal::java(class, method)),
        (Some(function), None) => (function.clone(), normal::function(function)),
        (None, class) => {
            (class.unwrap_or_default().to_owned(), class.unwrap_or_default().to_owned())
        }
    };
    let facts = FrameFacts {
        family: match parts.kind {
            FrameKind::Native => Family::Native,
            FrameKind::Java | FrameKind::Other => Family::Other,
        },
        function: spelled.as_deref(),
        normal: parts.module.map_or(Some(normal.as_str()), |_| None),
        package: parts.package,
        module: parts.module,
        path: parts.path,
        in_app: parts.in_app,
    };
    let seen = rules.look(&facts);
    let is_app = rules.judge(&[&seen], None).frames.first().is_some_and(|verdict| verdict.in_app);
    let identity = xxh3_128(normal.as_bytes());
    let (home, is_telling) = home(parts, &normal);
    Name { shown, normal, seen, is_app, identity, is_telling, home }
}

/// Where the function called `normal` is at home, and whether its name tells. A C++ name does not
/// say whether its scope is a class or the namespace of a whole library, and a C name has none, so
/// that these need their source file.
fn home(parts: &Parts<'_>, normal: &str) -> (Option<Home>, bool) {
    let scoped = Scoped::of(normal);
    let (scope, file) = match parts.kind {
        // Nested classes belong to the one around them.
        FrameKind::Java => (
            scoped.scope.split('$').next().unwrap_or_default(),
            Some("").filter(|_| !scoped.scope.is_empty()),
        ),
        FrameKind::Native if scoped.is_class => (scoped.scope, Some("")),
        FrameKind::Native => {
            let file = parts.path.and_then(|path| path.rsplit(['/', '\\']).next());
            (scoped.scope, file.filter(|file| !file.is_empty() && !file.starts_with('.')))
        }
        FrameKind::Other => ("", None),
    };
    let home = file.filter(|_| parts.function.is_some()).map(|file| {
        let stem = file.split('.').next().unwrap_or_default();
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        let is_header = !scope.is_empty()
            && !file.is_empty()
            && (ending.is_empty() || ending.starts_with(['h', 'i', 't']));
        Home { scope: xxh3_128(scope.as_bytes()), file: stem.into(), is_header }
    });
    (home, scoped.is_telling())
}

thread_local! {
    /// What is hashed: at once, as a few texts in a row take three times as long.
    static HASHED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn key(parts: &Parts<'_>) -> u128 {
    HASHED.with_borrow_mut(|bytes| {
        bytes.clear();
        bytes.extend_from_slice(&[parts.kind as u8, parts.in_app.map_or(2, u8::from)]);
        let texts = [
            parts.function,
            parts.module.map(str::as_bytes),
            parts.package.map(str::as_bytes),
            parts.path.map(str::as_bytes),
        ];
        for text in texts {
            // What is absent differs from what is empty.
            bytes.extend_from_slice(&text.map_or(0, |text| text.len() as u64 + 1).to_le_bytes());
            bytes.extend_from_slice(text.unwrap_or_default());
        }
        xxh3_128(bytes)
    })
}
