//! Requests to addr2line: addresses, and symbols with an offset.

/// What a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken<'r> {
    Number(u64),
    /// A name, perhaps empty, and an offset.
    Symbol(&'r [u8], u64),
}

impl<'r> Spoken<'r> {
    /// Anything means something: what begins with no digit is 0.
    pub(super) fn of(request: &'r [u8]) -> Self {
        let text = request.trim_ascii_start();
        let is_number = match text.first() {
            None => true,
            Some(first) if first.is_ascii_digit() => true,
            Some(first) => first.is_ascii_hexdigit() && !text.contains(&b'+'),
        };
        if is_number {
            return Self::Number(leading_number(text, 16));
        }
        let end = text
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || *byte == b'+')
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let offset = rest.trim_ascii_start().strip_prefix(b"+").map_or(0, |offset| {
            let offset = offset.trim_ascii_start();
            match offset {
                [b'-', digits @ ..] => leading_number(digits, 0).wrapping_neg(),
                [b'+', digits @ ..] | digits => leading_number(digits, 0),
            }
        });
        Self::Symbol(name, offset)
    }
}

/// The number that `text` begins with, as C's `strtoul` reads it: 0 if none, the largest if it is
/// too large. Base 0 is what the prefix says.
pub(super) fn leading_number(text: &[u8], base: u32) -> u64 {
    let without_prefix = match text {
        [b'0', b'x' | b'X', rest @ ..]
            if rest.first().is_some_and(u8::is_ascii_hexdigit) && (base == 0 || base == 16) =>
        {
            Some(rest)
        }
        _ => None,
    };
    let (digits, base) = match (without_prefix, base) {
        (Some(digits), _) => (digits, 16),
        (None, 0) => (text, if text.first() == Some(&b'0') { 8 } else { 10 }),
        (None, base) => (text, base),
    };
    let mut digits = digits.iter().map_while(|digit| char::from(*digit).to_digit(base));
    let number = digits.try_fold(0u64, |number, digit| {
        number.checked_mul(u64::from(base))?.checked_add(u64::from(digit))
    });
    number.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        for (request, want) in [
            ("5a602a\n", Spoken::Number(0x005a_602a)),
            (" 0x5A602A junk", Spoken::Number(0x005a_602a)),
            ("", Spoken::Number(0)),
            ("beef", Spoken::Number(0xbeef)),
            ("c_head", Spoken::Number(0xc)),
            ("0x", Spoken::Number(0)),
            ("0x276+1", Spoken::Number(0x276)),
            ("99999999999999999999", Spoken::Number(u64::MAX)),
            ("main", Spoken::Symbol(b"main", 0)),
            (" main + 16", Spoken::Symbol(b"main", 16)),
            ("main+0x10 x", Spoken::Symbol(b"main", 16)),
            ("main+010", Spoken::Symbol(b"main", 8)),
            ("abort+-1", Spoken::Symbol(b"abort", u64::MAX)),
            ("+10", Spoken::Symbol(b"", 10)),
            ("-1", Spoken::Symbol(b"-1", 0)),
            ("x+zz", Spoken::Symbol(b"x", 0)),
        ] {
            assert_eq!(Spoken::of(request.as_bytes()), want, "{request}");
        }
    }
}
