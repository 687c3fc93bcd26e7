//! Finds the end of brackets in names.

/// Where the brackets that open at `start` have closed, or the end.
pub fn skip(bytes: &[u8], start: usize, open: u8, close: u8) -> usize {
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    bytes.len()
}

/// What stands within the bracket at `start`, of which `end` is where it has closed. One that never
/// does ends with the text.
pub fn inside(text: &str, start: usize, end: usize) -> &str {
    let is_closed =
        end > start + 1 && matches!(text.as_bytes()[end - 1], b'>' | b')' | b']' | b'}');
    &text[start + 1..if is_closed { end - 1 } else { end }]
}

/// [`skip`] for `<…>`, in which `->`, operators in parentheses and shifts are no brackets.
pub fn skip_angle(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' => {
                at = skip(bytes, at, b'(', b')');
                continue;
            }
            b'<' => depth += 1,
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
