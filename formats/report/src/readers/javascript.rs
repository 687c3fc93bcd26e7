//! JavaScript's own stack, which React Native hands over in the message of an exception.
//!
//! ```text
//! com.facebook.react.common.JavascriptException: TypeError: undefined is not a function, js engine: hermes, stack:
//! light@1:123456                                        Hermes and JavaScriptCore
//! refill@index.android.bundle:1:223456
//! http://localhost:8081/index.bundle?dev=true:12:34
//!     at light (address at index.android.bundle:1:123456)   V8, and Hermes' own style
//! ```

use crate::event::Exception;
use crate::event::frame::{Frame, FrameKind};
use crate::limits::MAX_MESSAGE_LINES;
use crate::scan::text::{is_number, kept, some};

/// What stands before the stack in a message.
const STACK: &str = "stack:";

/// Whether the message of an exception of `class` may have JavaScript's stack in it.
pub fn is_of(class: &str) -> bool {
    ["JavascriptException", "RCTFatal", "JSException", "JSError"]
        .iter()
        .any(|name| class.contains(name))
}

/// The frame in `line`, if it is one of a message's stack.
pub fn frame(line: &str) -> Option<Frame> {
    let line = line.trim();
    let (function, place) = match line.strip_prefix("at ") {
        Some(rest) => match rest.strip_suffix(')').and_then(|rest| rest.split_once(" (")) {
            Some((function, place)) => {
                (function, place.strip_prefix("address at ").unwrap_or(place))
            }
            None => ("", rest),
        },
        None => line.rsplit_once('@').unwrap_or(("", line)),
    };
    if place == "[native code]" || place == "native" {
        return (!function.is_empty()).then(|| Frame { file: some(place), ..of(function) });
    }
    let (rest, column) = place.rsplit_once(':')?;
    let (file, number) = rest.rsplit_once(':').unwrap_or(("", rest));
    // A bare position is one only behind a function's name; a bare file has to look like one.
    let is_placed = line.contains('@')
        || line.starts_with("at ")
        || file.contains("://")
        || file.ends_with(".bundle");
    if !is_number(column)
        || !is_number(number)
        || !is_placed
        || function.contains(char::is_whitespace) && !line.starts_with("at ")
    {
        return None;
    }
    Some(Frame {
        file: some(file),
        line: number.parse().ok(),
        column: column.parse().ok(),
        ..of(function)
    })
}

/// A frame of `function`. What has no name is called so by its engine, and has none.
fn of(function: &str) -> Frame {
    let is_name = !matches!(
        function,
        "" | "anonymous" | "<anonymous>" | "<unknown>" | "?anon_0_" | "global code" | "(anonymous)"
    );
    Frame { kind: FrameKind::Other, function: is_name.then(|| kept(function)), ..Frame::default() }
}

/// Takes the stack out of the message of `exception`, and puts it before its frames unless its
/// lines were read as such already: then it stands nowhere.
pub fn expand(exception: &mut Exception) {
    if !exception.kind.as_deref().is_none_or(is_of) {
        return;
    }
    let Some((said, stack)) =
        exception.message.as_deref().and_then(|message| message.split_once(STACK))
    else {
        return;
    };
    let is_read = exception.frames.iter().any(|frame| frame.kind == FrameKind::Other);
    let frames: Vec<Frame> = if is_read {
        Vec::new()
    } else {
        stack.lines().filter_map(frame).take(MAX_MESSAGE_LINES).collect()
    };
    if is_read || !frames.is_empty() {
        exception.message = some(said.trim_end().trim_end_matches(','));
        exception.frames.splice(0..0, frames);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        for (line, function, file, number, column) in [
            ("light@1:123456", Some("light"), None, 1, 123_456),
            ("anonymous@1:29246", None, None, 1, 29246),
            (
                "refill@index.android.bundle:1:22",
                Some("refill"),
                Some("index.android.bundle"),
                1,
                22,
            ),
            (
                "f@http://localhost:8081/index.bundle?a=b:12:34",
                Some("f"),
                Some("http://localhost:8081/index.bundle?a=b"),
                12,
                34,
            ),
            (
                "http://localhost:8081/index.bundle:12:34",
                None,
                Some("http://localhost:8081/index.bundle"),
                12,
                34,
            ),
            (
                "    at light (address at index.android.bundle:1:9)",
                Some("light"),
                Some("index.android.bundle"),
                1,
                9,
            ),
            ("at Lamp.refill (index.js:3:4)", Some("Lamp.refill"), Some("index.js"), 3, 4),
            ("at index.js:3:4", None, Some("index.js"), 3, 4),
        ] {
            let frame = frame(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (frame.function.as_deref(), frame.file.as_deref()),
                (function, file),
                "{line}"
            );
            assert_eq!((frame.line, frame.column), (Some(number), Some(column)), "{line}");
        }
        assert_eq!(frame("apply@[native code]").unwrap().function.as_deref(), Some("apply"));
        for line in [
            "",
            "a@b",
            "see me@example.org: 12:30",
            "12:30",
            "at 12:30 pm",
            "java.lang.X: 1:2",
            "[native code]",
            "time: 10:11",
        ] {
            assert_eq!(frame(line), None, "{line}");
        }
    }

    #[test]
    fn stacks_in_messages() {
        let message = "Unhandled JS Exception: TypeError: x, stack:\nlight@1:12\n<unknown>@1:13\n";
        let mut exception = Exception {
            kind: some("RCTFatalException"),
            message: some(message),
            ..Exception::default()
        };
        expand(&mut exception);
        assert_eq!(exception.message.as_deref(), Some("Unhandled JS Exception: TypeError: x"));
        let functions: Vec<Option<&str>> =
            exception.frames.iter().map(|frame| frame.function.as_deref()).collect();
        assert_eq!(functions, [Some("light"), None]);
        expand(&mut exception);
        assert_eq!(exception.frames.len(), 2);
    }
}
