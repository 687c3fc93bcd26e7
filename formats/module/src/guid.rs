//! GUIDs as images of Windows have them, and as Breakpad, Sentry and minidumps make them of
//! build-ids.

/// A GUID with its first three fields in the other byte order: they are little-endian numbers in
/// files, and big-endian in print.
pub fn swapped_guid(mut guid: [u8; 16]) -> [u8; 16] {
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    guid
}

/// The first 16 bytes of an id, with zeros behind a shorter one: all that a GUID can hold of it.
pub fn first_16(id: &[u8]) -> [u8; 16] {
    let mut first = [0; 16];
    let count = id.len().min(first.len());
    first[..count].copy_from_slice(&id[..count]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_fields_are_numbers() {
        let in_file = *b"\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        let printed = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes();
        assert_eq!(swapped_guid(in_file), printed);
        assert_eq!(swapped_guid(printed), in_file);
    }

    #[test]
    fn a_guid_holds_16_bytes_of_an_id() {
        assert_eq!(first_16(&[7; 20]), [7; 16]);
        assert_eq!(first_16(&[1, 2]), [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
