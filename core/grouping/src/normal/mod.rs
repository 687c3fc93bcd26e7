//! Normalises names for grouping, so that they are the same in every build.
//!
//! ```text
//! raw name ── demangle ──> name ── suffixes of clones, versions off ── by its spelling ──> cpp.rs (C, C++, Rust), swift.rs, objc.rs
//! class, method ───────────────────────────────────────────────────────────────────────> java.rs
//! message ─────────────────────────────────────────────────────────────────────────────> message.rs
//! ```
//!
//! | varies | becomes |
//! | --- | --- |
//! | arguments, return types, `const`, `&&`, `[abi:…]` | nothing |
//! | template arguments of a class | `<>`; of the function itself: nothing |
//! | C++ lambdas | `lambda` |
//! | Rust and Swift closures | `{closure}`, once for each nesting |
//! | blocks | ` {block}` behind the name |
//! | unnamed namespaces | `(anonymous namespace)` |
//! | clones, hashes, symbol versions | nothing |
//!
//! A normalised name normalises to itself.

mod brackets;
mod cpp;
mod java;
mod legacy;
mod message;
mod objc;
mod rust;
mod scope;
mod suffix;
mod swift;
mod word;

pub use java::java;
pub use message::message;
pub use scope::Scoped;

use symtool_demangle::{Spelling, demangle};

/// Where the code of a block is within its function's name.
const BLOCK: &str = " {block}";

/// What LLVM's demangler says of a block's code.
const BLOCK_OF: &str = "invocation function for block in ";

/// Code that leads to the function that it is named after and has no other content.
const THUNKS: [&str; 4] = [
    "non-virtual thunk to ",
    "virtual thunk to ",
    "covariant return thunk to ",
    "reference temporary for ",
];

/// What is not the function itself, but belongs to what follows.
const PARTS: [&str; 12] = [
    "guard variable for ",
    "vtable for ",
    "VTT for ",
    "construction vtable for ",
    "typeinfo for ",
    "typeinfo name for ",
    "TLS init function for ",
    "TLS wrapper function for ",
    "thread-local initialization routine for ",
    "thread-local wrapper routine for ",
    "template parameter object for ",
    "initializer for module ",
];

/// The name that `demangled` has in every build: without arguments, template arguments, numbers of
/// lambdas and clones. Never empty, unless `demangled` is blank.
pub fn function(demangled: &str) -> String {
    let name = demangled.trim();
    if let Some(of) = name.strip_suffix(BLOCK) {
        return with_block(&function(of));
    }
    if let Some(of) = name.strip_prefix(BLOCK_OF) {
        return with_block(&function(of));
    }
    if let Some(method) = objc::method(name) {
        return method;
    }
    if let Some(part) = PARTS.iter().find(|part| name.starts_with(**part)) {
        let of = function(&name[part.len()..]);
        return if of.is_empty() { name.to_owned() } else { format!("{part}{of}") };
    }
    let name = THUNKS.iter().find_map(|thunk| name.strip_prefix(thunk)).unwrap_or(name);
    let name = suffix::without(name);
    let mut normal = match legacy::decode(name) {
        Some(decoded) => cpp::normal(&decoded),
        None => swift::normal(name).unwrap_or_else(|| cpp::normal(name)),
    };
    // What stood before the arguments.
    normal.truncate(suffix::without(&normal).len());
    normal
}

/// [`function`] of a name as symbol tables and reports have it, mangled or not. Bytes that are no
/// UTF-8 read as U+FFFD.
pub fn of_raw(raw: &[u8]) -> String {
    if let Some(demangled) = demangle(raw, Spelling::Symtool) {
        return function(&demangled);
    }
    let text = String::from_utf8_lossy(raw);
    // Versions and clones' suffixes that the demangler does not take.
    let name = suffix::without(text.trim());
    match (name.len() < text.len()).then(|| demangle(name.as_bytes(), Spelling::Symtool)).flatten()
    {
        Some(demangled) => function(&demangled),
        None => function(&text),
    }
}

fn with_block(function: &str) -> String {
    if function.ends_with(BLOCK) { function.to_owned() } else { format!("{function}{BLOCK}") }
}
