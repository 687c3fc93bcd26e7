//! What the tests of retracing share: the rows of a mapping as a store has them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use symtool_mapping::{ClassRow, Classes, MappingReader, Pattern, Retrace, RetraceStyle};

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
fn retraced(mapping: &str, trace: &str, style: RetraceStyle, pattern: Option<&str>) -> String {
    let pattern = pattern.map(|pattern| Arc::new(Pattern::parse(pattern).unwrap()));
    let mut retrace = Retrace::new(Rows::of(mapping), style).with_pattern(pattern);
    let mut out = Vec::new();
    retrace.text(trace.as_bytes(), &mut out).unwrap();
    retrace.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// In R8's style.
#[track_caller]
#[allow(dead_code, reason = "each test file has its own part of this")]
pub fn check(mapping: &str, trace: &str, want: &str) {
    assert_eq!(retraced(mapping, trace, RetraceStyle::R8, None), want);
}

/// In R8's style with `--verbose`.
#[track_caller]
#[allow(dead_code, reason = "each test file has its own part of this")]
pub fn check_verbose(mapping: &str, trace: &str, want: &str) {
    assert_eq!(retraced(mapping, trace, RetraceStyle::R8Verbose, None), want);
}

/// With a regular expression, in R8's style and with `--verbose`.
#[track_caller]
#[allow(dead_code, reason = "each test file has its own part of this")]
pub fn check_pattern(pattern: &str, mapping: &str, trace: &str, (want, verbose): (&str, &str)) {
    assert_eq!(retraced(mapping, trace, RetraceStyle::R8, Some(pattern)), want, "{pattern}");
    assert_eq!(
        retraced(mapping, trace, RetraceStyle::R8Verbose, Some(pattern)),
        verbose,
        "{pattern}, verbose"
    );
}
