//! Numbers and strings as the styles write them.

use std::borrow::Cow;
use std::io::Write;

/// A decimal number.
pub fn put_number(mut number: u32, out: &mut Vec<u8>) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A hexadecimal number with `0x`.
pub fn put_hex(number: u64, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{number:#x}");
}

/// Bytes as hexadecimal digits, two a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

/// A JSON string, with what has to be escaped escaped as LLVM does it; bytes that are not UTF-8
/// become U+FFFD.
pub fn put_json(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let is_plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if text.is_ascii() && text.iter().all(is_plain) {
        out.extend_from_slice(text);
    } else {
        let text: Cow<'_, str> = String::from_utf8_lossy(text);
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => out.extend([b'\\', byte]),
                b'\t' => out.extend_from_slice(b"\\t"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                0..0x20 => {
                    let _ = write!(out, "\\u{byte:04x}");
                }
                _ => out.push(byte),
            }
        }
    }
    out.push(b'"');
}

/// Writes `json`, which has no white space between its parts, with a line for each, as LLVM's
/// `{0:2}` does.
pub fn put_indented(json: &[u8], out: &mut Vec<u8>) {
    let (mut depth, mut in_string, mut bytes) = (0, false, json.iter().copied().peekable());
    let new_line = |depth: usize, out: &mut Vec<u8>| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                out.push(byte);
                out.extend(bytes.next());
                continue;
            }
            b'"' => in_string = !in_string,
            b'}' | b']' if !in_string => {
                depth = usize::saturating_sub(depth, 1);
                new_line(depth, out);
            }
            _ => {}
        }
        out.push(byte);
        match byte {
            b'{' | b'[' if !in_string => {
                if let Some(end) = bytes.next_if(|next| matches!(next, b'}' | b']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(depth, out);
                }
            }
            b',' if !in_string => new_line(depth, out),
            b':' if !in_string => out.push(b' '),
            _ => {}
        }
    }
}

/// The part of a path behind its last slash.
pub fn base_name(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&byte| byte == b'/').map_or(path, |slash| &path[slash + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_part() {
        let mut out = Vec::new();
        put_indented(br#"[{"a":1,"b":[],"c":"x,{\"\\"},{}]"#, &mut out);
        let want =
            "[\n  {\n    \"a\": 1,\n    \"b\": [],\n    \"c\": \"x,{\\\"\\\\\"\n  },\n  {}\n]";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn numbers_and_strings() {
        let mut out = Vec::new();
        for number in [0, 7, 10, u32::MAX] {
            put_number(number, &mut out);
            out.push(b' ');
        }
        put_hex(0x2ba, &mut out);
        put_json(b"a\"b\\c\x01\x08\t\xff", &mut out);
        put_json(b"\x7f", &mut out);
        assert_eq!(
            out,
            "0 7 10 4294967295 0x2ba\"a\\\"b\\\\c\\u0001\\u0008\\t\u{fffd}\"\"\x7f\"".as_bytes()
        );
        assert_eq!([&b"a/b/c.c"[..], b"c.c", b"a/"].map(base_name), [&b"c.c"[..], b"c.c", b""]);
    }
}
