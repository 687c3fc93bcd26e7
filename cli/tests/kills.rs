//! Every command that writes, killed at moments spread over its length, often a second one before
//! anybody has looked. What was reported as done stays done, what was not is there as a whole or
//! not at all, and the store is intact without any repair.
//!
//! `SYMTOOL_TORTURE=N` kills N times (`just torture`), `SEED` picks other moments.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::events::{Build, event};
use support::shapes::Shape;
use support::truth::{Frames, Known, Told, frames, judge};
use support::{Run, Sandbox, json_lines};

/// Builds that crashes happen in.
const BUILDS: [&str; 3] = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so", "c-clang-O0-dwarf5.so"];

/// Made modules, all of one name, each in two versions.
const MADE: u8 = 7;
const KEPT_BY_GC: usize = 5;
const REPORTS_AT_ONCE: u64 = 3;

/// How many kills.
fn kills_wanted() -> u32 {
    std::env::var("SYMTOOL_TORTURE").ok().and_then(|kills| kills.parse().ok()).unwrap_or(120)
}

fn random() -> fastrand::Rng {
    fastrand::Rng::with_seed(
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7),
    )
}

/// A module that comes and goes: what it may be by all that was said. Version 0 and 1, or `None`
/// for not there.
struct Module {
    id: String,
    versions: Vec<Known>,
    may_be: BTreeSet<Option<usize>>,
}

/// A writing command, by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Import,
    ImportBatch,
    Replace,
    Remove,
    Gc,
    Rotate,
    Compact,
    Repair,
    AddCrashes,
    RemoveCrash,
    Reprocess,
    Undo,
    Merge,
}

const KINDS: [Kind; 13] = [
    Kind::Import,
    Kind::ImportBatch,
    Kind::Replace,
    Kind::Remove,
    Kind::Gc,
    Kind::Rotate,
    Kind::Compact,
    Kind::Repair,
    Kind::AddCrashes,
    Kind::RemoveCrash,
    Kind::Reprocess,
    Kind::Undo,
    Kind::Merge,
];

/// A sealed store, and all that may be true of it.
struct World {
    sandbox: Sandbox,
    /// The key that opens it first, and the one that comes next.
    keys: [PathBuf; 2],
    modules: Vec<Module>,
    /// Reports by id: whether each may be there, and may be gone.
    reports: BTreeMap<String, (String, BTreeSet<bool>)>,
    next_report: u64,
    /// Runs that were reported as applied.
    runs: BTreeSet<u64>,
    random: fastrand::Rng,
    /// How long each kind takes, as far as is known.
    lengths: BTreeMap<Kind, Duration>,
    killed: BTreeMap<Kind, u32>,
}

/// What is known of a command once it has ended.
struct Ended {
    is_done: bool,
    stdout: String,
    told: String,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::in_memory();
        let keys = ["one.key", "two.key"].map(|name| sandbox.path(name));
        for key in &keys {
            assert_eq!(sandbox.run(["key", "generate", key.to_str().unwrap()]).code, 0);
        }
        let made = (1..=MADE).map(|number| {
            let version = |prefix: &str| {
                let folder = sandbox.path(&format!("{number}-{prefix}"));
                std::fs::create_dir_all(&folder).unwrap();
                Known::made(&folder, "lib.so", prefix, number, 0..400)
            };
            Module {
                id: format!("{number:02x}").repeat(20),
                versions: vec![version("old"), version("new")],
                may_be: [None].into(),
            }
        });
        let builds = BUILDS.map(|name| Module {
            id: Build::of(name).id,
            versions: vec![Known::fixture(name)],
            may_be: [None].into(),
        });
        let modules = made.chain(builds).collect();
        let (reports, runs, lengths, killed) =
            (BTreeMap::new(), BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let mut world = Self {
            sandbox,
            keys,
            modules,
            reports,
            next_report: 1,
            runs,
            random: random(),
            lengths,
            killed,
        };
        let first = world.modules[0].versions[0].path.clone();
        assert_eq!(world.run(&["import", first.to_str().unwrap()]).code, 0);
        world.modules[0].may_be = [Some(0)].into();
        world
    }

