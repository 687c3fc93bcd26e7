//! A stack as grouping sees it: in, stored frames and what the store answered; out, one link for each function, inlined ones among them.
//!
//! ```text
//! report   #0 libui.so+0x40          #1 libc.so.6+0x99 raise       #2 libapp.so+0x20
//! store    draw (inlined) < paint    not there                     not there
//! links    draw | paint              raise, as the report says     libapp.so+0x20, of this build only
//! ```
//!
//! A name that a report has is believed where it can be right: one from debug information (it has a line), one of a symbol that reaches to
//! the address, one of code that is not the application's. Elsewhere it is that of the nearest exported function, and unlike crashes
//! would pile up under it.

use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use symtool_formats::crash::{FrameKind, Trust};
use symtool_formats::rules::{Family, Rules};
use xxhash_rust::xxh3::xxh3_128;

use super::answers::{self, Answers};
use super::names::{Name, Names, Parts};
use super::names_are_exact;
use crate::crash::chunk::{Chunk, Place, StoredCrash, StoredFrame, Text};

/// One function on a stack.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its name.
    pub name: Arc<Name>,
    /// Where its name is from.
    pub origin: Origin,
    /// Where it lies, if it has no name.
    pub at: Place,
    /// The hash of what tells it from all others.
    pub identity: u128,
    /// Index of its frame in the report's stack.
    pub frame: usize,
    /// Whether it was inlined into the next link.
    pub inlined: bool,
    /// Path and line, where they are known and wanted.
    pub place: Option<(String, u32)>,
    /// Whether the unwinder guessed it.
    pub is_guess: bool,
}

/// Where a name is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Symbols of the store.
    Store,
    /// The report.
    Report,
    /// It has none yet: symbols may tell.
    Unknown,
    /// It has none and never will.
    Nowhere,
}

/// Names of frames of one chunk that were met before. Crashes of one bug have the same frames.
#[derive(Debug, Default)]
pub struct Met {
    /// By what the store has written for them.
    known: HashMap<(usize, Option<u32>, Option<bool>), Known>,
    /// By what the report says of them.
    said: HashMap<Said, Arc<Name>>,
}

/// Names, and whether each was inlined; innermost first.
type Known = Rc<[(Arc<Name>, bool)]>;

/// Function, class, file, image or package, and whether it is the application's own.
type Said = (Option<Text>, Option<Text>, Option<Text>, Option<u32>, Option<Text>, Option<bool>, FrameKind);

/// What a stack is built from.
pub struct Builder<'a> {
    pub chunk: &'a Chunk,
    pub crash: &'a StoredCrash,
    pub rules: &'a Rules,
    pub names: &'a Names,
    pub answers: &'a Answers,
    /// The number of the crash's first frame in the batch.
    pub first: usize,
    /// Whether paths and lines are wanted.
    pub has_places: bool,
}

impl Link {
    /// What it is in a signature of a crash of `chunk`.
    pub fn token(&self, chunk: &Chunk) -> String {
        if matches!(self.origin, Origin::Store | Origin::Report) {
            return self.name.normal.clone();
        }
        match self.at {
            Place::Nowhere => String::new(),
            Place::Memory(address) => format!("{address:#x}"),
            Place::Image { image, address, .. } => {
                let name = chunk.image(image).and_then(|image| chunk.text_of(image.name)).unwrap_or("?");
                format!("{name}+{address:#x}")
            }
        }
    }
}

