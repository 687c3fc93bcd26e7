//! What the tests of retracing share: in, the text of a mapping; out, its rows as a store has them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use symtool_formats::mapping::{ClassRow, Classes, MappingReader, Retrace, Style};

/// Rows as a store has them: as bytes, by obfuscated class.
pub struct Rows(HashMap<String, Vec<u8>>);

impl Rows {
    /// The rows of a mapping that has nothing wrong in it.
    pub fn of(mapping: &str) -> Self {
        let mut reader = MappingReader::new(mapping.as_bytes());
        let mut rows: Vec<ClassRow> = reader.by_ref().map(Result::unwrap).collect();
        let facts = reader.into_facts();
        assert!(facts.skipped.is_empty(), "{:?}", facts.skipped);
        rows.iter_mut().for_each(|row| row.name_sources(&facts.sources));
        let encoded = |row: &ClassRow| {
            let mut bytes = Vec::new();
            row.encode(&mut bytes);
            assert_eq!(ClassRow::decode(&bytes).as_ref(), Ok(row));
            bytes
        };
        Self(rows.iter().map(|row| (row.obfuscated().to_owned(), encoded(row))).collect())
    }
}

impl Classes for Rows {
    type Error = Infallible;

    fn class(&mut self, obfuscated: &str) -> Result<Option<Arc<ClassRow>>, Infallible> {
        Ok(self.0.get(obfuscated).map(|bytes| Arc::new(ClassRow::decode(bytes).unwrap())))
    }
}

/// A whole text.
fn retraced(mapping: &str, trace: &str) -> String {
    let mut retrace = Retrace::new(Rows::of(mapping), Style::R8);
    let mut out = Vec::new();
    retrace.text(trace.as_bytes(), &mut out).unwrap();
    retrace.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// In R8's style.
#[track_caller]
pub fn check(mapping: &str, trace: &str, want: &str) {
    assert_eq!(retraced(mapping, trace), want);
}
