//! Java frames in the native stacks of Android: where class and method stand in the line of one.
//!
//! ```text
//! #02 pc 00000000001a2b3c  [anon:dalvik-classes.dex extracted in memory from /data/app/base.apk] (a.b.c+12)
//! #03 pc 0000000000201234  /data/app/one.shop/oat/arm64/base.odex (a.b$a.a+60) (BuildId: 00aa)
//! │                                                                 │    └ method
//! └ at                                                              └ class
//! ```

use std::ops::Range;

use memchr::memmem;

use super::blank;
use super::trace_line::{is_class, is_method};
use crate::limits::MAX_WORDS;

/// A frame. Ranges are of bytes of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArtLine {
    /// Where the frame's number is.
    pub(super) at: usize,
    pub(super) class: Range<usize>,
    pub(super) method: Range<usize>,
}

/// The frame in a line: `#NUMBER pc ADDRESS PATH (CLASS.METHOD+OFFSET)`. Names of native functions
/// may have dots too: whether a mapping has the class decides.
pub(super) fn art_frame(line: &[u8]) -> Option<ArtLine> {
    let pc = memmem::find(line, b" pc ")?;
    let number = blank::trim_end(&line[..pc]);
    let digits = number.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let at = number.len().checked_sub(digits + 1).filter(|at| digits > 0 && number[*at] == b'#')?;
    let functions = memmem::find_iter(&line[pc..], b" (").map(|open| pc + open + 2).take(MAX_WORDS);
    { functions }.find_map(|start| {
        let (class, method) = method(line, start)?;
        Some(ArtLine { at, class, method })
    })
}

/// The class and the method of the function at `start`: `a.b.c+12)`; with blanks, as Crashlytics
/// writes it, `a.b.c + 12)`; with its types, as older releases do, `void a.b.c(int)+12)`.
fn method(line: &[u8], start: usize) -> Option<(Range<usize>, Range<usize>)> {
    let plus = start + line[start..].iter().position(|byte| *byte == b'+')?;
    let offset = line[plus + 1..].split(|byte| *byte == b')').next()?.trim_ascii();
    let is_offset = !offset.is_empty()
        && offset.strip_prefix(b"0x").unwrap_or(offset).iter().all(u8::is_ascii_hexdigit);
    let function = line[start..plus].trim_ascii_end();
    let name_end = function.iter().position(|byte| *byte == b'(').unwrap_or(function.len());
    let name_start =
        function[..name_end].iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
    let dot = function[..name_end]
        .iter()
        .rposition(|byte| *byte == b'.')
        .filter(|dot| *dot > name_start)?;
    let (class, method) = (start + name_start..start + dot, start + dot + 1..start + name_end);
    (is_offset && is_class(&line[class.clone()]) && is_method(&line[method.clone()]))
        .then_some((class, method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_java_code() {
        for (line, at, class, method) in [
            (
                "#02 pc 1a2b3c  [anon:dalvik-classes.dex extracted in memory from /data/app/~~x==/base.apk] (a.b.c+12)",
                0,
                "a.b",
                "c",
            ),
            (
                "      #03 pc 0000000000201234  /data/app/oat/arm64/base.odex (a.b$a.<init>+60) (BuildId: 00aa)",
                6,
                "a.b$a",
                "<init>",
            ),
            ("#3 pc 0x444 base.odex (a.b.c + 20)", 0, "a.b", "c"),
            ("#3 pc 444 /x/base.odex (void a.b.c(int, d.e)+0x14)", 0, "a.b", "c"),
            (
                "06-01 12:00:00.123  1234  1250 F DEBUG   :     #7 pc 12  /x/base.vdex (offset 0x1000) (-$$Lambda$a.b+4)",
                47,
                "-$$Lambda$a",
                "b",
            ),
        ] {
            let found = art_frame(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (found.at, &line[found.class], &line[found.method]),
                (at, class, method),
                "{line}"
            );
        }
        for line in [
            "#00 pc 51234  /apex/lib64/bionic/libc.so (abort+164) (BuildId: 4e07)",
            "#00 pc 51234  /lib/liba.so (std::vector<a.b>::c()+1)",
            "00 pc 51234  /x (a.b+1)",
            "# pc 51234  /x (a.b+1)",
            "#1 pc 2 (a.b+)",
            "#1 pc 2 (a.b+z)",
            "#1 pc 2 (a.b",
            " pc  (",
        ] {
            assert_eq!(art_frame(line.as_bytes()), None, "{line}");
        }
    }
}
