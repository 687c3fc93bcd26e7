//! Classifies a line of a Java or Kotlin stack trace, without prefix and indentation.
//!
//! ```text
//! Exception in thread "main" java.lang.IllegalStateException: no user      Head, of the one that was thrown
//!     at com.example.Session.user(Session.java:42)                         Frame
//!     at java.base/java.lang.Thread.run(Thread.java:833)                   Frame in the package java.base
//!     Suppressed: java.io.IOException: closed                              Head
//! Caused by: java.lang.NullPointerException                                Head
//!     ... 12 more                                                          Shared
//! ```
//! The Play Console and Crashlytics print the same with words of their own:
//!
//! ```text
//! Exception java.lang.IllegalStateException: no user                       Head
//! Fatal Exception: java.lang.IllegalStateException: no user                Head
//!   at com.example.Session.user (Session.java:42)                          Frame
//! Caused by java.lang.NullPointerException                                 Head
//! ```

use crate::event::Relation;
use crate::event::frame::{Frame, FrameKind};
use crate::scan::text::{between, kept, some};

/// What a line of a trace is.
#[derive(Debug, PartialEq, Eq)]
pub enum JavaLine<'a> {
    /// An exception begins.
    Head(ExceptionHead<'a>),
    /// A call.
    Frame(Box<Frame>),
    /// So many frames are those of the enclosing trace.
    Shared(u32),
}

/// The first line of an exception.
#[derive(Debug, PartialEq, Eq)]
pub struct ExceptionHead<'a> {
    /// How it belongs to the one before.
    pub relation: Relation,
    /// The thread, where the line names it.
    pub thread: Option<&'a str>,
    /// Its class.
    pub class: &'a str,
    /// What it says, up to the line's end.
    pub message: Option<&'a str>,
    /// Whether a word before the class says that this is an exception.
    pub is_sure: bool,
}

impl ExceptionHead<'_> {
    /// Whether it belongs to an exception before it.
    pub fn is_cause(&self) -> bool {
        self.relation != Relation::Thrown
    }
}

/// What `line` is, if it belongs to a trace.
pub fn line(line: &str) -> Option<JavaLine<'_>> {
    let line = line.trim_end();
    if let Some(rest) = line.strip_prefix("at ") {
        return frame(rest).map(Box::new).map(JavaLine::Frame);
    }
    if let Some(rest) = line.strip_prefix("... ") {
        let (count, unit) = rest.split_once(' ')?;
        return matches!(unit, "more" | "common frames omitted")
            .then(|| count.parse().ok().map(JavaLine::Shared))?;
    }
    head(line).map(JavaLine::Head)
}

/// The head of an exception that stands behind something else in its line, as in a log: `10:11:12
/// ERROR Lamp - java.lang.X: no oil`. Only the frames behind it say that it is one.
pub fn head_within(line: &str) -> Option<ExceptionHead<'_>> {
    /// Lines with a head in them are shorter.
    const MAX_BYTES: usize = 8192;
    if line.len() > MAX_BYTES {
        return None;
    }
    let ends = ["Exception", "Error", "Throwable"];
    let mut found = ends.iter().flat_map(|end| line.match_indices(end)).filter_map(|(at, end)| {
        let class_end = at + end.len();
        if !matches!(line.as_bytes().get(class_end), None | Some(b':' | b' ')) {
            return None;
        }
        let start = line[..at].rfind([' ', '\t', '(', '[', '|', '=']).map_or(0, |blank| blank + 1);
        let class = &line[start..class_end];
        let message = line[class_end..]
            .strip_prefix(':')
            .map(str::trim)
            .filter(|message| !message.is_empty());
        let is_head = start > 0 && class.contains('.') && is_class(class);
        is_head.then_some(ExceptionHead {
            relation: Relation::Thrown,
            thread: None,
            class,
            message,
            is_sure: false,
        })
    });
    found.next()
}

/// Whether `line` begins like a frame, though it may be cut off.
pub fn begins_frame(line: &str) -> bool {
    line.strip_prefix("at ").is_some_and(|rest| !rest.contains(' ') && rest.contains('.'))
}

