//! A stack as grouping sees it: one link for each function, inlined ones among them.
//!
//! ```text
//! report   #0 libui.so+0x40          #1 libc.so.6+0x99 raise       #2 libapp.so+0x20
//! store    draw (inlined) < paint    not there                     not there
//! links    draw | paint              raise, as the report says     libapp.so+0x20, of this build only
//! ```
//!
//! A name that a report has is believed where it can be right: one from debug information (it has a
//! line), one of a symbol that reaches to the address, one of code that is not the application's.
//! Elsewhere it is that of the nearest exported function, and unlike crashes would pile up under
//! it: such a frame is its module and offset until symbols come. Without a module it is what the
//! report calls it, and not to be trusted; without either it lies nowhere.

use symtool_grouping::rules::Rules;
use symtool_module::number_of;
use symtool_report::{FrameKind, Trust};
use xxhash_rust::xxh3::xxh3_128;

use crate::fingerprint::frame_cache::{FrameCache, Functions};
use crate::fingerprint::names::{Name, Names, Parts};
use crate::fingerprint::trust::{NamesOf, is_file, is_name};
use crate::stored::chunk::{Chunk, Place, StoredCrash, StoredFrame, StoredImage, Text};

/// One function on a stack.
#[derive(Clone, Debug)]
pub struct StackFrame<'d> {
    /// Its name.
    pub name: &'d Name,
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
    pub place: Option<(&'d str, u32)>,
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
    /// It has none to be trusted: symbols may tell.
    Unknown,
    /// It has none, and lies in no file: at an address that another run does not have.
    Nowhere,
}

/// What a report says of a frame's function, as far as it counts for the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReportedName {
    pub function: Option<Text>,
    pub class: Option<Text>,
    pub file: Option<Text>,
    /// The index of its image in the chunk.
    pub image: Option<u32>,
    pub package: Option<Text>,
    /// Whether it is the application's own code.
    pub in_app: Option<bool>,
    pub kind: FrameKind,
}

/// Who names the function of a frame.
#[derive(Clone, Copy, Debug)]
pub enum NamedBy {
    /// The store.
    Store(Functions),
    /// The report: index of the name.
    Report(u32),
    /// The report, which may be wrong.
    Guess(u32),
    /// It is an address, to which this name says what rules have to know.
    Address(u32),
    /// It is a method whose mapping is missing: index of the name that the report has.
    Obfuscated(u32),
    /// Nothing: it tells nothing, or the next one tells it too.
    Nothing,
}

/// What a stack is built from.
pub struct Builder<'a> {
    pub chunk: &'a Chunk,
    pub crash: &'a StoredCrash,
    pub rules: &'a Rules,
    pub names: &'a Names,
    /// The number of the crash's first frame in the cache.
    pub first: usize,
}

impl StackFrame<'_> {
    /// What it is in a signature of a crash of `chunk`.
    pub fn token(&self, chunk: &Chunk) -> String {
        if matches!(self.origin, Origin::Store | Origin::Report) {
            return self.name.normal.clone();
        }
        match self.at {
            Place::Nowhere => self.name.normal.clone(),
            at => chunk.spelled(at),
        }
    }
}

