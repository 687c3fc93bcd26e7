//! Decides what a crash is grouped by: its signature under the symbols and rules of today.
//!
//! ```text
//! images  -> modules    which build each image is (modules.rs)
//! frames  -> answers    one batch for those not met before, a merge walk per module (frame_cache.rs, answers.rs)
//!         -> names      the same in every build, each made once (names.rs)
//!         -> stack      inlined calls are frames of their own; what is not known stays an address (stack.rs)
//!         -> judged     which frames count, by rules (symtool_grouping::rules)
//!         -> folded     recursion is gone through once (fold.rs)
//!         -> signature  what is left, from the crashing side (decide.rs)
//! ```
//!
//! Used alike where crashes are added, where they are re-processed, and where it is explained why.
//! The same crash, symbols and rules give the same signature, whatever else is in the batch.

mod answers;
mod decide;
mod fold;
mod frame_cache;
mod modules;
mod names;
mod reports;
mod stack;
mod symbols;
mod trust;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use symtool_grouping::rules::Rules;
use xxhash_rust::xxh3::xxh3_64;

use crate::ids::FingerprintId;
use crate::stored::ReadDumps;
use crate::stored::chunk::{Chunk, StoredCrash};
pub(crate) use decide::keep_smallest;
pub use decide::{Counts, Fingerprint};
pub use frame_cache::FrameCache;
pub use modules::Modules;
use modules::module_digest;
use names::Names;
pub use reports::{AssessedBefore, AssessedReport, ReportResult};
pub use stack::{Origin as NameOrigin, StackFrame};
pub use symbols::Symbols;
use symtool_store::Catalog;

/// Version of what this module makes of symbols and rules: the next one makes every crash be looked
/// at again.
pub const ENGINE: u32 = 3;

/// Says what crashes are grouped by.
pub struct Assessor<'s> {
    symbols: Symbols<'s>,
    rules: &'s Rules,
    names: Names,
    dumps: Option<Box<dyn ReadDumps + 's>>,
    /// Those that no thread sits at.
    desks: Mutex<Vec<FrameCache>>,
}

/// What came of some crashes.
#[derive(Clone, Debug, Default)]
pub struct Assessment {
    /// Of each of them, in their order.
    pub crashes: Vec<Assessed>,
    /// What these are grouped by.
    pub signatures: HashMap<FingerprintId, Fingerprint>,
}

/// What came of a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assessed {
    /// What it is grouped by.
    pub signature: FingerprintId,
    /// Frames of its stack that symbols of the store have named.
    pub resolved: u32,
}

/// A stack, and what counted of it.
#[derive(Clone, Debug)]
pub struct Explained<'d> {
    /// The frames, inlined calls among them, the crashing side first; each with what was decided.
    pub frames: Vec<(StackFrame<'d>, Counts)>,
    /// What came of it.
    pub signature: Fingerprint,
}

impl<'s> Assessor<'s> {
    /// With `symbols` and `rules`. Minidumps are no reports for it.
    pub fn new(symbols: Symbols<'s>, rules: &'s Rules) -> Self {
        let (names, desks) = (Names::default(), Mutex::default());
        Self { symbols, rules, names, dumps: None, desks }
    }

    /// The same, for which minidumps are what `dumps` reads of them.
    #[must_use]
    pub fn with_dumps(self, dumps: Box<dyn ReadDumps + 's>) -> Self {
        Self { dumps: Some(dumps), ..self }
    }

    /// What reads minidumps.
    pub fn dumps(&self) -> Option<&(dyn ReadDumps + 's)> {
        self.dumps.as_deref()
    }

