//! One line of a batch: in, bytes; out, the module and address that it asks for.

use std::borrow::Cow;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'l> {
    /// The module it names, if it names one.
    pub module: Option<Cow<'l, str>>,
    /// The address.
    pub address: u64,
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
    if let Some(address) = address(line) {
        return Ok(Request { module: None, address });
    }
    if let Some(rest) = line.strip_prefix(b"\"") {
        let end = rest.iter().position(|&byte| byte == b'"').ok_or("the quoted module name does not end")?;
        return request(&rest[..end], rest[end + 1..].trim_ascii());
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(word), None, ..) => {
            let at = word.iter().rposition(|byte| matches!(byte, b'+' | b'!')).ok_or("neither an address nor MODULE+ADDR")?;
            request(&word[..at], &word[at + 1..])
        }
        (Some(b"CODE"), Some(address_word), None, _) => {
            address(address_word).map(|address| Request { module: None, address }).ok_or(NOT_HEXADECIMAL)
        }
        (Some(b"DATA"), ..) => Err("data addresses are not answered"),
        (Some(b"CODE"), Some(module), Some(address), None) | (Some(module), Some(address), None, _) => request(module, address),
        _ => Err("too many words; put a module name with spaces in double quotes"),
    }
}

const NOT_HEXADECIMAL: &str = "the address is not a hexadecimal number of 64 bits";

fn request<'l>(module: &'l [u8], address_word: &[u8]) -> Result<Request<'l>, &'static str> {
    if module.is_empty() {
        return Err("the module name is empty");
    }
    let address = address(address_word).ok_or(NOT_HEXADECIMAL)?;
    Ok(Request { module: Some(String::from_utf8_lossy(module)), address })
}

/// A hexadecimal number, `0x` optional.
fn address(word: &[u8]) -> Option<u64> {
    let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")).unwrap_or(word);
    if digits.is_empty() || digits.len() > 16 && digits[..digits.len() - 16].iter().any(|&digit| digit != b'0') {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| Some(number << 4 | u64::from(char::from(digit).to_digit(16)?)))
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
            let want = Request { module: module.map(Cow::Borrowed), address };
            assert_eq!(parse(line.as_bytes()), Some(Ok(want)), "{line}");
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