impl<'a> Builder<'a> {
    /// The links, the crashing side first, and how many frames symbols of the store have named.
    pub fn build<'d>(&self, cache: &'d mut FrameCache) -> (Vec<StackFrame<'d>>, u32)
    where
        'a: 'd,
    {
        let frames = self.chunk.frames(self.crash);
        let mut steps = std::mem::take(&mut cache.steps);
        steps.clear();
        steps
            .extend(frames.iter().enumerate().map(|(index, frame)| self.step(index, frame, cache)));
        cache.steps = steps;
        let resolved =
            (0..frames.len()).filter(|index| !cache.at(self.first + index).is_empty()).count();
        let mut links = Vec::with_capacity(frames.len() + frames.len() / 2);
        for (index, (frame, step)) in frames.iter().zip(&cache.steps).enumerate() {
            let said = |name: u32| {
                let path =
                    self.chunk.text_of(frame.file).map(|path| (path, frame.line.unwrap_or(0)));
                Some(StackFrame {
                    place: path,
                    ..link(index, frame, cache.said_names.get(name as usize)?)
                })
            };
            match step {
                NamedBy::Store(functions) => {
                    links.extend(cache.functions(*functions).iter().map(|function| StackFrame {
                        origin: Origin::Store,
                        inlined: function.inlined,
                        place: function.place.as_deref().map(|(path, line)| (&**path, *line)),
                        ..link(index, frame, &function.name)
                    }));
                }
                NamedBy::Report(name) => links.extend(said(*name)),
                NamedBy::Guess(name) => links.extend(said(*name).map(|link| self.guess(&link))),
                NamedBy::Address(name) => {
                    links.extend(said(*name).and_then(|link| self.address(&link)));
                }
                NamedBy::Obfuscated(name) => {
                    links.extend(said(*name).and_then(|link| self.obfuscated(frame, &link)));
                }
                NamedBy::Nothing => {}
            }
        }
        (links, u32::try_from(resolved).unwrap_or(u32::MAX))
    }

    fn step(&self, index: usize, frame: &StoredFrame, cache: &mut FrameCache) -> NamedBy {
        let known = cache.at(self.first + index);
        if known.is_empty() {
            return self.unknown(self.first + index, frame, cache);
        }
        // Of one that was inlined, the frame around it has the same address and brings the whole
        // chain.
        if frame.inlined { NamedBy::Nothing } else { NamedBy::Store(known) }
    }

    /// The number of the name that `parts` of `frame` make.
    fn said(&self, frame: &StoredFrame, parts: &Parts<'_>, cache: &mut FrameCache) -> u32 {
        let function = frame.function.filter(|_| parts.function.is_some());
        let image = match frame.place {
            Place::Image { image, .. } => Some(image),
            _ => None,
        };
        let StoredFrame { module: class, file, package, in_app, kind, .. } = *frame;
        let key = ReportedName { function, class, file, image, package, in_app, kind };
        let FrameCache { said, said_names, .. } = cache;
        *said.entry(key).or_insert_with(|| {
            said_names.push(self.names.get(self.rules, parts));
            number_of(said_names.len() - 1)
        })
    }

    /// What the report alone tells of frame number `number` in the cache.
    fn unknown(&self, number: usize, frame: &StoredFrame, cache: &mut FrameCache) -> NamedBy {
        let function = self.chunk.text_of(frame.function).filter(|function| is_name(function));
        let module = self.chunk.text_of(frame.module).filter(|_| frame.kind != FrameKind::Native);
        let bare =
            Parts { module, path: self.chunk.text_of(frame.file), ..Parts::of(self.chunk, frame) };
        let named = Parts { function: function.map(str::as_bytes), ..bare };
        let is_named = match frame.kind {
            FrameKind::Native => function.is_some() && self.believes(frame, &bare, cache),
            _ => function.is_some() || module.is_some(),
        };
        match frame.kind {
            FrameKind::Java if cache.unknown.contains_key(&number) => {
                // Its class has a name, its method none: it is one of this build only.
                let class = cache.unknown.remove(&number);
                let named = Parts { module: class.as_deref(), ..named };
                cache.said_names.push(self.names.get(self.rules, &named));
                NamedBy::Obfuscated(number_of(cache.said_names.len() - 1))
            }
            FrameKind::Java if is_named && self.lacks_mapping(cache) => {
                let name = self.said(frame, &named, cache);
                // What is not the application's own has its name: Java and Android cannot be
                // renamed.
                let is_app = cache.said_names.get(name as usize).is_some_and(|name| name.is_app);
                if is_app { NamedBy::Obfuscated(name) } else { NamedBy::Report(name) }
            }
            _ if is_named => NamedBy::Report(self.said(frame, &named, cache)),
            FrameKind::Native if function.is_some() && !self.has_file(frame) => {
                NamedBy::Guess(self.said(frame, &named, cache))
            }
            FrameKind::Native => NamedBy::Address(self.said(frame, &bare, cache)),
            _ => NamedBy::Nothing,
        }
    }

    /// Whether the report names a mapping that is not there.
    fn lacks_mapping(&self, cache: &FrameCache) -> bool {
        self.crash
            .mapping
            .is_some_and(|image| !matches!(cache.module_of.get(image as usize), Some(Some(_))))
    }

    /// A method that has no name yet: the same in all crashes of one build.
    fn obfuscated<'d>(&self, frame: &StoredFrame, link: &StackFrame<'d>) -> Option<StackFrame<'d>> {
        let key = self
            .crash
            .mapping
            .and_then(|image| self.chunk.image(image)?.id.as_ref()?.keys().next())?;
        let mut bytes = Vec::with_capacity(128);
        bytes.push(b'j');
        bytes.extend_from_slice(&key);
        bytes.extend_from_slice(&link.identity.to_le_bytes());
        bytes.extend_from_slice(&frame.line.unwrap_or(0).to_le_bytes());
        Some(StackFrame { origin: Origin::Unknown, identity: xxh3_128(&bytes), ..link.clone() })
    }

    /// Whether the function that the report names is the one.
    fn believes(&self, frame: &StoredFrame, bare: &Parts<'_>, cache: &mut FrameCache) -> bool {
        let has_id = match frame.place {
            Place::Image { image, .. } => {
                self.chunk.image(image).is_some_and(|image| key(image).is_some())
            }
            _ => false,
        };
        let has_line = frame.line.is_some_and(|line| line > 0);
        let is_app = |cache: &mut FrameCache| {
            let name = self.said(frame, bare, cache);
            cache.said_names.get(name as usize).is_none_or(|name| name.is_app)
        };
        let is_trusted = match NamesOf::format(self.crash.format) {
            NamesOf::Addresses => true,
            // Nobody will ever know better.
            NamesOf::Either => !has_id,
            NamesOf::Exports => false,
        };
        is_trusted || has_line || !is_app(cache)
    }

    /// Whether `frame` lies in a file, so that its offset is the same in all runs of a build.
    fn has_file(&self, frame: &StoredFrame) -> bool {
        let Place::Image { image, .. } = frame.place else { return false };
        self.chunk.image(image).is_some_and(|image| {
            let name = self.chunk.text_of(image.name).or(self.chunk.text_of(image.path));
            key(image).is_some() || name.is_some_and(is_file)
        })
    }

    /// A name that may be wrong: the same in all crashes of one release.
    fn guess<'d>(&self, link: &StackFrame<'d>) -> StackFrame<'d> {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(b'g');
        bytes.extend_from_slice(&link.identity.to_le_bytes());
        bytes.extend_from_slice(
            self.chunk.text_of(self.crash.release).unwrap_or_default().as_bytes(),
        );
        StackFrame {
            origin: Origin::Unknown,
            at: Place::Nowhere,
            identity: xxh3_128(&bytes),
            ..link.clone()
        }
    }

    /// An address that has no name, and may get one if it lies in a file.
    fn address<'d>(&self, link: &StackFrame<'d>) -> Option<StackFrame<'d>> {
        let frame = self.chunk.frames(self.crash).get(link.frame)?;
        let Place::Image { image, address, .. } = link.at else {
            // Where in its file it lies, gdb may have been told not to print.
            let is_in_file = || self.chunk.text_of(frame.package).is_some_and(is_file);
            let is_anywhere = matches!(link.at, Place::Memory(_)) || is_in_file();
            return is_anywhere.then(|| StackFrame { origin: Origin::Nowhere, ..link.clone() });
        };
        if !self.has_file(frame) {
            return Some(StackFrame { origin: Origin::Nowhere, ..link.clone() });
        }
        let image = self.chunk.image(image)?;
        let mut bytes = Vec::with_capacity(64);
        bytes.push(b'a');
        bytes.extend_from_slice(&address.to_le_bytes());
        match key(image) {
            Some(key) => bytes.extend_from_slice(&key),
            // Without an id it may be any build: those of one release are taken for one.
            None => {
                bytes.extend_from_slice(
                    self.chunk.text_of(image.name).unwrap_or_default().as_bytes(),
                );
                bytes.push(0);
                bytes.extend_from_slice(
                    self.chunk.text_of(self.crash.release).unwrap_or_default().as_bytes(),
                );
            }
        }
        Some(StackFrame { origin: Origin::Unknown, identity: xxh3_128(&bytes), ..link.clone() })
    }
}

/// What tells the build of `image`. An id of zeros is none.
fn key(image: &StoredImage) -> Option<[u8; 16]> {
    image.id.as_ref().and_then(|id| id.keys().next()).filter(|key| *key != [0; 16])
}

/// A function with the name that the report has.
fn link<'d>(index: usize, frame: &StoredFrame, name: &'d Name) -> StackFrame<'d> {
    StackFrame {
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
