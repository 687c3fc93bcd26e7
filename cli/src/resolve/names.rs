//! Looks up the modules that requests name, each once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use symtool_store::resolve::{Origin, Resolver, call_address};
use symtool_store::{Catalog, Error, Module, Reader};

use super::args::Resolve;
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

/// Every name met, and the modules that they name.
pub struct Names<'s> {
    args: &'s Resolve,
    /// The store, if there is one.
    store: Option<(&'s Reader, &'s Catalog<'s>)>,
    spelling: Spelling,
    /// Answers for the modules.
    pub resolver: Resolver<'s>,
    /// By the resolver's number.
    demanglers: Vec<Demangler>,
    met: Vec<Name>,
    numbers: HashMap<OsString, usize>,
}

impl<'s> Names<'s> {
    /// Names of modules in `store`.
    pub fn new(
        args: &'s Resolve,
        store: Option<(&'s Reader, &'s Catalog<'s>)>,
        spelling: Spelling,
    ) -> Self {
        let (resolver, demanglers, met, numbers) =
            (Resolver::default(), Vec::new(), Vec::new(), HashMap::new());
        Self { args, store, spelling, resolver, demanglers, met, numbers }
    }

    /// Lets `asked` name the module that `origin` has.
    pub fn add(&mut self, asked: &OsStr, origin: Origin<'s>) -> usize {
        let module = Ok(self.answering(origin));
        self.push(asked, module)
    }

    /// The number of what is called `asked`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn number(&mut self, asked: &OsStr) -> Result<usize, Error> {
        if let Some(number) = self.numbers.get(asked) {
            return Ok(*number);
        }
        let module = match self.store {
            Some((reader, catalog)) => match find::module(catalog, asked, self.args.latest) {
                Ok(module) => Ok(self.answering(Origin::Store(reader, module))),
                Err(NotOne::Unreadable(error)) => return Err(error),
                Err(error) => Err(error),
            },
            None => Err(NotOne::Unknown(format!(
                "{}: there is no store to look in",
                asked.to_string_lossy()
            ))),
        };
        Ok(self.push(asked, module))
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
