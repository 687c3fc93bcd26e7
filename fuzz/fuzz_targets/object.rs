//! Any bytes as an object file: reading them must end, without a panic and within limits.

#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use symtool_debug::{DebugFile, Mapped, Progress, Search};

fuzz_target!(|bytes: &[u8]| {
    let mapped = Mapped::unpacked(bytes.to_vec(), PathBuf::from("input"), "input".to_owned());
    let Ok(file) = DebugFile::parse(&mapped) else { return };
    let Ok(module) = file.read(&Search::nowhere(), &Progress::default()) else { return };
    assert!(module.ranges.is_sorted_by(|a, b| a.end <= b.start));
    assert!(module.unwind.rows.is_sorted_by(|a, b| a.end <= b.start));
    assert!(module.ranges.iter().all(
        |range| range.start < range.end && (range.chain.index() as usize) < module.chains.len()
    ));
});
