//! The prefixes of Android's log: in, a line; out, its parts.
//!
//! ```text
//! threadtime  01-26 10:05:11.123  1234  1250 F DEBUG   : message       also with a year, a zone, a user
//! time        01-26 10:05:11.123 F/DEBUG   ( 1234): message
//! brief       F/DEBUG   ( 1234): message
//! tag         F/DEBUG   : message
//! ```
//! `raw` has no prefix, and `long` has it on a line of its own: its messages are read like those of `raw`.

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixed<'a> {
    /// Who wrote it.
    pub tag: &'a str,
    /// The process that wrote it; absent in the `tag` format.
    pub pid: Option<u64>,
    /// What was written.
    pub message: &'a str,
}

/// The parts of `line`, if it has a prefix.
pub fn split(line: &str) -> Option<Prefixed<'_>> {
    match after_time(line) {
        Some(rest) => threadtime(rest).or_else(|| brief(rest)),
        None => brief(line),
    }
}

/// What follows a date and a time of day.
fn after_time(line: &str) -> Option<&str> {
    let (date, rest) = line.split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    let is = |text: &str, separator: char| {
        text.contains(separator) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == separator as u8 || byte == b'.')
    };
    (is(date, '-') && is(time, ':')).then(|| rest.trim_start())
}

/// `[ZONE] [USER] PID TID LEVEL TAG: message`.
fn threadtime(rest: &str) -> Option<Prefixed<'_>> {
    let (front, _) = rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|front| (front, "")))?;
    let mut words = front.split_ascii_whitespace();
    let mut numbers = [None; 2];
    let level = loop {
        let word = words.next()?;
        if is_level(word) {
            break word;
        }
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        // A zone is `+0100`, a user's name has letters.
        numbers = [numbers[1], if is_number { word.parse().ok() } else { None }];
    };
    let [Some(pid), Some(_)] = numbers else { return None };
    // The level is a word of its own, and the first one like it.
    let tag_at = front.find(&format!(" {level} "))? + level.len() + 2;
    // Only a tag has blanks before its colon, and it is padded with them.
    let message = &rest[front.len()..];
    let message = message.strip_prefix(": ").or_else(|| message.strip_prefix(':'))?;
    Some(Prefixed { tag: front[tag_at..].trim(), pid: Some(pid), message })
}

/// `LEVEL/TAG( PID): message` or `LEVEL/TAG: message`.
fn brief(line: &str) -> Option<Prefixed<'_>> {
    let (level, rest) = line.split_at_checked(1)?;
    let rest = rest.strip_prefix('/').filter(|_| is_level(level))?;
    let (front, message) = rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|front| (front, "")))?;
    match front.strip_suffix(')').and_then(|front| front.rsplit_once('(')) {
        Some((tag, pid)) => Some(Prefixed { tag: tag.trim(), pid: Some(pid.trim().parse().ok()?), message }),
        None => Some(Prefixed { tag: front.trim(), pid: None, message }),
    }
}

fn is_level(word: &str) -> bool {
    matches!(word, "V" | "D" | "I" | "W" | "E" | "F" | "A" | "S")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (line, tag, pid, message) in [
            ("01-26 10:05:11.123  1234  1250 F DEBUG   :     #00 pc 0", "DEBUG", Some(1234), "    #00 pc 0"),
            ("2024-01-26 10:05:11.123 +0100  1234  1250 F DEBUG: a: b", "DEBUG", Some(1234), "a: b"),
            ("01-26 10:05:11.123  root  1234  1250 E My Tag  : x", "My Tag", Some(1234), "x"),
            ("01-26 10:05:11.123 E/AndroidRuntime( 99): \tat a.b(C.java:1)", "AndroidRuntime", Some(99), "\tat a.b(C.java:1)"),
            ("F/DEBUG   (  180): x", "DEBUG", Some(180), "x"),
            ("E/AndroidRuntime: FATAL EXCEPTION: main", "AndroidRuntime", None, "FATAL EXCEPTION: main"),
            ("01-26 10:05:11.123  1234  1250 F DEBUG   :", "DEBUG", Some(1234), ""),
        ] {
            assert_eq!(split(line), Some(Prefixed { tag, pid, message }), "{line}");
        }
    }

    #[test]
    fn other_lines() {
        for line in ["", "#00 pc 0", "java.lang.X: y", "E", "E/", "é/x: y", "01-26 10:05:11.123", "2014-07-16 00:25:09 +0000", "Date: x"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
