//! Demangles Swift names of every mangling that Swift has had, with their types.
//!
//! Swift's own demangler does it (by symbolic-demangle), which knows no limits of its own.

use symbolic_common::{Language, Name, NameMangling};
use symbolic_demangle::{Demangle, DemangleOptions};

/// Bytes of a mangled name of Swift. Its demangler calls itself for what is nested; on a stack of 2
/// MiB it takes names of 5,000 bytes, and the longest of a real app (`ExpoModulesCore`) has 490.
const MAX_SWIFT_BYTES: usize = 2_048;

/// References to what stands before in a name of Swift. Each level of nesting that refers twice to
/// the one before doubles the work; 44 references make 22 levels, which take half a second. One
/// name in 4,500 of `ExpoModulesCore` has more.
const MAX_SWIFT_REFERENCES: usize = 44;

/// How names of Swift begin: since Swift 5, 4.2, 4 and before, and with the underscore of Mach-O.
const SWIFT: [&str; 6] = ["$s", "$S", "$e", "_$s", "_$S", "_T"];

/// The text of `raw`. `None` if it is no name of Swift, or exceeds the limits.
pub fn demangle(raw: &[u8]) -> Option<String> {
    let raw = std::str::from_utf8(raw)
        .ok()
        .filter(|raw| SWIFT.iter().any(|prefix| raw.starts_with(prefix)))?;
    if raw.len() > MAX_SWIFT_BYTES || swift_references(raw.as_bytes()) > MAX_SWIFT_REFERENCES {
        return None;
    }
    let name = Name::new(raw, NameMangling::Mangled, Language::Swift);
    // What it cannot read, it gives back.
    name.demangle(DemangleOptions::complete()).filter(|name| name != raw)
}

/// At most so many references are in `name`: `A` with letters, each perhaps after a count, or an
/// index (Swift, `docs/ABI/Mangling.rst`, "Substitutions"). Identifiers, which are bytes after
/// their number, are passed over.
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
    (
        digits.iter().fold(0usize, |number, digit| {
            number.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
        }),
        rest,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each level doubles the one before.
    #[test]
    fn a_name_that_explodes_stays_raw() {
        // Dictionaries of dictionaries, both times by reference.
        let doubled = (0..60).fold("$s1a1b1cVAD".to_owned(), |name, _| format!("{name}_ACACSDy"));
        assert!(swift_references(doubled.as_bytes()) > MAX_SWIFT_REFERENCES);
        assert_eq!(demangle(doubled.as_bytes()), None);
        assert_eq!(swift_references(b"$s4AAAA3AbCyAA1BV_A2dEtF"), 4);
        // As deep as a name of Swift may be.
        let deep = format!("$s4main1fyy{}F", "Say".repeat(670));
        assert_eq!(demangle(deep.as_bytes()), None);
    }
}
