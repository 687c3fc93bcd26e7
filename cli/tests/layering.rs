//! The arrows between the crates: cli -> core -> formats, never back, and each knows only its own outside world. That the libraries do not
//! print, clippy checks (`print_stdout` in their `lib.rs`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// A crate, and words that its manifest and its sources must not have.
const FORBIDDEN: [(&str, &[&str]); 2] = [
    ("formats", &["rocksdb", "symtool_core", "symtool-core", "clap", "indicatif"]),
    ("core", &["gimli", "object", "clap", "indicatif", "addr2line", "memmap2"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Whether code (not a comment) uses `word` as the start of a path or as a dependency.
fn uses(line: &str, word: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + word.len()..];
        let starts = before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != '-');
        starts && (after.starts_with("::") || after.starts_with(".workspace") || after.starts_with(" ="))
    })
}

#[test]
fn no_crate_knows_more_than_it_should() {
    let mut lines_read = 0;
    for (name, words) in FORBIDDEN {
        let folder = root().join(name);
        let mut files = sources(&folder.join("src"));
        files.push(folder.join("Cargo.toml"));
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                lines_read += 1;
                for word in words {
                    assert!(!uses(line, word), "{}:{}: {name} must not use {word}", file.display(), number + 1);
                }
            }
        }
    }
    assert!(lines_read > 1000, "the sources were not found");
}

#[test]
fn the_check_can_fail() {
    assert!(uses("use rocksdb::DB;", "rocksdb"));
    assert!(uses("rocksdb.workspace = true", "rocksdb"));
    assert!(uses("    let x = ::object::File::parse(y);", "object"));
    assert!(!uses("// gimli::Unit", "gimli"));
    assert!(!uses("my_object::thing()", "object"));
    assert!(!uses("use symtool_formats::Range;", "symtool_core"));
}
