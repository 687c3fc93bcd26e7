//! Normalises messages of errors, which can stand in for a missing stack.

/// Bytes of a message that count. Some quote whole documents.
const MAX_MESSAGE_BYTES: usize = 1024;

/// `text` with `<hex>`, `<uuid>`, `<n>` and `<path>` for addresses, ids, numbers and paths, in one
/// line, cut after 1024 bytes.
pub fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_MESSAGE_BYTES));
    let mut rest = text.trim();
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        if out.len() >= MAX_MESSAGE_BYTES {
            break;
        }
        let starts_word = !(before.is_alphanumeric() || before == '_');
        let (length, spelling) = match first {
            '\'' | '"' | '`' if starts_word => quoted_path(rest, first).unwrap_or((1, "")),
            '/' | '~' if starts_word && before != '/' => path(rest).unwrap_or((1, "")),
            _ if first.is_whitespace() => (first.len_utf8(), " "),
            _ if starts_word && first.is_ascii_alphanumeric() => variable(rest),
            _ => (first.len_utf8(), ""),
        };
        let taken = &rest[..length];
        match spelling {
            "" => out.push_str(taken),
            " " if out.ends_with(' ') => {}
            spelling => out.push_str(spelling),
        }
        before = taken.chars().next_back().unwrap_or(first);
        rest = &rest[length..];
    }
    let end = (0..=MAX_MESSAGE_BYTES.min(out.len()))
        .rev()
        .find(|end| out.is_char_boundary(*end))
        .unwrap_or_default();
    out.truncate(end);
    out.truncate(out.trim_end().len());
    out
}

/// What varies at the beginning of `rest`: bytes, and what to write instead; nothing for a word
/// that stays.
fn variable(rest: &str) -> (usize, &'static str) {
    let bytes = rest.as_bytes();
    if is_uuid(bytes) {
        return (36, "<uuid>");
    }
    let word =
        bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let address = rest[..word].strip_prefix("0x").or_else(|| rest[..word].strip_prefix("0X"));
    if address.is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    }) {
        return (word, "<hex>");
    }
    let text = &bytes[..word];
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == word || (digits > 0 && is_unit(&rest[digits..word])) {
        let more = bytes[digits..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
            .count();
        let number = rest[..digits + more].trim_end_matches(['.', ',']).len();
        return (number, "<n>");
    }
    if word >= 8 && text.iter().all(u8::is_ascii_hexdigit) && text.iter().any(u8::is_ascii_digit) {
        return (word, "<hex>");
    }
    // Drive letters begin Windows' paths.
    if word == 1 && matches!(bytes, [_, b':', b'\\' | b'/', ..]) {
        return (path_length(rest), "<path>");
    }
    (word.max(1), "")
}

fn is_unit(unit: &str) -> bool {
    matches!(
        unit,
        "ms" | "s"
            | "us"
            | "ns"
            | "B"
            | "KB"
            | "MB"
            | "GB"
            | "KiB"
            | "MiB"
            | "GiB"
            | "px"
            | "x"
            | "th"
            | "st"
            | "nd"
            | "rd"
    )
}

fn is_uuid(bytes: &[u8]) -> bool {
    let is_in_place = |(at, byte): (usize, &u8)| {
        if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    bytes.get(..36).is_some_and(|uuid| uuid.iter().enumerate().all(is_in_place))
        && !bytes.get(36).is_some_and(u8::is_ascii_alphanumeric)
}

/// A path in quotes, quotes included.
fn quoted_path(rest: &str, quote: char) -> Option<(usize, &'static str)> {
    let length = rest[1..].find(['\n', quote])?;
    let inner = &rest[1..=length];
    let is_path = rest[1 + length..].starts_with(quote)
        && !inner.is_empty()
        && inner.contains(['/', '\\'])
        && !inner.contains("://");
    is_path.then_some((length + 2, "<path>"))
}

/// A path of two components or more.
fn path(rest: &str) -> Option<(usize, &'static str)> {
    let length = path_length(rest);
    (rest[..length].matches('/').count() >= 2).then_some((length, "<path>"))
}

fn path_length(rest: &str) -> usize {
    let end = rest
        .find(|sign: char| {
            sign.is_whitespace() || matches!(sign, '\'' | '"' | '`' | ',' | ';' | ')' | ']')
        })
        .unwrap_or(rest.len());
    rest[..end].trim_end_matches(['.', ':']).len().max(1)
}
