//! A sealed store, the commands that change it, each killed at some moment, and what may be true
//! afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::events::{Build, event};
use crate::support::truth::Known;
use crate::support::{Run, Sandbox, json_lines};

/// Builds that crashes happen in.
const BUILDS: [&str; 3] = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so", "c-clang-O0-dwarf5.so"];

/// Made modules, all of one name, each in two versions.
const MADE: u8 = 7;
const KEPT_BY_GC: usize = 5;
const REPORTS_AT_ONCE: u64 = 3;

pub fn random() -> fastrand::Rng {
    fastrand::Rng::with_seed(
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7),
    )
}

/// A module that comes and goes: what it may be by all that was said. Version 0 and 1, or `None`
/// for not there.
pub struct Module {
    pub id: String,
    pub versions: Vec<Known>,
    pub may_be: BTreeSet<Option<usize>>,
}

/// A writing command, by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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

pub const KINDS: [Kind; 13] = [
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
pub struct World {
    pub sandbox: Sandbox,
    /// The key that opens it first, and the one that comes next.
    pub keys: [PathBuf; 2],
    pub modules: Vec<Module>,
    /// Reports by id: whether each may be there, and may be gone.
    pub reports: BTreeMap<String, (String, BTreeSet<bool>)>,
    pub next_report: u64,
    /// Runs that were reported as applied.
    pub runs: BTreeSet<u64>,
    pub random: fastrand::Rng,
    /// How long each kind takes, as far as is known.
    pub lengths: BTreeMap<Kind, Duration>,
    pub killed: BTreeMap<Kind, u32>,
}

/// What is known of a command once it has ended.
struct Ended {
    is_done: bool,
    stdout: String,
    told: String,
}

impl World {
    pub fn new() -> Self {
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

    pub fn run(&self, args: &[&str]) -> Run {
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
    pub fn step(&mut self) -> String {
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
}
