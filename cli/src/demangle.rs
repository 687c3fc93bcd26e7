//! Raw linkage names -> names for people: in, bytes; out, bytes, each function's worked out once.
//!
//! The mangling's own prefix picks the demangler (`_R` and `_ZN…17h…E` Rust, `_Z` C++, as in llvm-symbolizer; `$s` and
//! its forerunners Swift). Names of Objective-C methods are what they are.

use std::fmt::{self, Write};
use std::sync::OnceLock;

use symbolic_common::{Language, Name, NameMangling};
use symbolic_demangle::{Demangle, DemangleOptions};

/// Whose spelling names are printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// symtool's own.
    #[default]
    Symtool,
    /// llvm-symbolizer's.
    Llvm,
    /// binutils'.
    Gnu,
}

/// The name that `raw` stands for; `None` if it is not mangled, or stands for too much.
pub fn once(raw: &[u8], _spelling: Spelling) -> Option<Box<str>> {
    demangle(raw)
}

/// Demangled names of one module, by function number.
#[derive(Debug, Default)]
pub struct Demangler {
    spelling: Spelling,
    names: Vec<OnceLock<Option<Box<str>>>>,
}

impl Demangler {
    /// For a module of `functions` functions.
    pub fn new(functions: usize) -> Self {
        Self::spelled(functions, Spelling::default())
    }

    /// The same, with names spelled as `spelling` says.
    pub fn spelled(functions: usize, spelling: Spelling) -> Self {
        Self { spelling, names: (0..functions).map(|_| OnceLock::new()).collect() }
    }

    /// The name of `function`, whose raw name is `raw`.
    pub fn name<'a>(&'a self, function: u32, raw: &'a [u8]) -> &'a [u8] {
        let Some(name) = self.names.get(function as usize) else { return raw };
        name.get_or_init(|| once(raw, self.spelling)).as_ref().map_or(raw, |name| name.as_bytes())
    }
}

/// Bytes of one demangled name. Substitutions can make a name of some 100 bytes stand for gigabytes.
const MAX_DEMANGLED_BYTES: usize = 64 << 10;

/// Bytes of a mangled name of Swift. Its demangler calls itself for what is nested; on a stack of 2 MiB it takes names
/// of 5,000 bytes, and the longest of a real app (`ExpoModulesCore`) has 490.
const MAX_SWIFT_BYTES: usize = 2_048;

/// References to what stands before in a name of Swift. Each level of nesting that refers twice to the one before
/// doubles the work; 44 references make 22 levels, which take half a second. One name in 4,500 of `ExpoModulesCore` has more.
const MAX_SWIFT_REFERENCES: usize = 44;

/// How names of Swift begin: since Swift 5, 4.2, 4 and before, and with the underscore of Mach-O.
const SWIFT: [&str; 6] = ["$s", "$S", "$e", "_$s", "_$S", "_T"];

/// `None` if `raw` is not mangled, or stands for more than [`MAX_DEMANGLED_BYTES`].
fn demangle(raw: &[u8]) -> Option<Box<str>> {
    let raw = std::str::from_utf8(raw).ok().filter(|raw| raw.starts_with(['_', '$']))?;
    if SWIFT.iter().any(|prefix| raw.starts_with(prefix)) {
        if raw.len() > MAX_SWIFT_BYTES || swift_references(raw.as_bytes()) > MAX_SWIFT_REFERENCES {
            return None;
        }
        let name = Name::new(raw, NameMangling::Mangled, Language::Swift);
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

/// At most so many references are in `name`: `A` with letters, each perhaps after a count, or an index (Swift,
/// `docs/ABI/Mangling.rst`, "Substitutions"). Identifiers, which are bytes after their number, are passed over.
fn swift_references(mut name: &[u8]) -> usize {
    let mut references = 0usize;
    while let Some((&first, rest)) = name.split_first() {
        let (number, after) = digits(name);
        if first.is_ascii_digit() {
            let is_identifier = first != b'0' && after.first() != Some(&b'_');
            name = if is_identifier { after.get(number..).unwrap_or_default() } else { after };
            continue;
        }
        name = rest;
        let mut is_list = first == b'A';
        while is_list {
            let (count, after) = digits(name);
            let Some((&letter, rest)) = after.split_first() else { return references };
            references = references.saturating_add(if letter == b'_' { 1 } else { count.max(1) });
            name = rest;
            is_list = letter.is_ascii_lowercase();
        }
    }
    references
}

/// The number that `text` begins with, 0 if none, and what follows.
fn digits(text: &[u8]) -> (usize, &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    (digits.iter().fold(0usize, |number, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0'))), rest)
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
        // Dictionaries of dictionaries, both times by reference.
        let doubled = (0..60).fold("$s1a1b1cVAD".to_owned(), |name, _| format!("{name}_ACACSDy"));
        assert!(swift_references(doubled.as_bytes()) > MAX_SWIFT_REFERENCES);
        assert_eq!(demangle(doubled.as_bytes()), None);
        assert_eq!(swift_references(b"$s4AAAA3AbCyAA1BV_A2dEtF"), 4);
        // As deep as a name of Swift may be.
        let deep = format!("$s4main1fyy{}F", "Say".repeat(670));
        assert_eq!(demangle(deep.as_bytes()), None);
        let long = format!("_Z{}{}v", 70_000, "x".repeat(70_000));
        assert_eq!(demangle(long.as_bytes()), None);
    }
}
