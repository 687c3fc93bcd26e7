//! Takes off what logs and quotations put before their lines.

use super::{logcat, prefix};

/// `text` without the prefixes of its lines, if all of them have one that is known: quoted in a
/// mail, or printed by a CI system.
pub fn unprefixed(text: &str) -> Option<String> {
    let mut bare = String::new();
    for line in text.lines() {
        let rest = prefix::strip_known(line);
        let is_prefixed = rest.len() < line.len() || matches!(line.trim(), "" | ">");
        if !is_prefixed {
            return None;
        }
        bare.push_str(if rest.trim() == ">" { "" } else { rest });
        bare.push('\n');
    }
    Some(bare)
}

/// Whether `line` is a header of Android's log, and the message stands below it.
pub fn is_long_header(line: &str) -> bool {
    line.starts_with("[ ")
        && logcat::split(line).is_some_and(|prefixed| prefixed.message.trim().is_empty())
}

/// What was written into a log.
#[inline]
pub fn message(line: &str) -> &str {
    logcat::split(line).map_or_else(|| prefix::strip_known(line), |prefixed| prefixed.message)
}
