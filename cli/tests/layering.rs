//! What each crate may know, and that the folders of a crate use each other in one direction. Cargo
//! enforces the arrows between crates; that the libraries do not print, clippy checks
//! (`print_stdout` in their `lib.rs`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of crates, and words that their manifests and sources must not have.
const FORBIDDEN: [(&str, &[&str]); 2] = [
    (
        "formats",
        &[
            "rocksdb",
            "symtool_store",
            "symtool-store",
            "symtool_crashes",
            "symtool-crashes",
            "clap",
            "indicatif",
        ],
    ),
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

/// The crates in `folder`.
fn crates(folder: &str) -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.join("Cargo.toml").exists()).collect()
}

/// Whether code (not a comment) uses `word` as the start of a path or as a dependency.
fn uses(line: &str, word: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + word.len()..];
        let starts =
            before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != '-');
        starts
            && (after.starts_with("::")
                || after.starts_with(".workspace")
                || after.starts_with(" ="))
    })
}

#[test]
fn no_crate_knows_more_than_it_should() {
    let mut lines_read = 0;
    for (group, words) in FORBIDDEN {
        for folder in crates(group) {
            let mut files = sources(&folder.join("src"));
            files.push(folder.join("Cargo.toml"));
            for file in files {
                let text = fs::read_to_string(&file).unwrap();
                for (number, line) in text.lines().enumerate() {
                    lines_read += 1;
                    for word in words {
                        assert!(
                            !uses(line, word),
                            "{}:{}: must not use {word}",
                            file.display(),
                            number + 1
                        );
                    }
                }
            }
        }
    }
    assert!(lines_read > 10_000, "the sources were not found");
}

#[test]
fn the_check_can_fail() {
    assert!(uses("use rocksdb::DB;", "rocksdb"));
    assert!(uses("rocksdb.workspace = true", "rocksdb"));
    assert!(uses("    let x = ::object::File::parse(y);", "object"));
    assert!(!uses("// gimli::Unit", "gimli"));
    assert!(!uses("my_object::thing()", "object"));
    assert!(!uses("use symtool_debug::Range;", "symtool_store"));
}

/// Which folders of a crate use which: by the first part of each path that begins with `crate::`,
/// comments and tests left out.
fn uses_between_folders(src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let folders: BTreeSet<String> = fs::read_dir(src)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut graph = BTreeMap::new();
    for folder in &folders {
        let used: &mut BTreeSet<String> = graph.entry(folder.clone()).or_default();
        for file in sources(&src.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: String = code
                .lines()
                .map(|line| line.split("//").next().unwrap_or_default())
                .collect::<Vec<_>>()
                .join("\n");
            for (at, _) in code.match_indices("crate::") {
                let name: String = code[at + "crate::".len()..]
                    .chars()
                    .take_while(|sign| sign.is_alphanumeric() || *sign == '_')
                    .collect();
                if folders.contains(&name) && name != *folder {
                    used.insert(name);
                }
            }
        }
    }
    graph
}

/// A circle in `graph`, if there is one: each folder uses the next, the last one the first.
fn circle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        graph: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        let here = way.last()?.clone();
        for next in graph.get(&here).into_iter().flatten() {
            if let Some(start) = way.iter().position(|folder| folder == next) {
                return Some(way[start..].to_vec());
            }
            if done.contains(next) {
                continue;
            }
            way.push(next.clone());
            if let Some(found) = walk(graph, way, done) {
                return Some(found);
            }
            way.pop();
        }
        done.insert(here);
        None
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| walk(graph, &mut vec![start.clone()], &mut done))
}

#[test]
fn folders_use_each_other_in_one_direction() {
    let mut seen = 0;
    for group in ["formats", "core"] {
        for folder in crates(group) {
            let graph = uses_between_folders(&folder.join("src"));
            seen += graph.values().map(BTreeSet::len).sum::<usize>();
            assert_eq!(circle(&graph), None, "{}", folder.display());
        }
    }
    assert!(seen > 10, "the folders were not found");
}

#[test]
fn a_circle_is_found() {
    let graph = |edges: &[(&str, &str)]| {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    };
    assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    assert_eq!(
        circle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")])),
        Some(vec!["b".to_owned(), "c".to_owned()])
    );
}
