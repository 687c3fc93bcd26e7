//! Batches: in, requests in any order; out, what was rendered for each, to be read in the order they came in.
//!
//! ```text
//! requests   #0 b:30   #1 a:7   #2 b:10   #3 a:7
//! sorted     a:7 #1  a:7 #3 | b:10 #2  b:30 #0        cut into parts, one thread each
//! slabs      [text 1      ]   [text 2][text 0]        each distinct range is rendered once
//! spans      #0 → slab 1, second; #1, #3 → slab 0, first; #2 → slab 1, first
//! ```

use std::sync::Arc;

use rayon::prelude::*;

use super::answer::Answer;
use super::cache::Cache;
use super::walk::{Home, Target, Walk};
use crate::store::{Held, Module, Reader};

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
    Memory(Arc<Held>),
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

/// What was rendered for the requests of a batch.
#[derive(Debug, Default)]
pub struct Rendered<T> {
    slabs: Vec<Vec<u8>>,
    spans: Vec<Option<Span<T>>>,
}

#[derive(Clone, Copy, Debug)]
struct Span<T> {
    slab: usize,
    start: usize,
    end: usize,
    status: T,
}

impl<T: Copy> Rendered<T> {
    /// The text for request `number`, and what rendering it returned.
    pub fn get(&self, number: usize) -> Option<(&[u8], T)> {
        let span = self.spans.get(number).copied().flatten()?;
        Some((self.slabs.get(span.slab)?.get(span.start..span.end)?, span.status))
    }

    /// Bytes of text.
    pub fn bytes(&self) -> usize {
        self.slabs.iter().map(Vec::len).sum()
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

    /// Resolves `requests`, which it sorts, on the current rayon pool. `render` writes what is to be said of the
    /// answer for the module of the given index; it is called once for neighbouring requests of one range.
    ///
    /// A request for a module that was not added is not answered.
    pub fn batch<T, R>(&self, requests: &mut [Request], render: R) -> Rendered<T>
    where
        T: Copy + Send,
        R: Fn(usize, Answer<'_, '_>, &mut Vec<u8>) -> T + Sync,
    {
        requests.sort_unstable();
        let parts = rayon::current_num_threads().max(1);
        let part_size = requests.len().div_ceil(parts).max(1);
        let rendered: Vec<_> = requests.par_chunks(part_size).enumerate().map(|(slab, part)| self.part(slab, part, &render)).collect();
        let mut spans = vec![None; requests.len()];
        let mut slabs = Vec::with_capacity(parts);
        for (slab, part) in rendered {
            for (number, span) in part {
                if let Some(slot) = spans.get_mut(number) {
                    *slot = Some(span);
                }
            }
            slabs.push(slab);
        }
        Rendered { slabs, spans }
    }

    fn part<T: Copy, R>(&self, slab: usize, requests: &[Request], render: &R) -> (Vec<u8>, Vec<(usize, Span<T>)>)
    where
        R: Fn(usize, Answer<'_, '_>, &mut Vec<u8>) -> T,
    {
        let mut text = Vec::new();
        let mut spans: Vec<(usize, Span<T>)> = Vec::with_capacity(requests.len());
        for of_module in requests.chunk_by(|a, b| a.module == b.module) {
            let number = of_module[0].module;
            let Some(origin) = self.modules.get(number) else { continue };
            let mut walk = Walk::new(Target { home: origin.home(), cache: &self.cache, module: origin.module(), number });
            let first_span = spans.len();
            for request in of_module {
                let (answer, same) = walk.answer(request.address);
                let span = match spans.last().filter(|_| same && spans.len() > first_span) {
                    Some((_, span)) => *span,
                    None => {
                        let start = text.len();
                        let status = render(number, answer, &mut text);
                        Span { slab, start, end: text.len(), status }
                    }
                };
                spans.push((request.number, span));
            }
        }
        (text, spans)
    }
}
