//! Keeps the functions of frames that were resolved and named before, for the crashes to come.
//!
//! Crashes come by the thousand from the same places, so what one chunk has brought to light is
//! there for the next.

use std::sync::Arc;

use hashbrown::HashMap;
use symtool_grouping::rules::Judged;
use symtool_mapping::{Alternative, Context, Query, Retrace, RetraceStyle};
use symtool_module::number_of;
use symtool_report::FrameKind;
use xxhash_rust::xxh3::xxh3_64;

use crate::fingerprint::Assessor;
use crate::fingerprint::answers::{self, Answers, ModuleOf};
use crate::fingerprint::names::{Name, Parts};
use crate::fingerprint::stack::{NamedBy, ReportedName};
use crate::limits::KEPT_FRAMES;
use crate::stored::chunk::{Chunk, Place, StoredCrash, StoredFrame};
use symtool_store::resolve::Request;

/// What one thread has at hand.
#[derive(Debug, Default)]
pub struct FrameCache {
    known: HashMap<Key, Functions>,
    functions: Vec<Function>,
    /// Of each frame of the chunk's crashes, one crash after the other.
    of_frame: Vec<Functions>,
    /// What reports say of frames of the chunk.
    pub(super) said: HashMap<ReportedName, u32>,
    pub(super) said_names: Vec<Arc<Name>>,
    pub(super) steps: Vec<NamedBy>,
    pub(super) judged: Judged,
    /// Functions before those of Java frames, which are of one stack each.
    kept: usize,
    /// Java frames whose class a mapping has, but not their method, or not at their line; each with
    /// the original class.
    pub(super) unknown: HashMap<usize, String>,
    /// What each crash has thrown, by the source's name, where a mapping says so.
    pub(super) thrown: Vec<Option<String>>,
    /// Which module each image of the chunk is a build of.
    pub(super) module_of: ModuleOf,
    /// Whether paths and lines are wanted.
    has_places: bool,
}

/// What the store is asked: its module, the virtual address, and what else rules may see of the
/// frame: the hash of its package, and whether the report calls it the application's own.
type Key = (usize, u64, u64, Option<bool>);

/// The functions at one place, innermost first: a range of those of a cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct Functions {
    start: u32,
    end: u32,
}

/// A function at some place.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: Arc<Name>,
    /// Whether it was inlined into the next one.
    pub inlined: bool,
    /// Path and line, where they are known and wanted.
    pub place: Option<Box<(String, u32)>>,
}

impl Functions {
    /// Whether the store knows none.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl FrameCache {
    /// One that tells paths and lines besides.
    pub fn with_places() -> Self {
        Self { has_places: true, ..Self::default() }
    }

    /// The functions of frame number `frame` of the chunk's crashes.
    pub(super) fn at(&self, frame: usize) -> Functions {
        self.of_frame.get(frame).copied().unwrap_or_default()
    }

