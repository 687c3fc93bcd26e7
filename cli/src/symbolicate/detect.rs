//! Tells by its first bytes what the input is.

use symtool_minidump::{Minidump, MinidumpError, is_minidump};
use symtool_report as crash;
use symtool_report::packed::is_packed;

/// What an input is.
#[derive(Debug)]
pub enum Input {
    /// A minidump.
    Dump,
    /// A dump of another kind.
    OtherDump(MinidumpError),
    /// Something that has to be unpacked.
    Packed,
    /// What can be understood as a whole only.
    Report,
    /// Perhaps a log.
    Lines,
}

impl Input {
    /// What begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        if is_minidump(head) {
            return Self::Dump;
        }
        // Microdumps are lines of logs, which may have more.
        match Minidump::read(head) {
            Err(error @ MinidumpError::OtherDump(_)) if head.contains(&0) => {
                return Self::OtherDump(error);
            }
            _ => {}
        }
        match () {
            () if is_packed(head) => Self::Packed,
            () if begins_report(head) => Self::Report,
            () => Self::Lines,
        }
    }
}

/// Why a text has something of a dump in it that is not read.
pub fn microdump(head: &[u8]) -> Option<MinidumpError> {
    match Minidump::read(head) {
        Err(error @ MinidumpError::OtherDump(_)) => Some(error),
        _ => None,
    }
}

/// Whether what begins with `head` can be understood as a whole only: JSON, though the first line
/// may be none, Apple's texts, messages.
fn begins_report(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let apple = [
        "Incident Identifier:",
        "Identifier:",
        "Hardware Model:",
        "Exception Type:",
        "Binary Images:",
        "Date/Time:",
    ];
    let is_apple = |line: &[u8]| {
        apple.iter().any(|start| line.trim_ascii_start().starts_with(start.as_bytes()))
    };
    // Whole lines of JSON; a log quotes some, but does not begin with them.
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let is_json = text.starts_with(b"[") && crash::is_list(text)
        || lines.by_ref().take(2).any(|line| line.starts_with(b"{"));
    is_json
        || lines.any(is_apple)
        || text.split(|byte| *byte == b'\n').take(2).any(is_apple)
        || crash::is_binary(head)
}
