//! Demangles Rust names of the v0 and the legacy mangling, without hashes.

use std::fmt::Write;

use crate::limits::MAX_DEMANGLED_BYTES;

/// How the last part of a legacy name begins.
const HASH: &[u8] = b"17h";

/// What follows that, before an `E`.
const HASH_DIGITS: usize = 16;

/// `_R…`
pub fn v0(raw: &[u8]) -> Option<String> {
    text(std::str::from_utf8(raw).ok()?)
}

/// `_R…`, with all from the first `.` in parentheses, as LLVM shows suffixes.
#[cfg(feature = "llvm")]
pub fn v0_as_llvm(raw: &[u8]) -> Option<String> {
    let raw = std::str::from_utf8(raw).ok()?;
    let (name, suffix) = raw.find('.').map_or((raw, ""), |dot| raw.split_at(dot));
    let mut name = text(name)?;
    if !suffix.is_empty() {
        name = format!("{name} ({suffix})");
    }
    Some(name)
}

/// Either mangling, without what follows the name, as GNU shows it.
#[cfg(feature = "gnu")]
pub fn as_gnu(raw: &[u8]) -> Option<String> {
    if raw.starts_with(b"_R") {
        let end = raw.iter().position(|&byte| byte == b'.').unwrap_or(raw.len());
        return v0(raw.get(..end)?);
    }
    text(std::str::from_utf8(raw.get(..legacy_end(raw)?)?).ok()?)
}

/// `_ZN…17h<hash>E`
pub fn legacy(raw: &[u8]) -> Option<String> {
    // Rust's demangler would take names of C++ too.
    legacy_end(raw)?;
    text(std::str::from_utf8(raw).ok()?)
}

/// Where a legacy name ends, if there is one: after its hash.
fn legacy_end(raw: &[u8]) -> Option<usize> {
    let start = raw.windows(HASH.len()).rposition(|bytes| bytes == HASH)? + HASH.len();
    let hash = raw.get(start..start + HASH_DIGITS)?;
    let is_hash = hash.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let end = start + HASH_DIGITS;
    (is_hash && raw.get(end) == Some(&b'E')).then_some(end + 1)
}

fn text(raw: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(raw).ok()?;
    let mut text = Bounded(String::new());
    write!(text, "{name:#}").ok()?;
    Some(text.0)
}

/// Text that may not grow without end.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.0.len() + text.len() > MAX_DEMANGLED_BYTES {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
