//! Objects of JSON that say whether they are whole.
//!
//! ```text
//! {"check":"HASH","format":1,…}      HASH: the first 32 digits of BLAKE3 of all behind its comma
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

const BEGIN: &str = "{\"check\":\"";
const MIDDLE: &str = "\",";
const DIGITS: usize = 32;

/// `value`, which is an object, with its check.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn write(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(value)?;
    let rest = bytes.strip_prefix(b"{").unwrap_or(&bytes);
    let mut checked = Vec::with_capacity(rest.len() + 64);
    checked.extend_from_slice(BEGIN.as_bytes());
    checked.extend_from_slice(hash(rest).as_bytes());
    checked.extend_from_slice(MIDDLE.as_bytes());
    checked.extend_from_slice(rest);
    Ok(checked)
}

/// The object in `bytes`; `None` if they are not as they were written.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let rest = bytes.strip_prefix(BEGIN.as_bytes())?;
    let (digits, rest) = rest.split_at_checked(DIGITS)?;
    let rest = rest.strip_prefix(MIDDLE.as_bytes())?;
    if digits != hash(rest).as_bytes() {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_bit_or_a_missing_end_is_noticed() {
        let value = serde_json::json!({ "name": "libfoo.so", "bytes": 7 });
        let bytes = write(&value).unwrap();
        let read = read::<serde_json::Value>;
        let known = read(&bytes).unwrap();
        assert_eq!((&known["name"], &known["bytes"]), (&value["name"], &value["bytes"]));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&changed), None, "bit {bit}");
        }
        (0..bytes.len()).for_each(|end| assert_eq!(read(&bytes[..end]), None, "{end}"));
    }
}
