//! The prefixes of Android's log: a line is split into who wrote it and what was written.
//!
//! ```text
//! threadtime   01-26 10:05:11.123  1234  1250 F DEBUG   : message       also with a year, a zone, a user
//! time         01-26 10:05:11.123 F/DEBUG   ( 1234): message            Eclipse puts a colon behind the time
//! epoch        1737882311.123  1234  1250 F DEBUG   : message           monotonic likewise: seconds since the start
//! long         [ 01-26 10:05:11.123  1234: 1250 F/DEBUG    ]            the message stands on the lines below
//! brief        F/DEBUG   ( 1234): message
//! tag          F/DEBUG   : message
//! process      F( 1234) message  (DEBUG)
//! thread       F( 1234: 1250) message
//! Android Studio, from 2022 on; columns can be switched off
//!              2025-01-26 10:05:11.123  1234-1250  DEBUG       com.example.app     F  message
//! Android Studio before
//!              2020-01-26 10:05:11.123 1234-1250/com.example.app F/DEBUG: message
//! Unity's log window
//!              2025/01/26 10:05:11.123 1234 1250 Error CRASH message
//! ```
//! `raw` has no prefix. `-v color` puts an escape sequence around each line.
//!
//! Source: `liblog/logprint.cpp` of Android.

mod windows;

use windows::{old_studio, studio, unity};

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixed<'a> {
    /// Who wrote it; empty where the layout leaves it out.
    pub tag: &'a str,
    /// The process that wrote it, where the layout has it.
    pub pid: Option<u64>,
    /// What was written.
    pub message: &'a str,
    /// Whether it has no date or time, so that ordinary text can look like it: `I/O: …`.
    pub is_weak: bool,
}

/// The parts of `line`, if it has a prefix.
pub fn split(line: &str) -> Option<Prefixed<'_>> {
    let line = uncolored(line);
    let trimmed = line.trim_start();
    // Of most lines the first byte says that they are none of these.
    match trimmed.as_bytes().first()? {
        b'0'..=b'9' => after_time(trimmed).and_then(timed),
        b'[' if line.starts_with("[ ") => long(line),
        b'V' | b'D' | b'I' | b'W' | b'E' | b'F' | b'A' | b'S' => {
            let columns = || studio(trimmed).filter(|prefixed| !prefixed.message.is_empty());
            let prefixed = brief(trimmed).or_else(|| bracketed(trimmed)).or_else(columns)?;
            Some(Prefixed { is_weak: true, ..prefixed })
        }
        // Columns without time and process: only what stands in the last one tells.
        _ if ["  FATAL EXCEPTION", "  *** *** ***"].iter().any(|begin| line.contains(begin)) => {
            studio(trimmed).map(|prefixed| Prefixed { is_weak: true, ..prefixed })
        }
        _ => None,
    }
}

/// `line` without the escape sequences that color it.
fn uncolored(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("\x1b[") else { return line };
    let line = rest.split_once('m').map_or(line, |(_, rest)| rest);
    line.strip_suffix("\x1b[0m").unwrap_or(line)
}

/// What follows a date and a time of day, a time of day, or seconds.
fn after_time(line: &str) -> Option<&str> {
    let is = |text: &str, separators: &[u8]| {
        text.bytes().any(|byte| separators.contains(&byte))
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || separators.contains(&byte) || byte == b'.')
    };
    let (first, rest) = line.split_once(' ')?;
    if is(first, b"-/") {
        let (time, rest) = rest.split_once(' ')?;
        return is(time.strip_suffix(':').unwrap_or(time), b":").then(|| rest.trim_start());
    }
    let has_fraction = first.split_once('.').is_some_and(|(_, fraction)| fraction.len() >= 3);
    (has_fraction && (is(first, b":") || is(first, b"."))).then(|| rest.trim_start())
}

/// What stands behind a time.
fn timed(rest: &str) -> Option<Prefixed<'_>> {
    let rest = zone(rest);
    threadtime(rest)
        .or_else(|| brief(rest))
        .or_else(|| old_studio(rest))
        .or_else(|| unity(rest))
        .or_else(|| studio(rest))
}