    fn run(&self, args: &[&str]) -> Run {
        self.sandbox.run_with(Some(&self.keys[0]), args)
    }

    /// Starts a command and kills it at a random moment, unless it is done before.
    fn kill(&mut self, kind: Kind, args: &[&str]) -> Ended {
        let length = *self.lengths.entry(kind).or_insert(Duration::from_millis(25));
        let moment = length.mul_f64(1.2 * self.random.f64());
        let mut command = self.sandbox.command();
        command.arg("--key-file").arg(&self.keys[0]).args(["--json", "--wait", "60"]).args(args);
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while begun.elapsed() < moment && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        let was_running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        child.stdout.unwrap().read_to_string(&mut stdout).unwrap();
        child.stderr.unwrap().read_to_string(&mut stderr).unwrap();
        let is_killed = was_running && status.code().is_none();
        *self.killed.entry(kind).or_default() += u32::from(is_killed);
        self.lengths.insert(
            kind,
            if is_killed { length.mul_f64(1.02) } else { (length + begun.elapsed()) / 2 },
        );
        let refuses = matches!(kind, Kind::RemoveCrash | Kind::Undo | Kind::Merge | Kind::Remove);
        assert!(
            is_killed || status.success() || (refuses && status.code() == Some(1)),
            "{kind:?} {args:?}: {status} {stderr}"
        );
        let whole = stdout.rfind('\n').map_or("", |end| &stdout[..end]).to_owned();
        Ended {
            is_done: status.success(),
            stdout: whole,
            told: format!("{args:?}: {status} {stderr}"),
        }
    }

    /// Kills one command; returns what it was.
    fn step(&mut self) -> String {
        // Now any, now the one that was killed least.
        let killed = |kind: &Kind| self.killed.get(kind).copied().unwrap_or(0);
        let rarest = *KINDS.iter().min_by_key(|kind| killed(kind)).unwrap();
        let kind =
            if self.random.bool() { rarest } else { KINDS[self.random.usize(..KINDS.len())] };
        let ended = match kind {
            Kind::Import => self.import(kind, 1, false),
            Kind::ImportBatch => self.import(kind, 4, false),
            Kind::Replace => self.import(kind, 1, true),
            Kind::Remove => self.remove(),
            Kind::Gc => self.gc(),
            Kind::Rotate => self.rotate(),
            Kind::Compact => self.kill(kind, &["modules", "compact"]),
            Kind::Repair => self.kill(kind, &["modules", "repair"]),
            Kind::AddCrashes => self.add_crashes(),
            Kind::RemoveCrash => self.remove_crash(),
            Kind::Reprocess => self.regroup(kind, &["reprocess", "--all"]),
            Kind::Undo => self.regroup(kind, &["groups", "undo"]),
            Kind::Merge => self.merge(),
        };
        format!("{kind:?} {}", ended.told)
    }

    fn import(&mut self, kind: Kind, count: usize, replaces: bool) -> Ended {
        let mut chosen: Vec<usize> = (0..self.modules.len()).collect();
        self.random.shuffle(&mut chosen);
        chosen.truncate(count);
        // What is there already stays as it is, unless it is replaced.
        let version =
            |module: &Module, random: &mut fastrand::Rng| random.usize(..module.versions.len());
        let versions: Vec<usize> =
            chosen.iter().map(|at| version(&self.modules[*at], &mut self.random)).collect();
        let paths = chosen.iter().zip(&versions).map(|(at, version)| {
            self.modules[*at].versions[*version].path.to_str().unwrap().to_owned()
        });
        let paths: Vec<String> = paths.collect();
        let mut args = vec!["import"];
        args.extend(replaces.then_some("--force"));
        args.extend(paths.iter().map(String::as_str));
        let ended = self.kill(kind, &args);
        let reported: BTreeSet<String> = json_lines(&ended.stdout)
            .into_iter()
            .filter(|line| line["status"] == "imported")
            .map(|line| line["path"].as_str().unwrap().to_owned())
            .collect();
        for ((at, version), path) in chosen.iter().zip(versions).zip(&paths) {
            let may_be = &mut self.modules[*at].may_be;
            if reported.contains(path) {
                *may_be = [Some(version)].into();
            } else if !ended.is_done && (replaces || may_be.contains(&None)) {
                may_be.insert(Some(version));
            }
        }
        ended
    }

