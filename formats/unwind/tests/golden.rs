//! The rows of fixtures against what LLVM's and binutils' tools say of them
//! (`testdata/unwind_oracle.py`).

#![allow(clippy::unwrap_used, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use symtool_unwind::{UnwindDropReason, UnwindTable};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The text of each file in `unwind/` with this ending, and the fixture that it is about.
fn goldens(ending: &str) -> Vec<(PathBuf, String)> {
    let names = std::fs::read_dir(testdata().join("unwind")).unwrap();
    let goldens = names.filter_map(|name| {
        let path = name.unwrap().path();
        let name = path.file_name()?.to_str()?.strip_suffix(ending)?;
        let places = ["unwind", "objects"].map(|folder| testdata().join(folder).join(name));
        let fixture = places.into_iter().find(|place| place.exists()).unwrap();
        Some((fixture, std::fs::read_to_string(&path).unwrap()))
    });
    goldens.collect()
}

fn table(path: &Path) -> UnwindTable {
    let bytes = std::fs::read(path).unwrap();
    support::sections(&object::File::parse(&*bytes).unwrap()).read()
}

#[test]
fn rows_are_those_of_other_tools() {
    let goldens = goldens(".rows");
    assert!(goldens.len() >= 27, "{}", goldens.len());
    for (fixture, want) in goldens {
        let found = support::text(&table(&fixture));
        let differs = found.lines().zip(want.lines()).find(|(found, want)| found != want);
        assert_eq!(differs, None, "{}", fixture.display());
        assert_eq!(found, want, "{}", fixture.display());
    }
}

/// The compiler's call frame information of the same functions, before the linker dropped it, is
/// what tells whether Apple's encodings are understood.
#[test]
fn compact_rules_are_those_that_the_compiler_wrote_as_call_frame_information() {
    let goldens = goldens(".rules");
    assert!(goldens.len() >= 3, "{}", goldens.len());
    for (fixture, want) in goldens {
        let known: BTreeSet<&str> = want.lines().collect();
        let text = support::text(&table(&fixture));
        let bodies: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(" cfa=")?.1.strip_suffix(" body"))
            .collect();
        assert!(bodies.len() >= 4, "{}: {text}", fixture.display());
        for body in bodies {
            let rule = format!("cfa={body}");
            assert!(known.contains(&*rule), "{}: {rule}", fixture.display());
        }
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let counts = |name: &str| {
        let table = table(&testdata().join(name));
        UnwindDropReason::ALL.map(|reason| table.drops.of(reason))
    };
    // Opcodes without a meaning, and two moves between registers that no compiler makes.
    assert_eq!(counts("unwind/ehabi.so"), [7, 2, 0, 0, 0]);
    assert_eq!(counts("unwind/cfi-x86_64.so"), [0; 5]);
}