/// What follows `+0100`.
fn zone(rest: &str) -> &str {
    let is_zone = |word: &str| {
        word.len() == 5
            && word.starts_with(['+', '-'])
            && word[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    rest.split_once(' ')
        .filter(|(word, _)| is_zone(word))
        .map_or(rest, |(_, rest)| rest.trim_start())
}

/// `[USER] PID TID LEVEL TAG: message`.
fn threadtime(rest: &str) -> Option<Prefixed<'_>> {
    let mut numbers = [None; 2];
    let mut at = 0;
    // A user's name comes first, and is no number.
    for _ in 0..4 {
        let word = rest[at..].split([' ', '\t']).next()?;
        if is_level(word) && numbers.iter().all(Option::is_some) {
            let (tag, message) = rest[at + word.len()..]
                .split_once(": ")
                .or_else(|| Some((rest[at + word.len()..].strip_suffix(':')?, "")))?;
            return Some(Prefixed { tag: tag.trim(), pid: numbers[0], message, is_weak: false });
        }
        numbers = [numbers[1], number(word)];
        at += word.len();
        at += rest[at..].len() - rest[at..].trim_start().len();
    }
    None
}

/// `LEVEL/TAG([USER:]PID): message` or `LEVEL/TAG: message`.
fn brief(line: &str) -> Option<Prefixed<'_>> {
    let (level, rest) = line.split_at_checked(1)?;
    let rest = rest.strip_prefix('/').filter(|_| is_level(level))?;
    // A user stands before the process's number, with a colon and blanks.
    let bracketed =
        rest.split_once("): ").or_else(|| rest.strip_suffix("):").map(|front| (front, "")));
    let with_pid = bracketed.and_then(|(front, message)| {
        let (tag, pid) = front.rsplit_once('(').filter(|(tag, _)| !tag.contains(": "))?;
        let pid = number(pid.rsplit(':').next()?.trim())?;
        Some(Prefixed { tag: tag.trim(), pid: Some(pid), message, is_weak: false })
    });
    with_pid.or_else(|| {
        let (tag, message) =
            rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|front| (front, "")))?;
        Some(Prefixed { tag: tag.trim(), pid: None, message, is_weak: false })
    })
}

/// `LEVEL([USER:]PID:TID) message` or `LEVEL([USER:]PID) message  (TAG)`.
fn bracketed(line: &str) -> Option<Prefixed<'_>> {
    let (level, rest) = line.split_at_checked(1)?;
    let (numbers, message) =
        rest.strip_prefix('(').filter(|_| is_level(level))?.split_once(") ")?;
    let mut numbers = numbers.rsplit(':').map(|text| number(text.trim()));
    let last = numbers.next()??;
    let before = numbers.next();
    if before.is_some_and(|number| number.is_none()) {
        return None;
    }
    // With a user there are two numbers as well: the tag at the end says that it is the other
    // layout.
    match message.strip_suffix(')').and_then(|message| message.rsplit_once("  (")) {
        Some((message, tag)) => {
            Some(Prefixed { tag: tag.trim(), pid: Some(last), message, is_weak: false })
        }
        None => Some(Prefixed {
            tag: "",
            pid: before.flatten().or(Some(last)),
            message,
            is_weak: false,
        }),
    }
}

/// `[ DATE TIME [USER:]PID:TID LEVEL/TAG ]`.
fn long(line: &str) -> Option<Prefixed<'_>> {
    let within = line.strip_prefix("[ ")?.trim_end().strip_suffix(']')?;
    let rest = zone(after_time(within.trim_start())?);
    let slash = rest.find('/')?;
    let level = rest.get(slash.checked_sub(1)?..slash).filter(|level| is_level(level))?;
    let numbers = rest[..slash - level.len()].trim_end();
    let mut numbers = numbers.rsplit(':').map(|text| number(text.trim()));
    numbers.next()??;
    let pid = numbers.next()??;
    Some(Prefixed {
        tag: rest[slash + 1..].trim(),
        pid: Some(pid),
        message: &line[line.len()..],
        is_weak: false,
    })
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

