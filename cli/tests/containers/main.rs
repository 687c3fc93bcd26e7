//! Job tests of importing archives, good ones and bad.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod libraries;
#[path = "../support/mod.rs"]
mod support;

use std::fs;

use serde_json::Value;
use support::archives::{
    CRC, DEFLATED, FLAGS, LOCAL_HEADER, METHOD, SIZE, STORED, ar, directory_entry, zip,
};
use support::{Run, Sandbox, json_lines, object};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
const OTHER: &str = "rust-O2-dwarf5.so";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(object(name)).unwrap()
}

/// Imports `contents` as a file called `name`.
fn import(sandbox: &Sandbox, name: &str, contents: &[u8]) -> Run {
    let path = sandbox.write(name, contents);
    sandbox.run(["import", "--json", path.to_str().unwrap()])
}

/// Of each report: the path without the sandbox's, and the status.
fn statuses(sandbox: &Sandbox, run: &Run) -> Vec<(String, String)> {
    let folder = format!("{}/", sandbox.path("").to_str().unwrap().trim_end_matches('/'));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let reports = json_lines(&run.stdout);
    let reports = reports.iter().filter(|report| report.get("path").is_some());
    reports
        .map(|report| (text(&report["path"]).replace(&folder, ""), text(&report["status"])))
        .collect()
}

