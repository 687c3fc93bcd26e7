//! Demangles names of Microsoft's C++ compiler, which begin with a question mark.
//!
//! The crate undname does it, a port of LLVM's demangler. What its flags leave out they leave out
//! of types in a name as well, where LLVM prints all; so the whole is asked for, and what stands
//! before the name is taken off here.

use undname::Flags;

use crate::limits::{MAX_DEMANGLED_BYTES, MAX_MSVC_BYTES, MAX_MSVC_EXPANSION};

const ACCESS: [&str; 3] = ["public: ", "protected: ", "private: "];
const MEMBER: [&str; 2] = ["static ", "virtual "];
const CONVENTIONS: [&str; 9] = [
    "__cdecl ",
    "__thiscall ",
    "__stdcall ",
    "__fastcall ",
    "__vectorcall ",
    "__clrcall ",
    "__regcall ",
    "__eabi ",
    "__pascal ",
];

/// The name of `raw` with its parameters, without access, return type and calling convention, as
/// llvm-symbolizer prints it.
pub fn demangle(raw: &[u8]) -> Option<String> {
    let raw = std::str::from_utf8(raw)
        .ok()
        .filter(|raw| raw.starts_with('?') && raw.len() <= MAX_MSVC_BYTES)?;
    if expansion(raw) > MAX_MSVC_EXPANSION {
        return None;
    }
    let whole = undname::demangle(raw, Flags::default()).ok()?;
    let whole: &str = whole.as_ref();
    (whole.len() <= MAX_DEMANGLED_BYTES).then(|| name_only(whole))
}

/// Bytes that `raw` can stand for at most. Names of lambdas have hashes in angle brackets, which
/// stand for themselves.
fn expansion(raw: &str) -> u64 {
    let mut is_hash = false;
    let digits = raw.bytes().filter(|byte| {
        is_hash = (is_hash || *byte == b'<') && !matches!(byte, b'>' | b'@');
        byte.is_ascii_digit() && !is_hash
    });
    digits.fold(raw.len() as u64, |bytes, _| bytes.saturating_mul(2))
}

/// What is left of `whole` without all that stands before the name.
fn name_only(whole: &str) -> String {
    let (thunk, rest) =
        whole.strip_prefix("[thunk]: ").map_or(("", whole), |rest| ("[thunk]: ", rest));
    let rest = without(rest, &ACCESS);
    if let Some(name) = behind_convention(rest) {
        return format!("{thunk}{name}");
    }
    format!("{thunk}{}", without(rest, &MEMBER))
}

