//! The functions at the frames of a walk: the one that each frame is of, and the calls that were
//! inlined into it.
//!
//! Frames are looked up some thousands at a time, in the order in which they are asked for, so that
//! a dump of a million frames takes no more memory than one of a few.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use symtool_demangle::{Spelling, demangle};
use symtool_minidump::{DumpWalk, Minidump, WalkFrame};
use symtool_store::resolve::{Answer, Extras, Origin, Request, Resolver, View, call_address};
use symtool_store::{Module, Reader};

use super::limits::FRAMES_PER_BATCH;

/// A function at the address of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpFunction {
    /// Its name, demangled; `None` where it has none.
    pub name: Option<String>,
    /// The source file, if it is known.
    pub file: Option<String>,
    /// The line in it, from 1; 0 if it is not known.
    pub line: u32,
    /// The column, from 1; 0 if it is not known.
    pub column: u32,
    /// Where the function begins, in bytes from the module's beginning.
    pub start: Option<u64>,
    /// Whether it was inlined into the next one.
    pub inlined: bool,
}

/// The functions at the frames of a walk.
pub struct FrameFunctions<'s, 'w> {
    resolver: Resolver<'s>,
    /// By the number of a module in the dump, what the store has of it.
    modules: Vec<Option<Known<'s>>>,
    dump: &'w Minidump<'w>,
    walk: &'w DumpWalk,
    /// How many frames the threads before each have.
    first: Vec<usize>,
    batch: Batch,
    /// How many answers are damaged.
    damaged: u64,
}

/// A module of the store.
#[derive(Clone, Copy)]
struct Known<'s> {
    module: &'s Module,
    /// Its number in the resolver.
    number: usize,
}

/// Frames that were looked up together.
#[derive(Default)]
struct Batch {
    /// Their numbers among the frames of all threads.
    frames: Range<usize>,
    /// The answer of each of them; `None` for a frame in no module that is known.
    answers: Vec<Option<usize>>,
    functions: Vec<Rc<[DumpFunction]>>,
}

impl<'s, 'w> FrameFunctions<'s, 'w> {
    /// Those of `walk`, a walk of `dump`, whose `modules` are those of `reader`.
    pub(super) fn new(
        reader: &'s Reader,
        modules: &[Option<&'s Module>],
        dump: &'w Minidump<'_>,
        walk: &'w DumpWalk,
    ) -> Self {
        let mut resolver = Resolver::default();
        let modules = modules
            .iter()
            .map(|module| {
                let module = (*module)?;
                let number = resolver.add(Origin::Store(reader, module));
                Some(Known { module, number })
            })
            .collect();
        let mut count = 0;
        let first = walk
            .threads
            .iter()
            .map(|thread| {
                count += thread.frames.len();
                count - thread.frames.len()
            })
            .collect();
        Self { resolver, modules, dump, walk, first, batch: Batch::default(), damaged: 0 }
    }

    /// The functions at a frame of a thread, innermost first; none if they are not known.
    pub fn at(&mut self, thread: usize, frame: usize) -> Rc<[DumpFunction]> {
        let Some(number) = self.first.get(thread).map(|first| first + frame) else {
            return Rc::default();
        };
        if !self.batch.frames.contains(&number) {
            self.batch = self.look_up(thread, frame, number);
        }
        let place = number - self.batch.frames.start;
        let answer = self.batch.answers.get(place).copied().flatten();
        answer.and_then(|answer| self.batch.functions.get(answer)).cloned().unwrap_or_default()
    }

    /// How many frames have no names because the blocks that have them are damaged.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Looks up a batch of frames from `frame` of `thread` on, which is frame `number` of all.
    fn look_up(&mut self, thread: usize, frame: usize, number: usize) -> Batch {
        let of_thread = self.walk.threads.get(thread..).unwrap_or_default();
        let frames = of_thread.iter().flat_map(|thread| &thread.frames);
        let mut numbers: HashMap<(usize, u64), usize> = HashMap::new();
        let mut requests = Vec::new();
        let mut places = Vec::new();
        for frame in frames.skip(frame).take(FRAMES_PER_BATCH) {
            let Some((module, address)) = self.lookup(frame) else {
                places.push(None);
                continue;
            };
            let next = requests.len();
            let number = *numbers.entry((module, address)).or_insert(next);
            if number == next {
                requests.push(Request { module, address, number });
            }
            places.push(Some(number));
        }
        let (functions, answers) = self.resolve(&mut requests);
        let answers =
            places.iter().map(|number| answers.get((*number)?).copied().flatten()).collect();
        Batch { frames: number..number + places.len(), answers, functions }
    }

    /// The module and the virtual address that says what is at a frame.
    fn lookup(&self, frame: &WalkFrame) -> Option<(usize, u64)> {
        let number = frame.module()?;
        let Known { module, number: known } = (*self.modules.get(number)?)?;
        let base = self.dump.modules.get(number)?.base;
        let offset = instruction_address(self.dump, frame).checked_sub(base)?;
        Some((known, module.record.image_base.checked_add(offset)?))
    }

    /// All answers, and by the number of the request which it has.
    fn resolve(
        &mut self,
        requests: &mut [Request],
    ) -> (Vec<Rc<[DumpFunction]>>, Vec<Option<usize>>) {
        let found: Mutex<(Vec<Vec<DumpFunction>>, u64)> = Mutex::default();
        let count = requests.len();
        let rendered = self.resolver.batch(requests, |module, answer, _| {
            let base = self.resolver.module(module).map_or(0, |module| module.record.image_base);
            let (functions, is_damaged) = functions(answer, base);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.1 += u64::from(is_damaged);
            found.0.push(functions);
            found.0.len() - 1
        });
        let (functions, damaged) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.damaged += damaged;
        let answers = (0..count).map(|number| rendered.get(number).map(|(_, at)| at)).collect();
        (functions.into_iter().map(Rc::from).collect(), answers)
    }
}

/// The address of the instruction that a frame of `dump` is at: the call's, unless the function was
/// interrupted where it stands.
pub fn instruction_address(dump: &Minidump<'_>, frame: &WalkFrame) -> u64 {
    if frame.is_exact {
        return frame.address;
    }
    let arch = super::arch_names(dump.cpu()).first().copied().unwrap_or_default();
    call_address(arch, frame.address)
}

/// The functions of an answer for a module that begins at `base`, and whether the answer is damaged.
fn functions(answer: Answer<'_, '_>, base: u64) -> (Vec<DumpFunction>, bool) {
    let mut functions = Vec::new();
    let mut frames = match answer {
        Answer::NoRange => return (functions, false),
        Answer::Corrupt(_) => return (functions, true),
        Answer::Frames(frames) => frames,
    };
    let text =
        |bytes: &[u8]| (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned());
    let view = View { extras: Extras::Shown, declarations: false };
    let whole = frames.each(view, |frame| {
        functions.push(DumpFunction {
            // Of C functions with several symbols, debuggers show the name in the source.
            name: demangle(frame.name, Spelling::Symtool)
                .or_else(|| frame.own.and_then(text).or_else(|| text(frame.name))),
            file: text(frame.file),
            line: frame.line,
            column: frame.column,
            start: frame.start.address().and_then(|start| start.checked_sub(base)),
            inlined: frame.inlined,
        });
    });
    // Half a chain of inlined calls would be another place in the program.
    if whole.is_err() {
        functions.clear();
    }
    (functions, whole.is_err())
}
