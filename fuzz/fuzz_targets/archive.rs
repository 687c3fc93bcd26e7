//! Any bytes as an archive: listing and opening its members must end, without a panic and within
//! limits.

#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use symtool_debug::Mapped;
use symtool_debug::container::{Kind, list};

/// Bytes that a stream of unknown length may give.
const MAX_BYTES: u64 = 16 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Kind::Archive(format) = Kind::of(bytes) else { return };
    let archive = Mapped::unpacked(bytes.to_vec(), PathBuf::from("input"), "input".to_owned());
    for member in list(&archive, format).members.into_iter().flatten() {
        let declared = member.unpacked_bytes();
        let Ok((member, spooled)) = member.spooled(MAX_BYTES) else { continue };
        assert!(spooled <= MAX_BYTES);
        if let Ok(member) = member.open() {
            assert!(member.bytes().len() as u64 <= declared.max(spooled).max(bytes.len() as u64));
        }
    }
});
