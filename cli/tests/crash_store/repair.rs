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
    let whole = Whole::new();
    let mut rng = fastrand::Rng::with_seed(11);
    let (mut damaged, mut lost_any) = (0, 0);
    for entry in fs::read_dir(whole.sandbox.store().join("crashes")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&path).unwrap();
        let tells_nothing = ["LOG", "OPTIONS", "IDENTITY"].iter().any(|of| name.starts_with(of));
        if bytes.is_empty() || tells_nothing {
            continue;
        }
        for (number, change) in changes(&bytes, &mut rng).into_iter().enumerate() {
            damaged += 1;
            lost_any += usize::from(whole.costs_anything(name, number, change));
        }
    }
    assert!(damaged > 30, "{damaged}");
    assert!(lost_any < damaged / 2, "{lost_any} of {damaged} have cost something");
}

/// What is done to a file: it is deleted, emptied, halved, one byte short, and then flipped eight
/// times.
fn changes(bytes: &[u8], rng: &mut fastrand::Rng) -> Vec<Option<Vec<u8>>> {
    let cut = |length: usize| Some(bytes[..length].to_vec());
    let mut changes = vec![None, cut(0), cut(bytes.len() / 2), cut(bytes.len() - 1)];
    changes.extend((0..8).map(|_| {
        let mut flipped = bytes.to_vec();
        flipped[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
        Some(flipped)
    }));
    changes
}

/// A store with crashes, and what it says of them.
struct Whole {
    sandbox: Sandbox,
    build: Build,
    crashes: Vec<Value>,
    groups: Vec<Value>,
}

impl Whole {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let build = Build::of(BUILD);
        for number in 1..5 {
            let one = event(number, &build, &["primary", "expression"]);
            let other = event(number + 10, &build, &["probe"]);
            assert_eq!(add(&sandbox, &[one, other]).code, 0);
        }
        sandbox.import(BUILD);
        assert_eq!(sandbox.run(["reprocess"]).code, 0);
        let crashes = crashes(&sandbox);
        let groups = json_lines(&sandbox.run(["groups", "list", "--json"]).stdout);
        Self { sandbox, build, crashes, groups }
    }

    /// Changes the file `name` of a copy, repairs it, and checks what is left and what is named.
    fn costs_anything(&self, name: &str, number: usize, change: Option<Vec<u8>>) -> bool {
        let sandbox = copy_of(&self.sandbox);
        let path = sandbox.store().join("crashes").join(name);
        match change {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let repaired = sandbox.run(["modules", "repair", "--json"]);
        let what = format!("{name}, change {number}: {}{}", repaired.stdout, repaired.stderr);
        let lost: Vec<Value> = json_lines(&repaired.stdout);
        assert_eq!(repaired.code, i32::from(!lost.is_empty()), "{what}");
        let left = crashes(&sandbox);
        let unnamed = unnamed(&self.crashes, &left, &lost);
        assert!(unnamed == 0 || number < 3, "{what}: {unnamed} are neither there nor named");
        if ![".sst", ".log"].iter().any(|end| name.ends_with(end)) {
            assert!(lost.is_empty(), "{what}: all rows are in other files");
            assert_eq!(left, self.crashes, "{what}");
        } else if number > 3 {
            let crashes = lost.iter().filter(|lost| lost.get("crash").is_some()).count();
            assert!(crashes <= 2, "{what}: one byte was changed");
            // What was saved is grouped as before once it was looked at again.
            let run = sandbox.run(["reprocess"]);
            assert_eq!(run.code, 0, "{what}: {}", run.stderr);
            let now = json_lines(&sandbox.run(["groups", "list", "--json"]).stdout);
            assert_eq!(now.len(), self.groups.len(), "{what}");
        }
        for crash in left.iter().filter(|crash| !is_named(crash, &lost)) {
            let raw = sandbox.run(["crash", "show", "--raw", crash["id"].as_str().unwrap()]);
            let is_whole = raw.stdout.contains(crash["event_id"].as_str().unwrap());
            assert!(raw.code == 0 && is_whole, "{what}");
        }
        // It is a database like any other.
        assert_eq!(add(&sandbox, &[event(99, &self.build, &["primary"])]).code, 0, "{what}");
        assert_eq!(sandbox.run(["modules", "repair"]).code, 0, "{what}");
        !lost.is_empty()
    }
}

fn is_named(crash: &Value, lost: &[Value]) -> bool {
    lost.iter().any(|lost| lost["crash"] == crash["id"])
}

/// How many crashes are neither `left` nor named among those `lost`, beyond those that are counted
/// as nothing is left that tells their ids.
fn unnamed(crashes: &[Value], left: &[Value], lost: &[Value]) -> u64 {
    let is_left = |crash: &Value| left.iter().any(|one| one["id"] == crash["id"]);
    let gone = crashes.iter().filter(|crash| !is_left(crash) && !is_named(crash, lost)).count();
    let counted = lost.iter().filter(|lost| lost["what"] == "crashes");
    let counted: u64 = counted.filter_map(|lost| lost["count"].as_u64()).sum();
    (gone as u64).saturating_sub(counted)
}
