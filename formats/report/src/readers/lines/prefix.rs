//! Removes prefixes of logs other than Android's, and measures the indentation behind them.
//!
//! ```text
//! Mar 02 10:11:12 host lantern[4711]: message            syslog, journalctl; the date also as in ISO 8601
//! 2025-03-02T10:11:12.1314151Z message                   CI, containers; 2025-03-02 10:11:12,131
//! [10:11:12] message                                     CI
//! <4>[  123.456789][ T4711] message                      the kernel
//! web-1  | message, [pod/web-1/web] message, > message   compose, kubectl, mail
//! CRASH LOG: message                                     anything: where a report begins behind it, the lines that have the same go on
//! ```

use super::{java, native};

/// Bytes of a prefix of unknown layout.
const MAX_BYTES: usize = 256;

/// Prefixes of one log.
#[derive(Debug, Default)]
pub struct Prefix {
    /// One that is like no known one.
    learned: Option<String>,
}

impl Prefix {
    /// `line` without its prefix.
    pub fn strip<'a>(&mut self, line: &'a str) -> &'a str {
        let rest = strip_known(line);
        if let Some(learned) = &self.learned
            && let Some(end) = like(learned, rest)
        {
            return strip_known(&rest[end..]);
        }
        if let Some(at) = report_at(rest) {
            self.learned = Some(rest[..at].to_owned());
            return &rest[at..];
        }
        rest
    }
}

/// `line` without the prefixes that are known by their layout.
pub fn strip_known(line: &str) -> &str {
    let mut rest = line;
    // A container's prefix stands before a time, that before a program.
    for _ in 0..4 {
        let Some(next) = step(rest) else { break };
        rest = next;
    }
    rest
}

fn step(line: &str) -> Option<&str> {
    match line.as_bytes().first()? {
        // A byte order mark.
        0xef => line.strip_prefix('\u{feff}'),
        0x1b => escape(line),
        b'>' => line.strip_prefix("> "),
        b'<' => kernel_level(line),
        b'[' => bracketed(line),
        b'0'..=b'9' => time(line).map(|rest| program(rest).unwrap_or(rest)),
        b'A'..=b'Z' => syslog(line).or_else(|| container(line)),
        b'a'..=b'z' => container(line),
        _ => None,
    }
}

/// A colour, or what a terminal or a CI system is told: `ESC _bk;t=1740906672131 BEL`.
fn escape(line: &str) -> Option<&str> {
    if line.starts_with("\u{1b}_") || line.starts_with("\u{1b}]") {
        return line.split_once('\u{7}').map(|(_, rest)| rest);
    }
    let rest = line.strip_prefix("\u{1b}[")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    rest[end..].strip_prefix(['m', 'K'])
}

/// `<4>[  123.456789] `.
fn kernel_level(line: &str) -> Option<&str> {
    let (level, rest) = line.strip_prefix('<')?.split_once('>')?;
    (level.len() <= 3 && level.parse::<u32>().is_ok() && step(rest).is_some()).then_some(rest)
}

/// `[  123.456789] `, `[ T4711] `, `[10:11:12] `, `[2025-03-02T10:11:12Z] `, `[pod/a/b] `.
fn bracketed(line: &str) -> Option<&str> {
    let (within, rest) = line.strip_prefix('[')?.split_once(']')?;
    let within = within.trim();
    let is_seconds = within.split_once('.').is_some_and(|(seconds, fraction)| {
        is_number(seconds) && fraction.len() >= 3 && is_number(fraction)
    });
    let is_task = within.strip_prefix(['T', 'C']).is_some_and(is_number);
    let is_pod = within.starts_with("pod/") || within.starts_with("container/");
    let is_time = time(within).is_some_and(str::is_empty);
    if !(is_seconds || is_task || is_pod || is_time) {
        return None;
    }
    let rest = if rest.starts_with('[') { rest } else { rest.strip_prefix(' ')? };
    Some(if is_seconds || is_time { program(rest).unwrap_or(rest) } else { rest })
}

/// What follows a date and a time, or a time.
fn time(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let digits = |from: usize, count: usize| {
        bytes.get(from..from + count).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit))
    };
    let is_date = digits(0, 4)
        && digits(5, 2)
        && digits(8, 2)
        && bytes[4] == bytes[7]
        && matches!(bytes[4], b'-' | b'/');
    let start = if is_date && matches!(bytes.get(10), Some(b'T' | b' ')) { 11 } else { 0 };
    let is_time = digits(start, 2)
        && digits(start + 3, 2)
        && digits(start + 6, 2)
        && bytes[start + 2] == b':'
        && bytes[start + 5] == b':';
    if !is_time {
        return None;
    }
    let rest = &line[start + 8..];
    let rest = rest
        .strip_prefix(['.', ','])
        .map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let rest = rest.strip_prefix('Z').unwrap_or_else(|| match rest.strip_prefix(['+', '-']) {
        Some(zone) => zone.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'),
        None => rest,
    });
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix([' ', '\t']) }
}

