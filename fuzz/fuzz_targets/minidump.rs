//! Any bytes as a minidump: reading and walking it must end, without a panic and within limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use symtool_minidump::{Minidump, NoUnwindRows};

fuzz_target!(|bytes: &[u8]| {
    let Ok(dump) = Minidump::read(bytes) else { return };
    let _ = dump.extent().to_string();
    let _ = dump.walk(&mut NoUnwindRows);
});
