//! Demangled names of a module's functions, each worked out once.

use std::sync::OnceLock;

use symtool_demangle::windows_c_name;
pub use symtool_demangle::{Spelling, demangle};
use symtool_module::ModuleKind;
use symtool_store::ModuleRecord;

/// Whether `record` is of an image of 32-bit Windows.
pub fn is_32_bit_windows(record: &ModuleRecord) -> bool {
    record.kind == ModuleKind::Pe && record.arch == "i386"
}

/// Demangled names of one module, by function number.
#[derive(Debug)]
pub struct Demangler {
    spelling: Spelling,
    is_32_bit_windows: bool,
    names: Vec<OnceLock<Option<Box<str>>>>,
}

impl Demangler {
    /// For a module of `functions` functions, whose names are spelled as `spelling` says. If it
    /// `is_32_bit_windows`, names in C are decorated.
    pub fn new(functions: usize, spelling: Spelling, is_32_bit_windows: bool) -> Self {
        Self {
            spelling,
            is_32_bit_windows,
            names: (0..functions).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The name for people of a function without number, whose raw name is `raw`; `None` if that is
    /// its name.
    pub fn other_name(&self, raw: &[u8]) -> Option<String> {
        let c_name =
            || windows_c_name(raw).filter(|_| self.is_32_bit_windows).map(ToOwned::to_owned);
        demangle(raw, self.spelling).or_else(c_name)
    }

    /// The name of `function`, whose raw name is `raw`.
    pub fn name<'a>(&'a self, function: u32, raw: &'a [u8]) -> &'a [u8] {
        let Some(name) = self.names.get(function as usize) else { return raw };
        name.get_or_init(|| self.other_name(raw).map(String::into_boxed_str))
            .as_ref()
            .map_or(raw, |name| name.as_bytes())
    }
}
