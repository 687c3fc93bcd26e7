//! Any bytes as a mapping, and as a trace through it: reading them must end, without a panic and
//! within limits, and rows must be their own bytes.

#![no_main]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use symtool_mapping::{ClassRow, Classes, MappingReader, Retrace, RetraceStyle};

struct Rows(HashMap<String, Arc<ClassRow>>);

impl Classes for Rows {
    type Error = Infallible;

    fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Infallible> {
        Ok(self.0.get(obfuscated).cloned())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let _ = ClassRow::decode(bytes);
    // A mapping, a NUL, a trace.
    let (mapping, trace) =
        bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    let mut rows = HashMap::new();
    for row in MappingReader::new(mapping) {
        let Ok(row) = row else { return };
        let mut encoded = Vec::new();
        row.encode(&mut encoded);
        assert_eq!(ClassRow::decode(&encoded).as_ref(), Ok(&row));
        rows.insert(row.obfuscated().to_owned(), Arc::new(row));
    }
    for style in [RetraceStyle::R8, RetraceStyle::Proguard] {
        let mut retrace = Retrace::new(Rows(rows.clone()), style);
        let mut out = Vec::new();
        let Ok(()) = retrace.text(trace, &mut out);
        let Ok(()) = retrace.finish(&mut out);
    }
});
