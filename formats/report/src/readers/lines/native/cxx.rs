//! Finds where names of C++ functions end in a line that a tool has printed.
//!
//! Names have blanks, brackets and `operator()` in them, so neither the first blank nor the last
//! bracket ends one:
//!
//! ```text
//! parse(char const*) const /src/a b.cc:12:3       function_and_place   the first blank outside brackets that a path follows
//! f<(lambda at a.cc:3:1)>(int) a.cc:12            function_and_place   else the last one that a file and line follow
//! Wick::operator() (this=0x0, s="a) at b") at …   debugger_call        the first bracket behind a blank that `name=` follows
//! ```

use crate::scan::text::prefixed_hex;

/// `FILE[:LINE[:COLUMN]][ (discriminator N)]`.
pub fn source(text: &str) -> (&str, Option<u32>, Option<u32>) {
    let text = text
        .rsplit_once(" (discriminator ")
        .filter(|(_, rest)| rest.ends_with(')'))
        .map_or(text, |(place, _)| place);
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let last = text.rsplit_once(':').and_then(|(rest, last)| Some((rest, number(last)?)));
    let Some((rest, last)) = last else { return (text, None, None) };
    match rest.rsplit_once(':').and_then(|(file, line)| Some((file, number(line)?))) {
        Some((file, line)) => (file, Some(line), Some(last)),
        None => (rest, Some(last), None),
    }
}

/// A function, and the place behind it, if there is one.
pub fn function_and_place(text: &str) -> (&str, &str) {
    // Where no symbol reaches, there may be a line nevertheless, as of assembly.
    if begins_path(text) && source(text).1.is_some() {
        return ("", text);
    }
    let blanks = || blanks_outside(text);
    let at_path = blanks().find(|at| begins_path(&text[at + 1..]));
    let at_line = || blanks().last().filter(|at| source(&text[at + 1..]).1.is_some());
    match at_path.or_else(at_line) {
        Some(at) => (text[..at].trim_end(), &text[at + 1..]),
        None => (text, ""),
    }
}

/// Where blanks stand that are in no brackets but `<>`, which are operators too. Of several in a
/// row, the last one.
fn blanks_outside(text: &str) -> impl Iterator<Item = usize> {
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b' ' if depth == 0 && bytes.get(at + 1) != Some(&b' ') => return Some(at),
            _ => {}
        }
        None
    })
}

/// Whether `text` begins like a path, or like what is printed where none is known.
fn begins_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_drive = matches!(bytes, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic());
    let is_unix = ["/", "./", "../", "~/"]
        .iter()
        .any(|start| text.strip_prefix(start).is_some_and(|rest| !rest.starts_with([' ', '('])));
    is_unix
        || is_drive
        || text.starts_with("\\\\")
        || text.starts_with("<null>")
        || text.starts_with("??:")
}

/// Takes `(PATH+0xOFFSET)` or `(PATH + 0xOFFSET)` off the end: what stands before it, the path and
/// the offset.
pub fn strip_module(text: &str) -> Option<(&str, &str, u64)> {
    let (front, within) = strip_brackets(text)?;
    let (path, offset) = within.rsplit_once('+')?;
    Some((front.trim_end(), path.trim_end(), prefixed_hex(offset.trim_start())?))
}

/// Takes a pair of brackets off the end, whatever pairs are in it: what stands before it, and
/// within.
pub fn strip_brackets(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end();
    let inner = text.strip_suffix(')')?;
    let mut depth = 1_usize;
    let open = inner.bytes().rposition(|byte| {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some((&inner[..open], &inner[open + 1..]))
}

/// A call as debuggers print it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call<'a> {
    /// The function without its arguments.
    pub function: &'a str,
    /// What follows ` at `.
    pub place: &'a str,
    /// What follows ` from `.
    pub library: &'a str,
    /// Whether the arguments end within the line.
    pub is_whole: bool,
}

/// `FUNCTION (NAME=VALUE, …)[ at FILE:LINE | from LIBRARY]`, as gdb prints it.
pub fn debugger_call(text: &str) -> Option<Call<'_>> {
    let open = text
        .match_indices(" (")
        .map(|(at, _)| at)
        .find(|at| *at > 0 && begins_arguments(&text[at + 2..]))?;
    let (function, arguments) = (text[..open].trim(), &text[open + 1..]);
    // Strings among the arguments may have these words in them, too.
    let (at, from) = (arguments.rfind(") at "), arguments.rfind(") from "));
    let place = at.filter(|_| at > from).map_or("", |at| arguments[at + 5..].trim());
    let place = if source(place).1.is_some() { place } else { "" };
    let library = from.filter(|_| from > at).map_or("", |from| arguments[from + 7..].trim());
    let is_whole = !place.is_empty() || !library.is_empty() || arguments.ends_with(')');
    Some(Call { function, place, library, is_whole })
}