impl Builder<'_> {
    /// The links, the crashing side first, and how many frames symbols of the store have named.
    pub fn build(&self, met: &mut Met) -> (Vec<Link>, u32) {
        let mut links = Vec::with_capacity(self.crash.frames.len() + self.crash.frames.len() / 2);
        let mut resolved = 0;
        for (index, frame) in self.crash.frames.iter().enumerate() {
            let known = self.known(index, frame, met);
            resolved += u32::from(!known.is_empty());
            if known.is_empty() {
                links.extend(self.unknown(index, frame, met));
            } else if !frame.inlined {
                // Of one that was inlined, the frame around it has the same address and brings the whole chain.
                let of_call = |(name, inlined): &(Arc<Name>, bool)| Link {
                    origin: Origin::Store,
                    inlined: *inlined,
                    ..link(index, frame, Arc::clone(name))
                };
                let from = links.len();
                links.extend(known.iter().map(of_call));
                if self.has_places {
                    self.place(index, &mut links[from..]);
                }
            }
        }
        (links, resolved)
    }

    /// What the store knows of a frame: names, and whether each was inlined.
    fn known(&self, index: usize, frame: &StoredFrame, met: &mut Met) -> Known {
        let written = self.answers.written(self.first + index);
        let image = match frame.place {
            Place::Image { image, .. } => Some(image),
            _ => None,
        };
        let key = (written.as_ptr().addr(), image, frame.in_app);
        if let Some(known) = met.known.get(&key).filter(|_| !written.is_empty()) {
            return Rc::clone(known);
        }
        let name = |known: answers::Known<'_>| {
            let file = std::str::from_utf8(known.file).ok().filter(|file| !file.is_empty());
            let parts = Parts { function: Some(known.function), path: file, ..self.parts(frame) };
            (self.names.get(self.rules, &parts), known.inlined)
        };
        let named = self.answers.frames(self.first + index).filter(|known| !known.function.is_empty());
        let known: Known = named.map(name).collect();
        if !written.is_empty() {
            met.known.insert(key, Rc::clone(&known));
        }
        known
    }

    /// Gives the links of frame `index` their paths and lines.
    fn place(&self, index: usize, links: &mut [Link]) {
        let named = self.answers.frames(self.first + index).filter(|known| !known.function.is_empty());
        for (link, known) in links.iter_mut().zip(named) {
            let file = std::str::from_utf8(known.file).ok().filter(|file| !file.is_empty());
            link.place = file.map(|file| (file.to_owned(), known.line));
        }
    }

    /// The name that `parts` of `frame` make.
    fn said(&self, frame: &StoredFrame, parts: &Parts<'_>, met: &mut Met) -> Arc<Name> {
        let function = frame.function.filter(|_| parts.function.is_some());
        let image = match frame.place {
            Place::Image { image, .. } => Some(image),
            _ => None,
        };
        let key = (function, frame.module, frame.file, image, frame.package, frame.in_app, frame.kind);
        Arc::clone(met.said.entry(key).or_insert_with(|| self.names.get(self.rules, parts)))
    }

    /// What the report alone tells of a frame.
    fn unknown(&self, index: usize, frame: &StoredFrame, met: &mut Met) -> Option<Link> {
        let function = self.chunk.text_of(frame.function).filter(|function| is_name(function));
        let module = self.chunk.text_of(frame.module).filter(|_| frame.kind != FrameKind::Native);
        let path = self.chunk.text_of(frame.file);
        let place = path.filter(|_| self.has_places).map(|path| (path.to_owned(), frame.line.unwrap_or(0)));
        let bare = Parts { module, path, ..self.parts(frame) };
        let named = Parts { function: function.map(str::as_bytes), ..bare };
        let is_named = match frame.kind {
            FrameKind::Native => function.is_some() && self.believes(frame, &bare, met),
            _ => function.is_some() || module.is_some(),
        };
        if is_named {
            return Some(Link { place, ..link(index, frame, self.said(frame, &named, met)) });
        }
        if frame.kind == FrameKind::Native { self.address(link(index, frame, self.said(frame, &bare, met))) } else { None }
    }

    /// Whether the function that the report names is the one.
    fn believes(&self, frame: &StoredFrame, bare: &Parts<'_>, met: &mut Met) -> bool {
        let has_id = match frame.place {
            Place::Image { image, .. } => self.chunk.image(image).is_some_and(|image| image.id.is_some()),
            _ => false,
        };
        let has_line = frame.line.is_some_and(|line| line > 0);
        !has_id || has_line || names_are_exact(self.crash.format) || !self.said(frame, bare, met).is_app
    }

    /// An address that has no name, and may get one.
    fn address(&self, link: Link) -> Option<Link> {
        let mut bytes = Vec::with_capacity(64);
        let origin = match link.at {
            Place::Nowhere => return None,
            Place::Memory(address) => {
                bytes.push(b'm');
                bytes.extend_from_slice(&address.to_le_bytes());
                Origin::Nowhere
            }
            Place::Image { image, address, .. } => {
                let image = self.chunk.image(image)?;
                bytes.push(b'a');
                bytes.extend_from_slice(&address.to_le_bytes());
                let key = image.id.as_ref().and_then(|id| id.keys().next());
                match key {
                    Some(key) => bytes.extend_from_slice(&key),
                    // Without an id it may be any build: those of one release are taken for one.
                    None => {
                        bytes.extend_from_slice(self.chunk.text_of(image.name).unwrap_or_default().as_bytes());
                        bytes.push(0);
                        bytes.extend_from_slice(self.chunk.text_of(self.crash.release).unwrap_or_default().as_bytes());
                    }
                }
                if key.is_some() { Origin::Unknown } else { Origin::Nowhere }
            }
        };
        Some(Link { origin, identity: xxh3_128(&bytes), ..link })
    }

    fn parts(&self, frame: &StoredFrame) -> Parts<'_> {
        let of_image = match frame.place {
            Place::Image { image, .. } => self.chunk.image(image).and_then(|image| self.chunk.text_of(image.path.or(image.name))),
            _ => None,
        };
        let family = match frame.kind {
            FrameKind::Native => Family::Native,
            FrameKind::Java | FrameKind::Other => Family::Other,
        };
        let package = of_image.or_else(|| self.chunk.text_of(frame.package));
        Parts { family, function: None, module: None, package, path: None, in_app: frame.in_app }
    }
}

/// A function with the name that the report has.
fn link(index: usize, frame: &StoredFrame, name: Arc<Name>) -> Link {
    Link {
        origin: Origin::Report,
        at: frame.place,
        identity: name.identity,
        frame: index,
        inlined: frame.inlined,
        place: None,
        is_guess: frame.trust == Some(Trust::Scan),
        name,
    }
}

/// Whether a report's writer knew the function's name.
fn is_name(function: &str) -> bool {
    let is_placeholder = matches!(function, "" | "<redacted>" | "<unknown>" | "???" | "??" | "_mh_execute_header" | "__mh_execute_header");
    !is_placeholder && !function.starts_with("0x") && !function.starts_with("___lldb_unnamed_symbol")
}
