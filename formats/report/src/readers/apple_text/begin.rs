//! Tells lines with which Apple texts begin, and lines that only they have.

/// What the runtime begins with.
pub const UNCAUGHT: &str = "*** Terminating app due to uncaught exception";
/// What the stack of the exception is announced with.
pub const FIRST_THROW: [&str; 2] =
    ["*** First throw call stack:", "*** Call stack at first throw:"];

/// Whether a report begins in `line` that is a text from its first line on: macOS, or what the
/// runtime says in a log.
pub fn begins(line: &str) -> Option<Beginning> {
    let value = |key: &str| {
        line.strip_prefix(key).filter(|value| value.starts_with([' ', '\t'])).map(str::trim)
    };
    if value("Process:").is_some_and(|process| process.ends_with(']') && process.contains(" [")) {
        Some(Beginning::Process)
    } else if line.starts_with("Incident Identifier:") {
        Some(Beginning::Incident)
    } else if line.starts_with("Translated Report (Full Report Below)") {
        Some(Beginning::Translated)
    } else if line.find(UNCAUGHT).is_some_and(|at| !line[..at].contains('"')) {
        // JSON quotes it.
        Some(Beginning::Uncaught)
    } else {
        None
    }
}

/// What a report begins with. Of the first three, one may follow another in the same report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// `Translated Report (Full Report Below)`.
    Translated,
    /// `Incident Identifier: …`.
    Incident,
    /// `Process: name [1234]`.
    Process,
    /// `*** Terminating app due to uncaught exception …`.
    Uncaught,
}

/// Whether `line` is one that only an Apple report has.
pub fn is_own(line: &str) -> bool {
    const HEADS: [&str; 10] = [
        "Incident Identifier:",
        "CrashReporter Key:",
        "Hardware Model:",
        "Code Type:",
        "Report Version:",
        "Exception Type:",
        "Exception Codes:",
        "Binary Images:",
        "Last Exception Backtrace:",
        "Crashed Thread:",
    ];
    let is_thread = |rest: &str| {
        let number = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or_default();
        number > 0 && [":", " Crashed:", " name:"].iter().any(|end| rest[number..].starts_with(end))
    };
    HEADS.iter().any(|head| line.starts_with(head))
        || FIRST_THROW.iter().any(|words| line.trim_end().ends_with(words))
        || line.contains(UNCAUGHT)
        || line.strip_prefix("Thread ").is_some_and(is_thread)
}
