//! Inflates members of archives to exactly as many bytes as they declare.

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Deflate makes at most 1,032 bytes of one: a match of 258 bytes takes two bits.
const MAX_RATIO: u64 = 1032;

/// Unpacks all of `packed`, which is to give `bytes` bytes with the checksum `crc`.
///
/// # Errors
/// What is wrong with it. Never unpacks more than `bytes`.
pub fn whole(packed: &[u8], bytes: u64, crc: u32) -> Result<Vec<u8>, String> {
    if bytes > (packed.len() as u64).saturating_mul(MAX_RATIO) {
        return Err(format!(
            "{} packed bytes cannot hold the {bytes} that are declared",
            packed.len()
        ));
    }
    let no_memory = || format!("no memory for {bytes} bytes");
    let capacity = usize::try_from(bytes).map_err(|_| no_memory())?;
    let mut unpacked = Vec::new();
    // One more, by which a stream that is longer than declared is seen.
    unpacked.try_reserve_exact(capacity.saturating_add(1)).map_err(|_| no_memory())?;
    let mut inflater = Decompress::new(false);
    let status = inflater.decompress_vec(packed, &mut unpacked, FlushDecompress::Finish);
    match status {
        Ok(Status::StreamEnd) if inflater.total_in() < packed.len() as u64 => {
            return Err("more follows the packed data".to_owned());
        }
        Ok(Status::StreamEnd) if unpacked.len() as u64 == bytes => {}
        Ok(Status::StreamEnd) => {
            return Err(format!("{} bytes unpacked, {bytes} declared", unpacked.len()));
        }
        Ok(_) if unpacked.len() as u64 > bytes => {
            return Err(format!("more than the {bytes} bytes that are declared"));
        }
        Ok(_) => return Err("the packed data ends early".to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let mut found = Crc::new();
    found.update(&unpacked);
    if found.sum() == crc { Ok(unpacked) } else { Err("wrong checksum".to_owned()) }
}

/// Unpacks the first bytes of many members.
pub struct Peek(Decompress);

impl Peek {
    /// Ready for any number of members.
    pub fn new() -> Self {
        Self(Decompress::new(false))
    }

    /// Up to `bytes` bytes from the start of `packed`, fewer if it is short or broken.
    pub fn start(&mut self, packed: &[u8], bytes: usize) -> Vec<u8> {
        self.0.reset(false);
        let mut start = Vec::with_capacity(bytes);
        // What could be unpacked before an error counts: opening the member will give the error
        // again.
        let _ = self.0.decompress_vec(packed, &mut start, FlushDecompress::None);
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::MAGIC_BYTES;
    use flate2::write::DeflateEncoder;
    use std::io::Write;

    fn deflated(bytes: &[u8]) -> (Vec<u8>, u32) {
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        let mut crc = Crc::new();
        crc.update(bytes);
        (encoder.finish().unwrap(), crc.sum())
    }

    #[test]
    fn exactly_what_is_declared() {
        for bytes in [&b""[..], b"x", &[7].repeat(100_000), &(0..=255).collect::<Vec<u8>>()] {
            let (packed, crc) = deflated(bytes);
            let declared = bytes.len() as u64;
            assert_eq!(whole(&packed, declared, crc).as_deref(), Ok(bytes));
            assert!(whole(&packed, declared + 1, crc).is_err());
            assert!(whole(&packed, declared, crc ^ 1).is_err());
            assert!(whole(&packed[..packed.len() - 1], declared, crc).is_err());
            assert!(whole(&[&packed[..], b"\0"].concat(), declared, crc).is_err());
            if declared > 0 {
                assert!(whole(&packed, declared - 1, crc).is_err());
            }
            assert_eq!(
                Peek::new().start(&packed, MAGIC_BYTES),
                bytes[..bytes.len().min(MAGIC_BYTES)]
            );
        }
    }

    #[test]
    fn a_lie_costs_no_memory() {
        let (packed, crc) = deflated(&[0; 1000]);
        let error = whole(&packed, u64::MAX, crc).unwrap_err();
        assert!(error.contains("cannot hold"), "{error}");
    }

    #[test]
    fn one_peek_after_another() {
        let mut peek = Peek::new();
        assert_eq!(peek.start(&deflated(b"first member").0, 8), b"first me");
        assert_eq!(peek.start(b"\xff\xff\xff\xff", 8), b"");
        assert_eq!(peek.start(&deflated(b"second").0, 8), b"second");
    }
}
