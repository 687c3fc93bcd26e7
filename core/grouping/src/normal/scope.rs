//! Splits a normalised name into its class or namespace and its own name, and tells whether that
//! name says much.

use super::BLOCK;

/// How accessors begin.
const ACCESSORS: [&str; 5] = ["get", "set", "is", "has", "to"];

/// A normalised name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scoped<'a> {
    /// The class, module or namespace that it belongs to; empty if there is none.
    pub scope: &'a str,
    /// What it is called there. Lambdas, closures and blocks are called as the function around
    /// them.
    pub name: &'a str,
    /// Whether the name itself says that [`Scoped::scope`] is a class (Objective-C).
    pub is_class: bool,
}

impl<'a> Scoped<'a> {
    /// Takes `normal` apart, a name that [`super::function`] made.
    pub fn of(normal: &'a str) -> Self {
        let normal = normal.strip_suffix(BLOCK).unwrap_or(normal);
        if let Some(method) =
            normal.strip_prefix(['-', '+']).and_then(|rest| rest.strip_prefix('['))
        {
            let (scope, name) =
                method.trim_end_matches(']').split_once(' ').unwrap_or(("", method));
            return Self { scope, name, is_class: true };
        }
        let (mut scope, mut name) = split(normal);
        while is_nameless(name) || name == "operator()" && is_nameless(split(scope).1) {
            (scope, name) = split(scope);
        }
        while is_nameless(split(scope).1) {
            scope = split(scope).0;
        }
        Self { scope, name, is_class: false }
    }

    /// Whether the name alone tells what the function is about. Operators, destructors, accessors,
    /// functions of templates and names of a single word (`push`, `run`) are found in many classes,
    /// and are called for many reasons.
    pub fn is_telling(&self) -> bool {
        let first = self.name.trim_start_matches('_');
        let is_accessor = ACCESSORS.iter().any(|verb| {
            let rest = first.strip_prefix(verb);
            rest.and_then(|rest| rest.bytes().next()).is_some_and(|next| !next.is_ascii_lowercase())
        });
        let is_helper = is_accessor
            || self.name.starts_with('~')
            || is_operator(self.name)
            || self.scope.ends_with('>');
        !is_helper && words(self.name) >= 2
    }
}

/// `a::b<x::y>::c` as `a::b<x::y>` and `c`; of names without `::`, `a.b.c` as `a.b` and `c`.
fn split(path: &str) -> (&str, &str) {
    let colons = last_separator(path, b"::").map(|at| (&path[..at], &path[at + 2..]));
    let dot =
        || last_separator(path, b".").filter(|at| *at > 0).map(|at| (&path[..at], &path[at + 1..]));
    colons.or_else(dot).unwrap_or(("", path))
}

/// Where the last `separator` stands that is not within brackets. What follows `operator` has
/// brackets that do not match.
fn last_separator(path: &str, separator: &[u8]) -> Option<usize> {
    let bytes = path.as_bytes();
    let (mut depth, mut last, mut at) = (0usize, None, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            b'>' | b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ if depth == 0 && bytes[at..].starts_with(separator) => {
                last = Some(at);
                at += separator.len();
                if is_operator(&path[at..]) {
                    return last;
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    last
}

/// Whether `name` begins with C++'s word for operators.
fn is_operator(name: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    name.strip_prefix("operator").is_some_and(|rest| !rest.as_bytes().first().is_some_and(is_word))
}

/// What has no name of its own.
fn is_nameless(name: &str) -> bool {
    matches!(name, "lambda" | "{closure}" | "(anonymous namespace)" | "'unnamed'")
}

/// Words of two letters or more in `name`: `read_header`, `readHeader` and `readHTML` have two
/// each.
fn words(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (mut count, mut length) = (0, 0usize);
    for (at, byte) in bytes.iter().enumerate() {
        let is_letter = byte.is_ascii_alphabetic() || *byte >= 0x80;
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let follows_small = before.is_some_and(u8::is_ascii_lowercase);
        let leads_word = before.is_some_and(u8::is_ascii_uppercase)
            && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        if !is_letter || byte.is_ascii_uppercase() && (follows_small || leads_word) {
            count += usize::from(length >= 2);
            length = 0;
        }
        length += usize::from(is_letter);
    }
    count + usize::from(length >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (normal, scope, name) in [
            ("", "", ""),
            ("main", "", "main"),
            ("png_read_row", "", "png_read_row"),
            ("a::B::read_all", "a::B", "read_all"),
            ("a::B<>::at", "a::B<>", "at"),
            ("a::B::operator<", "a::B", "operator<"),
            ("a::B::operator->", "a::B", "operator->"),
            ("a::B::operator std::vector<>", "a::B", "operator std::vector<>"),
            ("a::operators::Add::eval", "a::operators::Add", "eval"),
            ("(anonymous namespace)::decode", "", "decode"),
            ("a::(anonymous namespace)::decode", "a", "decode"),
            ("a::B::run::lambda::operator()", "a::B", "run"),
            ("a::run::lambda", "a", "run"),
            ("app::main::{closure}::{closure}", "app", "main"),
            (
                "<app::Job as core::future::Future>::poll",
                "<app::Job as core::future::Future>",
                "poll",
            ),
            ("App.Parser.next", "App.Parser", "next"),
            ("-[Foo bar:baz:]", "Foo", "bar:baz:"),
            ("+[Foo shared] {block}", "Foo", "shared"),
            ("lambda::operator()", "", ""),
            ("::", "", ""),
            (".", "", "."),
        ] {
            let got = Scoped::of(normal);
            assert_eq!((got.scope, got.name), (scope, name), "{normal}");
        }
        assert!(Scoped::of("-[Foo bar]").is_class && !Scoped::of("Foo::bar").is_class);
    }

    #[test]
    fn names_of_one_word_do_not_tell() {
        for telling in [
            "read_ssat",
            "readSsat",
            "ReadSSAT",
            "parseHTML",
            "HTMLParser",
            "xmlParseElement",
            "a::B::follow_chain",
            "settle_order",
            "getaway_car",
        ] {
            assert!(Scoped::of(telling).is_telling(), "{telling}");
        }
        for helper in [
            "get_value",
            "getValue",
            "_set_Value",
            "isEmpty",
            "a::B::to_string",
            "read",
            "get",
            "a::B::at",
            "a::B<>::push_back",
            "operator new[]",
            "a::B::~Big_Name",
            "a::B::operator()",
            "d_f",
            "xsgetn",
            "x64",
            "",
        ] {
            assert!(!Scoped::of(helper).is_telling(), "{helper}");
        }
        assert!(Scoped::of("-[Foo didSelect:row:]").is_telling());
        assert!(!Scoped::of("-[Foo init]").is_telling());
    }
}