    /// The modules that it knows.
    pub fn modules(&self) -> &Modules<'s> {
        self.symbols.modules()
    }

    /// The catalog of the modules.
    pub fn catalog(&self) -> &'s Catalog<'s> {
        self.symbols.catalog()
    }

    /// The rules that it applies.
    pub fn rules(&self) -> &'s Rules {
        self.rules
    }

    /// The digests of what the results of the crashes in `slots` depend on. What has the same
    /// digest as before has the same result.
    pub fn digests(&self, chunk: &Chunk, slots: &[u16]) -> Vec<u64> {
        let modules = &self.symbols.modules;
        let digest = |module: Option<usize>| modules.get(module?).map(module_digest);
        let digest_of: Vec<Option<u64>> =
            answers::modules_of(chunk, modules).into_iter().map(digest).collect();
        let mut bytes = Vec::new();
        let of_crash = |slot: &u16| {
            let images = chunk.crash(*slot).map(|crash| chunk.images_of(crash));
            images.map_or(0, |images| self.digest(images, &digest_of, &mut bytes))
        };
        slots.iter().map(of_crash).collect()
    }

    /// Of a crash with frames in `images`, whose modules have these digests. The memory of `bytes`
    /// is used.
    fn digest(&self, images: &[u32], digest_of: &[Option<u64>], bytes: &mut Vec<u8>) -> u64 {
        bytes.clear();
        bytes.extend_from_slice(&ENGINE.to_le_bytes());
        bytes.extend_from_slice(&self.rules.version().to_le_bytes());
        // By their order on the stack: a chunk from which another crash was removed numbers its
        // images anew.
        for (order, image) in (0u64..).zip(images) {
            let digest = usize::try_from(*image).ok().and_then(|image| *digest_of.get(image)?);
            if let Some(digest) = digest {
                bytes.extend_from_slice(&order.to_le_bytes());
                bytes.extend_from_slice(&digest.to_le_bytes());
            }
        }
        xxh3_64(bytes)
    }

    /// What the crashes in `slots` are grouped by.
    pub fn assess(&self, chunk: &Chunk, slots: &[u16]) -> Assessment {
        let mut cache = self.lock().pop().unwrap_or_default();
        let assessment = self.assess_at(&mut cache, chunk, slots);
        self.lock().push(cache);
        assessment
    }

    fn lock(&self) -> MutexGuard<'_, Vec<FrameCache>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assess_at(&self, cache: &mut FrameCache, chunk: &Chunk, slots: &[u16]) -> Assessment {
        let crashes: Vec<&StoredCrash> =
            slots.iter().filter_map(|slot| chunk.crash(*slot)).collect();
        cache.learn(self, chunk, &crashes);
        let mut judged = std::mem::take(&mut cache.judged);
        let mut assessment = Assessment::default();
        let mut first = 0;
        // They are lent out together with the links.
        let all_thrown = std::mem::take(&mut cache.thrown);
        for (crash, thrown) in crashes.into_iter().zip(&all_thrown) {
            let thrown = thrown.as_deref();
            let (stack, resolved) = self.stack(chunk, crash, first).build(cache);
            let decided = decide::decide(self.rules, &mut judged, (chunk, crash), &stack, thrown);
            assessment.crashes.push(Assessed { signature: decided.id, resolved });
            // Crashes of one bug are many: what people read of it is made once.
            let new = assessment.signatures.entry(decided.id);
            new.or_insert_with(|| decided.signature((chunk, crash), &stack, thrown));
            first += chunk.frames(crash).len();
        }
        cache.judged = judged;
        assessment
    }

    /// Why `crash` of `chunk` is grouped by what it is. What it shows is in `cache`.
    pub fn explain<'d>(
        &'d self,
        chunk: &'d Chunk,
        crash: &'d StoredCrash,
        cache: &'d mut FrameCache,
    ) -> Explained<'d> {
        cache.learn(self, chunk, &[crash]);
        let thrown = cache.thrown.pop().flatten();
        let (stack, _) = self.stack(chunk, crash, 0).build(cache);
        let (signature, counts) =
            decide::explained(self.rules, (chunk, crash), &stack, thrown.as_deref());
        Explained { frames: stack.into_iter().zip(counts).collect(), signature }
    }

    fn stack<'a>(
        &'a self,
        chunk: &'a Chunk,
        crash: &'a StoredCrash,
        first: usize,
    ) -> stack::Builder<'a> {
        stack::Builder { chunk, crash, rules: self.rules, names: &self.names, first }
    }
}
