//! Reads the ids by which R8 names a mapping: hexadecimal digits, in its head and in the source
//! files of classes.

/// The id of a mapping as R8 writes it into a program: as the source file of its classes.
///
/// It is the mapping's `pg_map_id`: the hash of its contents, or, as older R8 wrote it, the first
/// seven digits of that.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapId(String);

impl MapId {
    /// The fewest digits that stand for one mapping.
    pub const MIN_DIGITS: usize = 7;
    /// More than any hash has.
    pub const MAX_DIGITS: usize = 128;

    /// That of classes with this source file. `None` for another file's name.
    pub fn of_source_file(file: &str) -> Option<Self> {
        let digits = file.strip_prefix(MAP_ID)?;
        let is_id = (Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_id.then(|| Self(digits.to_ascii_lowercase()))
    }

    /// The ids in a text, each with the place at which its source file begins.
    pub fn all_in(text: &[u8]) -> impl Iterator<Item = (usize, Self)> {
        memchr::memmem::find_iter(text, MAP_ID).filter_map(move |at| {
            let digits = text[at + MAP_ID.len()..]
                .iter()
                .take(Self::MAX_DIGITS + 1)
                .take_while(|byte| byte.is_ascii_hexdigit())
                .count();
            let file = std::str::from_utf8(&text[at..at + MAP_ID.len() + digits]).ok()?;
            Some((at, Self::of_source_file(file)?))
        })
    }

    /// Its hexadecimal digits, in lower case.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Its bytes. `None` if it is so short that it is only the beginning of an id.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        hex_bytes(&self.0)
    }
}

/// What stands before such an id.
const MAP_ID: &str = "r8-map-id-";

/// The bytes of an id in hexadecimal, with or without hyphens. `None` if it is no such id, or one
/// of a few digits, as older R8 wrote them: see [`MapId`].
pub fn hex_bytes(id: &str) -> Option<Vec<u8>> {
    const MIN_BYTES: usize = 4;
    let digits: Vec<u8> = id
        .chars()
        .filter(|digit| *digit != '-')
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let is_whole = digits.len().is_multiple_of(2)
        && digits.len() >= 2 * MIN_BYTES
        && digits.len() <= MapId::MAX_DIGITS;
    is_whole.then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_traces() {
        let trace = b"  at a.b(r8-map-id-:1)\n  at a.c(r8-map-id-01234567AB:2)\n  at a.d(r8-map-id-0a1b2c3:3)\n";
        let found: Vec<(usize, String)> =
            MapId::all_in(trace).map(|(at, id)| (at, id.digits().to_owned())).collect();
        assert_eq!(found, [(32, "01234567ab".to_owned()), (65, "0a1b2c3".to_owned())]);
        assert_eq!(MapId::all_in(b"at a.b(SourceFile:1)").count(), 0);
        assert_eq!(MapId::all_in(format!("r8-map-id-{}", "0".repeat(129)).as_bytes()).count(), 0);
        let bytes = |file: &str| MapId::of_source_file(file).map(|id| id.bytes());
        assert_eq!(
            (bytes("r8-map-id-0a0b0c0d"), bytes("r8-map-id-0a0b0c0"), bytes("Main.java")),
            (Some(Some(vec![10, 11, 12, 13])), Some(None), None)
        );
    }

    #[test]
    fn ids_are_hexadecimal() {
        assert_eq!(hex_bytes("0123-4567"), Some(vec![0x01, 0x23, 0x45, 0x67]));
        for text in ["", "012345", "0123456", "0123456g", &"0".repeat(130)] {
            assert_eq!(hex_bytes(text), None, "{text}");
        }
    }
}
