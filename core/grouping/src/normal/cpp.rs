//! Normalises demangled names of C, C++ and Rust: the path of the function without what varies.
//!
//! One walk from left to right. What is in brackets is stepped over; whatever a space follows was a
//! return type, unless arguments went before.

use super::brackets::{inside, skip, skip_angle};
use super::rust::{is_crate_hash, rust_type, without_rust_hash};
use super::word::is_word;

/// Inline namespaces of standard libraries: libc++, Android's, libstdc++'s, Chromium's.
const INLINE: [&str; 6] = ["__1", "__ndk1", "__cxx11", "__Cr", "__2", "_V2"];

/// What the unnamed namespace is called here.
const ANONYMOUS: &str = "(anonymous namespace)";

/// What may follow arguments.
const TRAILERS: [&str; 7] = ["const", "volatile", "restrict", "noexcept", "&&", "&", "__restrict"];

/// The path that `name` says.
pub fn normal(name: &str) -> String {
    let name = without_rust_hash(name);
    if !name
        .bytes()
        .any(|byte| matches!(byte, b'(' | b':' | b'<' | b'[' | b'{' | b'\'' | b'`' | b'$'))
    {
        return name.to_owned();
    }
    let mut walk = Walk {
        name,
        at: 0,
        out: String::with_capacity(name.len().min(256)),
        component: 0,
        after_arguments: false,
        in_type: false,
    };
    walk.run();
    let mut path = walk.out;
    path.truncate(path.trim_end().trim_end_matches("::").len());
    if path.is_empty() { name.to_owned() } else { path }
}

struct Walk<'a> {
    name: &'a str,
    /// The next byte.
    at: usize,
    out: String,
    /// Where in `out` the last component of the path begins.
    component: usize,
    after_arguments: bool,
    /// Within the type of a conversion operator.
    in_type: bool,
}

impl Walk<'_> {
    fn run(&mut self) {
        let bytes = self.name.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b' ' => self.space(),
                b'(' => self.parenthesis(),
                b'<' => self.angle(),
                b'[' => self.bracket(),
                b'{' => self.brace(),
                b'\'' | b'`' => self.quoted(),
                b'#' => self.at = skip_digits(bytes, self.at + 1),
                // The end of `(*f(int))(char)`.
                b')' if !self.out.is_empty() => return,
                b':' if bytes.get(self.at + 1) == Some(&b':') => {
                    self.at += 2;
                    if !self.out.is_empty() {
                        self.out.push_str("::");
                    }
                    self.component = self.out.len();
                    self.after_arguments = false;
                }
                _ if is_word(byte) => self.word(),
                _ => {
                    self.at += 1;
                    self.out.push(char::from(byte));
                }
            }
        }
    }

    fn rest(&self) -> &str {
        &self.name[self.at..]
    }

    fn at_component(&self) -> bool {
        self.out.len() == self.component
    }

    fn word(&mut self) {
        let bytes = self.name.as_bytes();
        let start = self.at;
        let end = bytes[start..]
            .iter()
            .position(|byte| !is_word(*byte))
            .map_or(bytes.len(), |length| start + length);
        let word = &self.name[start..end];
        self.at = end;
        if !self.at_component() {
            self.out.push_str(word);
            return;
        }
        self.after_arguments = false;
        if word == "operator" {
            self.operator();
        } else if word == "_GLOBAL__N_1" {
            self.out.push_str(ANONYMOUS);
        } else if is_numbered(word, "$_") {
            self.out.push_str("lambda");
        } else if INLINE.contains(&word)
            && self.out.ends_with("std::")
            && self.rest().starts_with("::")
        {
            self.at += 2;
        } else {
            self.out.push_str(word);
        }
    }

    fn operator(&mut self) {
        let bytes = self.name.as_bytes();
        self.out.push_str("operator");
        let rest = &self.name[self.at..];
        if let Some(literal) = rest.strip_prefix("\"\"") {
            self.out.push_str("\"\"");
            self.at = bytes.len() - literal.trim_start().len();
            return;
        }
        if rest.starts_with(' ') {
            self.in_type = true;
            return;
        }
        let length = if rest.starts_with("()") || rest.starts_with("[]") { 2 } else { sign(rest) };
        self.out.push_str(&rest[..length]);
        self.at += length;
    }

    fn space(&mut self) {
        self.at += 1;
        let bytes = self.name.as_bytes();
        if self.in_type {
            let rest = &self.name[self.at..];
            if !rest.is_empty() {
                self.out.push(' ');
                self.component = self.out.len();
            }
            return;
        }
        if self.after_arguments {
            let rest = &self.name[self.at..];
            if let Some(trailer) = TRAILERS.iter().find(|trailer| is_token(rest, trailer)) {
                self.at += trailer.len();
                return;
            }
            match bytes.get(self.at) {
                Some(b'[') => return self.at = skip(bytes, self.at, b'[', b']'),
                Some(b'(') => return self.at = skip(bytes, self.at, b'(', b')'),
                _ => {}
            }
        }
        match self.rest() {
            "" => {}
            rest if rest.starts_with('(')
                && !self.out.is_empty()
                && !is_unnamed(rest)
                && !is_declarator(rest) => {}
            _ => {
                self.out.clear();
                self.component = 0;
                self.after_arguments = false;
            }
        }
    }

    fn parenthesis(&mut self) {
        let bytes = self.name.as_bytes();
        let end = skip(bytes, self.at, b'(', b')');
        if self.at_component() && !self.in_type || is_unnamed(self.rest()) {
            let rest = self.rest();
            let spelling = if rest.starts_with(ANONYMOUS) {
                ANONYMOUS
            } else if rest.starts_with("(lambda") {
                "lambda"
            } else if is_unnamed(rest) {
                "'unnamed'"
            } else if is_declarator(rest) {
                // A function that returns a pointer to a function: its name is within.
                return self.at += 2;
            } else {
                ""
            };
            if !spelling.is_empty() {
                self.out.push_str(spelling);
                return self.at = end;
            }
        }
        self.at = end;
        self.after_arguments = true;
        self.in_type = false;
    }

    fn angle(&mut self) {
        let bytes = self.name.as_bytes();
        let end = skip_angle(bytes, self.at);
        let inner = inside(self.name, self.at, end);
        let is_path = self.name[end..].starts_with("::");
        if self.at_component() && !self.in_type {
            if inner.starts_with("lambda") {
                self.out.push_str("lambda");
            } else if self.out.is_empty() && is_path {
                self.qualified(inner);
            } else if self.out.is_empty() {
                // `<redacted>`, `<signal handler called>`.
                self.out.push_str(&self.name[self.at..end]);
            } else {
                // Rust's `f::<T>`, which its older mangling leaves out.
                self.out.truncate(self.out.len() - 2);
                self.component = usize::MAX;
            }
        } else if is_path {
            self.out.push_str("<>");
        }
        self.at = end;
    }

    /// Rust's `<T as Trait>` and `<T>`. The latter is `T` in the older mangling.
    fn qualified(&mut self, inner: &str) {
        let mut of = String::with_capacity(inner.len());
        rust_type(inner, &mut of);
        let is_own = of.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && !of.contains(' ');
        if is_own {
            self.out.push_str(&of);
        } else {
            self.out.push('<');
            self.out.push_str(&of);
            self.out.push('>');
        }
        self.component = usize::MAX;
    }

    fn bracket(&mut self) {
        let bytes = self.name.as_bytes();
        let end = skip(bytes, self.at, b'[', b']');
        let inner = inside(self.name, self.at, end);
        if !(inner.starts_with("abi:") || is_crate_hash(inner)) {
            self.out.push_str(&self.name[self.at..end]);
        }
        self.at = end;
    }

    fn brace(&mut self) {
        let end = skip(self.name.as_bytes(), self.at, b'{', b'}');
        let group = &self.name[self.at..end];
        self.out.push_str(match group.trim_start_matches('{') {
            inner if inner.starts_with("lambda") => "lambda",
            inner if inner.starts_with("closure") => "{closure}",
            inner if inner.starts_with("anonymous") => ANONYMOUS,
            inner if inner.starts_with("unnamed") => "'unnamed'",
            _ => &group[..group.find('#').unwrap_or(group.len())],
        });
        let has_number = group.contains('#') && self.out.rfind('{') > self.out.rfind('}');
        if has_number {
            self.out.push('}');
        }
        self.at = end;
    }

    fn quoted(&mut self) {
        let start = self.at + 1;
        let Some(length) = self.name[start..].find('\'') else {
            self.out.push_str(&self.name[self.at..]);
            return self.at = self.name.len();
        };
        let inner = &self.name[start..start + length];
        let spelling = match inner {
            _ if inner.starts_with("lambda") => Some("lambda"),
            _ if inner.starts_with("unnamed") => Some("'unnamed'"),
            "anonymous namespace" | "anonymous-namespace" => Some(ANONYMOUS),
            _ => None,
        };
        let end = start + length + 1;
        self.out.push_str(spelling.unwrap_or(&self.name[self.at..end]));
        self.at = end;
    }
}

