//! Removes the prefixes that are known by their layout: times, hosts, programs, containers, colours.

use super::MAX_BYTES;

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
}
