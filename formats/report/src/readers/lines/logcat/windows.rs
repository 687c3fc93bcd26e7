//! The prefixes that the log has in the windows of Android Studio and of Unity.

use super::{Prefixed, brief, is_level, number};

/// `PID-TID/PACKAGE LEVEL/TAG: message`. The first versions had a small colon of their own.
pub fn old_studio(rest: &str) -> Option<Prefixed<'_>> {
    let (ids, rest) = rest.split_once('/')?;
    let (pid, tid) = ids.split_once('-')?;
    let (pid, _) = (number(pid)?, number(tid)?);
    let (_, rest) = rest.split_once(' ')?;
    let rest = rest.trim_start();
    let prefixed = match rest.split_once('\u{fe55}') {
        Some((front, message)) if !front.contains(':') => {
            let tag = front
                .split_at_checked(2)
                .filter(|(level, _)| level.ends_with('/') && is_level(&level[..1]))?
                .1;
            Prefixed {
                tag: tag.trim(),
                pid: None,
                message: message.strip_prefix(' ').unwrap_or(message),
                is_weak: false,
            }
        }
        _ => brief(rest)?,
    };
    Some(Prefixed { pid: Some(pid), ..prefixed })
}

/// `PID TID LEVEL TAG message`, the level as a word.
pub fn unity(rest: &str) -> Option<Prefixed<'_>> {
    let mut rest = rest;
    let mut next = || {
        let (word, behind) = rest.split_once(' ')?;
        rest = behind.trim_start();
        Some(word)
    };
    let (pid, _) = (number(next()?)?, number(next()?)?);
    matches!(next()?, "Verbose" | "Debug" | "Info" | "Warn" | "Error" | "Fatal").then_some(())?;
    let tag = next()?;
    let message = rest.strip_prefix(": ").unwrap_or(rest);
    Some(Prefixed { tag: tag.trim_end_matches(':'), pid: Some(pid), message, is_weak: false })
}

/// `[PID[-TID]] [TAG] [PACKAGE] LEVEL  message`, columns padded with blanks.
pub fn studio(rest: &str) -> Option<Prefixed<'_>> {
    let first = rest.split(' ').next()?;
    let ids = first
        .split_once('-')
        .map_or_else(|| number(first), |(pid, tid)| number(tid).and(number(pid)));
    let columns = if ids.is_some() { &rest[first.len()..] } else { rest };
    let bytes = columns.as_bytes();
    let blank =
        |at: Option<usize>| at.is_none_or(|at| bytes.get(at).is_none_or(|byte| *byte == b' '));
    // A level stands between blanks, two of them behind it.
    let is_column = |at: usize| {
        is_level(&columns[at..=at])
            && blank(at.checked_sub(1))
            && blank(Some(at + 1))
            && blank(Some(at + 2))
    };
    let level =
        (0..bytes.len()).filter(|at| bytes[*at].is_ascii_uppercase()).find(|at| is_column(*at))?;
    let front = columns[..level].trim();
    // A sentence has no columns.
    let tag = front.split("  ").next().unwrap_or(front).trim();
    let message = columns[level + 1..].strip_prefix("  ").unwrap_or("");
    (ids.is_some() || front.is_empty() || columns[..level].ends_with("  ")).then_some(Prefixed {
        tag,
        pid: ids,
        message,
        is_weak: false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Prefixed, split};

    #[test]
    fn android_studio() {
        let columns =
            "AndroidRuntime          org.example.lantern                  E  FATAL EXCEPTION: main";
        for (line, tag, pid, message) in [
            (
                &*format!("2025-03-02 10:11:12.131  4711-4712  {columns}"),
                "AndroidRuntime",
                Some(4711),
                "FATAL EXCEPTION: main",
            ),
            (
                &format!("2025-03-02 10:11:12.131 25954-25954 {columns}"),
                "AndroidRuntime",
                Some(25954),
                "FATAL EXCEPTION: main",
            ),
            (&format!("10:11:12.131  {columns}"), "AndroidRuntime", None, "FATAL EXCEPTION: main"),
            (
                "2025-03-02 10:11:12.131  4733-4733  DEBUG    pid-4733    A        #00 pc 0",
                "DEBUG",
                Some(4733),
                "      #00 pc 0",
            ),
            (
                "2025-03-02 10:11:12.131  4733-4733  Xmpp...ine Number    a.b    I  C  D",
                "Xmpp...ine Number",
                Some(4733),
                "C  D",
            ),
            ("10:11:12.131  E  FATAL EXCEPTION: main", "", None, "FATAL EXCEPTION: main"),
            (
                "2025-03-02 10:11:12.131  4733-4733  DEBUG    pid-4733    A  ",
                "DEBUG",
                Some(4733),
                "",
            ),
            (
                "2020-05-06 07:08:09.101 31-44/org.example E/AndroidRuntime: x: y",
                "AndroidRuntime",
                Some(31),
                "x: y",
            ),
            ("05-06 07:08:09.101 31-44/? A/DEBUG: x", "DEBUG", Some(31), "x"),
            (
                "05-06 07:08:09.101    31-44/org.example E/AndroidRuntime\u{fe55} x: y",
                "AndroidRuntime",
                Some(31),
                "x: y",
            ),
        ] {
            assert_eq!(split(line), Some(Prefixed { tag, pid, message, is_weak: false }), "{line}");
        }
    }
}
