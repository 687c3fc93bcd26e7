//! What a crash is grouped by: in, stored crashes, the symbols that are there, rules; out, a signature for each.
//!
//! ```text
//! images  -> modules    which build each image is (modules.rs)
//! frames  -> answers    one batch for all of them, a merge walk per module (answers.rs)
//!         -> names      the same in every build, each made once (names.rs)
//!         -> stack      inlined calls are frames of their own; what is not known stays an address (stack.rs)
//!         -> judged     which frames count, by rules (symtool_formats::rules)
//!         -> folded     recursion is gone through once (fold.rs)
//!         -> signature  what is left, from the crashing side (signature.rs)
//! ```
//!
//! Used alike where crashes are added, where they are re-processed, and where it is explained why. The same crash, symbols and rules give
//! the same signature, whatever else is in the batch.

mod answers;
mod fold;
mod modules;
mod names;
mod signature;
mod stack;
mod symbols;

use rayon::prelude::*;
use symtool_formats::crash::Format;
use symtool_formats::rules::{Judged, Rules};
use xxhash_rust::xxh3::Xxh3;

use crate::crash::chunk::{Chunk, StoredCrash};
pub use answers::Known;
use answers::{Answers, ModuleOf};
pub use modules::{Modules, id_bytes, id_digits, image_key};
use names::Names;
pub use signature::{Counts, Signature};
use stack::Met;
pub use stack::{Link, Origin as NameOrigin};
pub use symbols::Symbols;

/// Version of what this module makes of symbols and rules: the next one makes every crash be looked at again.
pub const ENGINE: u32 = 1;

/// Crashes that one thread takes at once: those that come after it know the frames that it has met.
const MIN_CRASHES: usize = 512;

/// Says what crashes are grouped by.
pub struct Assessor<'s> {
    symbols: Symbols<'s>,
    rules: &'s Rules,
    names: Names,
}

/// What came of a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessed {
    /// What it is grouped by.
    pub signature: Signature,
    /// Of all that the result depends on.
    pub digest: u64,
    /// Frames of its stack that symbols of the store have named.
    pub resolved: u32,
}

/// A stack, and what counted of it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The frames, inlined calls among them, the crashing side first; each with what was decided.
    pub frames: Vec<(Link, Counts)>,
    /// What came of it.
    pub signature: Signature,
}

impl<'s> Assessor<'s> {
    /// With `symbols` and `rules`.
    pub fn new(symbols: Symbols<'s>, rules: &'s Rules) -> Self {
        Self { symbols, rules, names: Names::default() }
    }

    /// The modules that it knows.
    pub fn modules(&self) -> &Modules<'s> {
        self.symbols.modules()
    }

    /// The rules that it applies.
    pub fn rules(&self) -> &'s Rules {
        self.rules
    }

    /// The digests of what the results of the crashes in `slots` depend on. What has the same digest as before has the same result.
    pub fn digests(&self, chunk: &Chunk, slots: &[u16]) -> Vec<u64> {
        let module_of = answers::modules_of(chunk, &self.symbols.modules);
        slots.iter().map(|slot| chunk.crash(*slot).map_or(0, |crash| self.digest(crash, &module_of))).collect()
    }

    fn digest(&self, crash: &StoredCrash, module_of: &ModuleOf) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(&ENGINE.to_le_bytes());
        hash.update(&self.rules.version().to_le_bytes());
        // By their order on the stack: a chunk from which another crash was removed numbers its images anew.
        for (order, image) in (0u64..).zip(crash.images()) {
            let module = usize::try_from(image).ok().and_then(|image| module_of.get(image).copied().flatten());
            if let Some(module) = module.and_then(|module| self.symbols.modules.get(module)) {
                hash.update(&order.to_le_bytes());
                hash.update(&module.generation.module.0);
                hash.update(&module.generation.number.to_le_bytes());
                hash.update(&module.footer.imported_ms.to_le_bytes());
            }
        }
        hash.digest()
    }

    /// What the crashes in `slots` are grouped by.
    pub fn assess(&self, chunk: &Chunk, slots: &[u16]) -> Vec<Assessed> {
        let crashes: Vec<&StoredCrash> = slots.iter().filter_map(|slot| chunk.crash(*slot)).collect();
        let (module_of, answers) = self.answers(chunk, &crashes);
        let firsts = firsts(&crashes);
        let assess = |(met, judged): &mut (Met, Judged), (crash, first): (&&StoredCrash, &usize)| {
            let (stack, resolved) = self.stack(chunk, crash, (*first, &answers), false).build(met);
            let signature = signature::signature(self.rules, judged, (chunk, crash), &stack);
            Assessed { signature, digest: self.digest(crash, &module_of), resolved }
        };
        crashes.par_iter().zip(&firsts).with_min_len(MIN_CRASHES).map_init(Default::default, assess).collect()
    }

    /// Why `crash` of `chunk` is grouped by what it is.
    pub fn explain(&self, chunk: &Chunk, crash: &StoredCrash) -> Explained {
        let (_, answers) = self.answers(chunk, &[crash]);
        let (stack, _) = self.stack(chunk, crash, (0, &answers), true).build(&mut Met::default());
        let (signature, counts) = signature::explained(self.rules, (chunk, crash), &stack);
        Explained { frames: stack.into_iter().zip(counts).collect(), signature }
    }

    fn answers(&self, chunk: &Chunk, crashes: &[&StoredCrash]) -> (ModuleOf, Answers) {
        let module_of = answers::modules_of(chunk, &self.symbols.modules);
        let frames = crashes.iter().flat_map(|crash| &crash.frames).enumerate();
        let mut requests: Vec<_> =
            frames.filter_map(|(number, frame)| answers::request(frame, number, &module_of, &self.symbols.modules)).collect();
        let mut answers = Answers::default();
        answers.ask(&self.symbols.resolver, &mut requests);
        (module_of, answers)
    }

    fn stack<'a>(
        &'a self,
        chunk: &'a Chunk,
        crash: &'a StoredCrash,
        (first, answers): (usize, &'a Answers),
        has_places: bool,
    ) -> stack::Builder<'a> {
        stack::Builder { chunk, crash, rules: self.rules, names: &self.names, answers, first, has_places }
    }
}

/// The number of the first frame of each crash in a batch of all of them.
fn firsts(crashes: &[&StoredCrash]) -> Vec<usize> {
    let mut next = 0;
    let first = |crash: &&StoredCrash| {
        next += crash.frames.len();
        next - crash.frames.len()
    };
    crashes.iter().map(first).collect()
}

/// Whether the names of native functions in reports of this format are those of symbols that reach to the address. Others name the nearest
/// exported symbol, however far away.
fn names_are_exact(format: Format) -> bool {
    matches!(format, Format::Tombstone | Format::Logcat | Format::Sanitizer)
}