    /// Those of `range`.
    pub(super) fn functions(&self, range: Functions) -> &[Function] {
        self.functions.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Learns what the store knows of all frames of `crashes`, in one batch for those that were not
    /// met before.
    pub(super) fn learn(
        &mut self,
        assessor: &Assessor<'_>,
        chunk: &Chunk,
        crashes: &[&StoredCrash],
    ) {
        self.forget_chunk();
        let modules = &assessor.symbols.modules;
        self.module_of = answers::modules_of(chunk, modules);
        let packages: Vec<Option<u64>> = (0..)
            .zip(chunk.images())
            .map(|(image, _)| Some(hash(Some(package(chunk, Some(image), None)?))))
            .collect();
        // Which frames have the answer to which request.
        let (mut requests, mut asked, mut asking) = (Vec::new(), Vec::new(), Vec::new());
        let mut pending: HashMap<Key, usize> = HashMap::new();
        for frame in crashes.iter().flat_map(|crash| chunk.frames(crash)) {
            let at = self.of_frame.len();
            self.of_frame.push(Functions::default());
            let Some(Request { module, address, .. }) =
                answers::request(frame, 0, &self.module_of, modules)
            else {
                continue;
            };
            let package = match frame.place {
                Place::Image { image, .. } => packages.get(image as usize).copied().flatten(),
                _ => None,
            };
            let package = package.unwrap_or_else(|| hash(chunk.text_of(frame.package)));
            let key = (module, address, package, frame.in_app);
            if let Some(known) = self.known.get(&key) {
                self.of_frame[at] = *known;
                continue;
            }
            let number = *pending.entry(key).or_insert_with(|| {
                requests.push(Request { module, address, number: asked.len() });
                asked.push((key, frame));
                asked.len() - 1
            });
            asking.push((at, number));
        }
        let mut answers = Answers::default();
        answers.ask(&assessor.symbols.resolver, &mut requests);
        let learned: Vec<Functions> = asked
            .iter()
            .enumerate()
            .map(|(number, (_, frame))| self.take(assessor, chunk, frame, answers.frames(number)))
            .collect();
        for (at, number) in asking {
            self.of_frame[at] = learned[number];
        }
        self.known.extend(asked.iter().map(|(key, _)| *key).zip(learned));
        self.kept = self.functions.len();
        self.learn_java(assessor, chunk, crashes);
    }

    /// Forgets what belongs to the chunk before, and all the rest where that has become too much.
    fn forget_chunk(&mut self) {
        self.of_frame.clear();
        self.said.clear();
        self.said_names.clear();
        self.thrown.clear();
        self.unknown.clear();
        self.functions.truncate(self.kept);
        if self.known.len() > KEPT_FRAMES {
            self.known.clear();
            self.functions.clear();
            self.kept = 0;
        }
    }

    /// Learns what mappings know of the Java frames of `crashes`. Damage is reported by `modules
    /// verify`.
    fn learn_java(&mut self, assessor: &Assessor<'_>, chunk: &Chunk, crashes: &[&StoredCrash]) {
        let mut at = 0;
        for crash in crashes {
            let frames = chunk.frames(crash);
            let module = crash.mapping.and_then(|image| *self.module_of.get(image as usize)?);
            let mapping = module
                .and_then(|module| assessor.symbols.modules.get(module))
                .filter(|module| module.record.is_mapping());
            let mut retrace = mapping
                .map(|module| Retrace::new(assessor.symbols.mappings.of(module), RetraceStyle::R8));
            let kind = chunk.text_of(crash.kind);
            let thrown = retrace
                .as_mut()
                .zip(kind)
                .and_then(|(retrace, kind)| retrace.remap_class(kind).ok()?);
            self.thrown.push(thrown);
            if let Some(retrace) = &mut retrace {
                let mut context = kind.map(Context::thrown).unwrap_or_default();
                for (index, frame) in
                    frames.iter().enumerate().filter(|(_, frame)| frame.kind == FrameKind::Java)
                {
                    let query = Query {
                        class: chunk.text_of(frame.module).unwrap_or_default(),
                        method: chunk.text_of(frame.function).unwrap_or_default(),
                        descriptor: None,
                        file: chunk.text_of(frame.file),
                        line: frame.line,
                    };
                    // Of several answers the first: which one it was, nobody can tell.
                    let found = retrace.remap_frame(&query, &mut context).unwrap_or_default();
                    let Some(first) = found.first() else { continue };
                    if !first.is_known() {
                        let class = first
                            .frames
                            .first()
                            .map(|frame| frame.class.clone())
                            .unwrap_or_default();
                        self.unknown.insert(at + index, class);
                        continue;
                    }
                    self.of_frame[at + index] = self.take_java(assessor, chunk, frame, first);
                }
            }
            at += frames.len();
        }
    }

    /// Adds the methods that `frame` stands for.
    fn take_java(
        &mut self,
        assessor: &Assessor<'_>,
        chunk: &Chunk,
        frame: &StoredFrame,
        methods: &Alternative,
    ) -> Functions {
        let start = self.functions.len();
        let count = methods.visible().count();
        for (index, method) in methods.visible().enumerate() {
            let parts = Parts {
                function: Some(method.method.as_bytes()),
                module: Some(&method.class),
                ..Parts::of(chunk, frame)
            };
            let place =
                self.has_places.then(|| Box::new((method.file.clone(), method.line.unwrap_or(0))));
            self.functions.push(Function {
                name: assessor.names.get(assessor.rules, &parts),
                inlined: index + 1 < count,
                place,
            });
        }
        Functions { start: number_of(start), end: number_of(self.functions.len()) }
    }

    /// Adds the functions at `frame`, as the store has them.
    fn take<'k>(
        &mut self,
        assessor: &Assessor<'_>,
        chunk: &Chunk,
        frame: &StoredFrame,
        known: impl Iterator<Item = answers::Known<'k>>,
    ) -> Functions {
        let start = self.functions.len();
        for known in known.filter(|known| !known.function.is_empty()) {
            let path = std::str::from_utf8(known.file).ok().filter(|path| !path.is_empty());
            let parts = Parts { function: Some(known.function), path, ..Parts::of(chunk, frame) };
            let place = path
                .filter(|_| self.has_places)
                .map(|path| Box::new((path.to_owned(), known.line)));
            self.functions.push(Function {
                name: assessor.names.get(assessor.rules, &parts),
                inlined: known.inlined,
                place,
            });
        }
        Functions { start: number_of(start), end: number_of(self.functions.len()) }
    }
}

/// What rules see as the package of a frame that lies in `image` and names `own` itself.
pub fn package<'c>(chunk: &'c Chunk, image: Option<u32>, own: Option<&'c str>) -> Option<&'c str> {
    let image = image.and_then(|image| chunk.image(image));
    image.and_then(|image| chunk.text_of(image.path.or(image.name))).or(own)
}

fn hash(text: Option<&str>) -> u64 {
    text.map_or(0, |text| xxh3_64(text.as_bytes()))
}
