//! What anybody can read in a folder: the bytes of its files, and what every zstd frame in them
//! expands to.

use std::fs;
use std::io::Read;
use std::path::Path;

/// How every zstd frame begins.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// More than any block of a small store.
const MAX_EXPANDED_BYTES: u64 = 8 << 20;

/// Everything in `folder` that needs no key, one after the other.
pub fn text(folder: &Path) -> Vec<u8> {
    let mut clear = Vec::new();
    for file in super::shapes::files(folder) {
        let bytes = fs::read(folder.join(file)).unwrap();
        for at in memchr::memmem::find_iter(&bytes, &MAGIC) {
            // A frame that is cut or encrypted gives what it can.
            if let Ok(decoder) = zstd::stream::Decoder::with_buffer(&bytes[at..]) {
                drop(decoder.single_frame().take(MAX_EXPANDED_BYTES).read_to_end(&mut clear));
                clear.push(b'\n');
            }
        }
        clear.extend(bytes);
        clear.push(b'\n');
    }
    clear
}

/// Which of `words` stand in `text`.
pub fn found<'w>(text: &[u8], words: &'w [Vec<u8>]) -> Vec<&'w [u8]> {
    words
        .iter()
        .map(Vec::as_slice)
        .filter(|word| memchr::memmem::find(text, word).is_some())
        .collect()
}
