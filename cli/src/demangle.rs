//! Raw linkage names -> names for people: in, bytes; out, bytes, each function's worked out once.
//!
//! The mangling's own prefix picks the demangler (`_R` and `_ZN…17h…E` Rust, `_Z` C++, as in llvm-symbolizer; `$s` and
//! its forerunners Swift). Names of Objective-C methods are what they are.

use std::fmt::{self, Write};
use std::sync::OnceLock;

use symbolic_common::{Language, Name, NameMangling};
use symbolic_demangle::{Demangle, DemangleOptions};

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

/// Bytes of one demangled name. Substitutions can make a name of some 100 bytes stand for gigabytes.
const MAX_DEMANGLED_BYTES: usize = 64 << 10;

/// Bytes of a mangled name of Swift. Its demangler calls itself for what is nested; on a stack of 2 MiB it takes names
/// of 5,000 bytes, and the longest of a real app (`ExpoModulesCore`) has 490.
const MAX_SWIFT_BYTES: usize = 2_048;

/// How names of Swift begin: since Swift 5, 4.2, 4 and before, and with the underscore of Mach-O.
const SWIFT: [&str; 6] = ["$s", "$S", "$e", "_$s", "_$S", "_T"];

/// `None` if `raw` is not mangled, or stands for more than [`MAX_DEMANGLED_BYTES`].
fn demangle(raw: &[u8]) -> Option<Box<str>> {
    let raw = std::str::from_utf8(raw).ok().filter(|raw| raw.starts_with(['_', '$']))?;
    if SWIFT.iter().any(|prefix| raw.starts_with(prefix)) {
        let name = Some(Name::new(raw, NameMangling::Mangled, Language::Swift)).filter(|_| raw.len() <= MAX_SWIFT_BYTES)?;
        // What it cannot read, it gives back.
        return name.demangle(DemangleOptions::complete()).filter(|name| name != raw).map(String::into_boxed_str);
    }
    let mut name = Bounded(String::new());
    if let Ok(rust) = rustc_demangle::try_demangle(raw) {
        write!(name, "{rust:#}").ok()?;
    } else {
        let symbol = cpp_demangle::Symbol::new(raw).ok()?;
        symbol.structured_demangle(&mut name, &cpp_demangle::DemangleOptions::default()).ok()?;
    }
    Some(name.0.into())
}

/// Text that may not grow without end.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_DEMANGLED_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
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
            ("$s4main3FooV3baryyF", Some("main.Foo.bar() -> ()")),
            ("_$s4main3FooV3baryyF", Some("main.Foo.bar() -> ()")),
            ("-[Note weight]", None),
            ("$s", None),
            ("main", None),
            ("_init", None),
            ("_ZN3foo", None),
        ] {
            assert_eq!(demangle(raw.as_bytes()).as_deref(), want, "{raw}");
        }
        assert_eq!(demangle(b"\xff\xfe"), None);
    }

    /// Each level doubles the one before.
    #[test]
    fn a_name_that_explodes_stays_raw() {
        let nested = (0..24).fold("1a".to_owned(), |name, _| format!("St4pairI{name}{name}E"));
        assert_eq!(demangle(format!("_Z1fI{}EvT_", &nested[..2_000]).as_bytes()), None);
        // As deep as a name of Swift may be.
        let deep = format!("$s4main1fyy{}F", "Say".repeat(670));
        assert_eq!(demangle(deep.as_bytes()), None);
        let long = format!("_Z{}{}v", 70_000, "x".repeat(70_000));
        assert_eq!(demangle(long.as_bytes()), None);
    }
}