    fn remove(&mut self) -> Ended {
        let at = self.random.usize(..self.modules.len());
        let id = self.modules[at].id.clone();
        let ended = self.kill(Kind::Remove, &["modules", "remove", &id]);
        if ended.is_done || !json_lines(&ended.stdout).is_empty() {
            self.modules[at].may_be = [None].into();
        } else {
            self.modules[at].may_be.insert(None);
        }
        ended
    }

    fn gc(&mut self) -> Ended {
        let ended = self.kill(Kind::Gc, &["modules", "gc", "--keep", &KEPT_BY_GC.to_string()]);
        let removed: Vec<Value> = json_lines(&ended.stdout);
        let made = self.modules.iter_mut().filter(|module| module.versions.len() > 1);
        for module in made {
            if removed.iter().any(|line| line["id"] == module.id.as_str()) {
                module.may_be = [None].into();
            } else if !ended.is_done {
                module.may_be.insert(None);
            }
        }
        ended
    }

    /// One of both keys opens everything, at any moment; the same command finishes what was begun.
    fn rotate(&mut self) -> Ended {
        let new = self.keys[1].clone();
        let args = ["key", "rotate", "--new-key-file", new.to_str().unwrap()];
        let ended = self.kill(Kind::Rotate, &args);
        let opens = |world: &Self, at: usize| {
            let key = Some(world.keys[at].as_path());
            let all: [&[&str]; 3] =
                [&["modules", "verify"], &["modules", "list"], &["crash", "list"]];
            all.map(|args| world.sandbox.run_with(key, args).code == 0)
        };
        let (old, new) = (opens(self, 0), opens(self, 1));
        assert!(
            old == [true; 3] || new == [true; 3],
            "neither key opens everything: {old:?} {new:?}, {}",
            ended.told
        );
        let again = self.run(&args);
        assert!(
            again.code == 0 || new == [true; 3],
            "a rotation that was begun cannot be finished: {}",
            again.stderr
        );
        self.keys.reverse();
        assert_eq!(opens(self, 0), [true; 3], "after the rotation was finished, {}", ended.told);
        assert_eq!(opens(self, 1), [false; 3], "the old key still opens it, {}", ended.told);
        ended
    }

    fn add_crashes(&mut self) -> Ended {
        let build = Build::of(BUILDS[self.random.usize(..BUILDS.len())]);
        let numbers = self.next_report..self.next_report + REPORTS_AT_ONCE;
        self.next_report = numbers.end;
        // Any two functions: most crashes are bugs of their own, so that there are groups to merge.
        let mut stack = || [(); 2].map(|()| self.random.choice(build.names()).unwrap());
        let events: Vec<String> =
            numbers.clone().map(|number| event(number, &build, &stack())).collect();
        let file = self.sandbox.write("events.ndjson", events.join("\n") + "\n");
        let ended = self.kill(Kind::AddCrashes, &["crash", "add", file.to_str().unwrap()]);
        let reported =
            json_lines(&ended.stdout).iter().filter(|line| line["status"] == "added").count();
        assert!(!ended.is_done || reported == events.len(), "{}", ended.told);
        for (at, (number, text)) in numbers.zip(events).enumerate() {
            let may_be = if at < reported { [true].into() } else { [true, false].into() };
            self.reports.insert(format!("{number:032x}"), (text, may_be));
        }
        ended
    }

