//! Matches names against patterns.
//!
//! | pattern | matches |
//! | --- | --- |
//! | `*` | anything; in paths anything but `/` |
//! | `**` | anything |
//! | `**/` in paths, at the beginning and behind `/` | any number of folders, none included |
//! | `?` | one character; in paths not `/` |
//! | `[abc]` `[a-z]` `[!a]` `[^a]` | one character that is (not) listed |
//! | `\x` | `x`, whatever it is; in paths `\` is `/` |
//!
//! Paths are compared without regard to the case of ASCII letters, all else with it. `-[` and `+[`
//! at the beginning are Objective-C's.

use super::limits::{MAX_PATTERN_BYTES, MAX_WILDCARDS};

/// What a pattern is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// A path.
    Path,
    /// A function, where `-[` is no list.
    Function,
    /// Any other text.
    Text,
}

/// A pattern, read.
#[derive(Clone, Debug)]
pub struct Glob {
    tokens: Vec<Token>,
}

/// Characters from the first to the second of each pair.
type Ranges = Vec<(char, char)>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(Box<[u8]>),
    /// `?`, and whether it matches `/`.
    One(bool),
    Listed {
        listed: Ranges,
        negated: bool,
        slash: bool,
    },
    /// `*` in paths.
    Within,
    /// `**`, and `*` elsewhere.
    Anything,
    /// `**/` in paths.
    Folders,
}

/// Why a pattern cannot be read: where (bytes), what, and what to write instead.
pub type Wrong = (usize, &'static str, &'static str);

impl Glob {
    /// Reads `pattern`.
    pub fn new(pattern: &str, style: Style) -> Result<Self, Wrong> {
        if pattern.is_empty() {
            return Err((0, "the pattern is empty", "write * for anything"));
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err((0, "the pattern has more than 1024 bytes", "shorten it with *"));
        }
        let is_path = style == Style::Path;
        let lowered = if is_path {
            pattern.to_ascii_lowercase().replace('\\', "/")
        } else {
            pattern.to_owned()
        };
        let mut tokens = Tokens::default();
        let mut rest = lowered.as_str();
        if style == Style::Function && (rest.starts_with("-[") || rest.starts_with("+[")) {
            tokens.literal(&rest[..2]);
            rest = &rest[2..];
        }
        while let Some(first) = rest.chars().next() {
            let at = lowered.len() - rest.len();
            rest = &rest[tokens.token(first, &lowered, at, is_path)?..];
        }
        tokens.end();
        if tokens.wildcards > MAX_WILDCARDS {
            return Err((
                0,
                "the pattern has more than 32 wildcards",
                "use fewer, or several rules",
            ));
        }
        Ok(Self { tokens: tokens.read })
    }

    /// What each match begins with, and whether it is all of it.
    pub fn prefix(&self) -> (&[u8], bool) {
        match self.tokens.as_slice() {
            [Token::Literal(text)] => (text, true),
            [Token::Literal(text), ..] => (text, false),
            _ => (&[], false),
        }
    }

    /// What each match ends with.
    pub fn suffix(&self) -> &[u8] {
        match self.tokens.last() {
            Some(Token::Literal(text)) => text,
            _ => &[],
        }
    }

    /// The longest text that each match has somewhere.
    pub fn within(&self) -> &[u8] {
        let literals = self.tokens.iter().filter_map(|token| {
            if let Token::Literal(text) = token { Some(&**text) } else { None }
        });
        literals.max_by_key(|text| text.len()).unwrap_or_default()
    }