/// `Mar  2 10:11:12 host lantern[4711]: `.
fn syslog(line: &str) -> Option<&str> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (month, rest) = line.split_once(' ')?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    (MONTHS.contains(&month) && day.len() <= 2 && is_number(day)).then_some(())?;
    program(time(rest)?)
}

/// `host lantern[4711]: `, `host kernel: `: what follows it, and for the kernel its own time.
fn program(line: &str) -> Option<&str> {
    let (host, rest) = line.split_once(' ')?;
    let (name, rest) =
        rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|name| (name, "")))?;
    let (name, pid) = name
        .strip_suffix(']')
        .and_then(|name| name.rsplit_once('['))
        .map_or((name, None), |(name, pid)| (name, Some(pid)));
    let is_name = !name.is_empty() && !name.contains([' ', '"', '\'', '(', '=']);
    let is_host = !host.is_empty() && !host.contains(['(', '[', '"', '=', ':', '#']);
    (is_host && is_name && pid.map_or(name == "kernel", is_number)).then_some(rest)
}

/// `web-1  | `.
fn container(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once('|')?;
    let is_name =
        name.ends_with(' ') && !name.trim_end().contains([' ', '\t']) && name.len() < MAX_BYTES;
    is_name.then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a report begins with behind a prefix that is not known. Each is enough to tell that one
/// begins.
const MARKS: [&str; 25] = [
    "==",
    "WARNING: ThreadSanitizer: ",
    "#0 0x",
    "#0  0x",
    "#00 pc ",
    "*** Check failure stack trace: ***",
    "*** Aborted at ",
    "*** SIG",
    "thread '",
    "stack backtrace:",
    "panic: ",
    "fatal error: ",
    "goroutine ",
    "Program received signal ",
    "Program terminated with signal ",
    "Core was generated by ",
    "Thread ",
    "* thread #",
    "FATAL ERROR: ",
    "# A fatal error has been detected by ",
    "Stack dump:",
    "PLEASE submit a bug report to ",
    "======= Backtrace: ",
    "0: /",
    "Exception in thread \"",
];

/// Where in `line` a report begins behind a prefix that is not known.
fn report_at(line: &str) -> Option<usize> {
    let head = &line[..floor(line, MAX_BYTES)];
    let bytes = head.as_bytes();
    // What has a number between its signs may stand behind anything.
    let is_free = |at: usize| {
        bytes[at] == b'='
            && bytes[at - 1] != b'='
            && bytes.get(at + 2).is_some_and(u8::is_ascii_digit)
    };
    let is_word = |at: &usize| {
        (bytes[at - 1].is_ascii_whitespace() || is_free(*at))
            && is_mark(&bytes[*at..])
            && begins(head, *at)
    };
    // A report that begins with the line itself may have such words in its message. Those of
    // sanitizers are found anywhere in a line.
    let is_message = |at: usize| !matches!(bytes[at], b'=' | b'W') && native::begins_report(head);
    let at = match (1..bytes.len()).find(is_word) {
        Some(at) if is_message(at) => return None,
        found => found.or_else(|| runtime_error_at(head))?,
    };
    // What is indented is so behind its prefix, too.
    let prefix = head[..at].trim_end_matches([' ', '\t']);
    let end = prefix.len() + usize::from(head[prefix.len()..].starts_with(' '));
    (!prefix.is_empty()).then_some(end)
}

fn is_mark(bytes: &[u8]) -> bool {
    // Of most words, the first letter says that they are none.
    matches!(
        bytes.first(),
        Some(
            b'=' | b'W'
                | b'#'
                | b'*'
                | b't'
                | b's'
                | b'p'
                | b'f'
                | b'g'
                | b'P'
                | b'C'
                | b'T'
                | b'F'
                | b'S'
                | b'0'
                | b'E'
        )
    ) && MARKS.iter().any(|mark| bytes.starts_with(mark.as_bytes()))
}

fn begins(head: &str, at: usize) -> bool {
    let text = head[at..].trim_end();
    native::begin(text).is_some() || java::line(text).is_some()
}

/// Where the path begins that a runtime error is in.
fn runtime_error_at(head: &str) -> Option<usize> {
    let path = &head[..head.find(": runtime error: ")?];
    let at = path.rfind([' ', '\t'])? + 1;
    begins(head, at).then_some(at)
}

/// The end of what `line` begins with, if that is like `prefix` but for its numbers.
fn like(prefix: &str, line: &str) -> Option<usize> {
    let (mut want, mut found) = (prefix.as_bytes(), line.as_bytes());
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    while let Some(first) = want.first() {
        let (left, right) = (digits(want), digits(found));
        if (left > 0) != (right > 0) || left == 0 && found.first() != Some(first) {
            // The blank at the end may be missing where nothing follows.
            return (found.is_empty() && want == b" ").then_some(line.len());
        }
        want = &want[left.max(1)..];
        found = &found[right.max(1)..];
    }
    let end = line.len() - found.len();
    line.is_char_boundary(end).then_some(end)
}

/// The largest end below `most` at which a character ends.
fn floor(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_prefixes() {
        for (line, rest) in [
            ("Mar 02 10:11:12 host lantern[4711]:     #0 0x55", "    #0 0x55"),
            ("Mar  2 10:11:12.131415 host kernel: [  123.456789] BUG: x", "BUG: x"),
            ("2025-03-02T10:11:12.123456+01:00 host lantern[1]: x", "x"),
            ("2025-03-02T10:11:12.1314151Z     #1 x", "    #1 x"),
            ("2025-03-02 10:11:12,131 x", "x"),
            ("[2025-03-02T10:11:12Z] x", "x"),
            ("[10:11:12] x", "x"),
            ("10:11:12.131 x", "x"),
            ("<4>[  123.456789][ T4711] x", "x"),
            ("[  123.456789]  ? f+0x1/0x2", " ? f+0x1/0x2"),
            ("<0>Mar  2 10:11:12 host kernel: [  123.456789] x", "x"),
            ("[ 1234.567890] host lantern[12]: x", "x"),
            ("web-1  |     #0 0x1", "    #0 0x1"),
            ("web_1  | 2025-03-02T10:11:12Z x", "x"),
            ("[pod/a/b] x", "x"),
            ("> > x", "x"),
            ("\u{1b}[1m\u{1b}[31m==1==ERROR: x", "==1==ERROR: x"),
        ] {
            assert_eq!(strip_known(line), rest, "{line}");
        }
        for line in [
            "",
            "#0 0x1",
            "[signal SIGSEGV: x]",
            "[New LWP 4711]",
            "0x12 - 0x13 a",
            "a | b",
            "0|0|a|b|c|1|0x5",
            "10:11 x",
            "[0x12,0x13) is",
            "Process: a [1]",
        ] {
            let want = if line == "a | b" { "b" } else { line };
            assert_eq!(strip_known(line), want, "{line}");
        }
    }

    #[test]
    fn any_prefix() {
        let mut prefix = Prefix::default();
        for (line, rest) in [
            ("CRASH LOG: before", "CRASH LOG: before"),
            (
                "CRASH LOG: ==4711==ERROR: AddressSanitizer: SEGV on x",
                "==4711==ERROR: AddressSanitizer: SEGV on x",
            ),
            ("CRASH LOG:     #0 0x1 in f", "    #0 0x1 in f"),
            ("CRASH LOG:", ""),
            ("other: #x", "other: #x"),
        ] {
            assert_eq!(prefix.strip(line), rest, "{line}");
        }
        let mut prefix = Prefix::default();
        assert_eq!(
            prefix.strip("Step #4 at 9: WARNING: ThreadSanitizer: data race (pid=1)"),
            "WARNING: ThreadSanitizer: data race (pid=1)"
        );
        assert_eq!(prefix.strip("Step #12 at 10:   #0 f"), "  #0 f");
        for (line, rest, next, next_rest) in [
            (
                "#12 45.13 FATAL ERROR: Reached heap limit",
                "FATAL ERROR: Reached heap limit",
                "#12 45.20  1: 0xb8d11b f() [node]",
                " 1: 0xb8d11b f() [node]",
            ),
            (
                "[2021-06-10 11:01:45,423 E 94953 94936] logging.cc:440: *** Aborted at 1623294105 (unix time)",
                "*** Aborted at 1623294105 (unix time)",
                "[2021-06-10 11:01:45,427 E 94953 94936] logging.cc:440:     @     0x561b23e24710 f()",
                "    @     0x561b23e24710 f()",
            ),
            (
                "T:15872  NOTICE: [x] panic: no oil",
                "panic: no oil",
                "T:15872  NOTICE: [x]     /a.go:1 +0x2",
                "    /a.go:1 +0x2",
            ),
            (
                "(EE) 0: /usr/bin/X (f+0x4e) [0x55d0c0de1128]",
                "0: /usr/bin/X (f+0x4e) [0x55d0c0de1128]",
                "(EE) 1: /a",
                "1: /a",
            ),
            (
                "app[web.1]: Exception in thread \"main\" a.b.C: x",
                "Exception in thread \"main\" a.b.C: x",
                "app[web.1]: \tat a",
                "\tat a",
            ),
            (
                "test 3: src/a.c:3:1: runtime error: x",
                "src/a.c:3:1: runtime error: x",
                "test 4:     #0 f",
                "    #0 f",
            ),
        ] {
            let mut prefix = Prefix::default();
            assert_eq!((prefix.strip(line), prefix.strip(next)), (rest, next_rest), "{line}");
        }
        for line in ["the panic was: no", "a == b", "I saw a Thread in it", "e.g. *** SIGNS ***"] {
            assert_eq!(Prefix::default().strip(line), line);
        }
    }

    #[test]
    fn the_message_of_a_report_is_no_prefix() {
        for line in ["panic: lamp: fatal error: no oil", "fatal error: goroutine 7 [running]: x"] {
            assert_eq!(report_at(line), None, "{line}");
        }
        assert_eq!(report_at("lamp: panic: no oil"), Some(6));
    }
}