/// `[LOADER/][MODULE/]CLASS.METHOD(SOURCE[:LINE])[ ~[JAR]]`.
fn frame(text: &str) -> Option<Frame> {
    let (place, rest) = text.split_once('(')?;
    let (source, behind) = rest.split_once(')')?;
    // Some put a blank between the method and its source.
    let place = place.strip_suffix(' ').filter(|_| is_source(source)).unwrap_or(place);
    if place.contains([' ', '\t']) {
        return None;
    }
    // A hidden class has a number behind its slash: `Session$$Lambda/0x0000000800c03000`.
    let slash = place
        .rmatch_indices('/')
        .map(|(at, _)| at)
        .find(|at| !place[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let (package, name) = slash.map_or(("", place), |at| (&place[..at], &place[at + 1..]));
    let (class, method) = name.rsplit_once('.')?;
    // A function of Dart in no class: Crashlytics prints `.main(main.dart:7)`.
    if method.is_empty() || class.is_empty() && !source.contains(".dart") {
        return None;
    }
    let line = source.rsplit_once(':').and_then(|(file, line)| Some((file, parse_line(line)?)));
    let (file, line) = line.map_or((source, None), |(file, line)| (file, Some(line)));
    let jar = between(behind, "[", "]").or((!package.is_empty()).then_some(package));
    Some(Frame {
        kind: FrameKind::Java,
        module: some(class),
        function: Some(kept(method)),
        file: some(file),
        line,
        package: jar.and_then(some),
        ..Frame::default()
    })
}

/// Whether `text` is what a frame has in its brackets, and not the remark of a sentence.
fn is_source(text: &str) -> bool {
    let is_known = text.eq_ignore_ascii_case("native method") || text.starts_with("Unknown Source");
    is_known || !text.contains(' ') && text.contains(['.', ':'])
}

fn parse_line(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn head(line: &str) -> Option<ExceptionHead<'_>> {
    let (relation, rest) = if let Some(rest) = line.strip_prefix("Caused by: ") {
        (Relation::Cause, rest)
    } else if let Some(rest) = line.strip_prefix("Suppressed: ") {
        (Relation::Suppressed, rest)
    } else {
        (Relation::Thrown, line)
    };
    let rest = rest
        .strip_prefix("[CIRCULAR REFERENCE: ")
        .or_else(|| rest.strip_prefix("[CIRCULAR REFERENCE:"))
        .unwrap_or(rest);
    let named = rest.strip_prefix("Exception in thread \"").and_then(|rest| rest.split_once("\" "));
    let (thread, rest) = named.map_or((None, rest), |(thread, rest)| (Some(thread), rest));
    if thread.is_some() || relation != Relation::Thrown {
        return exception(relation, thread, rest, true);
    }
    if let Some(rest) = ["Fatal Exception: ", "Non-fatal Exception: "]
        .iter()
        .find_map(|words| rest.strip_prefix(words))
    {
        return exception(relation, None, rest, true);
    }
    // Without a colon these could begin a sentence.
    let worded = [("Exception ", Relation::Thrown), ("Caused by ", Relation::Cause)];
    if let Some((rest, relation)) =
        worded.iter().find_map(|(words, relation)| Some((rest.strip_prefix(words)?, *relation)))
    {
        return exception(relation, None, rest, true).filter(|head| head.class.contains('.'));
    }
    exception(relation, None, rest, false).filter(|head| head.class.contains('.'))
}

/// `CLASS[: MESSAGE]`.
fn exception<'a>(
    relation: Relation,
    thread: Option<&'a str>,
    text: &'a str,
    is_sure: bool,
) -> Option<ExceptionHead<'a>> {
    let (class, message) =
        text.split_once(':').map_or((text, None), |(class, message)| (class, Some(message.trim())));
    let class = class.trim_end();
    is_class(class).then_some(ExceptionHead {
        relation,
        thread,
        class,
        message: message.filter(|message| !message.is_empty()),
        is_sure,
    })
}

