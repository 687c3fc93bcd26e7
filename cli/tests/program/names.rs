//! Names of modules: of several builds the last one, architectures by any name, bundles, paths that are no text.

use std::ffi::OsStr;
use std::fs;

use crate::FIXTURE;
use crate::support::{Sandbox, json_lines, object};

#[cfg(unix)]
#[test]
fn paths_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b"lib\xff\xfe.so");
    let folder = sandbox.path("").join(OsStr::from_bytes(b"build\xff"));
    fs::create_dir(&folder).unwrap();
    let path = folder.join(name);
    fs::copy(object(FIXTURE), &path).unwrap();
    let mut with_arch = path.clone().into_os_string();
    with_arch.push(":amd64");
    let batch = folder.join("batch");
    fs::write(&batch, "0x1146\n").unwrap();
    let path = path.as_os_str();
    let os = |text: &'static str| OsStr::new(text);
    for args in [
        vec![os("import"), path],
        vec![os("import"), folder.as_os_str()],
        vec![os("check"), path],
        vec![os("check"), os("--debug-dir"), folder.as_os_str(), path],
        vec![os("modules"), os("show"), path],
        vec![os("modules"), os("verify"), path],
        vec![os("modules"), os("verify"), &with_arch],
        vec![os("resolve"), os("--module"), path, os("0x1146")],
        vec![os("resolve"), os("--module"), &with_arch, os("--batch"), batch.as_os_str()],
        vec![os("man"), folder.as_os_str()],
        vec![os("modules"), os("remove"), path],
    ] {
        let run = sandbox.run(&args);
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
    }
    let run = sandbox.run([os("resolve"), os("--module"), path, os("0x1146")]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("lib\u{fffd}\u{fffd}.so: this build"), "{}", run.stderr);
}

#[test]
fn of_several_builds_the_last_one_imported() {
    let sandbox = Sandbox::new();
    let builds = ["c-gcc-O0-dwarf5.so", "c-gcc-O2-dwarf5.so", FIXTURE, "rust-O2-dwarf5.so"];
    for (number, fixture) in builds.iter().enumerate() {
        fs::create_dir(sandbox.path(&number.to_string())).unwrap();
        fs::copy(object(fixture), sandbox.path(&format!("{number}/lib.so"))).unwrap();
    }
    let path =
        |number: usize| sandbox.path(&format!("{number}/lib.so")).to_str().unwrap().to_owned();
    let id = |sandbox: &Sandbox| -> String {
        let shown =
            json_lines(&sandbox.run(["modules", "show", "--latest", "--json", "lib.so"]).stdout);
        shown[0]["id"].as_str().unwrap().to_owned()
    };
    let own_id = |number: usize| {
        json_lines(&sandbox.run(["check", "--json", &path(number)]).stdout)[0]["module"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // All within a second, and some in one command: the last path wins.
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let store = Sandbox::new();
        assert_eq!(store.run(["import", &path(order[0])]).code, 0);
        assert_eq!(store.run(["import", &path(order[1])]).code, 0);
        assert_eq!(id(&store), own_id(order[1]));
        assert_eq!(store.run(["import", &path(order[2]), &path(order[3])]).code, 0);
        assert_eq!(id(&store), own_id(order[3]));
        // What is removed and verified is the same.
        assert_eq!(store.run(["modules", "verify", "lib.so"]).code, 1);
        assert_eq!(store.run(["modules", "verify", "--latest", "lib.so"]).code, 0);
        assert_eq!(store.run(["modules", "remove", "--latest", "lib.so"]).code, 0);
        assert_eq!(id(&store), own_id(order[2]));
    }
}

#[test]
fn architectures_by_any_name() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    sandbox.import("macho-fat/three");
    for module in [
        format!("{FIXTURE}:amd64"),
        format!("{FIXTURE}:X86_64"),
        format!("{}:amd64", object(FIXTURE).display()),
        "three:aarch64".to_owned(),
        "three:ARM64".to_owned(),
        format!("{}:AArch64", object("macho-fat/three").display()),
    ] {
        let run = sandbox.run(["modules", "show", &module]);
        assert_eq!(run.code, 0, "{module}: {}", run.stderr);
    }
    let run = sandbox.run(["modules", "show", &format!("{FIXTURE}:arm64")]);
    assert_eq!(run.code, 1);
}

#[test]
fn apps_and_frameworks_stand_for_their_image() {
    let sandbox = Sandbox::new();
    for bundle in ["Small.app/Small", "Small.framework/Small", "Desk.app/Contents/MacOS/Desk"] {
        let path = sandbox.path(bundle);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(object("macho-image-exec-arm64-flat"), &path).unwrap();
    }
    assert_eq!(sandbox.run(["import", sandbox.path("Small.app").to_str().unwrap()]).code, 0);
    for bundle in ["Small.app", "Small.framework", "Desk.app", "Small.app:arm64"] {
        let run = sandbox.run(["modules", "show", sandbox.path(bundle).to_str().unwrap()]);
        assert_eq!(run.code, 0, "{bundle}: {}", run.stderr);
    }
    let run = sandbox.run(["modules", "show", sandbox.path("Small.app:x86_64").to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("no slice for x86_64; it has arm64"), "{}", run.stderr);
}
