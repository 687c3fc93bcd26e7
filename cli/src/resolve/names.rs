//! Looks up the modules that requests name, each once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use anyhow::Result;
use symtool_store::resolve::{Origin, Resolver, call_address};
use symtool_store::{Catalog, Module, Reader};

use super::args::Resolve;
#[cfg(feature = "bucket")]
use crate::bucket::Opened;
use crate::demangle::{Demangler, Spelling, is_32_bit_windows};
use crate::find::{self, NotOne};

/// Names of modules that are kept from run to run.
const MAX_NAMES: usize = 10_000;

/// What people call a module.
pub struct Name {
    asked: OsString,
    /// The same as text.
    pub text: String,
    /// The module that it names.
    pub module: Result<Answering, NotOne>,
}

/// A module to answer from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answering {
    /// The resolver's number of it.
    pub number: usize,
    /// What is added to its addresses.
    base: u64,
}

/// Where modules are looked for.
#[derive(Clone, Copy)]
pub enum Lookup<'s> {
    /// Nowhere: there is no store.
    Nowhere,
    /// In a store.
    Store(&'s Reader, &'s Catalog<'s>),
    /// In a bucket.
    #[cfg(feature = "bucket")]
    Bucket(&'s Opened<'s>),
}

/// Every name met, and the modules that they name.
pub struct Names<'s> {
    args: &'s Resolve,
    from: Lookup<'s>,
    spelling: Spelling,
    /// Answers for the modules.
    pub resolver: Resolver<'s>,
    /// By the resolver's number.
    demanglers: Vec<Demangler>,
    met: Vec<Name>,
    numbers: HashMap<OsString, usize>,
}

impl<'s> Names<'s> {
    /// Names of modules that are looked for in `from`.
    pub fn new(args: &'s Resolve, from: Lookup<'s>, spelling: Spelling) -> Self {
        let (resolver, demanglers, met, numbers) =
            (Resolver::default(), Vec::new(), Vec::new(), HashMap::new());
        Self { args, from, spelling, resolver, demanglers, met, numbers }
    }

    /// Lets `asked` name the module that `origin` has.
    pub fn add(&mut self, asked: &OsStr, origin: Origin<'s>) -> usize {
        let module = Ok(self.answering(origin));
        self.push(asked, module)
    }

    /// The numbers of what is called `asked`, in that order. All that is new is looked for together.
    ///
    /// # Errors
    /// If the store or the bucket cannot be read.
    pub fn numbers(&mut self, asked: &[&OsStr]) -> Result<Vec<usize>> {
        let mut new: Vec<&OsStr> =
            asked.iter().copied().filter(|asked| !self.numbers.contains_key(*asked)).collect();
        new.sort_unstable();
        new.dedup();
        let found = self.look_up(&new)?;
        for (asked, found) in new.into_iter().zip(found) {
            let module = found.map(|origin| self.answering(origin));
            self.push(asked, module);
        }
        Ok(asked.iter().filter_map(|asked| self.numbers.get(*asked).copied()).collect())
    }

    fn look_up(&self, asked: &[&OsStr]) -> Result<Vec<Result<Origin<'s>, NotOne>>> {
        let of_store =
            |reader: &'s Reader, catalog: &'s Catalog<'s>, asked: &&OsStr| match find::module(
                catalog,
                asked,
                self.args.latest,
            ) {
                Err(NotOne::Unreadable(error)) => Err(error.into()),
                found => Ok(found.map(|module| Origin::Store(reader, module))),
            };
        match self.from {
            Lookup::Store(reader, catalog) => {
                asked.iter().map(|asked| of_store(reader, catalog, asked)).collect()
            }
            Lookup::Nowhere => Ok(asked
                .iter()
                .map(|asked| {
                    let asked = asked.to_string_lossy();
                    Err(NotOne::Unknown(format!("{asked}: there is no store to look in")))
                })
                .collect()),
            #[cfg(feature = "bucket")]
            Lookup::Bucket(opened) => {
                let found = opened.modules(asked, self.args.latest)?.into_iter();
                let origin = |(reader, module)| Origin::Store(reader, module);
                Ok(found.map(|ready| ready.map(origin)).collect())
            }
        }
    }

    fn push(&mut self, asked: &OsStr, module: Result<Answering, NotOne>) -> usize {
        let number = self.met.len();
        self.met.push(Name {
            asked: asked.to_owned(),
            text: asked.to_string_lossy().into_owned(),
            module,
        });
        self.numbers.insert(asked.to_owned(), number);
        number
    }

    fn answering(&mut self, origin: Origin<'s>) -> Answering {
        let record = &origin.module().record;
        let base = if self.args.relative { record.image_base } else { 0 };
        let functions = if self.args.no_demangle { 0 } else { record.functions as usize };
        let is_32_bit_windows = is_32_bit_windows(record);
        let number = self.resolver.add(origin);
        if number == self.demanglers.len() {
            self.demanglers.push(Demangler::new(functions, self.spelling, is_32_bit_windows));
        }
        Answering { number, base }
    }

    /// The name numbered `number`.
    pub fn get(&self, number: usize) -> Option<&Name> {
        self.met.get(number)
    }

    /// The module that `name` names.
    pub fn module(&self, name: &Name) -> Option<&Module> {
        self.resolver.module(name.module.as_ref().ok()?.number)
    }

    /// Where the module that `name` names comes from.
    pub fn origin(&self, name: &Name) -> Option<&Origin<'s>> {
        self.resolver.origin(name.module.as_ref().ok()?.number)
    }

    /// What demangles names of the module numbered `module`, if they are to be demangled.
    pub fn demangler(&self, module: usize) -> Option<&Demangler> {
        self.demanglers.get(module).filter(|_| !self.args.no_demangle)
    }

    /// Where to look for what is asked of `address` in a module.
    pub fn lookup(&self, module: Answering, address: u64) -> u64 {
        let address = address.wrapping_add(module.base);
        match self.resolver.module(module.number).filter(|_| self.args.return_addresses) {
            Some(module) => call_address(module.record.arch.as_str(), address),
            None => address,
        }
    }

    /// Keeps memory bounded where every request names another module.
    pub fn forget(&mut self) {
        if self.met.len() > MAX_NAMES {
            // The first may be that of a file, which cannot be looked up again.
            let keep = usize::from(self.args.file.is_some());
            self.met.truncate(keep);
            let met = &self.met;
            self.numbers.retain(|asked, _| met.iter().any(|name| name.asked == *asked));
        }
    }
}
