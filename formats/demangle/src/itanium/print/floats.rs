//! Prints floating-point literals as C's `%a` does.

use super::super::node::FloatType;

/// The text of the value whose bytes, the most significant first, are `digits`.
pub fn text(ty: FloatType, digits: &[u8]) -> String {
    let number =
        digits.iter().fold(0u128, |number, &digit| number << 4 | u128::from(nibble(digit)));
    match ty {
        FloatType::Float => {
            let single = f32::from_bits(u32::try_from(number).unwrap_or_default());
            double(f64::from(single)) + "f"
        }
        FloatType::Double => double(f64::from_bits(u64::try_from(number).unwrap_or_default())),
        FloatType::LongDouble => long_double(number) + "L",
    }
}

fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit.wrapping_sub(b'a').wrapping_add(10) }
}

fn double(value: f64) -> String {
    let bits = value.to_bits();
    let exponent = i64::try_from(bits >> 52 & 0x7ff).unwrap_or_default();
    let fraction = bits & ((1 << 52) - 1);
    match exponent {
        0x7ff => not_a_number(value.is_sign_negative(), fraction != 0),
        0 if fraction == 0 => hexadecimal(value.is_sign_negative(), 0, 0, 0),
        0 => hexadecimal(value.is_sign_negative(), 0, fraction << 12, -1022),
        _ => hexadecimal(value.is_sign_negative(), 1, fraction << 12, exponent - 1023),
    }
}

/// The 80 bits of x86, whose first digit has the bit that others leave out.
fn long_double(number: u128) -> String {
    let is_negative = number >> 79 & 1 == 1;
    let exponent = i64::try_from(number >> 64 & 0x7fff).unwrap_or_default();
    let mantissa = u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default();
    match exponent {
        0x7fff => not_a_number(is_negative, mantissa << 1 != 0),
        0 if mantissa == 0 => hexadecimal(is_negative, 0, 0, 0),
        _ => hexadecimal(is_negative, mantissa >> 60, mantissa << 4, exponent.max(1) - 16_383 - 3),
    }
}

fn not_a_number(is_negative: bool, is_nan: bool) -> String {
    format!("{}{}", if is_negative { "-" } else { "" }, if is_nan { "nan" } else { "inf" })
}

/// `fraction` has its first digit in the top bits.
fn hexadecimal(is_negative: bool, first: u64, fraction: u64, exponent: i64) -> String {
    let digits = format!("{fraction:016x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    format!("{}0x{first:x}{point}{digits}p{exponent:+}", if is_negative { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As C's printf writes them.
    #[test]
    fn floats_are_written_as_c_does() {
        for (ty, digits, want) in [
            (FloatType::Float, "3f800000", "0x1p+0f"),
            (FloatType::Float, "c0490fdb", "-0x1.921fb6p+1f"),
            (FloatType::Double, "3ff8000000000000", "0x1.8p+0"),
            (FloatType::Double, "0000000000000000", "0x0p+0"),
            (FloatType::Double, "0000000000000001", "0x0.0000000000001p-1022"),
            (FloatType::Double, "7ff0000000000000", "inf"),
            (FloatType::LongDouble, "3fff8000000000000000", "0x8p-3L"),
            (FloatType::LongDouble, "c000c90fdaa22168c235", "-0xc.90fdaa22168c235p-2L"),
        ] {
            assert_eq!(text(ty, digits.as_bytes()), want, "{digits}");
        }
    }
}
