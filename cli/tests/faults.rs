//! What the machine does to a store: a full disk, a disk that fails, permissions that are missing.
//! Each is a clear error that names the store, and nothing that was in it is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::disk::{SmallDisk, failing_sync, is_root};
use support::{Run, Sandbox, object, without_build_id};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
const OTHER: &str = "rust-O2-dwarf5.so";

#[test]
fn a_small_disk_fills_up_and_loses_nothing() {
    let sandbox = Sandbox::new();
    let Some(disk) = SmallDisk::mount(&sandbox.path("disk"), 256) else { return };
    // Something else on that disk, and the store beside it.
    let ballast = disk.0.join("ballast");
    fs::write(&ballast, vec![0; 64 << 10]).unwrap();
    let store = disk.0.join("store");
    let run = |args: &[&OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symtool"));
        sandbox.isolate(&mut command);
        Run::of(
            command.arg("--store").arg(&store).args(args).stdin(Stdio::null()).output().unwrap(),
        )
    };
    let words =
        |words: &'static str| -> Vec<&'static OsStr> { words.split(' ').map(OsStr::new).collect() };
    let mut stored = 0;
    let refused = (0..400).find_map(|number| {
        let path = sandbox.write(&format!("lib{number}.so"), without_build_id(FIXTURE, number));
        let run = run(&[OsStr::new("import"), path.as_os_str()]);
        stored += u32::from(run.code == 0);
        Some(run).filter(|run| run.code != 0)
    });
    let refused = refused.unwrap_or_else(|| panic!("the disk was never full"));
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains(store.to_str().unwrap())
            && refused.stderr.contains("No space left"),
        "{}",
        refused.stderr
    );
    let intact = || {
        let run = run(&words("modules verify"));
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout.lines().count()
    };
    assert_eq!(intact(), stored as usize);
    // As the message says: some space, and it goes on.
    fs::remove_file(ballast).unwrap();
    let removed = run(&words("modules gc --keep 0"));
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    assert_eq!(run(&[OsStr::new("import"), object(FIXTURE).as_os_str()]).code, 0);
    assert_eq!(intact(), 1);
}

/// Whichever call it is that fails: the import says so, or it is in the store; never both, and the
/// rest stays.
#[test]
fn a_disk_that_fails_is_an_error_and_loses_nothing() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let library = failing_sync(&sandbox);
    let (mut failed, mut done) = (0, 0);
    for from in 1..40 {
        let mut command = sandbox.command();
        command
            .env("LD_PRELOAD", &library)
            .env("FAIL_FROM", from.to_string())
            .arg("import")
            .arg(object(OTHER));
        let run = Run::of(command.output().unwrap());
        let list = sandbox.run(["modules", "list"]).stdout;
        assert!(list.contains(FIXTURE), "call {from}: {list}");
        if run.code == 0 {
            assert!(list.contains(OTHER), "call {from}: {list}");
            done += 1;
            break;
        }
        failed += 1;
        assert_eq!(run.code, 3, "call {from}: {}", run.stderr);
        assert!(
            run.stderr.contains(sandbox.store().to_str().unwrap()),
            "call {from}: {}",
            run.stderr
        );
        let run = sandbox.run(["modules", "verify"]);
        assert_eq!(run.code, 0, "call {from}: {}", run.stderr);
        if list.contains(OTHER) {
            // It failed after it had gone in: nothing was promised.
            assert_eq!(sandbox.run(["modules", "remove", OTHER]).code, 0);
        }
    }
    assert!(failed > 2 && done == 1, "{failed} failed, {done} done");
}

/// The program may be where only its owner may look: a copy for everybody.
fn lent(sandbox: &Sandbox) -> PathBuf {
    let program = sandbox.path("symtool");
    fs::copy(env!("CARGO_BIN_EXE_symtool"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// The program as somebody who may not write what root has made.
fn as_nobody(sandbox: &Sandbox, program: &Path, args: &[&str]) -> Run {
    let plain = sandbox.command();
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    sandbox.isolate(&mut command);
    Run::of(command.args(plain.get_args()).args(args).stdin(Stdio::null()).output().unwrap())
}

fn set_modes(folder: &Path, of_folders: u32, of_files: u32) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            set_modes(&entry, of_folders, of_files);
        } else {
            fs::set_permissions(&entry, fs::Permissions::from_mode(of_files)).unwrap();
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(of_folders)).unwrap();
}

#[test]
fn a_store_that_may_only_be_read_is_read() {
    let sandbox = Sandbox::new();
    sandbox.import(FIXTURE);
    let parent = sandbox.store().parent().unwrap().to_owned();
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o755)).unwrap();
    let program = lent(&sandbox);
    let run_as_nobody = |args: &[&str]| as_nobody(&sandbox, &program, args);
    let before = sandbox.run(["resolve", "--module", FIXTURE, "1146"]).stdout;
    set_modes(&sandbox.store(), 0o555, 0o444);
    let run = run_as_nobody(&["resolve", "--module", FIXTURE, "1146"]);
    assert_eq!((run.code, run.stdout), (0, before.clone()), "{}", run.stderr);
    for args in [
        &["import", object(OTHER).to_str().unwrap()][..],
        &["modules", "remove", FIXTURE],
        &["modules", "compact"],
    ] {
        let run = run_as_nobody(args);
        assert_eq!(run.code, 3, "{args:?}: {}", run.stderr);
        assert!(
            run.stderr.contains(sandbox.store().to_str().unwrap())
                && run.stderr.contains("ermission denied"),
            "{args:?}: {}",
            run.stderr
        );
    }
    set_modes(&sandbox.store(), 0o700, 0o600);
    let run = run_as_nobody(&["modules", "list"]);
    if is_root() {
        assert_eq!(run.code, 3);
        assert!(run.stderr.contains("ermission denied"), "{}", run.stderr);
    }
    set_modes(&sandbox.store(), 0o755, 0o644);
    assert_eq!(sandbox.run(["resolve", "--module", FIXTURE, "1146"]).stdout, before);
}
