#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod itanium;
pub mod limits;
#[cfg(feature = "msvc")]
mod msvc;
mod rust;
#[cfg(feature = "swift")]
mod swift;

/// Whose spelling a name is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// symtool's own: C++ as LLVM, Microsoft's too, Rust without hashes, Swift.
    Symtool,
    /// As `llvm-symbolizer` and `llvm-cxxfilt` (19) print: legacy Rust names as the C++ names that
    /// they look like, Swift raw.
    #[cfg(feature = "llvm")]
    Llvm,
    /// As GNU binutils (2.40) print: Rust without hashes, Swift raw.
    #[cfg(feature = "gnu")]
    Gnu,
}

/// Demangles `raw`. `None` if it is no mangled name, or stands for more than the limits allow.
pub fn demangle(raw: &[u8], spelling: Spelling) -> Option<String> {
    match spelling {
        Spelling::Symtool => symtool(raw),
        #[cfg(feature = "llvm")]
        Spelling::Llvm => llvm(raw),
        #[cfg(feature = "gnu")]
        Spelling::Gnu => gnu(raw),
    }
}

/// The name in C of a function that images of 32-bit Windows call `raw`; `None` if that is its
/// name.
#[cfg(feature = "msvc")]
pub fn windows_c_name(raw: &[u8]) -> Option<&str> {
    msvc::c_name(raw)
}

fn symtool(raw: &[u8]) -> Option<String> {
    match without_underscore(raw) {
        raw @ [b'_', b'Z', ..] => rust::legacy(raw).or_else(|| itanium::demangle(raw, false)),
        raw @ [b'_', b'R', ..] => rust::v0(raw),
        raw @ [b'_', b'_', ..] => itanium::demangle(raw, false),
        #[cfg(feature = "msvc")]
        raw @ [b'?', ..] => msvc::demangle(raw),
        #[cfg(feature = "swift")]
        raw => swift::demangle(raw),
        #[cfg(not(feature = "swift"))]
        _ => None,
    }
}

/// Mach-O puts an underscore before every name.
fn without_underscore(raw: &[u8]) -> &[u8] {
    match raw {
        [b'_', rest @ ..]
            if [b"__Z".as_slice(), b"__R", b"____Z"]
                .iter()
                .any(|prefix| raw.starts_with(prefix)) =>
        {
            rest
        }
        _ => raw,
    }
}

#[cfg(feature = "llvm")]
fn llvm(raw: &[u8]) -> Option<String> {
    match raw {
        [b'_', b'Z' | b'_', ..] => itanium::demangle(raw, false),
        [b'_', b'R', ..] => rust::v0_as_llvm(raw),
        #[cfg(feature = "msvc")]
        [b'?', ..] => msvc::demangle(raw),
        // Of functions' code where names stand for descriptors (PowerPC64).
        [b'.', rest @ ..] if !rest.starts_with(b".") => llvm(rest).map(|name| format!(".{name}")),
        _ => None,
    }
}

/// What stands before a name (`.`, `$`) and behind it (`@VERSION`) is left as it is, as in
/// binutils.
#[cfg(feature = "gnu")]
fn gnu(raw: &[u8]) -> Option<String> {
    let start = raw.iter().take_while(|byte| matches!(byte, b'.' | b'$')).count();
    let (before, rest) = raw.split_at(start);
    let end = rest.iter().position(|&byte| byte == b'@').unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let name = gnu_name(name)?;
    if before.is_empty() && after.is_empty() {
        return Some(name);
    }
    Some(format!("{}{name}{}", std::str::from_utf8(before).ok()?, std::str::from_utf8(after).ok()?))
}

#[cfg(feature = "gnu")]
fn gnu_name(raw: &[u8]) -> Option<String> {
    match raw {
        [b'_', b'Z', ..] => rust::as_gnu(raw).or_else(|| itanium::demangle(raw, true)),
        [b'_', b'R', ..] => rust::as_gnu(raw),
        _ => None,
    }
}
