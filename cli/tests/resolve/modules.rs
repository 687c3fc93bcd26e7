//! Which module is asked: by name, path and id, of several builds, and new files.

use crate::support::{Sandbox, object};
use crate::{FIXTURE, NESTED, PLAIN, imported, json_lines};

/// A file is imported when it is first asked, and known after that.
#[test]
fn a_file_that_is_new_is_imported_first() {
    let sandbox = Sandbox::new();
    let file = object(FIXTURE);
    let ask = || {
        sandbox.run([
            "resolve".as_ref(),
            "-e".as_ref(),
            file.as_os_str(),
            "--style".as_ref(),
            "gnu".as_ref(),
            PLAIN.as_ref(),
        ])
    };
    let first = ask();
    assert_eq!((first.code, &first.stderr[..]), (0, ""));
    let from_store = sandbox.run(["resolve", "--module", FIXTURE, "--style", "gnu", PLAIN]);
    assert_eq!((from_store.code, &from_store.stdout), (0, &first.stdout));
    assert_eq!(ask().stdout, first.stdout);
    // Where no store can be made, the file is answered from memory.
    std::fs::remove_dir_all(sandbox.store()).unwrap();
    sandbox.write("store", "in the way");
    let none = ask();
    assert_eq!((none.code, &none.stdout), (0, &first.stdout));
    let missing = sandbox.run(["resolve", "-e", "nowhere.so", "10"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("nowhere.so"), "{}", missing.stderr);
}

#[test]
fn modules_by_name_path_and_id() {
    let sandbox = imported();
    let shown = sandbox.run(["modules", "list", "--json"]).stdout;
    let id = json_lines(&shown)[0]["id"].as_str().unwrap().to_owned();
    let path = object(FIXTURE).to_str().unwrap().to_owned();
    let elsewhere = format!("/usr/lib/{FIXTURE}");
    for module in [FIXTURE, &path, &elsewhere, &id, &id[..8], &id.to_uppercase()] {
        let run =
            sandbox.run(["resolve", "--module", module, "--style", "gnu", "--no-demangle", PLAIN]);
        assert_eq!(
            (run.code, run.stdout.lines().next()),
            (0, Some("_ZN5store4RingIjLj16EE3popEv.part.0")),
            "{module}: {}",
            run.stderr
        );
    }
    let run = sandbox.run(["resolve", "--module", &id[..7], PLAIN]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("needs 8 digits"), "{}", run.stderr);
}

#[test]
fn a_file_names_its_own_build_only() {
    let sandbox = imported();
    // Another build under the same name: its answers would be wrong.
    let other = sandbox.path(FIXTURE);
    std::fs::copy(object("rust-O2-dwarf5.so"), &other).unwrap();
    let run =
        sandbox.run(["resolve", "--module", other.to_str().unwrap(), "--style", "json", NESTED]);
    assert_eq!(run.code, 1);
    assert_eq!(json_lines(&run.stdout)[0]["status"], "no_module");
    assert!(
        run.stderr.contains("this build (")
            && run.stderr.contains("is not in the store; import it"),
        "{}",
        run.stderr
    );
}

#[test]
fn several_builds_of_one_name() {
    let sandbox = Sandbox::new();
    for (folder, fixture) in [("one", "c-gcc-O0-dwarf5.so"), ("two", "c-gcc-O2-dwarf5.so")] {
        std::fs::create_dir(sandbox.path(folder)).unwrap();
        let copy = sandbox.path(folder).join("lib.so");
        std::fs::copy(object(fixture), &copy).unwrap();
        assert_eq!(sandbox.run(["import", copy.to_str().unwrap()]).code, 0);
    }
    let run = sandbox.run(["resolve", "--module", "lib.so", "--style", "json", "1100"]);
    assert_eq!(run.code, 1);
    assert_eq!(json_lines(&run.stdout)[0]["status"], "ambiguous_module");
    assert!(run.stderr.contains("2 builds have this name; pass an id ("), "{}", run.stderr);
    assert_eq!(sandbox.run(["resolve", "--latest", "--module", "lib.so", "1100"]).code, 0);
}
