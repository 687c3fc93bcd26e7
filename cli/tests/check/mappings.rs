//! Mappings: their hash, ids and versions, lines that cannot be read, and bundles.

use std::fs;

use serde_json::Value;

use crate::support::archives::{DEFLATED, zip};
use crate::support::{Sandbox, json_lines, object, testdata};
use crate::{check, problems};

#[test]
fn mappings_are_verified_by_their_hash() {
    // What the table says was made or broken on purpose: testdata/mapping/README.md.
    for (name, hash, want) in [
        ("builds/hall.mapping.txt", "verified", &[][..]),
        ("builds/old.mapping.txt", "verified", &[]),
        ("builds/compose.mapping.txt", "verified", &[]),
        ("builds/half.mapping.txt", "wrong", &["changed"]),
        ("builds/none.mapping.txt", "verified", &["no_classes"]),
        ("shop.mapping.txt", "none", &[]),
    ] {
        let path = testdata(&format!("mapping/{name}"));
        let (_, lines) = check(&[path.to_str().unwrap()]);
        let found = &lines[0];
        assert_eq!(
            (&found["hash"], problems(found)),
            (&Value::from(hash), want.to_vec()),
            "{name}"
        );
        let lines = fs::read_to_string(&path).unwrap();
        let is_class = |line: &&str| !line.starts_with([' ', '#']) && line.ends_with(':');
        assert_eq!(found["classes"], lines.lines().filter(is_class).count(), "{name}");
    }
}

#[test]
fn a_mapping_has_ids_and_a_version() {
    let path = testdata("mapping/builds/hall.mapping.txt").to_str().unwrap().to_owned();
    let (_, lines) = check(&[&path]);
    let id = "a7bd236fb79b6d77f502ef931ba1edf52cb33270dc47bf443e900d6544b06928";
    let uuid = symtool_mapping::uuid(&fs::read(&path).unwrap()[..]).unwrap();
    let uuid = hex::encode(uuid);
    let debug_id = [&uuid[..8], &uuid[8..12], &uuid[12..16], &uuid[16..20], &uuid[20..]].join("-");
    let want = serde_json::json!({
        "version": 1, "path": path, "good": true, "has": "mapping", "classes": 3,
        "module": {"name": "hall.mapping.txt", "id": id, "debug_id": debug_id, "kind": "proguard", "arch": "java"},
        "compiler": "R8", "compiler_version": "8.9.32", "pg_map_id": id, "hash": "verified", "problems": [],
    });
    assert_eq!(lines[0], want);
    let sandbox = Sandbox::new();
    let run = sandbox.run(["check", &path]);
    let line = format!(
        "{path}: good, a7bd236fb79b a mapping of R8 8.9.32; debug id {debug_id}; 3 classes; hash verified\n"
    );
    assert_eq!(run.stdout, line);
    // By that id the store knows it, too.
    assert_eq!(sandbox.run(["import", &path]).code, 0);
    let shown = sandbox.run(["modules", "show", "--json", &debug_id]);
    assert_eq!(json_lines(&shown.stdout)[0]["debug_id"], debug_id.as_str(), "{}", shown.stderr);
}

#[test]
fn lines_of_a_mapping_that_cannot_be_read_are_counted() {
    let sandbox = Sandbox::new();
    let text = "a.B -> a:\n    1:2:void m():3:4 -> b\n    1:99999999999999:void n() -> c\nd.E -> d:\n    what is this\n";
    let path = sandbox.write("mapping.txt", text).to_str().unwrap().to_owned();
    let (_, lines) = check(&[&path]);
    assert_eq!(problems(&lines[0]), ["bad_lines"]);
    let message = lines[0]["problems"][0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "2 of its lines cannot be read; the first is line 3 (bad line numbers); was it copied whole?"
    );
    let other = sandbox.write("proguard.txt", "{}\n").to_str().unwrap().to_owned();
    let (_, lines) = check(&[&other]);
    assert_eq!(problems(&lines[0]), ["unreadable"], "{}", lines[0]);
    let unknown = "# compiler: R8\n# pg_map_hash: MD5 00\na.B -> a:\n";
    let unknown = sandbox.write("unknown.txt", unknown).to_str().unwrap().to_owned();
    let (_, lines) = check(&[&unknown]);
    assert_eq!((problems(&lines[0]), &lines[0]["hash"]), (vec!["changed"], &"unknown".into()));
}

#[test]
fn bundles_are_looked_into() {
    let sandbox = Sandbox::new();
    let map = fs::read(testdata("mapping/builds/half.mapping.txt")).unwrap();
    let library = fs::read(object("c-gcc-O2-dynsym.so")).unwrap();
    let bundle = zip(&[
        ("BundleConfig.pb", DEFLATED, b"x"),
        ("BUNDLE-METADATA/com.android.tools.build.obfuscation/proguard.map", DEFLATED, &map),
        ("base/lib/x86_64/libx.so", DEFLATED, &library),
    ]);
    let bundle = sandbox.write("app.aab", bundle).to_str().unwrap().to_owned();
    let (exit, lines) = check(&[&bundle]);
    assert_eq!((exit, lines.len()), (1, 3), "{lines:?}");
    assert_eq!((problems(&lines[0]), problems(&lines[1])), (vec!["changed"], vec!["no_debug"]));
    let empty = zip(&[("classes.dex", DEFLATED, b"dex\n035\0")]);
    let empty = sandbox.write("bare.aab", empty).to_str().unwrap().to_owned();
    let (exit, lines) = check(&[&empty]);
    assert_eq!((exit, problems(&lines[0])), (1, vec!["unreadable"]), "{lines:?}");
}
