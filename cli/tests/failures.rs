//! A disk that is full at any step of any command, a read that fails once, files that somebody else
//! owns. Each is an error that says what happened; none is taken for damage, and nothing is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use support::disk::{SmallDisk, failing_read, is_root};
use support::questions::reports_in;
use support::shapes::{Shape, copy, files};
use support::truth::{Told, judge};
use support::{Run, Sandbox, object};

/// A file that no shape has.
const NEW_MODULE: &str = "c-gcc-O2-symtab.so";

/// Runs the program on any store.
fn run(shape: &Shape, store: &Path, key: Option<&Path>, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symtool"));
    shape.sandbox.isolate(&mut command);
    command.arg("--store").arg(store).args(args).stdin(Stdio::null());
    if let Some(key) = key {
        command.arg("--key-file").arg(key);
    }
    Run::lossy(&command.output().unwrap())
}

/// What a store knows: which modules answer rightly, and which reports are there.
#[derive(Debug, PartialEq, Eq)]
struct State {
    modules: Vec<Told>,
    reports: Option<Vec<usize>>,
}

fn state(shape: &Shape, store: &Path, key: Option<&Path>) -> State {
    let requests = shape.requests();
    let resolved = run(
        shape,
        store,
        key,
        &["resolve", "--style", "json", "--no-demangle", "--batch", requests.to_str().unwrap()],
    );
    let ids: Vec<&str> = shape.reports.iter().map(|report| report.id.as_str()).collect();
    let shown = run(shape, store, key, &[&["crash", "show", "--raw"], &ids[..]].concat());
    State {
        modules: judge(&resolved, &shape.known()),
        reports: reports_in(shape, &shown).map(|there| there.into_iter().collect()),
    }
}

/// A command that writes, and what it takes away: names of modules and numbers of reports.
struct Writer {
    args: Vec<String>,
    modules: &'static [&'static str],
    reports: &'static [usize],
}

/// Everything that writes.
fn writers(shape: &Shape) -> Vec<Writer> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let path = |name: &str| object(name).to_str().unwrap().to_owned();
    let report =
        shape.sandbox.write("new.txt", "#00 pc 00001234 libnew.so\n").to_str().unwrap().to_owned();
    let new_key = shape.sandbox.path("new.key").to_str().unwrap().to_owned();
    let groups = support::json_lines(&shape.groups);
    let group = |at: usize| groups[at]["id"].as_str().unwrap().to_owned();
    let batch = ["c-gcc-O2-dwarf4.so", "c-gcc-O2-dwarf5.so", "zig-Debug.so"].map(path);
    let keeps = |command: &str, rest: &[String]| Writer {
        args: [words(command), rest.to_vec()].concat(),
        modules: &[],
        reports: &[],
    };
    vec![
        keeps("import", &[path(NEW_MODULE)]),
        keeps("import", &batch),
        keeps("import --force", &[path("rust-O2-dwarf5.so")]),
        Writer { args: words("modules remove many.so"), modules: &["many.so"], reports: &[] },
        keeps("modules gc --keep 1", &[]),
        keeps("modules compact", &[]),
        keeps("modules repair", &[]),
        keeps("key rotate --new-key-file", &[new_key]),
        keeps("crash add", &[report]),
        Writer {
            args: words("crash remove 00000000000000000000000000000001"),
            modules: &[],
            reports: &[0],
        },
        keeps("reprocess --all", &[]),
        keeps("groups undo", &[]),
        keeps("groups merge", &[group(0), group(1)]),
    ]
}

/// Each command with anything from nothing to plenty of room: it says that the disk is full, or is
/// done; and nothing is lost.
#[test]
fn a_disk_that_is_full_at_any_step_loses_nothing() {
    let mut shape = Shape::batches(true);
    // So that there are two groups to merge.
    shape.go_on();
    let new_key = shape.sandbox.path("new.key");
    assert_eq!(shape.sandbox.run(["key", "generate", new_key.to_str().unwrap()]).code, 0);
    let Some(disk) = SmallDisk::mount(&shape.sandbox.path("disk"), 4096) else { return };
    let (mut faults, mut refused, mut done) = (Vec::new(), 0, 0);
    for writer in writers(&shape) {
        for kilobytes in [0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 1024] {
            let told = with_room(&shape, &disk, &writer, kilobytes, &mut faults);
            *(if told.code == 0 { &mut done } else { &mut refused }) += 1;
        }
    }
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
    assert!(refused > 20 && done > 20, "{refused} refused, {done} done");
}