    /// Whether all of `text` matches. Paths have to be lower case, with `/`.
    ///
    /// Tries again from the last `*`, and where that has met a `/`, from the last `**`: nothing
    /// before these has to be tried again.
    pub fn matches(&self, text: &[u8]) -> bool {
        if !text.ends_with(self.suffix()) || !text.starts_with(self.prefix().0) {
            return false;
        }
        let (mut token, mut at) = (0, 0);
        let mut within: Option<(usize, usize)> = None;
        let mut anything: Option<(usize, usize, bool)> = None;
        loop {
            let matched = match self.tokens.get(token) {
                None => (at == text.len()).then_some(0),
                Some(Token::Within) => {
                    within = Some((token, at));
                    Some(0)
                }
                Some(Token::Anything) if token + 1 == self.tokens.len() => return true,
                Some(folders @ (Token::Anything | Token::Folders)) => {
                    (within, anything) = (None, Some((token, at, *folders == Token::Folders)));
                    Some(0)
                }
                Some(one) => one.length(&text[at..]),
            };
            match matched {
                Some(_) if token == self.tokens.len() => return true,
                Some(length) => (token, at) = (token + 1, at + length),
                None => {
                    // One more character for the last `*`, else for the last `**`.
                    if let Some((star, from)) =
                        within.filter(|(_, from)| text.get(*from).is_some_and(|byte| *byte != b'/'))
                    {
                        within = Some((star, from + 1));
                        (token, at) = (star + 1, from + 1);
                    } else if let Some((stars, from, is_folders)) = anything {
                        let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) else {
                            return false;
                        };
                        let step = if is_folders { memchr::memchr(b'/', rest) } else { Some(0) };
                        let Some(step) = step else { return false };
                        (within, anything) = (None, Some((stars, from + step + 1, is_folders)));
                        (token, at) = (stars + 1, from + step + 1);
                    } else {
                        return false;
                    }
                }
            }
        }
    }
}

impl Token {
    /// Bytes that it matches at the beginning of `text`.
    fn length(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Literal(literal) => text.starts_with(literal).then_some(literal.len()),
            Self::One(slash) => {
                first(text).filter(|(sign, _)| *slash || *sign != '/').map(|(_, length)| length)
            }
            Self::Listed { listed, negated, slash } => {
                let (sign, length) = first(text)?;
                let is_listed = listed.iter().any(|(low, high)| (*low..=*high).contains(&sign));
                (is_listed != *negated && (*slash || sign != '/')).then_some(length)
            }
            Self::Within | Self::Anything | Self::Folders => Some(0),
        }
    }
}

/// The first character of `text`. A byte within one counts as one.
fn first(text: &[u8]) -> Option<(char, usize)> {
    let byte = *text.first()?;
    if byte.is_ascii() {
        return Some((char::from(byte), 1));
    }
    let length =
        (2..=4.min(text.len())).find(|length| std::str::from_utf8(&text[..*length]).is_ok());
    let sign = length.and_then(|length| std::str::from_utf8(&text[..length]).ok()?.chars().next());
    Some(sign.zip(length).unwrap_or((char::REPLACEMENT_CHARACTER, 1)))
}

#[derive(Default)]
struct Tokens {
    read: Vec<Token>,
    literal: Vec<u8>,
    wildcards: usize,
}

impl Tokens {
    /// Reads what stands at byte `at` of `pattern`, where `first` is. Returns how many bytes it has.
    fn token(
        &mut self,
        first: char,
        pattern: &str,
        at: usize,
        is_path: bool,
    ) -> Result<usize, Wrong> {
        let rest = &pattern[at..];
        Ok(match first {
            '*' => {
                let stars = rest.bytes().take_while(|byte| *byte == b'*').count();
                let is_component =
                    is_path && stars > 1 && (at == 0 || pattern.as_bytes()[at - 1] == b'/');
                if is_component && rest[stars..].starts_with('/') {
                    self.wildcard(Token::Folders);
                    stars + 1
                } else {
                    self.wildcard(if is_path && stars == 1 {
                        Token::Within
                    } else {
                        Token::Anything
                    });
                    stars
                }
            }
            '?' => {
                self.wildcard(Token::One(!is_path));
                1
            }
            '[' => {
                let (listed, negated, length) = list(rest).ok_or((
                    at,
                    "a list of characters has no end",
                    "write ] behind it, or \\[ for the character itself",
                ))?;
                self.wildcard(Token::Listed { listed, negated, slash: !is_path });
                length
            }
            '\\' if rest.len() > 1 => {
                let escaped = rest[1..].chars().next().map_or(1, char::len_utf8);
                self.literal(&rest[1..=escaped]);
                1 + escaped
            }
            _ => {
                self.literal(&rest[..first.len_utf8()]);
                first.len_utf8()
            }
        })
    }

