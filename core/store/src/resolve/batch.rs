//! Answers a batch of requests, and hands the rendered answers out in the order of the requests.
//!
//! ```text
//! requests   #0 b:30   #1 a:7   #2 b:10   #3 a:7
//! sorted     a:7 #1  a:7 #3 | b:10 #2  b:30 #0        cut into parts, one thread each
//! slabs      [text 1      ]   [text 2][text 0]        each distinct range is rendered once
//! places     #0 → slab 1, second; #1, #3 → slab 0, first; #2 → slab 1, first
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::answer::Answer;
use super::cache::Cache;
use super::walk::{Home, Target, Walk};
use crate::database::{InMemoryModule, Module, Reader};

/// One address to look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Index into the modules that the [`Resolver`] was given.
    pub module: usize,
    /// A virtual address of the module.
    pub address: u64,
    /// The request's number, below the number of requests of its batch.
    pub number: usize,
}

/// Answers batches for some modules.
#[derive(Default)]
pub struct Resolver<'s> {
    modules: Vec<Origin<'s>>,
    cache: Cache,
}

/// A module, and where it comes from.
#[derive(Clone)]
pub enum Origin<'s> {
    /// An open store has it.
    Store(&'s Reader, &'s Module),
    /// It is in memory.
    Memory(Arc<InMemoryModule>),
}

impl Origin<'_> {
    /// The module.
    pub fn module(&self) -> &Module {
        match self {
            Self::Store(_, module) => module,
            Self::Memory(held) => held.module(),
        }
    }

    /// Whether both are one import of a module, or one module in memory.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Store(_, one), Self::Store(_, other)) => one.generation == other.generation,
            (Self::Memory(one), Self::Memory(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    fn home(&self) -> Home<'_> {
        match self {
            Self::Store(reader, _) => Home::Store(reader),
            Self::Memory(held) => Home::Memory(held),
        }
    }
}

/// What was rendered for the requests of a batch. Its memory can be used for the next one.
#[derive(Debug)]
pub struct Rendered<T> {
    parts: Vec<Part<T>>,
    /// By number of the request: its part in the upper half, which of the part's spans in the
    /// lower; or [`NOWHERE`].
    places: Vec<AtomicU64>,
}

/// The place of a request that was not answered.
const NOWHERE: u64 = u64::MAX;

/// What one thread has rendered.
#[derive(Debug)]
struct Part<T> {
    slab: Vec<u8>,
    spans: Vec<Span<T>>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { slab: Vec::new(), spans: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug)]
struct Span<T> {
    start: usize,
    end: usize,
    status: T,
}

impl<T> Default for Rendered<T> {
    fn default() -> Self {
        Self { parts: Vec::new(), places: Vec::new() }
    }
}

impl<T: Copy> Rendered<T> {
    /// The text for request `number`, and what rendering it returned.
    pub fn get(&self, number: usize) -> Option<(&[u8], T)> {
        let place = self.places.get(number)?.load(Ordering::Relaxed);
        let part = self.parts.get(usize::try_from(place >> 32).ok()?)?;
        let span = part.spans.get(usize::try_from(place & u64::from(u32::MAX)).ok()?)?;
        Some((part.slab.get(span.start..span.end)?, span.status))
    }

    /// Bytes of text.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.slab.len()).sum()
    }
}

impl<'s> Resolver<'s> {
    /// Adds a module and returns its index, the same for the same one.
    pub fn add(&mut self, origin: Origin<'s>) -> usize {
        let known = self.modules.iter().position(|known| known.is(&origin));
        known.unwrap_or_else(|| {
            self.modules.push(origin);
            self.modules.len() - 1
        })
    }

    /// The module at `index`.
    pub fn module(&self, index: usize) -> Option<&Module> {
        self.modules.get(index).map(Origin::module)
    }

    /// Where the module at `index` comes from.
    pub fn origin(&self, index: usize) -> Option<&Origin<'s>> {
        self.modules.get(index)
    }

    /// Resolves `requests`, which it sorts, on the current rayon pool. `render` writes what is to
    /// be said of the answer for the module of the given index; it is called once for neighbouring
    /// requests of one range.
    ///
    /// A request for a module that was not added is not answered.
    pub fn batch<T, R>(&self, requests: &mut [Request], render: R) -> Rendered<T>
    where
        T: Copy + Send,
        R: Fn(usize, Answer<'_, '_>, &mut Vec<u8>) -> T + Sync,
    {
        let mut rendered = Rendered::default();
        self.batch_into(requests, &mut rendered, render);
        rendered
    }

    /// The same, in the memory of `rendered`: fresh pages cost as much as what is written to them.
    pub fn batch_into<T, R>(&self, requests: &mut [Request], rendered: &mut Rendered<T>, render: R)
    where
        T: Copy + Send,
        R: Fn(usize, Answer<'_, '_>, &mut Vec<u8>) -> T + Sync,
    {
        requests.par_sort_unstable();
        let Rendered { parts, places } = rendered;
        places.clear();
        places.resize_with(
            requests.iter().map(|request| request.number + 1).max().unwrap_or(0),
            || AtomicU64::new(NOWHERE),
        );
        let threads = rayon::current_num_threads().max(1);
        parts.resize_with(threads, Part::default);
        let part_size = requests.len().div_ceil(threads).max(1);
        parts.par_iter_mut().enumerate().for_each(|(number, part)| {
            // Parts stand side by side in memory; a thread works on one of its own.
            let mut own = std::mem::take(part);
            own.slab.clear();
            own.spans.clear();
            if let Some(requests) = requests.chunks(part_size).nth(number) {
                self.part((number, requests), &mut own, places, &render);
            }
            *part = own;
        });
    }

    fn part<T: Copy, R>(
        &self,
        (number, requests): (usize, &[Request]),
        part: &mut Part<T>,
        places: &[AtomicU64],
        render: &R,
    ) where
        R: Fn(usize, Answer<'_, '_>, &mut Vec<u8>) -> T,
    {
        let Part { slab, spans } = part;
        for of_module in requests.chunk_by(|a, b| a.module == b.module) {
            let module = of_module[0].module;
            let Some(origin) = self.modules.get(module) else { continue };
            let target = Target {
                home: origin.home(),
                cache: &self.cache,
                module: origin.module(),
                number: module,
            };
            let mut walk = Walk::new(target, of_module.len());
            let first_span = spans.len();
            for request in of_module {
                let (answer, same) = walk.answer(request.address);
                if !same || spans.len() == first_span {
                    let start = slab.len();
                    let status = render(module, answer, slab);
                    spans.push(Span { start, end: slab.len(), status });
                }
                // Two numbers of 32 bits each: a batch has fewer requests than that.
                places[request.number]
                    .store((number as u64) << 32 | (spans.len() - 1) as u64, Ordering::Relaxed);
            }
        }
    }
}