/// Runs one command on a disk with so much room, and looks at what is there afterwards.
fn with_room(
    shape: &Shape,
    disk: &SmallDisk,
    writer: &Writer,
    kilobytes: u64,
    faults: &mut Vec<String>,
) -> Run {
    let args: Vec<&str> = writer.args.iter().map(String::as_str).collect();
    let store = disk.0.join("store");
    drop(fs::remove_dir_all(&store));
    copy(&shape.sandbox.store(), &store);
    let ballast = disk.fill(kilobytes);
    let told = run(shape, &store, shape.key.as_deref(), &args);
    fs::remove_file(ballast).unwrap();
    let is_done = told.code == 0;
    let mut check = |holds: bool, what: &str| {
        if !holds {
            faults.push(format!(
                "{what}: {args:?} with {kilobytes} kB free: {} {}{}",
                told.code, told.stdout, told.stderr
            ));
        }
    };
    check(
        is_done || (told.code == 3 && told.stderr.contains("No space left")),
        "no word of a full disk",
    );
    let enough = if args[0] == "crash" { 24 } else { 12 };
    check(
        is_done || !args.contains(&"remove") || kilobytes < enough,
        "there is room enough to remove",
    );
    let new_key = shape.sandbox.path("new.key");
    let opens = |key: Option<&Path>| run(shape, &store, key, &["modules", "verify"]).code == 0;
    let key = if args[0] == "key" && opens(Some(&new_key)) {
        Some(&*new_key)
    } else {
        shape.key.as_deref()
    };
    check(opens(key), "the store is not intact afterwards");
    let now = state(shape, &store, key);
    let may_go =
        |number: usize| is_done && writer.modules.contains(&&*shape.modules[number].1.name);
    let is_kept = |(number, told): (usize, &Told)| *told == Told::Right || may_go(number);
    check(now.modules.iter().enumerate().all(is_kept), "a module is lost");
    let kept = now.reports.unwrap_or_default();
    let gone: Vec<usize> =
        (0..shape.reports.len()).filter(|number| !kept.contains(number)).collect();
    check(
        gone == if is_done { writer.reports } else { &[] },
        &format!("reports are not those that they were: {gone:?}"),
    );
    told
}

/// One read of `repair` fails, whichever it is: it ends with an error, or reads again. Without the
/// fault it keeps what it would have kept.
#[test]
fn a_read_that_fails_once_costs_nothing() {
    for (is_sealed, is_damaged) in [(false, true), (true, false), (true, true)] {
        let shape = Shape::batches(is_sealed);
        let key = shape.key.as_deref();
        let damaged = shape.copy();
        if is_damaged {
            damage(&shape, &damaged);
        }
        let repaired = |sandbox: &Sandbox| {
            let run = sandbox.run_with(key, ["modules", "repair"]);
            assert!(run.code < 2, "{}", run.stderr);
            assert_eq!(sandbox.run_with(key, ["modules", "verify"]).code, 0);
            state(&shape, &sandbox.store(), key)
        };
        let again = || {
            let sandbox = Sandbox::in_memory();
            copy(&damaged.store(), &sandbox.store());
            sandbox
        };
        let want = repaired(&again());
        let library = failing_read(&shape.sandbox);
        let (mut faults, mut reached) = (BTreeMap::new(), 0);
        for number in (1..60).chain((60..2000).step_by(13)) {
            let sandbox = again();
            let mark = sandbox.path("mark");
            let mut command = sandbox.guarded(key);
            command
                .env("LD_PRELOAD", &library)
                .env("FAIL_IN", sandbox.store())
                .env("FAIL_AT", number.to_string())
                .env("FAIL_MARK", &mark);
            let run = Run::lossy(&command.args(["modules", "repair"]).output().unwrap());
            if !mark.exists() {
                break;
            }
            reached += 1;
            let when = if run.code != 3 && state(&shape, &sandbox.store(), key) != want {
                ""
            } else if repaired(&sandbox) != want {
                "afterwards "
            } else {
                continue;
            };
            let told = format!("{}{}", run.stdout, run.stderr);
            faults.insert(number, format!("exit {}, {when}something is lost: {told}", run.code));
        }
        assert!(reached > 20, "{reached} reads");
        let shown: Vec<_> = faults.iter().take(5).collect();
        assert!(
            faults.is_empty(),
            "{} of {reached} reads, sealed: {is_sealed}, damaged: {is_damaged}: {shown:#?}",
            faults.len()
        );
    }
}