    fn remove_crash(&mut self) -> Ended {
        let Some(id) = self.random.choice(self.reports.keys().cloned()) else {
            return self.add_crashes();
        };
        let ended = self.kill(Kind::RemoveCrash, &["crash", "remove", &id]);
        let is_reported = !json_lines(&ended.stdout).is_empty();
        let may_be = &mut self.reports.get_mut(&id).unwrap().1;
        if is_reported {
            *may_be = [false].into();
        } else {
            may_be.insert(false);
        }
        ended
    }

    fn regroup(&mut self, kind: Kind, args: &[&str]) -> Ended {
        let ended = self.kill(kind, args);
        self.runs.extend(json_lines(&ended.stdout).iter().filter_map(|line| line["run"].as_u64()));
        ended
    }

    fn merge(&mut self) -> Ended {
        let groups = json_lines(&self.run(&["groups", "list", "--json"]).stdout);
        let ids: Vec<&str> =
            groups.iter().filter_map(|group| group["id"].as_str()).take(2).collect();
        if ids.len() < 2 {
            self.add_crashes()
        } else {
            self.regroup(Kind::Merge, &[&["groups", "merge"], &ids[..]].concat())
        }
    }

    /// Looks at everything. What is found is what is true from now on.
    fn check(&mut self, steps: &[String]) {
        let run = self.run(&["modules", "verify"]);
        assert_eq!(run.code, 0, "{}{} after {steps:#?}", run.stdout, run.stderr);
        self.check_modules(steps);
        self.check_crashes(steps);
    }

    fn check_modules(&mut self, steps: &[String]) {
        let answers =
            |known: &Known| known.answers.clone().into_iter().collect::<Vec<(u64, Frames)>>();
        let lines: Vec<String> = self
            .modules
            .iter()
            .flat_map(|module| {
                answers(&module.versions[0])
                    .into_iter()
                    .map(|(address, _)| format!("{} {address:x}", module.id))
            })
            .collect();
        let batch = self.sandbox.write("batch", lines.join("\n"));
        let run = self.run(&[
            "resolve",
            "--style",
            "json",
            "--no-demangle",
            "--batch",
            batch.to_str().unwrap(),
        ]);
        assert!(run.code < 2, "{} after {steps:#?}", run.stderr);
        let found = json_lines(&run.stdout);
        let mut found = found.iter();
        for module in &mut self.modules {
            let count = module.versions[0].answers.len();
            let lines: Vec<&Value> = found.by_ref().take(count).collect();
            let is_version = |known: &Known| {
                known.answers.values().zip(&lines).all(|(want, line)| frames(line) == *want)
            };
            let state = if lines.iter().all(|line| line["status"] == "no_module") {
                None
            } else {
                let version = module.versions.iter().position(is_version);
                Some(version.unwrap_or_else(|| {
                    panic!("{}: wrong answers {lines:?} after {steps:#?}", module.id)
                }))
            };
            assert!(
                module.may_be.contains(&state),
                "{}: {state:?} instead of {:?} after {steps:#?}",
                module.id,
                module.may_be
            );
            module.may_be = [state].into();
        }
    }

