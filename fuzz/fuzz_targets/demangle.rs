//! Any bytes as a linkage name: demangling them must end, without a panic and within limits, in
//! every spelling.

#![no_main]

use libfuzzer_sys::fuzz_target;
use symtool_demangle::{Spelling, demangle};
use symtool_demangle::limits::MAX_DEMANGLED_BYTES;

fuzz_target!(|name: &[u8]| {
    for spelling in [Spelling::Symtool, Spelling::Llvm, Spelling::Gnu] {
        // What binutils leaves around a name comes on top.
        let text = demangle(name, spelling);
        assert!(text.is_none_or(|text| text.len() <= MAX_DEMANGLED_BYTES + name.len()));
    }
});