/// What the store says of every module, but for the time of the import and the name.
fn modules(sandbox: &Sandbox) -> Vec<Value> {
    let mut modules = json_lines(&sandbox.run(["modules", "list", "--json"]).stdout);
    for module in &mut modules {
        for key in ["imported", "imported_ms", "name"] {
            module.as_object_mut().unwrap().remove(key).unwrap();
            module["sources"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .for_each(|source| drop(source.as_object_mut().unwrap().remove(key)));
        }
    }
    modules.sort_by_key(|module| module["id"].as_str().unwrap().to_owned());
    modules
}

/// What importing the fixtures themselves gives.
fn expected(fixtures: &[&str]) -> Vec<Value> {
    let sandbox = Sandbox::new();
    fixtures.iter().for_each(|fixture| sandbox.import(fixture));
    modules(&sandbox)
}

#[test]
fn members_of_an_app_are_imported_and_the_rest_passed_over() {
    let sandbox = Sandbox::new();
    let (first, second) = (fixture(FIXTURE), fixture(OTHER));
    let app = zip(&[
        ("classes.dex", DEFLATED, b"dex\n035"),
        ("lib/", STORED, b""),
        ("lib/x86_64/libfirst.so", DEFLATED, &first),
        ("__MACOSX/lib/._libfirst.so", DEFLATED, b"\x00\x05\x16\x07"),
        ("lib/x86_64/libsecond.so", STORED, &second),
        ("empty", STORED, b""),
    ]);
    // What a file is, its first bytes say, not its name.
    let run = import(&sandbox, "app.whatever", &app);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let want = ["app.whatever!lib/x86_64/libfirst.so", "app.whatever!lib/x86_64/libsecond.so"];
    assert_eq!(statuses(&sandbox, &run), want.map(|path| (path.to_owned(), "imported".to_owned())));
    let lines = json_lines(&run.stdout);
    assert_eq!(lines[0]["module"]["name"], "libfirst.so");
    assert_eq!(lines[0]["bytes_in"], first.len());
    assert_eq!((&lines[2]["imported"], &lines[2]["skipped"]), (&2.into(), &3.into()));
    assert_eq!(modules(&sandbox), expected(&[FIXTURE, OTHER]));
    assert_eq!(
        sandbox.run(["resolve", "--module", "libsecond.so", "--style", "json", "1"]).code,
        0
    );
}

#[test]
fn archives_in_archives_are_opened() {
    let (first, second) = (fixture(FIXTURE), fixture(OTHER));
    for method in [STORED, DEFLATED] {
        let sandbox = Sandbox::new();
        let library = ar(&[("first.o", &first)]);
        let inner = zip(&[("jni/libsecond.so", method, &second), ("libfirst.a", method, &library)]);
        let outer = zip(&[("a.aar", method, &inner), ("b.txt", method, b"text")]);
        let run = import(&sandbox, "outer.zip", &outer);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        let want = ["outer.zip!a.aar!jni/libsecond.so", "outer.zip!a.aar!libfirst.a(first.o)"];
        assert_eq!(
            statuses(&sandbox, &run),
            want.map(|path| (path.to_owned(), "imported".to_owned()))
        );
        assert_eq!(modules(&sandbox), expected(&[FIXTURE, OTHER]));
    }
}

#[test]
fn archives_in_too_many_archives_are_named() {
    let mut archive = zip(&[("lib.so", DEFLATED, &fixture(FIXTURE))]);
    for level in 2..=7 {
        let sandbox = Sandbox::new();
        archive = zip(&[("in.zip", DEFLATED, &archive), ("other.so", STORED, &fixture(OTHER))]);
        let run = import(&sandbox, "out.zip", &archive);
        let statuses = statuses(&sandbox, &run);
        let last = &statuses.last().unwrap();
        let status = if level == 2 { "imported" } else { "unchanged" };
        assert_eq!((last.0.as_str(), last.1.as_str()), ("out.zip!other.so", status));
        if level <= 6 {
            assert_eq!((run.code, statuses.len()), (0, level), "{}", run.stdout);
        } else {
            assert_eq!(run.code, 1);
            assert!(
                run.stderr.contains(
                    "out.zip!in.zip!in.zip!in.zip!in.zip!in.zip!in.zip: an archive within too many archives"
                ),
                "{}",
                run.stderr
            );
        }
    }
}

/// A zip of one bad member and a good one; the error names the bad one, and the good one goes
/// in.
fn bad_member(spoil: impl Fn(&mut [u8], usize), reason: &str) {
    let sandbox = Sandbox::new();
    let mut archive =
        zip(&[("bad.so", DEFLATED, &fixture(OTHER)), ("good.so", DEFLATED, &fixture(FIXTURE))]);
    let entry = directory_entry(&archive, 0);
    spoil(&mut archive, entry);
    let run = import(&sandbox, "app.apk", &archive);
    assert_eq!(run.code, 1, "{reason}");
    assert!(
        run.stderr.contains("app.apk!bad.so: ") && run.stderr.contains(reason),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    let want = [("app.apk!bad.so", "failed"), ("app.apk!good.so", "imported")];
    assert_eq!(
        statuses(&sandbox, &run),
        want.map(|(path, status)| (path.to_owned(), status.to_owned()))
    );
    assert_eq!(modules(&sandbox), expected(&[FIXTURE]));
}

#[test]
fn bad_members_are_named_and_the_rest_imported() {
    bad_member(|zip, entry| zip[entry + FLAGS] |= 1, "encrypted; unpack it with its password");
    bad_member(
        |zip, entry| zip[entry + METHOD] = 12,
        "packed with method 12 (BZIP2), which is not read; unpack it",
    );
    bad_member(|zip, entry| zip[entry + CRC] ^= 1, "damaged archive (wrong checksum)");
    bad_member(|zip, entry| zip[entry + LOCAL_HEADER + 2] = 0xff, "damaged archive (");
    // The declared size is a lie: too small, too large for what is there, too large for any memory.
    bad_member(
        |zip, entry| zip[entry + SIZE..entry + SIZE + 4].copy_from_slice(&100u32.to_le_bytes()),
        "more than the 100 bytes",
    );
    bad_member(
        |zip, entry| zip[entry + SIZE + 3] = 0x7f,
        "bytes once unpacked, over the limit of 67108864; unpack it",
    );
    bad_member(
        |zip, entry| zip[entry + SIZE + 3] = 0xf0,
        "bytes once unpacked, over the limit of 2147483648; unpack it",
    );
}

#[test]
fn a_bomb_is_not_unpacked() {
    let sandbox = Sandbox::new();
    let mut zeros = fixture(FIXTURE);
    zeros.resize(70 << 20, 0);
    let bomb = zip(&[("bomb.so", DEFLATED, &zeros)]);
    assert!(bomb.len() < 1 << 20);
    let run = import(&sandbox, "bomb.zip", &bomb);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr
            .contains("bomb.zip!bomb.so: 73400320 bytes once unpacked, over the limit of 67108864"),
        "{}",
        run.stderr
    );
    // Each of several could be unpacked, but not all of them.
    zeros.truncate(40 << 20);
    let run = import(
        &sandbox,
        "bombs.zip",
        &zip(&[("a.so", DEFLATED, &zeros), ("b.so", DEFLATED, &zeros)]),
    );
    let want = [("bombs.zip!a.so", "imported"), ("bombs.zip!b.so", "failed")];
    assert_eq!(
        statuses(&sandbox, &run),
        want.map(|(path, status)| (path.to_owned(), status.to_owned()))
    );
}

#[test]
fn members_may_not_share_their_bytes() {
    for method in [STORED, DEFLATED] {
        let sandbox = Sandbox::new();
        let mut archive =
            zip(&[("good.so", method, &fixture(FIXTURE)), ("same.so", method, &fixture(FIXTURE))]);
        let second = directory_entry(&archive, 1);
        archive[second + LOCAL_HEADER..second + LOCAL_HEADER + 4].fill(0);
        let run = import(&sandbox, "app.apk", &archive);
        assert_eq!(run.code, 1);
        assert!(
            run.stderr.contains(
                "app.apk!same.so: damaged archive (it has bytes that belong to another member)"
            ),
            "{}",
            run.stderr
        );
        assert_eq!(modules(&sandbox), expected(&[FIXTURE]));
    }
}

#[test]
fn damaged_zip_files() {
    let whole =
        zip(&[("first.so", DEFLATED, &fixture(FIXTURE)), ("second.so", DEFLATED, &fixture(OTHER))]);
    let mut directory = whole.clone();
    let second = directory_entry(&whole, 1);
    directory[second] = 0;
    let sandbox = Sandbox::new();
    let run = import(&sandbox, "app.apk", &directory);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("app.apk: damaged archive ("), "{}", run.stderr);
    let want = [("app.apk!first.so", "imported"), ("app.apk", "failed")];
    assert_eq!(
        statuses(&sandbox, &run),
        want.map(|(path, status)| (path.to_owned(), status.to_owned()))
    );
    // Cut off anywhere, the directory at the end is gone.
    for part in 0..16 {
        let sandbox = Sandbox::new();
        let run = import(&sandbox, "cut.apk", &whole[..whole.len() * part / 16]);
        assert_eq!(run.code, 1, "{part}/16");
        assert!(
            run.stderr.contains("cut.apk: ") && !run.stderr.contains("panicked"),
            "{}",
            run.stderr
        );
        assert!(!sandbox.store().exists());
    }
}

/// More entries are declared than there can be: they are not believed.
#[test]
fn a_count_of_entries_is_only_a_number() {
    let sandbox = Sandbox::new();
    let mut archive = zip(&[("lib.so", DEFLATED, &fixture(FIXTURE))]);
    let end = archive.len() - 22;
    archive[end + 8..end + 12].fill(0xfe);
    let run = import(&sandbox, "app.apk", &archive);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn names_of_members_do_no_harm() {
    let sandbox = Sandbox::new();
    let archive = zip(&[
        ("../../../outside.so", DEFLATED, &fixture(FIXTURE)),
        ("/abs\x1b[2J.so", STORED, &fixture(OTHER)),
    ]);
    let run = import(&sandbox, "app.apk", &archive);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines = json_lines(&run.stdout);
    assert_eq!(lines[0]["module"]["name"], "outside.so");
    assert_eq!(lines[1]["module"]["name"], "abs\u{fffd}[2J.so");
}
