//! Raw linkage names -> names for people: in, bytes; out, bytes, each function's worked out once.
//!
//! The mangling's own prefix picks the demangler (`_R` and `_ZN…17h…E` Rust, `_Z` C++), as in llvm-symbolizer.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Demangled names of one module, by function number.
#[derive(Debug, Default)]
pub struct Demangler {
    names: Vec<OnceLock<Option<Box<str>>>>,
}

impl Demangler {
    /// For a module of `functions` functions.
    pub fn new(functions: usize) -> Self {
        Self { names: (0..functions).map(|_| OnceLock::new()).collect() }
    }

    /// The name of `function`, whose raw name is `raw`.
    pub fn name<'a>(&'a self, function: u32, raw: &'a [u8]) -> &'a [u8] {
        let Some(name) = self.names.get(function as usize) else { return raw };
        name.get_or_init(|| demangle(raw)).as_ref().map_or(raw, |name| name.as_bytes())
    }
}

/// `None` if `raw` is not mangled.
fn demangle(raw: &[u8]) -> Option<Box<str>> {
    let raw = std::str::from_utf8(raw).ok().filter(|raw| raw.starts_with('_'))?;
    match addr2line::demangle_auto(Cow::Borrowed(raw), None) {
        Cow::Owned(name) => Some(name.into()),
        Cow::Borrowed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_pick_the_demangler() {
        for (raw, want) in [
            ("_ZN3foo3barEi", Some("foo::bar(int)")),
            ("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", Some("core::fmt::Write::write_fmt")),
            ("_RNvC7mycrate3foo", Some("mycrate::foo")),
            ("main", None),
            ("_init", None),
            ("_ZN3foo", None),
        ] {
            assert_eq!(demangle(raw.as_bytes()).as_deref(), want, "{raw}");
        }
        assert_eq!(demangle(b"\xff\xfe"), None);
    }
}
