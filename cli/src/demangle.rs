//! Demangled names of a module's functions, each worked out once.

use std::sync::OnceLock;

pub use symtool_demangle::{Spelling, demangle};

/// Demangled names of one module, by function number.
#[derive(Debug)]
pub struct Demangler {
    spelling: Spelling,
    names: Vec<OnceLock<Option<Box<str>>>>,
}

impl Demangler {
    /// For a module of `functions` functions, whose names are spelled as `spelling` says.
    pub fn new(functions: usize, spelling: Spelling) -> Self {
        Self { spelling, names: (0..functions).map(|_| OnceLock::new()).collect() }
    }

    /// The name for people of a function without number, whose raw name is `raw`; `None` if that is
    /// its name.
    pub fn other_name(&self, raw: &[u8]) -> Option<String> {
        demangle(raw, self.spelling)
    }

    /// The name of `function`, whose raw name is `raw`.
    pub fn name<'a>(&'a self, function: u32, raw: &'a [u8]) -> &'a [u8] {
        let Some(name) = self.names.get(function as usize) else { return raw };
        name.get_or_init(|| demangle(raw, self.spelling).map(String::into_boxed_str))
            .as_ref()
            .map_or(raw, |name| name.as_bytes())
    }
}