/// Bytes of the operator that `rest` begins with. `operator<<int>` is `operator<` for `int`.
fn sign(rest: &str) -> usize {
    let run = |sign: u8| rest.bytes().take_while(|byte| *byte == sign).count();
    match rest.as_bytes().first() {
        Some(b'<') if rest.starts_with("<=>") => 3,
        Some(b'<') => match (run(b'<'), rest.as_bytes().get(run(b'<'))) {
            (2, Some(b'=')) => 3,
            (1, Some(b'=')) | (2, None | Some(b'(' | b' ' | b':')) => 2,
            (1 | 2, _) => 1,
            _ => 2,
        },
        Some(b'>') => {
            run(b'>').min(2) + usize::from(rest.as_bytes().get(run(b'>').min(2)) == Some(&b'='))
        }
        Some(b'-') if rest.starts_with("->*") => 3,
        Some(b'-') if rest.starts_with("->") => 2,
        _ => rest
            .bytes()
            .take(2)
            .take_while(|byte| {
                matches!(
                    byte,
                    b'+' | b'-'
                        | b'*'
                        | b'/'
                        | b'%'
                        | b'^'
                        | b'&'
                        | b'|'
                        | b'~'
                        | b'!'
                        | b'='
                        | b','
                        | b'?'
                )
            })
            .count(),
    }
}

fn is_unnamed(rest: &str) -> bool {
    ["(anonymous", "(lambda", "(unnamed"].iter().any(|prefix| rest.starts_with(prefix))
}

fn is_declarator(rest: &str) -> bool {
    matches!(rest.as_bytes(), [b'(', b'*' | b'&', next, ..] if is_word(*next))
}

/// Whether `rest` begins with `token`, and not with a longer one.
fn is_token(rest: &str, token: &str) -> bool {
    rest.strip_prefix(token)
        .is_some_and(|after| token.starts_with('&') || !after.bytes().next().is_some_and(is_word))
}

fn is_numbered(word: &str, prefix: &str) -> bool {
    word.strip_prefix(prefix).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn skip_digits(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .map_or(bytes.len(), |length| start + length)
}
