//! Damaged blocks and lost segments are named, cost their module only, and can be repaired.

use std::fs;
use std::path::PathBuf;

use crate::support::{Sandbox, object};
use crate::{FIXTURE, flip, json_lines, record, segments};

/// Every segment of the store, damaged in many places: what is damaged is named, and nothing else
/// is.
#[test]
fn damaged_blocks_are_named() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    sandbox.import("rust-O2-dwarf5.so");
    let segments: Vec<PathBuf> = fs::read_dir(sandbox.store().join("symbols"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sst"))
        .collect();
    // The blocks and the record of each.
    assert_eq!(segments.len(), 4);
    let intact = sandbox.run(["modules", "verify"]);
    assert_eq!((intact.code, intact.stdout.lines().count()), (0, 2), "{}", intact.stderr);
    let (mut damaged, mut blocks_named) = (0, 0);
    for segment in segments {
        let whole = fs::read(&segment).unwrap();
        for part in 0..24 {
            let mut bytes = whole.clone();
            bytes[whole.len() * part / 24] ^= 0x10;
            fs::write(&segment, &bytes).unwrap();
            let run = sandbox.run(["modules", "verify"]);
            assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
            // Whatever the byte is for.
            assert_eq!(run.code, 3, "{part}: {}", run.stderr);
            assert!(run.stderr.contains(segment.to_str().unwrap()), "{}", run.stderr);
            damaged += 1;
            blocks_named += u32::from(
                run.stderr.contains(": the block of ")
                    && run.stderr.contains("import its files again with --force"),
            );
            // The other module is intact.
            assert!(run.stdout.matches(", intact").count() >= 1, "{}{}", run.stdout, run.stderr);
        }
        fs::write(&segment, &whole).unwrap();
    }
    assert!(damaged > 20 && blocks_named > 10, "{damaged} {blocks_named}");
    assert_eq!(sandbox.run(["modules", "verify"]).stdout, intact.stdout);
}

/// A damaged block can be imported again; a damaged record is read from its second copy, and a
/// repair brings it back. Other modules answer all the while.
#[test]
fn damage_can_be_repaired() {
    let other = "rust-O2-dwarf5.so";
    for (damaged, is_record) in [(0, false), (1, true)] {
        let sandbox = Sandbox::new();
        sandbox.import(FIXTURE);
        let segment = segments(&sandbox)[damaged].clone();
        sandbox.import(other);
        flip(&segment, 200);
        assert_eq!(sandbox.run(["modules", "verify"]).code, 3);
        assert_eq!(sandbox.run(["resolve", "--module", other, "0"]).code, 0);
        if is_record {
            assert_eq!(sandbox.run(["resolve", "--module", FIXTURE, "0"]).code, 0);
            let run = sandbox.run(["modules", "repair"]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            assert!(run.stderr.contains("no module was lost"), "{}", run.stderr);
            assert_eq!(sandbox.run(["modules", "list"]).stdout.lines().count(), 2);
            assert_eq!(sandbox.run(["modules", "verify"]).code, 0);
        }
        let run = sandbox.run(["import", "--force", object(FIXTURE).to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(
            sandbox.run(["modules", "verify", object(FIXTURE).to_str().unwrap(), other]).code,
            0
        );
        assert_eq!(sandbox.run(["modules", "repair"]).code, 0);
    }
}

/// A segment that was cut off or deleted is lost, and nothing else is.
#[test]
fn a_lost_segment_costs_its_module_only() {
    for is_cut in [true, false] {
        lose_a_segment(is_cut);
    }
}

fn lose_a_segment(is_cut: bool) {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let segment = segments(&sandbox)[0].clone();
    sandbox.import("rust-O2-dwarf5.so");
    let whole = fs::read(&segment).unwrap();
    if is_cut {
        fs::write(&segment, &whole[..whole.len() / 8]).unwrap();
    } else {
        fs::remove_file(&segment).unwrap();
    }
    let run = sandbox.run(["--wait", "0", "modules", "verify"]);
    assert_eq!(
        (run.code, run.stdout.matches(", intact").count()),
        (3, 1),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(sandbox.run(["resolve", "--module", "rust-O2-dwarf5.so", "0"]).code, 0);
    let run = sandbox.run(["resolve", "--module", FIXTURE, "--style", "json", "1146"]);
    assert_eq!(
        (run.code, run.stdout.contains("\"corrupt\"")),
        (1, true),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let run = sandbox.run(["modules", "repair", "--json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let lost = json_lines(&run.stdout);
    assert_eq!(lost.len(), 1, "{}", run.stdout);
    assert!(lost[0]["module"].as_str().unwrap().starts_with(FIXTURE), "{}", run.stdout);
    assert_eq!(
        (&lost[0]["status"], &lost[0]["files"]),
        (&"dropped".into(), &serde_json::json!([FIXTURE]))
    );
    let left = sandbox.run(["modules", "list"]).stdout;
    assert_eq!(left.lines().count(), 1);
    sandbox.import(FIXTURE);
    let run = sandbox.run(["modules", "verify"]);
    assert_eq!((run.code, run.stdout.matches(", intact").count()), (0, 2), "{}", run.stderr);
}

#[test]
fn a_full_store_says_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let stored = record(&sandbox)["bytes_stored"].as_u64().unwrap();
    let config = sandbox.write("symtool.toml", format!("quota = {}\n", stored + 100));
    let config = config.to_str().unwrap();
    let run =
        sandbox.run(["--config", config, "import", object("rust-O2-dwarf5.so").to_str().unwrap()]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("quota") && run.stderr.contains("modules gc"), "{}", run.stderr);
    assert_eq!(sandbox.run(["modules", "list"]).stdout.lines().count(), 1);
    // What takes the place of something else needs no more room than it has.
    assert_eq!(
        sandbox
            .run(["--config", config, "import", "--force", object(FIXTURE).to_str().unwrap()])
            .code,
        0
    );
}

/// As long as a record cannot be read, nobody knows whose blocks are whose: none is deleted, and a
/// restored record brings all back.
#[test]
fn blocks_of_a_damaged_footer_stay() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let record = segments(&sandbox)[1].clone();
    sandbox.import("rust-O2-dwarf5.so");
    let whole = fs::read(&record).unwrap();
    flip(&record, 200);
    assert_eq!(sandbox.run(["modules", "verify"]).code, 3);
    assert_eq!(sandbox.run(["modules", "remove", "rust-O2-dwarf5.so"]).code, 0);
    fs::write(&record, whole).unwrap();
    let run = sandbox.run(["modules", "verify", object(FIXTURE).to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}
