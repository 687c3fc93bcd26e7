//! Reads what only Rust's names have: types in `<T as Trait>`, hashes.

use super::brackets::{inside, skip, skip_angle};
use super::word::is_word;

/// A type of Rust: generic arguments become `<>`, numbers of closures and hashes of crates go.
pub fn rust_type(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let follows_name = at > 0 && (is_word(bytes[at - 1]) || bytes[at - 1] == b':');
        let end = match byte {
            b'<' if follows_name => {
                if out.ends_with("::") {
                    out.truncate(out.len() - 2);
                }
                out.push_str("<>");
                skip_angle(bytes, at)
            }
            b'[' if follows_name
                && is_crate_hash(inside(text, at, skip(bytes, at, b'[', b']'))) =>
            {
                skip(bytes, at, b'[', b']')
            }
            b'{' if text[at..].trim_start_matches('{').starts_with("closure") => {
                out.push_str("{closure}");
                skip(bytes, at, b'{', b'}')
            }
            _ => {
                let end = (at + 1..bytes.len())
                    .find(|next| text.is_char_boundary(*next))
                    .unwrap_or(bytes.len());
                out.push_str(&text[at..end]);
                end
            }
        };
        at = end;
    }
}

/// Rust's older names end in `::h0123456789abcdef`.
pub fn without_rust_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && is_hex(hash) && !path.is_empty() => path,
        _ => name,
    }
}

/// `core[4d6a2fc1b1b1b1b1]`, as Rust's demangler shows which crate is meant.
pub fn is_crate_hash(inner: &str) -> bool {
    (6..=16).contains(&inner.len()) && is_hex(inner)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
