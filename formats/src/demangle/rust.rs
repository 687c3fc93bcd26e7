//! Rust names: in, those of the v0 mangling and of the one before it; out, paths without hashes.

use std::fmt::Write;

use crate::limits::MAX_DEMANGLED_BYTES;

/// `_R…`
pub fn v0(raw: &[u8]) -> Option<String> {
    text(std::str::from_utf8(raw).ok()?)
}

/// `_R…`, with all from the first `.` in parentheses, as LLVM shows suffixes.
pub fn v0_as_llvm(raw: &[u8]) -> Option<String> {
    let raw = std::str::from_utf8(raw).ok()?;
    let (name, suffix) = raw.find('.').map_or((raw, ""), |dot| raw.split_at(dot));
    let mut name = text(name)?;
    if !suffix.is_empty() {
        name = format!("{name} ({suffix})");
    }
    Some(name)
}

/// `_ZN…17h<hash>E`
pub fn legacy(raw: &[u8]) -> Option<String> {
    // Rust's demangler looks at every name; most are no such.
    let has_hash = raw.windows(3).any(|bytes| bytes == b"17h");
    if !has_hash {
        return None;
    }
    text(std::str::from_utf8(raw).ok()?)
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
