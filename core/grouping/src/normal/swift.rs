//! Normalises demangled names of Swift: the path of the function, and `{closure}` for each closure
//! within it.

use super::brackets::inside;

/// Copies of a function, ways to call it, and attributes: the function is the same.
const PREFIXES: [&str; 16] = [
    "merged ",
    "specialized ",
    "@objc ",
    "@nonobjc ",
    "static ",
    "class ",
    "dynamic ",
    "override ",
    "dispatch thunk of ",
    "partial apply forwarder for ",
    "partial apply for ",
    "implicit closure of ",
    "async function pointer to ",
    "distributed thunk ",
    "back deployment thunk for ",
    "method lookup function for ",
];

/// Code that the compiler made for what follows.
const PARTS: [&str; 13] = [
    "outlined ",
    "type metadata accessor for ",
    "type metadata completion function for ",
    "type metadata for ",
    "lazy protocol witness table accessor for ",
    "protocol witness table accessor for ",
    "protocol witness table for ",
    "variable initialization expression of ",
    "nominal type descriptor for ",
    "reabstraction thunk helper",
    "value witness table for ",
    "associated type witness table accessor for ",
    "one-time initialization function for ",
];

/// Prefixes with arguments of their own.
const SPECIALIZATIONS: [&str; 4] = [
    "generic specialization <",
    "function signature specialization <",
    "generic not re-abstracted specialization <",
    "generic partial specialization <",
];

/// Closures within closures; a name that has more is cut.
const MAX_NESTING: usize = 64;

/// The path that `name` says. `None` if nothing in it is Swift's.
pub fn normal(name: &str) -> Option<String> {
    if !may_be_swift(name.as_bytes()) {
        return None;
    }
    if name.starts_with("protocol witness for ") {
        return Some(witness(name));
    }
    if let Some(part) = PARTS.iter().find(|part| name.starts_with(**part)) {
        // `outlined copy of`: what is copied is a type; its arguments go.
        let of = &name[part.len()..];
        let generics = of.find('<').unwrap_or(of.len());
        return Some(
            format!("{part}{}", of[..generics].split(" in ").next().unwrap_or_default())
                .trim_end()
                .to_owned(),
        );
    }
    if !is_swift(name) {
        return None;
    }
    let path = declaration(name, 0);
    Some(if path.is_empty() { name.to_owned() } else { path })
}

/// Whether there is a blank before or a `.` or `-` after any arguments: quick to tell, and rare in
/// C++.
fn may_be_swift(name: &[u8]) -> bool {
    let head = &name[..memchr::memchr(b'(', name).unwrap_or(name.len())];
    head.is_empty()
        || memchr::memchr3(b' ', b'.', b'-', head).is_some()
        || memchr::memmem::find(name, b" -> ").is_some()
}

/// `protocol witness for P.f() -> () in conformance T : P in M` is `P.f in T`.
fn witness(name: &str) -> String {
    let of = name.strip_prefix("protocol witness for ").unwrap_or(name);
    let (method, conformance) = of.split_once(" in conformance ").unwrap_or((of, ""));
    let mut path = declaration(method, 0);
    let of = conformance.split([' ', '<']).next().unwrap_or_default();
    if !of.is_empty() {
        path.push_str(" in ");
        path.push_str(of);
    }
    if path.is_empty() { name.to_owned() } else { path }
}

/// Whether something outside of brackets is only Swift's: `->`, a type after ` : `, a closure, an
/// attribute.
fn is_swift(name: &str) -> bool {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(&PREFIXES)
        || starts(&SPECIALIZATIONS)
        || is_closure(name)
        || name.starts_with("default argument ")
        || name.starts_with("(extension in ")
    {
        return true;
    }
    let bytes = name.as_bytes();
    let Some(dot) = memchr::memchr(b'.', bytes).or_else(|| memchr::memchr(b'-', bytes)) else {
        return false;
    };
    if memchr::memmem::find(bytes, b"::").is_some() {
        return false;
    }
    let rest = &bytes[dot..];
    [b" -> ".as_slice(), b" : ", b" infix(", b" in _", b".("]
        .iter()
        .any(|sign| memchr::memmem::find(rest, sign).is_some())
}

fn is_closure(name: &str) -> bool {
    name.starts_with("closure #")
        || name.starts_with("implicit closure #")
        || name.starts_with("async let closure")
}

/// The path of one declaration, and of those that it is within.
fn declaration(name: &str, depth: usize) -> String {
    let name = without_prefixes(name);
    if depth < MAX_NESTING {
        if is_closure(name) {
            return within(name, "{closure}", depth);
        }
        if let Some(of) =
            name.strip_prefix("default argument ").and_then(|rest| rest.split_once(" of "))
        {
            return declaration(of.1, depth + 1);
        }
        // A function within a function: `local #1 () -> () in M.f() -> ()`.
        if let Some((local, rest)) =
            name.split_once(" #").filter(|(local, _)| local.bytes().all(is_identifier))
        {
            return within(rest, local, depth);
        }
    }
    path(name)
}

fn within(name: &str, local: &str, depth: usize) -> String {
    let of = outer(name).map(|of| declaration(of, depth + 1)).unwrap_or_default();
    if of.is_empty() { local.to_owned() } else { format!("{of}.{local}") }
}

/// What follows the first ` in ` outside of brackets.
fn outer(name: &str) -> Option<&str> {
    let mut at = 0;
    while at < name.len() {
        match name.as_bytes()[at] {
            b'(' | b'<' | b'[' => at = close(name.as_bytes(), at),
            b' ' if name[at..].starts_with(" in ") => return Some(&name[at + 4..]),
            _ => at += 1,
        }
    }
    None
}

fn without_prefixes(name: &str) -> &str {
    let mut name = name;
    loop {
        let shorter = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).or_else(|| {
            let prefix = SPECIALIZATIONS.iter().find(|prefix| name.starts_with(**prefix))?;
            name[close(name.as_bytes(), prefix.len() - 1)..].strip_prefix(" of ")
        });
        let shorter = shorter.or_else(|| {
            name.strip_prefix("(extension in ")
                .and_then(|rest| rest.split_once("):"))
                .map(|(_, rest)| rest)
        });
        match shorter {
            Some(shorter) => name = shorter,
            None => return name,
        }
    }
}

/// The components up to the arguments or the type; private ones without the name of their file.
fn path(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            // An operator: `Swift.Int.< infix(…)`.
            _ if out.ends_with('.') && is_operator(byte) => {
                let end = name[at..].find([' ', '(']).map_or(name.len(), |length| at + length);
                out.push_str(&name[at..end]);
                return out;
            }
            b'<' => at = close(bytes, at),
            b'(' if out.is_empty() || out.ends_with('.') => {
                let end = close(bytes, at);
                let inner = inside(name, at, end).trim_start_matches("extension in ");
                out.push_str(inner.split([' ', '(', '<']).next().unwrap_or_default());
                at = end;
            }
            b'(' | b' ' => return out,
            _ => {
                let end = bytes[at..]
                    .iter()
                    .position(|byte| matches!(byte, b'<' | b'(' | b' ' | b'.'))
                    .map_or(bytes.len(), |length| at + length);
                let end = if end == at { at + 1 } else { end };
                out.push_str(&name[at..end]);
                at = end;
            }
        }
    }
    out
}

fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'<' | b'>'
            | b'='
            | b'!'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'&'
            | b'|'
            | b'^'
            | b'~'
            | b'?'
    )
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where the bracket that opens at `start` has closed, or the end. `->` closes nothing.
fn close(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'<' | b'[' => depth += 1,
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b')' | b'>' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}
