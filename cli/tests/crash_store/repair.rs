//! Repair saves what can be read of the crashes, and names the rest.

use std::fs;

use serde_json::Value;

use crate::lost::copy_of;
use crate::support::events::{Build, event};
use crate::support::{Sandbox, json_lines};
use crate::{BUILD, add, crashes};

/// Every file of the database deleted, emptied, cut and flipped: all that can be read is there
/// after a repair, the rest is named.
#[test]
fn repair_saves_what_can_be_read_and_names_the_rest() {
    let whole = Sandbox::new();
    let build = Build::of(BUILD);
    for number in 1..5 {
        assert_eq!(
            add(
                &whole,
                &[
                    event(number, &build, &["primary", "expression"]),
                    event(number + 10, &build, &["probe"])
                ]
            )
            .code,
            0
        );
    }
    whole.import(BUILD);
    assert_eq!(whole.run(["reprocess"]).code, 0);
    let want = crashes(&whole);
    let groups = json_lines(&whole.run(["groups", "list", "--json"]).stdout);
    let mut rng = fastrand::Rng::with_seed(11);
    let (mut damaged, mut lost_any) = (0, 0);
    for entry in fs::read_dir(whole.store().join("crashes")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        if bytes.is_empty()
            || name.starts_with("LOG")
            || name.starts_with("OPTIONS")
            || name == "IDENTITY"
        {
            continue;
        }
        let holds_rows = [".sst", ".log"].iter().any(|end| name.ends_with(end));
        let mut changes: Vec<Option<Vec<u8>>> =
            vec![None, Some(Vec::new()), Some(bytes[..bytes.len() / 2].to_vec())];
        changes.push(Some(bytes[..bytes.len() - 1].to_vec()));
        changes.extend((0..8).map(|_| {
            let mut flipped = bytes.clone();
            flipped[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
            Some(flipped)
        }));
        for (number, change) in changes.into_iter().enumerate() {
            let sandbox = copy_of(&whole);
            let path = sandbox.store().join("crashes").join(&name);
            match change {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let repaired = sandbox.run(["modules", "repair", "--json"]);
            let what = format!("{name}, change {number}: {}{}", repaired.stdout, repaired.stderr);
            let lost: Vec<Value> = json_lines(&repaired.stdout);
            assert_eq!(repaired.code, i32::from(!lost.is_empty()), "{what}");
            damaged += 1;
            lost_any += usize::from(!lost.is_empty());
            let left = crashes(&sandbox);
            let is_lost = |crash: &Value| lost.iter().any(|lost| lost["crash"] == crash["id"]);
            let is_run = |lost: &Value| lost.get("crash").is_none();
            let is_left = |crash: &Value| left.iter().any(|one| one["id"] == crash["id"]);
            // Of some nothing is left that tells their ids: they are counted.
            let counted: u64 = lost
                .iter()
                .filter(|lost| lost["what"] == "crashes")
                .filter_map(|lost| lost["count"].as_u64())
                .sum();
            let unnamed =
                want.iter().filter(|crash| !is_left(crash) && !is_lost(crash)).count() as u64;
            assert!(
                unnamed <= counted || number < 3,
                "{what}: {unnamed} crashes are neither there nor named"
            );
            if !holds_rows {
                assert!(lost.is_empty(), "{what}: all rows are in other files");
                assert_eq!(left, want, "{what}");
            } else if number > 3 {
                assert!(
                    lost.iter().filter(|lost| !is_run(lost)).count() <= 2,
                    "{what}: one byte was changed"
                );
                // What was saved is grouped as before once it was looked at again.
                let run = sandbox.run(["reprocess"]);
                assert_eq!(run.code, 0, "{what}: {}", run.stderr);
                let now = json_lines(&sandbox.run(["groups", "list", "--json"]).stdout);
                assert_eq!(now.len(), groups.len(), "{what}");
            }
            for crash in left.iter().filter(|crash| !is_lost(crash)) {
                let raw = sandbox.run(["crash", "show", "--raw", crash["id"].as_str().unwrap()]);
                assert!(
                    raw.code == 0 && raw.stdout.contains(crash["event_id"].as_str().unwrap()),
                    "{what}"
                );
            }
            // It is a database like any other.
            assert_eq!(add(&sandbox, &[event(99, &build, &["primary"])]).code, 0, "{what}");
            assert_eq!(sandbox.run(["modules", "repair"]).code, 0, "{what}");
        }
    }
    assert!(damaged > 30, "{damaged}");
    assert!(lost_any < damaged / 2, "{lost_any} of {damaged} have cost something");
}
