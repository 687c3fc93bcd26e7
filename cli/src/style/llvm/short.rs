//! Names without scope and parameters, as `--functions=short` shows them.

use crate::demangle::{self, Spelling};
use std::borrow::Cow;
use symtool_store::resolve::Frame;

/// The name without scope and parameters, much as debug data would say it; nothing where it knows
/// no function.
pub(super) fn short<'a>(frame: &Frame<'a>) -> Cow<'a, [u8]> {
    let raw = frame.own.unwrap_or(frame.name);
    // Hashes of Rust are no part of a function's name.
    let demangled = demangle::demangle(raw, Spelling::Symtool);
    demangled.map_or(Cow::Borrowed(raw), |name| Cow::Owned(base_of(name.as_bytes()).to_vec()))
}

/// `c<int>` of `void a::b::c<int>(char) const`, `operator()` of `f(int)::{lambda()#1}::operator()()
/// const`.
fn base_of(name: &[u8]) -> &[u8] {
    let (mut depth, mut start, mut end) = (0_u32, 0, name.len());
    for (at, &byte) in name.iter().enumerate() {
        match byte {
            b'(' if depth == 0 && at > start && !name[start..at].ends_with(b"operator") => {
                end = end.min(at);
                depth += 1;
            }
            b'<' | b'(' | b'{' | b'[' => depth += 1,
            b'>' | b')' | b'}' | b']' => depth = depth.saturating_sub(1),
            // What has parameters and then a scope is itself a scope.
            b':' if depth == 0 => (start, end) = (at + 1, name.len()),
            b' ' if depth == 0 && end > at => start = at + 1,
            _ => {}
        }
    }
    name.get(start..end).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_scope_and_parameters() {
        for (name, want) in [
            ("void a::b::c<int>(char) const", "c<int>"),
            ("main", "main"),
            ("f(int)::{lambda()#1}::operator()() const", "operator()"),
            ("a::total(Ring const&)::$_0::operator()(int) const", "operator()"),
            ("a::total(Ring const&)::$_0::__invoke(int)", "__invoke"),
            ("core::ptr::is_aligned_to", "is_aligned_to"),
            ("A::~A()", "~A"),
            ("(anonymous namespace)::f(int)", "f"),
        ] {
            assert_eq!(std::str::from_utf8(base_of(name.as_bytes())), Ok(want), "{name}");
        }
    }
}