/// Whether `name` is spelled like a class: names parted by single points.
pub fn is_class(name: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$'))
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'))
    };
    name.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class, method, file, line, package.
    type Parts = (String, String, Option<String>, Option<u32>, Option<String>);

    fn parts(text: &str) -> Parts {
        match line(text) {
            Some(JavaLine::Frame(frame)) => (
                frame.module.unwrap(),
                frame.function.unwrap(),
                frame.file,
                frame.line,
                frame.package,
            ),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn frames() {
        let owned = |text: &str| Some(text.to_owned());
        for (text, class, method, file, line, package) in [
            ("at a.b.C.<init>(C.java:12)", "a.b.C", "<init>", owned("C.java"), Some(12), None),
            (
                "at a.b.C$1.run(Unknown Source:7)",
                "a.b.C$1",
                "run",
                owned("Unknown Source"),
                Some(7),
                None,
            ),
            ("at a.b.C.wait(Native Method)", "a.b.C", "wait", owned("Native Method"), None, None),
            ("at a.C.m(C.kt)", "a.C", "m", owned("C.kt"), None, None),
            ("at a.C.m()", "a.C", "m", None, None, None),
            (
                "at java.base/java.lang.Thread.run(Thread.java:833)",
                "java.lang.Thread",
                "run",
                owned("Thread.java"),
                Some(833),
                owned("java.base"),
            ),
            ("at app//a.C.m(C.java:1)", "a.C", "m", owned("C.java"), Some(1), owned("app/")),
            (
                "at a.C$$Lambda/0x0000000800c03000.run(Unknown Source)",
                "a.C$$Lambda/0x0000000800c03000",
                "run",
                owned("Unknown Source"),
                None,
                None,
            ),
            (
                "at a.C.m(C.java:5) ~[core-1.2.jar:1.2]",
                "a.C",
                "m",
                owned("C.java"),
                Some(5),
                owned("core-1.2.jar:1.2"),
            ),
            ("at a.C.m(C.java:-2)", "a.C", "m", owned("C.java:-2"), None, None),
            ("at a.C.m (C.kt:12)", "a.C", "m", owned("C.kt"), Some(12), None),
            ("at a.C.m (Native method)", "a.C", "m", owned("Native method"), None, None),
            ("at a.C.m (Unknown Source:7)", "a.C", "m", owned("Unknown Source"), Some(7), None),
            (
                "at a.C.m(:com.google.android.gms@253405702:59)",
                "a.C",
                "m",
                owned(":com.google.android.gms@253405702"),
                Some(59),
                None,
            ),
        ] {
            assert_eq!(
                parts(text),
                (class.to_owned(), method.to_owned(), file, line, package),
                "{text}"
            );
        }
    }

    #[test]
    fn heads() {
        for (text, relation, thread, class, message) in [
            (
                "java.lang.RuntimeException: a: b",
                Relation::Thrown,
                None,
                "java.lang.RuntimeException",
                Some("a: b"),
            ),
            ("Caused by: a.b", Relation::Cause, None, "a.b", None),
            ("Suppressed: Oops: x", Relation::Suppressed, None, "Oops", Some("x")),
            (
                "Exception in thread \"main thread\" Oops",
                Relation::Thrown,
                Some("main thread"),
                "Oops",
                None,
            ),
            ("Fatal Exception: a.b: c", Relation::Thrown, None, "a.b", Some("c")),
            ("Non-fatal Exception: Oops", Relation::Thrown, None, "Oops", None),
            ("Exception a.b: c: d", Relation::Thrown, None, "a.b", Some("c: d")),
            ("Exception a.b:", Relation::Thrown, None, "a.b", None),
            ("Caused by a.b: c", Relation::Cause, None, "a.b", Some("c")),
        ] {
            let is_sure = text != "java.lang.RuntimeException: a: b";
            assert_eq!(
                line(text),
                Some(JavaLine::Head(ExceptionHead { relation, thread, class, message, is_sure })),
                "{text}"
            );
        }
        assert_eq!(line("... 12 more"), Some(JavaLine::Shared(12)));
    }

    #[test]
    fn other_lines() {
        for text in [
            "",
            "at",
            "at home (x)",
            "at 12:30",
            "Process: a.b, PID: 1",
            "A sentence. Another",
            "word",
            "a..b",
            ".a",
            "... and more",
            "1.2: x",
            "Caused by a bug",
            "Caused by me",
            "Exception handling: off",
            "at a.b (see below)",
        ] {
            assert_eq!(line(text), None, "{text}");
        }
    }

    #[test]
    fn heads_behind_a_prefix() {
        for (text, class, message) in [
            ("10:11:12 ERROR [main] Lamp - java.lang.X: y", None, None),
            (
                "10:11:12 ERROR [main] Lamp - java.io.IOException: y: z",
                Some("java.io.IOException"),
                Some("y: z"),
            ),
            (
                "SEVERE: threw exception [java.lang.NullPointerException] with root cause",
                None,
                None,
            ),
            ("app[3]: a.b.OopsError", Some("a.b.OopsError"), None),
            ("java.io.IOException: y", None, None),
            ("an Error: y", None, None),
        ] {
            let head = head_within(text);
            assert_eq!(head.as_ref().map(|head| head.class), class, "{text}");
            assert_eq!(head.and_then(|head| head.message), message, "{text}");
        }
    }
}