/// Whether arguments with their values begin: none, `name=`, `name@entry=`, or `...`.
fn begins_arguments(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix(')') {
        return rest.is_empty() || rest.starts_with(" at ") || rest.starts_with(" from ");
    }
    let name = text
        .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '.' | '@' | ':'))
        .unwrap_or(text.len());
    // Where the line is full, all of them stand in the next ones.
    text.is_empty() || text.starts_with("...") || name > 0 && text[name..].starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places() {
        for (text, function, place) in [
            ("main /src/main.cc:7:5", "main", "/src/main.cc:7:5"),
            (
                "a::b(char const*, int) const /src/a b.cc:12:3",
                "a::b(char const*, int) const",
                "/src/a b.cc:12:3",
            ),
            (
                "f(std::vector<int, std::allocator<int> > const&) C:\\x\\a.cc:3",
                "f(std::vector<int, std::allocator<int> > const&)",
                "C:\\x\\a.cc:3",
            ),
            (
                "f<(lambda at /src/a.cc:3:1)>(int) b.cc:12",
                "f<(lambda at /src/a.cc:3:1)>(int)",
                "b.cc:12",
            ),
            (
                "operator new(unsigned long) ./csu/../x.S:58:16",
                "operator new(unsigned long)",
                "./csu/../x.S:58:16",
            ),
            (
                "(anonymous namespace)::operator/(A, B)",
                "(anonymous namespace)::operator/(A, B)",
                "",
            ),
            ("malloc <null>", "malloc", "<null>"),
            ("/build/a b/memmove.S:345", "", "/build/a b/memmove.S:345"),
            ("non-virtual thunk to a::b()", "non-virtual thunk to a::b()", ""),
        ] {
            assert_eq!(function_and_place(text), (function, place), "{text}");
        }
    }

    #[test]
    fn modules() {
        assert_eq!(strip_module("f() (/lib/a.so+0x12)"), Some(("f()", "/lib/a.so", 0x12)));
        assert_eq!(
            strip_module("(C:\\Program Files (x86)\\a.dll+0x12)"),
            Some(("", "C:\\Program Files (x86)\\a.dll", 0x12))
        );
        assert_eq!(strip_module("n/a (lantern + 0x1240)"), Some(("n/a", "lantern", 0x1240)));
        for text in ["f(int)", "f() (<unknown module>)", "f+0x12", "", ")", "((+0x1)"] {
            assert_eq!(
                strip_module(text).map(|(front, ..)| front),
                (text == "((+0x1)").then_some("("),
                "{text}"
            );
        }
    }

    #[test]
    fn calls_of_debuggers() {
        for (text, function, place, library) in [
            ("main () at a.c:7", "main", "a.c:7", ""),
            (
                "std::function<void ()>::operator()() const (this=0x7ff) at /usr/f.h:5",
                "std::function<void ()>::operator()() const",
                "/usr/f.h:5",
                "",
            ),
            (
                "(anonymous namespace)::f (s=\"a) at b\") at a.cc:1",
                "(anonymous namespace)::f",
                "a.cc:1",
                "",
            ),
            ("f(int (*)(void)) () from /lib/a b.so", "f(int (*)(void))", "", "/lib/a b.so"),
            (
                "operator() (__closure=0x0, x=<error: Cannot access memory at address 0x8>)",
                "operator()",
                "",
                "",
            ),
            ("?? ()", "??", "", ""),
            (
                "raise (sig=sig@entry=6) at ../sysdeps/posix/raise.c:26",
                "raise",
                "../sysdeps/posix/raise.c:26",
                "",
            ),
        ] {
            let want = Call { function, place, library, is_whole: true };
            assert_eq!(debugger_call(text), Some(want), "{text}");
        }
        assert_eq!(
            debugger_call("main (argc=1,"),
            Some(Call { function: "main", is_whole: false, ..Call::default() })
        );
        for text in ["main", "main (/bin/a+0x12)", "f(int)", " ()", "parse (package:a/b.dart:12:5)"]
        {
            assert_eq!(debugger_call(text), None, "{text}");
        }
    }
}