    fn check_crashes(&mut self, steps: &[String]) {
        for (id, (text, may_be)) in &mut self.reports {
            // Reports that nothing was done to need not be looked at every time.
            if may_be.len() == 1 && self.random.u8(..8) > 0 {
                continue;
            }
            let run = self.sandbox.run_with(Some(&self.keys[0]), ["crash", "show", "--raw", id]);
            let is_there = run.stdout.trim_end() == text;
            assert!(
                is_there || (run.code == 1 && run.stdout.is_empty()),
                "{id}: {}{} after {steps:#?}",
                run.stdout,
                run.stderr
            );
            assert!(
                may_be.contains(&is_there),
                "{id}: {is_there} instead of {may_be:?} after {steps:#?}"
            );
            *may_be = [is_there].into();
        }
        let count = self.reports.values().filter(|(_, may_be)| may_be.contains(&true)).count();
        let [listed, groups, history] =
            [&["crash", "list"][..], &["groups", "list"], &["groups", "history"]].map(|args| {
                let run = self.run(&[args, &["--json"]].concat());
                assert_eq!(run.code, 0, "{args:?}: {} after {steps:#?}", run.stderr);
                json_lines(&run.stdout)
            });
        assert_eq!(listed.len(), count, "after {steps:#?}");
        let in_groups: u64 = groups.iter().map(|group| group["crashes"].as_u64().unwrap()).sum();
        assert_eq!(in_groups, count as u64, "{groups:?} after {steps:#?}");
        for crash in &listed {
            assert!(
                groups.iter().any(|group| group["id"] == crash["group"]),
                "{crash} is in no group after {steps:#?}"
            );
        }
        let runs: BTreeSet<u64> = history.iter().filter_map(|run| run["run"].as_u64()).collect();
        assert!(self.runs.is_subset(&runs), "{:?} of {runs:?} after {steps:#?}", self.runs);
        // A store that grows for ever is slow to look at.
        if count > 40 {
            for id in self.reports.keys() {
                self.run(&["crash", "remove", id]);
            }
            self.reports.clear();
        }
    }
}

#[test]
fn kills_of_every_command_lose_nothing() {
    let mut world = World::new();
    let wanted = kills_wanted();
    while world.killed.values().sum::<u32>() < wanted {
        let count = world.random.usize(1..=2);
        let steps: Vec<String> = (0..count).map(|_| world.step()).collect();
        world.check(&steps);
    }
    println!("{:?}", world.killed);
    // Each kind was met by some kills: the test is about all of them.
    let never: Vec<&Kind> = KINDS
        .iter()
        .filter(|kind| !world.killed.contains_key(kind) || world.killed[kind] == 0)
        .collect();
    assert!(never.is_empty(), "{never:?} was never killed: {:?}", world.killed);
}

/// A repair of damage, killed and begun again, keeps what one that is not killed keeps.
#[test]
fn killed_repairs_lose_nothing() {
    let shape = Shape::batches(true);
    let requests = shape.requests();
    let repaired = |sandbox: &Sandbox| -> (Vec<Told>, String) {
        let run = |args: &[&str]| sandbox.run_with(shape.key.as_deref(), args);
        let repaired = run(&["modules", "repair"]);
        assert!(repaired.code < 2, "{}", repaired.stderr);
        let resolved = run(&[
            "resolve",
            "--style",
            "json",
            "--no-demangle",
            "--batch",
            requests.to_str().unwrap(),
        ]);
        let verified = run(&["modules", "verify"]);
        assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
        (judge(&resolved, &shape.known()), run(&["crash", "list"]).stdout)
    };
    let mut random = random();
    let tables: Vec<(PathBuf, u64)> = shape
        .files()
        .into_iter()
        .filter(|(file, _)| file.to_string_lossy().ends_with(".sst"))
        .collect();
    let mut killed = 0;
    for _ in 0..kills_wanted() / 5 {
        let (file, length) = &tables[random.usize(..tables.len())];
        let damaged = shape.copy();
        let path = damaged.store().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let place = random.usize(..usize::try_from(*length).unwrap());
        bytes[place] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let reference = Sandbox::in_memory();
        support::shapes::copy(&damaged.store(), &reference.store());
        let begun = Instant::now();
        let want = repaired(&reference);
        let mut child = damaged.command();
        child
            .arg("--key-file")
            .arg(shape.key.as_ref().unwrap())
            .args(["modules", "repair"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        std::thread::sleep(begun.elapsed().mul_f64(random.f64() / 3.0));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(
            repaired(&damaged),
            want,
            "{} with a flip at {place}, repair killed",
            file.display()
        );
    }
    assert!(killed > 0, "no repair was killed in time");
}
