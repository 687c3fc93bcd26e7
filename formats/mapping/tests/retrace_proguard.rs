//! `ProGuard`'s style: the traces of `testdata/mapping/` have to come out as `ProGuard`'s `ReTrace`
//! printed them.
//!
//! `MAPPING=FILE TRACE=FILE OUT=FILE cargo test --release -p symtool-mapping --test
//! retrace_proguard -- --ignored` retraces any other; `testdata/mapping/check.py` compares those.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use symtool_mapping::{ClassRow, Classes, MappingReader, Retrace, RetraceStyle};

struct Rows(HashMap<String, Arc<ClassRow>>);

impl Classes for Rows {
    type Error = Infallible;

    fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Infallible> {
        Ok(self.0.get(obfuscated).cloned())
    }
}

fn retraced(mapping: &[u8], trace: &[u8], style: RetraceStyle) -> Vec<u8> {
    let rows = MappingReader::new(mapping)
        .map(Result::unwrap)
        .map(|row| (row.obfuscated().to_owned(), Arc::new(row)));
    let mut retrace = Retrace::new(Rows(rows.collect()), style);
    let mut out = Vec::new();
    retrace.text(trace, &mut out).unwrap();
    retrace.finish(&mut out).unwrap();
    out
}

#[test]
fn traces_are_those_of_retrace() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/mapping");
    for name in ["forms", "shop"] {
        let file = |kind: &str| std::fs::read(folder.join(format!("{name}.{kind}.txt"))).unwrap();
        let got =
            String::from_utf8(retraced(&file("mapping"), &file("trace"), RetraceStyle::Proguard))
                .unwrap();
        let want = String::from_utf8(file("retrace")).unwrap();
        for (number, (got, want)) in (1..).zip(got.lines().zip(want.lines())) {
            assert_eq!(got, want, "{name}, line {number}");
        }
        assert_eq!(got, want);
    }
}
