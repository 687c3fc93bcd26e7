//! JSON values that are not containers, as the text or number that a report means.

use std::borrow::Cow;

use crate::scan::text::hex;

/// A value that is no container.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A number as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
}

impl Scalar<'_> {
    /// A string or number as text.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }

    /// An address or size: a number, or a string of one in hexadecimal (with `0x`) or decimal. A
    /// negative one is its two's complement.
    pub fn unsigned(&self) -> Option<u64> {
        let text = self.text().trim();
        if text.starts_with("0x") || text.starts_with("0X") {
            return hex(text);
        }
        text.parse().ok().or_else(|| text.parse::<i64>().ok().map(i64::cast_unsigned)).or_else(
            || {
                // Some writers know numbers as floating point only: `4295000064.0`, `4.29e9`.
                let number: f64 = text.parse().ok()?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "whole, and at most 2^53"
                )]
                ((0.0..=9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0)
                    .then_some(number as u64)
            },
        )
    }

    /// A signed number, of the same forms.
    pub fn signed(&self) -> Option<i64> {
        self.unsigned().map(u64::cast_signed)
    }
}

#[cfg(test)]
mod tests {
    use crate::scan::json::Json;

    #[test]
    fn addresses() {
        for (text, want) in [
            ("\"0x10\"", Some(16)),
            ("16", Some(16)),
            ("\"16\"", Some(16)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", Some(u64::MAX)),
            ("16.0", Some(16)),
            ("1.6e1", Some(16)),
            ("1.5", None),
            ("1e300", None),
            ("\"\"", None),
            ("true", None),
        ] {
            assert_eq!(Json::new(text).scalar().unwrap().unwrap().unsigned(), want, "{text}");
        }
    }
}
