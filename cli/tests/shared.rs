//! A store that many use at once, and that is killed at any moment.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use support::{Run, Sandbox, without_build_id};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
const MODULES: usize = 8;
const ADDRESS: &str = "1146";

/// Files of different ids, and what each answers.
fn builds(sandbox: &Sandbox) -> Vec<(PathBuf, String)> {
    let other = Sandbox::new();
    (0..MODULES)
        .map(|number| {
            let path = sandbox.write(&format!("lib{number}.so"), without_build_id(FIXTURE, number));
            assert_eq!(other.run(["import", path.to_str().unwrap()]).code, 0);
            (path.clone(), answer(&other, number))
        })
        .collect()
}

fn answer(sandbox: &Sandbox, number: usize) -> String {
    sandbox
        .run(["resolve", "--module", &format!("lib{number}.so"), "--style", "llvm-json", ADDRESS])
        .stdout
}

fn spawn(sandbox: &Sandbox, key: &str, args: &[&str]) -> Child {
    let mut command = sandbox.command();
    command.args(["--wait", "60", "--key-file"]).arg(sandbox.path(key)).args(args);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// How often the loop of kills goes round; `just torture` asks for more.
fn rounds() -> u64 {
    std::env::var("SYMTOOL_TORTURE").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(120)
}

/// Imports, removals, rotations and gc of a sealed store, killed at moments spread over their
/// length. After each: the store opens and is intact, what was acknowledged is there and answers as
/// before, what was removed is gone, and nothing is left in `staging`.
#[test]
fn kills_lose_nothing() {
    let sandbox = Sandbox::new();
    let builds = builds(&sandbox);
    let mut keys = ["one.key", "two.key"];
    for key in keys {
        assert_eq!(sandbox.run(["key", "generate", sandbox.path(key).to_str().unwrap()]).code, 0);
    }
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7u64);
    let mut random = fastrand::Rng::with_seed(seed);
    // Modules that have to be there, and those of which a kill left open whether they are.
    let mut acknowledged: BTreeMap<usize, bool> = BTreeMap::new();
    let mut killed = 0;
    for round in 0..rounds() {
        let number = random.usize(..MODULES);
        let (path, name) =
            (builds[number].0.to_str().unwrap().to_owned(), format!("lib{number}.so"));
        let new_key = sandbox.path(keys[1]);
        let kind = random.u8(..8);
        let args: Vec<&str> = match kind {
            0..=3 => vec!["import", "--force", &path],
            4 | 5 => vec!["modules", "remove", &name],
            6 => vec!["key", "rotate", "--new-key-file", new_key.to_str().unwrap()],
            _ => vec!["modules", "gc", "--keep", "1"],
        };
        let mut child = spawn(&sandbox, keys[0], &args);
        std::thread::sleep(Duration::from_micros(random.u64(..28_000)));
        let was_killed = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        let is_done = child.wait().unwrap().success();
        killed += u64::from(was_killed && !is_done);
        match kind {
            0..=3 if is_done => drop(acknowledged.insert(number, true)),
            4 | 5 if is_done => drop(acknowledged.insert(number, false)),
            // It was there before, and an import that replaces it does so in one step.
            0..=3 if acknowledged.get(&number) == Some(&true) => {}
            0..=5 => drop(acknowledged.remove(&number)),
            6 => {
                let id = |key| with_key(&sandbox, key, &["modules", "list"]).code == 0;
                if sandbox.store().join("FORMAT").exists() && id(keys[1]) && !id(keys[0]) {
                    // The last step may be missing: the same command takes it, or finds that
                    // nothing is left to do.
                    with_key(
                        &sandbox,
                        keys[0],
                        &["key", "rotate", "--new-key-file", new_key.to_str().unwrap()],
                    );
                    keys.reverse();
                }
            }
            _ => {}
        }
        if sandbox.store().join("FORMAT").exists() {
            let what = format!("round {round}, {args:?}");
            check_after_kill(&sandbox, keys[0], &builds, &acknowledged, &what);
        }
    }
    assert!(killed * 3 >= rounds(), "{killed} of {} were killed in time", rounds());
}

