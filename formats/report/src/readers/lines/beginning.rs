//! Tells the lines with which reports and crashes begin, for those who cut streams and logs.

use super::bare::message;
use super::{anr, logcat, native, tombstone};

/// Who wrote `line`, if a crash begins in it: the process, and the tag in the log.
pub fn beginning(line: &str) -> Option<(Option<u64>, &str)> {
    let prefixed = logcat::split(line);
    let message = prefixed.map_or(line, |prefixed| prefixed.message);
    let writer = || prefixed.map_or((None, ""), |prefixed| (prefixed.pid, prefixed.tag));
    (begins_crash(message.trim_start())).then(writer)
}

/// Whether a report of one of the native formats begins in `line`, whatever its prefix.
pub fn begins_report(line: &str) -> bool {
    native::begins_report(message(line).trim())
}

/// Whether `text` is the first line of a tombstone or of an exception that ended a process.
fn begins_crash(text: &str) -> bool {
    text.starts_with(tombstone::RULE) || text.starts_with("FATAL EXCEPTION")
}

/// Whether `text` is the first line of what one crash is told with. A dump of threads has one for
/// each process.
pub fn is_beginning(text: &str) -> bool {
    begins_crash(text) || anr::process(text.trim_end()).is_some()
}