fn without<'a>(text: &'a str, prefixes: &[&str]) -> &'a str {
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// What follows the calling convention of a function. One that returns a pointer to a function
/// stands within that type.
fn behind_convention(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        if depth == 0
            && let Some(name) = convention(&text[at..])
        {
            return Some(name);
        }
        match byte {
            b'(' if depth == 0 => {
                if let Some(declarator) = text.get(at + 1..).and_then(convention) {
                    return in_declarator(declarator);
                }
                depth = 1;
            }
            b'<' | b'(' | b'`' => depth += 1,
            b'>' | b')' | b'\'' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The function that `declarator` declares, up to the parenthesis that ends it: `* __cdecl
/// f(int))(void)` declares `f(int)`.
fn in_declarator(declarator: &str) -> Option<&str> {
    let start =
        declarator.match_indices(" __").find_map(|(at, _)| convention(&declarator[at + 1..]))?;
    let mut depth = 0usize;
    for (at, byte) in start.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return Some(&start[..at]),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What follows a calling convention at the beginning of `text`.
fn convention(text: &str) -> Option<&str> {
    text.starts_with("__")
        .then(|| CONVENTIONS.iter().find_map(|prefix| text.strip_prefix(prefix)))?
}

/// The name in C of a function that 32-bit Windows calls `raw`: without the underscore before it,
/// or what tells how it is called (`_f`, `_f@8`, `@f@8`, `f@@8`). As llvm-symbolizer does it.
pub fn c_name(raw: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(raw).ok().filter(|raw| !raw.starts_with('?'))?;
    let is_count = |count: &str| count.bytes().all(|byte| byte.is_ascii_digit());
    let (name, has_count) = match text.rsplit_once('@').filter(|(_, count)| is_count(count)) {
        Some((name, _)) => (name, true),
        None => (text, false),
    };
    match name.strip_suffix('@').filter(|_| has_count) {
        Some(vector_call) => Some(vector_call),
        None => name.strip_prefix(['_', '@']).or_else(|| has_count.then_some(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_llvm_symbolizer_prints_them() {
        for (raw, want) in [
            (
                "?total@Cart@shop@@UEAAHPEBUItem@2@H@Z",
                "shop::Cart::total(struct shop::Item const *, int)",
            ),
            (
                "??$chain@$0A@@shop@@YAHAEAUBase@0@PEBUItem@0@H@Z",
                "shop::chain<0>(struct shop::Base &, struct shop::Item const *, int)",
            ),
            ("??3@YAXPEAX_K@Z", "operator delete(void *, unsigned __int64)"),
            ("??_7Cart@shop@@6B@", "const shop::Cart::`vftable'"),
            ("?_set_new_handler@@YAP6AHI@ZH@Z", "_set_new_handler(int)"),
            (
                "??$New@P6A?AVValue@Napi@@AEBVCallbackInfo@2@@Z@Function@Napi@@SA?AV01@PEAUnapi_env__@@P6A?AVValue@1@AEBVCallbackInfo@1@@ZPEBDPEAX@Z",
                "Napi::Function::New<class Napi::Value (__cdecl *)(class Napi::CallbackInfo const &)>(struct napi_env__*, \
                 class Napi::Value (__cdecl *)(class Napi::CallbackInfo const &), char const *, void *)",
            ),
            ("??6A@@QEAAAEAV0@H@Z", "A::operator<<(int)"),
            ("?x@@3HA", "int x"),
            ("?x@A@@0HA", "int A::x"),
        ] {
            assert_eq!(demangle(raw.as_bytes()).as_deref(), Some(want), "{raw}");
        }
        for raw in ["", "?", "_main", "??@0123456789abcdef", "?a", "?\u{e9}@@YAXXZ\0"] {
            let _ = demangle(raw.as_bytes());
        }
        assert_eq!(demangle(b"main"), None);
    }

    #[test]
    fn names_of_c() {
        for (raw, want) in [
            ("_main", "main"),
            ("_f@8", "f"),
            ("@f@8", "f"),
            ("f@@8", "f"),
            ("__f", "_f"),
            ("_a@b", "a@b"),
        ] {
            assert_eq!(c_name(raw.as_bytes()), Some(want), "{raw}");
        }
        assert_eq!([c_name(b"main"), c_name(b"?f@@YAXXZ"), c_name(b"")], [None; 3]);
    }

    /// Nested as deeply, and referring to itself as often, as a name of this length can.
    #[test]
    fn names_that_explode_end() {
        let pointers = format!("?x@@3{}HA", "PA".repeat(MAX_MSVC_BYTES / 2 - 8));
        let templates = format!("?{}@@YAXXZ", "?$a@V".repeat(800));
        for raw in [pointers, templates, format!("??{}", "0".repeat(4000)), "?$".repeat(2000)] {
            let _ = demangle(raw.as_bytes());
        }
        // Each type has the one before three times.
        let types = (0..9).fold("?f@@YAXPAH".to_owned(), |types, number| {
            format!("{types}P6AX{number}{number}{number}@Z")
        });
        assert_eq!(demangle(format!("{types}@Z").as_bytes()), None);
        let lambda = "??R<lambda_65e615be2a453ca0576c979606f46740>@@QEBA@XZ";
        assert!(expansion(lambda) < 1000);
        assert_eq!(expansion("?f@@YAXPEAX0@Z"), 28);
    }
}