/// The store is intact, what was acknowledged is true, and the next writer leaves nothing behind.
fn check_after_kill(
    sandbox: &Sandbox,
    key: &str,
    builds: &[(PathBuf, String)],
    acknowledged: &BTreeMap<usize, bool>,
    what: &str,
) {
    let run = with_key(sandbox, key, &["modules", "verify"]);
    assert_eq!(run.code, 0, "{what}: {}", run.stderr);
    for (number, is_there) in acknowledged {
        let name = format!("lib{number}.so");
        let words = ["resolve", "--module", &name, "--style", "llvm-json", ADDRESS];
        let run = with_key(sandbox, key, &words);
        let is_found = run.stdout.contains("pool.cc");
        assert_eq!(is_found, *is_there, "{what}: {} {}", run.stdout, run.stderr);
        assert!(!*is_there || run.stdout == builds[*number].1, "{what}");
    }
    // A writer that comes next leaves nothing behind, whatever it found.
    assert_eq!(with_key(sandbox, key, &["modules", "compact"]).code, 0, "{what}");
    let staged = std::fs::read_dir(sandbox.store().join("staging")).unwrap().count();
    assert_eq!(staged, 0, "{what}");
}

fn with_key(sandbox: &Sandbox, key: &str, args: &[&str]) -> Run {
    Run::of(sandbox.command().arg("--key-file").arg(sandbox.path(key)).args(args).output().unwrap())
}

/// How long writers and readers are at it.
fn seconds() -> u64 {
    std::env::var("SYMTOOL_SHARED_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(60)
}

/// Four that import and remove, eight that read: every answer is right or says that the module is
/// not there, and nobody waits for ever.
#[test]
fn writers_and_readers_at_once() {
    let (written, right, absent) = at_once(seconds());
    assert!(
        written > 3 && right > 8 && absent > 0,
        "{written} written, {right} right, {absent} absent"
    );
}

/// The same on a machine that has ten times as much to do as it can: no reader is turned away.
#[test]
#[ignore = "loads the machine ten times over: `just torture` runs it"]
fn readers_do_not_starve_on_a_busy_machine() {
    let is_over = AtomicBool::new(false);
    let threads = 10 * std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let counts = std::panic::catch_unwind(|| at_once(seconds() / 3));
        is_over.store(true, Ordering::Relaxed);
        let (written, right, _) = counts.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert!(written > 0 && right > 0, "{written} written, {right} right");
    });
}

/// Writes and reads for so long; how many were written, answered, and not found.
fn at_once(seconds: u64) -> (u32, u32, u32) {
    let sandbox = Sandbox::new();
    let builds = builds(&sandbox);
    // One half is always there, the other comes and goes.
    for (path, _) in &builds[..MODULES / 2] {
        assert_eq!(sandbox.run(["import", path.to_str().unwrap()]).code, 0);
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let (written, right, absent) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (sandbox, builds, written) = (&sandbox, &builds, &written);
            scope.spawn(move || {
                let number = MODULES / 2 + writer;
                let (path, name) = (&builds[number].0, format!("lib{number}.so"));
                while Instant::now() < until {
                    let again = builds[writer].0.to_str().unwrap();
                    for args in [
                        &["import", path.to_str().unwrap()][..],
                        &["import", "--force", again],
                        &["modules", "remove", &name],
                    ] {
                        let run = sandbox.run([&["--wait", "600"], args].concat());
                        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
                        written.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for reader in 0..8 {
            let (sandbox, builds, right, absent) = (&sandbox, &builds, &right, &absent);
            scope.spawn(move || {
                for number in (reader..).take_while(|_| Instant::now() < until) {
                    let number = number % MODULES;
                    let run = sandbox.run([
                        "resolve",
                        "--module",
                        &format!("lib{number}.so"),
                        "--style",
                        "llvm-json",
                        ADDRESS,
                    ]);
                    if run.stdout == builds[number].1 {
                        right.fetch_add(1, Ordering::Relaxed);
                    } else {
                        assert!(
                            number >= MODULES / 2 && run.stderr.contains("no such module"),
                            "lib{number}: {}{}",
                            run.stdout,
                            run.stderr
                        );
                        absent.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(sandbox.run(["modules", "verify"]).code, 0);
    (written.into_inner(), right.into_inner(), absent.into_inner())
}
