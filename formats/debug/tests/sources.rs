//! Source text in debug data: of what clang and lld wrote (testdata/sources).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::path::{Path, PathBuf};

use symtool_debug::{Mapped, SourceText, embedded_sources};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(testdata(name)).unwrap()
}

fn sources(bytes: Vec<u8>) -> Result<Vec<SourceText>, symtool_debug::Error> {
    embedded_sources(&Mapped::unpacked(bytes, "x".into(), "x".into()))
}

#[test]
fn text_in_line_programs() {
    let found = sources(read("sources/embedded.so")).unwrap();
    let want = [("/src/lamp.c", "sources/lamp.c"), ("/src/./lamp.h", "sources/lamp.h")];
    assert_eq!(found.len(), want.len());
    for (found, (path, file)) in found.iter().zip(want) {
        assert_eq!((found.path.as_slice(), &found.text), (path.as_bytes(), &read(file)));
    }
}

#[test]
fn text_in_streams_of_a_pdb() {
    let found = sources(read("sources/injected.pdb")).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].path.ends_with(b"lamp.c"));
    assert_eq!(found[0].text, read("sources/lamp.c"));
}

#[test]
fn files_without_any() {
    for name in ["objects/c-gcc-O2-dwarf5.so", "objects/c-gcc-O2-symtab.so"] {
        assert_eq!(sources(read(name)).unwrap(), []);
    }
    assert!(sources(b"no object".to_vec()).is_err());
}

/// Damage costs files, and nothing else.
#[test]
fn mutants() {
    let mut random = fastrand::Rng::with_seed(4);
    for name in ["sources/embedded.so", "sources/injected.pdb"] {
        let whole = read(name);
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..random.usize(1..8) {
                let at = random.usize(0..bytes.len());
                bytes[at] = random.u8(..);
            }
            bytes.truncate(random.usize(bytes.len() / 2..=bytes.len()));
            for found in sources(bytes).unwrap_or_default() {
                assert!(found.text.len() <= whole.len());
            }
        }
    }
}