fn is_level(word: &str) -> bool {
    matches!(word, "V" | "D" | "I" | "W" | "E" | "F" | "A" | "S")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_with_a_time() {
        for (line, tag, pid, message) in [
            (
                "01-26 10:05:11.123  1234  1250 F DEBUG   :     #00 pc 0",
                "DEBUG",
                Some(1234),
                "    #00 pc 0",
            ),
            (
                "2024-01-26 10:05:11.123 +0100  1234  1250 F DEBUG: a: b",
                "DEBUG",
                Some(1234),
                "a: b",
            ),
            ("01-26 10:05:11.123  root  1234  1250 E My Tag  : x", "My Tag", Some(1234), "x"),
            ("01-26 10:05:11.123  1000  1234  1250 E My Tag  : x", "My Tag", Some(1234), "x"),
            (
                "01-26 10:05:11.123 E/AndroidRuntime( 99): \tat a.b(C.java:1)",
                "AndroidRuntime",
                Some(99),
                "\tat a.b(C.java:1)",
            ),
            ("01-26 10:05:11.123: E/AndroidRuntime(99): x", "AndroidRuntime", Some(99), "x"),
            (
                "01-26 10:05:11.123 +0000 E/AndroidRuntime(root: 99): x",
                "AndroidRuntime",
                Some(99),
                "x",
            ),
            ("01-26 10:05:11.123  1234  1250 F DEBUG   :", "DEBUG", Some(1234), ""),
            ("         1737882311.123  1234  1250 F DEBUG   : x", "DEBUG", Some(1234), "x"),
            ("  4711.123456  1234  1250 F DEBUG   : x", "DEBUG", Some(1234), "x"),
            (
                "[ 01-26 10:05:11.123  1234: 1250 E/AndroidRuntime ]",
                "AndroidRuntime",
                Some(1234),
                "",
            ),
            ("[ 1737882311.123  1000: 1234: 1250 E/Tag a    ]", "Tag a", Some(1234), ""),
            (
                "\x1b[38;5;196m01-26 10:05:11.123  1234  1250 F DEBUG   : x\x1b[0m",
                "DEBUG",
                Some(1234),
                "x",
            ),
            (
                "2020/01/26 10:05:11.123 1234 1250 Error CRASH #00 pc 0",
                "CRASH",
                Some(1234),
                "#00 pc 0",
            ),
        ] {
            assert_eq!(split(line), Some(Prefixed { tag, pid, message, is_weak: false }), "{line}");
        }
    }

    #[test]
    fn prefixes_without_a_time() {
        for (line, tag, pid, message) in [
            ("F/DEBUG   (  180): x", "DEBUG", Some(180), "x"),
            (
                "E/AndroidRuntime: FATAL EXCEPTION: main",
                "AndroidRuntime",
                None,
                "FATAL EXCEPTION: main",
            ),
            ("E(  180) x (y)  (DEBUG)", "DEBUG", Some(180), "x (y)"),
            ("E(  180:  190) x", "", Some(180), "x"),
            (
                "AndroidRuntime  E  FATAL EXCEPTION: main",
                "AndroidRuntime",
                None,
                "FATAL EXCEPTION: main",
            ),
            ("libx  F  *** *** ***", "libx", None, "*** *** ***"),
            ("    E  Process: a, PID: 1", "", None, "Process: a, PID: 1"),
            ("E( 1000:  180:  190) x", "", Some(180), "x"),
        ] {
            assert_eq!(split(line), Some(Prefixed { tag, pid, message, is_weak: true }), "{line}");
        }
    }

    #[test]
    fn other_lines() {
        for line in [
            "",
            "#00 pc 0",
            "java.lang.X: y",
            "E",
            "E/",
            "é/x: y",
            "01-26 10:05:11.123",
            "2014-07-16 00:25:09 +0000",
            "Date: x",
            "[ a ]",
            "[ 01-26 10:05:11.123 ]",
            "2025-03-02 10:11:12.131 ERROR [main] o.e.lantern.Lamp - refill failed",
            "12 A 0x1",
            "1.5 E x",
            "E(x) y",
            "\x1b[",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