/// Flips a bit in the first and the last table of `damaged`, a copy of `shape`.
fn damage(shape: &Shape, damaged: &Sandbox) {
    let files = shape.files();
    let tables: Vec<_> = files.iter().filter(|(file, _)| has_extension(file, "sst")).collect();
    for (file, length) in [tables.first().unwrap(), tables.last().unwrap()] {
        let path = damaged.store().join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[usize::try_from(*length).unwrap() / 3] ^= 16;
        fs::write(path, bytes).unwrap();
    }
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|other| other == extension)
}

/// Each file of a store in the hands of another user: `repair` and everything else say so, and
/// change nothing.
#[test]
fn files_of_another_user_are_not_taken_for_damage() {
    if !is_root() {
        return;
    }
    let shape = Shape::batches(false);
    // Not in the sandbox: memory may be mounted without the right to run programs.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("symtool");
    fs::copy(env!("CARGO_BIN_EXE_symtool"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let whole = state(&shape, &shape.sandbox.store(), None);
    let mut faults = Vec::new();
    for (file, _) in
        shape.files().into_iter().filter(|(file, _)| has_extension(file, "sst") || is_catalog(file))
    {
        let sandbox = shape.copy();
        let give = |path: &Path| chown(path, Some(65534), Some(65534)).unwrap();
        give(sandbox.store().parent().unwrap());
        for entry in walkdir::WalkDir::new(sandbox.store()).into_iter().map(Result::unwrap) {
            give(entry.path());
        }
        let path = sandbox.store().join(&file);
        chown(&path, Some(0), Some(0)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(shape.sandbox.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .arg("--store")
            .arg(sandbox.store());
        sandbox.isolate(&mut command);
        let run =
            Run::lossy(&command.args(["modules", "repair"]).stdin(Stdio::null()).output().unwrap());
        if path.exists() {
            give(&path);
        }
        let is_refused = run.code == 3 && run.stderr.contains("ermission denied");
        let is_whole = state(&shape, &sandbox.store(), None) == whole
            && sandbox.run(["modules", "verify"]).code == 0;
        if !is_refused || !is_whole {
            let told = format!("exit {}, {}{}", run.code, run.stdout, run.stderr);
            faults.push(format!(
                "{}: refused: {is_refused}, nothing lost: {is_whole}: {told}",
                file.display()
            ));
        }
    }
    assert!(faults.is_empty(), "{} files: {faults:#?}", faults.len());
}

/// Whether the file says what there is.
fn is_catalog(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    name == "FORMAT"
        || name == "CURRENT"
        || name.starts_with("MANIFEST")
        || has_extension(file, "ack")
}

/// A new store, and everything in it, is its owner's alone.
#[test]
fn stores_are_made_for_their_owner_alone() {
    for shape in [Shape::singles(false), Shape::singles(true)] {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let store = shape.sandbox.store();
        for entry in walkdir::WalkDir::new(&store).into_iter().map(Result::unwrap) {
            let most = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
            assert_eq!(
                mode(entry.path()) & !most,
                0,
                "{}: {:o}",
                entry.path().display(),
                mode(entry.path())
            );
        }
        assert!(files(&store).len() > 5);
    }
}
