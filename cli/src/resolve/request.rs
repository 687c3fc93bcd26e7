//! Parses one line of a batch: a module and an address.

use std::borrow::Cow;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'l> {
    /// The module it names, if it names one.
    pub module: Option<Cow<'l, str>>,
    /// What it asks for there.
    pub what: What<'l>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'l> {
    /// An address.
    Address(u64),
    /// A method of a mapping.
    Method(Method<'l>),
}

/// A frame of a Java stack: `class.method:line`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method<'l> {
    /// All of it.
    pub text: &'l str,
    /// The class, with dots.
    pub class: &'l str,
    /// Its name.
    pub name: &'l str,
    /// The line, if there is one.
    pub line: Option<u32>,
}

/// Reads a line; `None` if it is blank or a comment.
///
/// # Errors
/// Why it is no request.
pub fn parse(line: &[u8]) -> Option<Result<Request<'_>, &'static str>> {
    let line = line.trim_ascii();
    (!line.is_empty() && line[0] != b'#').then(|| parse_text(line))
}

fn parse_text(line: &[u8]) -> Result<Request<'_>, &'static str> {
    if let Some(what) = what(line) {
        return Ok(Request { module: None, what });
    }
    if let Some(rest) = line.strip_prefix(b"\"") {
        let end = rest
            .iter()
            .position(|&byte| byte == b'"')
            .ok_or("the quoted module name does not end")?;
        return request(&rest[..end], rest[end + 1..].trim_ascii());
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(word), None, ..) => {
            let at = word
                .iter()
                .rposition(|byte| matches!(byte, b'+' | b'!'))
                .ok_or("neither an address nor MODULE+ADDR nor CLASS.METHOD:LINE")?;
            request(&word[..at], &word[at + 1..])
        }
        (Some(b"CODE"), Some(address_word), None, _) => address(address_word)
            .map(|address| Request { module: None, what: What::Address(address) })
            .ok_or(NOT_HEXADECIMAL),
        (Some(b"DATA"), ..) => Err("data addresses are not answered"),
        (Some(b"CODE"), Some(module), Some(address), None)
        | (Some(module), Some(address), None, _) => request(module, address),
        _ => Err("too many words; put a module name with spaces in double quotes"),
    }
}

const NOT_HEXADECIMAL: &str = "the address is not a hexadecimal number of 64 bits";

fn request<'l>(module: &'l [u8], address_word: &'l [u8]) -> Result<Request<'l>, &'static str> {
    if module.is_empty() {
        return Err("the module name is empty");
    }
    let what = what(address_word).ok_or(NOT_HEXADECIMAL)?;
    Ok(Request { module: Some(String::from_utf8_lossy(module)), what })
}

fn what(word: &[u8]) -> Option<What<'_>> {
    address(word).map(What::Address).or_else(|| method(word).map(What::Method))
}

/// `class.method:line` or `class.method`.
fn method(word: &[u8]) -> Option<Method<'_>> {
    let text = std::str::from_utf8(word).ok()?;
    let (name, line) = match text.rsplit_once(':') {
        // A number that no line has is that of no line.
        Some((name, line))
            if !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (name, line.parse().ok())
        }
        Some(_) => return None,
        None => (text, None),
    };
    let (class, method) = name.rsplit_once('.')?;
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.contains(|char: char| {
                char.is_whitespace() || matches!(char, '+' | '!' | '(' | '/' | ':')
            })
    };
    // A file's name with a line is none: `libc.so:12` has a class `libc`.
    (is_name(class) && is_name(method)).then_some(Method { text, class, name: method, line })
}

/// A hexadecimal number, `0x` optional.
fn address(word: &[u8]) -> Option<u64> {
    let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")).unwrap_or(word);
    if digits.is_empty()
        || digits.len() > 16 && digits[..digits.len() - 16].iter().any(|&digit| digit != b'0')
    {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| {
        Some(number << 4 | u64::from(char::from(digit).to_digit(16)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_requests() {
        for (line, module, address) in [
            ("5a602a", None, 0x005a_602a),
            (" 0x5A602a\r", None, 0x005a_602a),
            ("0xffffffffffffffff", None, u64::MAX),
            ("0x00000000000000000001", None, 1),
            ("libc.so 0x10", Some("libc.so"), 0x10),
            ("libc.so\t10", Some("libc.so"), 0x10),
            ("libc.so+0x10", Some("libc.so"), 0x10),
            ("libstdc++.so+10", Some("libstdc++.so"), 0x10),
            ("libc.so!10", Some("libc.so"), 0x10),
            ("\"my lib.so\" 0x10", Some("my lib.so"), 0x10),
            ("CODE libc.so 10", Some("libc.so"), 0x10),
            ("CODE 10", None, 0x10),
            ("deadbeef+10", Some("deadbeef"), 0x10),
        ] {
            let want = Request { module: module.map(Cow::Borrowed), what: What::Address(address) };
            assert_eq!(parse(line.as_bytes()), Some(Ok(want)), "{line}");
        }
    }

    #[test]
    fn lines_that_ask_for_methods() {
        for (line, module, class, method, number) in [
            ("mapping.txt a.b.c:12", Some("mapping.txt"), "a.b", "c", Some(12)),
            ("a.b:12", None, "a", "b", Some(12)),
            ("5f8c1d02 a.b.<init>", Some("5f8c1d02"), "a.b", "<init>", None),
            ("a.b.c:99999999999", None, "a.b", "c", None),
            ("\"my mapping.txt\" a.b$c.d:1", Some("my mapping.txt"), "a.b$c", "d", Some(1)),
        ] {
            let request = parse(line.as_bytes()).unwrap().unwrap();
            let What::Method(found) = request.what else { panic!("{line}") };
            assert_eq!(
                (request.module.as_deref(), found.class, found.name, found.line),
                (module, class, method, number),
                "{line}"
            );
        }
    }

    #[test]
    fn lines_that_are_not() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"  \r"), None);
        assert_eq!(parse(b"# 0x10"), None);
        for line in [
            "xyz",
            "0x",
            "10000000000000000",
            "libc.so zz",
            "+10",
            "\"lib 10",
            "\"\" 10",
            "a b c 10",
            "DATA lib.so 10",
            "lib.so -10",
            "lib.so+",
        ] {
            assert!(matches!(parse(line.as_bytes()), Some(Err(_))), "{line}");
        }
    }
}
