//! Stores that are none, in use, full, read-only or damaged, and imports that are killed.

use std::fs;

use object::{Object, ObjectSection};

use crate::FIXTURE;
use crate::support::{Sandbox, json_lines, object};

#[test]
fn stores_that_are_none() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["modules", "list"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("no store here; import a file first"), "{}", run.stderr);

    fs::create_dir(sandbox.store()).unwrap();
    fs::write(sandbox.store().join("letter.txt"), "dear").unwrap();
    let run = sandbox.run(["import", object(FIXTURE).to_str().unwrap()]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("not a symtool store, and not empty"), "{}", run.stderr);
    assert_eq!(
        fs::read_dir(sandbox.store()).unwrap().count(),
        1,
        "nothing was added to a foreign folder"
    );

    let newer = Sandbox::new();
    newer.import(FIXTURE);
    fs::write(newer.store().join("FORMAT"), "symtool store 99\n").unwrap();
    let run = newer.run(["modules", "list"]);
    assert_eq!(run.code, 3);
    assert!(
        run.stderr.contains("'symtool store 99'")
            && run.stderr.contains("use the version that wrote it"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_store_in_use_is_waited_for_and_then_named() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let lock = fs::File::options().write(true).open(sandbox.store().join("write.lock")).unwrap();
    lock.lock().unwrap();
    let other = object("rust-O2-dwarf5.so");
    let import = ["--wait", "0", "import", other.to_str().unwrap()];
    let run = sandbox.run(import);
    assert_eq!(run.code, 3);
    let holder = format!("being written by process {} ", std::process::id());
    assert!(run.stderr.contains(&holder) && run.stderr.contains("--wait"), "{}", run.stderr);
    // Whoever reads does not wait.
    assert_eq!(sandbox.run(["--wait", "0", "modules", "list"]).stdout.lines().count(), 1);
    lock.unlock().unwrap();
    assert_eq!(sandbox.run(import).code, 0);
}

#[test]
fn a_store_that_may_not_be_written() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let staging = sandbox.store().join("staging");
    fs::remove_dir_all(&staging).unwrap();
    fs::write(&staging, "a file where the folder should be").unwrap();
    let before = sandbox.run(["modules", "list", "--json"]).stdout;
    let run = sandbox.run(["import", object("rust-O2-dwarf5.so").to_str().unwrap()]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains(sandbox.store().to_str().unwrap()), "{}", run.stderr);
    assert_eq!(sandbox.run(["modules", "list", "--json"]).stdout, before);
}

/// A disk that is full, as far as a process can tell: no file may grow beyond a few blocks.
#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let before = sandbox.run(["modules", "list", "--json"]).stdout;
    let object = object("rust-O2-dwarf5.so");
    let mut failed = 0;
    for blocks in 0..8 {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let output = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_symtool"), "--store"])
            .arg(sandbox.store())
            .arg("import")
            .arg(&object)
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        if output.status.code() == Some(0) {
            break;
        }
        failed += 1;
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(
            stderr.contains(sandbox.store().to_str().unwrap()) && stderr.contains("File too large"),
            "{stderr}"
        );
        assert_eq!(sandbox.run(["modules", "list", "--json"]).stdout, before);
    }
    assert!(failed > 0, "the disk was never full");
    sandbox.import("rust-O2-dwarf5.so");
}

/// The very first import of a store, killed while the database is being made, does not spoil the
/// store.
#[test]
fn a_killed_first_import_can_be_repeated() {
    for moment in 0..30u64 {
        let sandbox = Sandbox::new();
        let path = object(FIXTURE);
        let mut child = sandbox.spawn_piped(&["-j", "1", "import", path.to_str().unwrap()]);
        std::thread::sleep(std::time::Duration::from_micros(3000 + moment * 400));
        child.kill().unwrap();
        child.wait().unwrap();
        sandbox.import(FIXTURE);
        let run = sandbox.run(["resolve", "--module", FIXTURE, "1146"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

#[test]
fn a_damaged_file_says_so_and_gives_way_to_the_intact_one() {
    let sandbox = Sandbox::new();
    let mut bytes = fs::read(object(FIXTURE)).unwrap();
    let whole = object::File::parse(&*bytes).unwrap();
    let (start, size) = whole.section_by_name(".debug_info").unwrap().file_range().unwrap();
    let start = usize::try_from(start).unwrap();
    bytes[start + 200..start + usize::try_from(size).unwrap()].fill(0xff);
    // Another size, as a broken copy has.
    bytes.push(0);
    let damaged = sandbox.write("damaged.so", bytes);
    let run = sandbox.run(["import", damaged.to_str().unwrap()]);
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("damaged.so: some of its debug data is damaged"), "{}", run.stderr);
    let run = sandbox.run(["import", object(FIXTURE).to_str().unwrap()]);
    assert!(
        run.stdout.contains("imported") && run.stderr.is_empty(),
        "{} {}",
        run.stdout,
        run.stderr
    );
    // The name that was known before still names the module.
    for name in ["damaged.so", FIXTURE] {
        assert_eq!(sandbox.run(["resolve", "--module", name, "1146"]).code, 0, "{name}");
    }
}

/// Kills imports at moments spread over their whole length: the module is in, or it is not, and
/// what was in stays.
#[test]
fn a_killed_import_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    sandbox.import("rust-O2-dwarf5.so");
    let path = object(FIXTURE);
    let mut gone = 0;
    for moment in 0..40u64 {
        let mut child =
            sandbox.spawn_piped(&["-j", "1", "import", "--force", path.to_str().unwrap()]);
        std::thread::sleep(std::time::Duration::from_micros(moment * 1500));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = sandbox.run(["modules", "list", "--json"]);
        assert_eq!(run.code, 0, "after {moment}: {}", run.stderr);
        let modules = json_lines(&run.stdout);
        assert!(modules.iter().any(|module| module["name"] == "rust-O2-dwarf5.so"));
        if let Some(module) = modules.iter().find(|module| module["name"] == FIXTURE) {
            let answer = sandbox.run([
                "resolve",
                "--module",
                module["id"].as_str().unwrap(),
                "--style",
                "json",
                "0x1090",
            ]);
            assert_eq!(answer.code, 0, "{}", answer.stderr);
            assert!(answer.stdout.contains("\"status\":\"ok\""), "{}", answer.stdout);
        } else {
            gone += 1;
        }
    }
    assert!(gone > 0, "no kill came early enough");
    // The next import that writes sweeps what the killed ones left.
    assert_eq!(sandbox.run(["import", "--force", path.to_str().unwrap()]).code, 0);
    assert_eq!(fs::read_dir(sandbox.store().join("staging")).unwrap().count(), 0);
}
