//! Object files of a debug map: found, missing, written since, of another architecture.

use std::fs;

use crate::import;
use crate::support::shapes::copy;
use crate::support::{Sandbox, json_lines, object};

#[test]
fn object_files_of_a_debug_map_that_are_missing_are_named() {
    let sandbox = Sandbox::new();
    copy(&object("macho-map-arm64"), &sandbox.path("build"));
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    let (app, elsewhere) = (sandbox.path("build/app"), sandbox.path("elsewhere"));
    for file in ["libtwo.a", "pool.o"] {
        fs::rename(sandbox.path("build").join(file), elsewhere.join(file)).unwrap();
    }
    let run = import(&sandbox, &[&app]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("and 1 more, not found as the linker saw it: symbols answer instead;"),
        "{}",
        run.stderr
    );
    let report = &json_lines(&run.stdout)[0];
    assert!(report["dropped"]["missing_object"].as_u64().unwrap() > 3, "{report}");
    let run = sandbox.run([
        "import",
        "--json",
        "--force",
        "--debug-dir",
        elsewhere.to_str().unwrap(),
        app.to_str().unwrap(),
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(json_lines(&run.stdout)[0]["dropped"], serde_json::json!({}));
    assert!(import(&sandbox, &[&app]).stdout.contains("unchanged"));
    // All of them gone.
    let bare = Sandbox::new();
    let run = import(&bare, &[&bare.write("app", fs::read(&app).unwrap())]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("make a dSYM where the object files are (dsymutil)"),
        "{}",
        run.stderr
    );
}

/// Whatever a map of object files leaves out, a dSYM knows better.
#[test]
fn a_dsym_comes_before_a_debug_map() {
    for map_first in [true, false] {
        let sandbox = Sandbox::new();
        let image = object("macho-map-missing/app");
        let dsym = sandbox.write("app", fs::read(object("macho-map-x86_64-dsym")).unwrap());
        let paths = if map_first { [&image, &dsym] } else { [&dsym, &image] };
        for path in paths {
            assert_eq!(import(&sandbox, &[path]).code, 0);
        }
        let shown = &json_lines(&sandbox.run(["modules", "show", "--json", "app"]).stdout)[0];
        let details: Vec<&str> = shown["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|source| source["detail"].as_str().unwrap())
            .collect();
        assert_eq!(details, ["debug", "debug_map"], "{shown}");
    }
}

#[test]
fn object_files_of_another_architecture_are_not_taken() {
    let sandbox = Sandbox::new();
    copy(&object("macho-map-arm64"), &sandbox.path("build"));
    fs::copy(object("macho-x86_64.o"), sandbox.path("build/one.o")).unwrap();
    let run = import(&sandbox, &[&sandbox.path("build/app")]);
    assert!(run.stderr.contains("one.o, not found as the linker saw it"), "{}", run.stderr);
}

#[test]
fn object_files_written_since_are_used_and_named() {
    let sandbox = Sandbox::new();
    let run = import(&sandbox, &[&object("macho-map-stale/app")]);
    assert!(run.stderr.contains("written anew since the image was linked"), "{}", run.stderr);
    // A member of another time is another member.
    assert!(
        run.stderr.contains("libtwo.a(two.o), not found as the linker saw it"),
        "{}",
        run.stderr
    );
}