    fn literal(&mut self, text: &str) {
        self.literal.extend_from_slice(text.as_bytes());
    }

    fn wildcard(&mut self, token: Token) {
        self.end();
        self.wildcards += 1;
        self.read.push(token);
    }

    fn end(&mut self) {
        if !self.literal.is_empty() {
            self.read.push(Token::Literal(std::mem::take(&mut self.literal).into()));
        }
    }
}

/// The list that `rest` begins with: its ranges, whether it is negated, its bytes. A `]` that comes
/// first is listed.
fn list(rest: &str) -> Option<(Ranges, bool, usize)> {
    let mut signs = rest.char_indices().skip(1).peekable();
    let negated = signs.next_if(|(_, sign)| matches!(sign, '!' | '^')).is_some();
    let mut listed = Vec::new();
    while let Some((at, low)) = signs.next() {
        if low == ']' && !listed.is_empty() {
            return Some((listed, negated, at + 1));
        }
        let is_range = rest[at + low.len_utf8()..].starts_with('-')
            && !rest[at + low.len_utf8()..].starts_with("-]");
        let high = if is_range { signs.nth(1).map_or(low, |(_, high)| high) } else { low };
        listed.push((low, high));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(style: Style, cases: &[(&str, &str, bool)]) {
        for (pattern, text, want) in cases {
            assert_eq!(
                Glob::new(pattern, style).unwrap().matches(text.as_bytes()),
                *want,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn paths() {
        check(
            Style::Path,
            &[
                ("/usr/lib/*", "/usr/lib/libc.so", true),
                ("/usr/lib/*", "/usr/lib/x/libc.so", false),
                ("/usr/lib/**", "/usr/lib/x/libc.so", true),
                ("/USR/lib/**", "/usr/lib/x", true),
                ("**/libc.so", "libc.so", true),
                ("**/libc.so", "/a/b/libc.so", true),
                ("**/libc.so", "/a/b/xlibc.so", false),
                ("**/x/**/y", "/x/y", true),
                ("**/x/**/y", "/a/x/b/c/y", true),
                ("**/x/**/y", "/a/x/b/c/z", false),
                ("**/project/**.c", "/a/project/b/c.c", true),
                ("**/project/**.c", "/a/project/b/c.h", false),
                ("**/*.gen.c", "foo.gen.c", true),
                ("**/*.gen.c", "/foo/bar.gen.c", true),
                ("**/vendor/foo/*.c", "/x/vendor/foo/a/b.c", false),
                ("?:\\Windows\\**", "c:/windows/system32/ntdll.dll", true),
                ("a?b", "a/b", false),
                ("a[!x]b", "a/b", false),
                ("/a/*b*c", "/a/xbxbxc", true),
                ("**/a*c/d", "/abc/x/ac/d", true),
            ],
        );
    }

    #[test]
    fn functions() {
        check(
            Style::Function,
            &[
                ("std::*", "std::a::b", true),
                ("std::*", "Std::a", false),
                ("*::operator/*", "a::operator/", true),
                ("-[NSException raise]", "-[NSException raise]", true),
                ("+[Foo *]", "+[Foo bar:baz:]", true),
                ("f?o", "fäo", true),
                ("f[a-c]o", "fbo", true),
                ("f[!a-c]o", "fbo", false),
                ("f[]]o", "f]o", true),
                ("f\\*o", "f*o", true),
                ("f\\*o", "fxo", false),
                ("operator\\[\\]", "operator[]", true),
                ("*a*b*c", "xxaxxbxxbc", true),
                ("*a*b*c", "xxaxxbxxcb", false),
                ("abab*bab", "abab", false),
                ("main", "main", true),
                ("main", "mainly", false),
            ],
        );
        assert_eq!(Glob::new("operator[]", Style::Function).unwrap_err().0, 8);
    }
}
