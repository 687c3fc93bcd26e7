//! Stores of several shapes, to be damaged, killed and attacked, with everything that they have to
//! know.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::events::{Build, event};
use super::truth::{Known, requests};
use super::{Run, Sandbox};

/// Three fixtures of one source, in which crashes happen.
const BUILDS: [&str; 3] = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so", "c-clang-O0-dwarf5.so"];

/// Stacks of three bugs, the crashing side first.
const BUGS: [&[&str]; 3] = [
    &["primary", "expression", "grammar_eval"],
    &["probe", "table_find", "grammar_eval"],
    &["span_number", "scan_next", "grammar_eval"],
];

/// Numbers of crashes of the third bug begin here; the others take turns.
const THIRD_BUG: u64 = 20;

fn bug(number: u64) -> &'static [&'static str] {
    if number >= THIRD_BUG { BUGS[2] } else { BUGS[usize::from(number % 2 == 1)] }
}

/// A crash report that was acknowledged.
pub struct Report {
    pub id: String,
    pub text: String,
    /// When it was added.
    pub step: usize,
}

/// A store, and everything that was acknowledged while it was made.
pub struct Shape {
    pub name: String,
    pub sandbox: Sandbox,
    pub key: Option<PathBuf>,
    /// Modules that have to be there, and the step that brought them.
    pub modules: Vec<(usize, Known)>,
    /// Modules that were removed, and have to stay away.
    pub removed: Vec<Known>,
    pub reports: Vec<Report>,
    /// Ids of reports that were removed.
    pub removed_reports: Vec<String>,
    /// When each file of the store was first seen. What came in a later step is in none of the
    /// earlier files.
    pub born: BTreeMap<PathBuf, usize>,
    /// The groups of crashes at the end.
    pub groups: String,
    step: usize,
}

impl Shape {
    /// A new store, without anything in it.
    fn new(name: &str, is_sealed: bool) -> Self {
        let sandbox = Sandbox::in_memory();
        let key = is_sealed.then(|| sandbox.path("store.key"));
        if let Some(key) = &key {
            assert_eq!(sandbox.run(["key", "generate", key.to_str().unwrap()]).code, 0);
        }
        let name = format!("{}-{name}", if is_sealed { "sealed" } else { "open" });
        let (modules, removed, reports, removed_reports) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            name,
            sandbox,
            key,
            modules,
            removed,
            reports,
            removed_reports,
            born: BTreeMap::new(),
            groups: String::new(),
            step: 0,
        }
    }

    pub fn run(&self, args: &[&str]) -> Run {
        self.sandbox.run_with(self.key.as_deref(), args)
    }

    /// Runs a command that has to succeed, as one step.
    fn take(&mut self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        self.step += 1;
        for file in files(&self.sandbox.store()) {
            self.born.entry(file).or_insert(self.step);
        }
        run.stdout
    }

    fn import(&mut self, batch: Vec<Known>) {
        let paths: Vec<&str> = batch.iter().map(|known| known.path.to_str().unwrap()).collect();
        self.take(&[&["import"], &paths[..]].concat());
        for known in batch {
            self.modules.retain(|(_, other)| other.name != known.name);
            self.modules.push((self.step, known));
        }
    }

    fn fixtures(&mut self, names: &[&str]) {
        self.import(names.iter().map(|name| Known::fixture(name)).collect());
    }

    /// Adds crashes in the functions of one build, with `numbers`.
    fn add(&mut self, build: &str, numbers: std::ops::Range<u64>) {
        let build = Build::of(build);
        let events: Vec<String> =
            numbers.clone().map(|number| event(number, &build, bug(number))).collect();
        let file = self.sandbox.write("events.ndjson", events.join("\n") + "\n");
        self.take(&["crash", "add", file.to_str().unwrap()]);
        let step = self.step;
        self.reports.extend(numbers.zip(events).map(|(number, text)| Report {
            id: format!("{number:032x}"),
            text,
            step,
        }));
    }

    fn remove_report(&mut self, number: u64) {
        let id = format!("{number:032x}");
        self.take(&["crash", "remove", &id]);
        self.reports.retain(|report| report.id != id);
        self.removed_reports.push(id);
    }

    fn made(&self, name: &str, prefix: &str, id: u8, numbers: std::ops::Range<u64>) -> Known {
        Known::made(self.sandbox.path("").as_path(), name, prefix, id, numbers)
    }

    /// Writes down what has to be asked, and what the groups are.
    fn finish(mut self) -> Self {
        self.sandbox.write("requests", requests(self.known()));
        self.groups = self.run(&["groups", "list", "--json"]).stdout;
        assert!(!self.groups.is_empty());
        self
    }

    pub fn known(&self) -> Vec<&Known> {
        self.modules.iter().map(|(_, known)| known).collect()
    }

    pub fn requests(&self) -> PathBuf {
        self.sandbox.path("requests")
    }

    /// A copy of the store in a sandbox of its own.
    pub fn copy(&self) -> Sandbox {
        let sandbox = Sandbox::in_memory();
        copy(&self.sandbox.store(), &sandbox.store());
        sandbox
    }

    /// Files of the store, and how long each is.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let store = self.sandbox.store();
        let mut files: Vec<_> = files(&store)
            .into_iter()
            .map(|file| (file.clone(), fs::metadata(store.join(file)).unwrap().len()))
            .collect();
        files.sort();
        files
    }

    /// Modules that came one by one, and a crash.
    pub fn singles(is_sealed: bool) -> Self {
        let mut shape = Self::new("singles", is_sealed);
        for name in ["cpp-gcc-O2-dwarf5.so", BUILDS[0], "rust-O2-dwarf5.so"] {
            shape.fixtures(&[name]);
        }
        shape.add(BUILDS[0], 1..3);
        shape.finish()
    }

    /// Everything that can happen to a store: batches of four, a module with several blocks of each
    /// kind, one that a second file completes, one that was replaced, one that was removed; crashes
    /// that came before and after their symbols, of which one was removed; a run and a merge by
    /// hand.
    pub fn batches(is_sealed: bool) -> Self {
        let mut shape = Self::new("batches", is_sealed);
        let many = shape.made("many.so", "many", 1, 0..5000);
        let [cpp, rust, other] =
            ["cpp-gcc-O2-dwarf5.so", "rust-O2-dwarf5.so", "cpp-clang-O2-dwarf5.so"]
                .map(Known::fixture);
        let early = BUILDS.map(Known::fixture);
        shape.import(vec![cpp, rust, early[0].clone(), many]);
        shape.add(BUILDS[0], 1..4);
        shape.add(BUILDS[1], 4..7);
        let (old, new) = (
            shape.made("old-twice.so", "old", 2, 0..300),
            shape.made("twice.so", "new", 2, 0..300),
        );
        fs::create_dir_all(shape.sandbox.path("before")).unwrap();
        fs::rename(&old.path, shape.sandbox.path("before/twice.so")).unwrap();
        let old = Known {
            name: "twice.so".to_owned(),
            path: shape.sandbox.path("before/twice.so"),
            ..old
        };
        shape.import(vec![early[1].clone(), other, old, early[2].clone()]);
        let (half, gone) =
            (shape.made("half.so", "half", 3, 0..200), shape.made("gone.so", "gone", 4, 0..100));
        let remains = shape.made("rest.so", "rest", 3, 200..400);
        shape.import(vec![half.clone(), gone.clone()]);
        // Both names answer for both files' functions: they are one module.
        shape.take(&["import", remains.path.to_str().unwrap()]);
        let both =
            Known { answers: half.answers.into_iter().chain(remains.answers).collect(), ..half };
        shape.modules.retain(|(_, known)| known.name != both.name && known.name != gone.name);
        shape.take(&["modules", "remove", &gone.name]);
        shape.removed.push(gone);
        let step = shape.step;
        shape.modules.push((step - 1, both));
        shape.take(&["import", "--force", new.path.to_str().unwrap()]);
        let step = shape.step;
        shape.modules.retain(|(_, known)| known.name != new.name);
        shape.modules.push((step, new));
        shape.take(&["reprocess"]);
        shape.add(BUILDS[2], 7..10);
        shape.remove_report(5);
        let groups = super::json_lines(&shape.run(&["groups", "list", "--json"]).stdout);
        let ids: Vec<&str> = groups.iter().map(|group| group["id"].as_str().unwrap()).collect();
        assert!(ids.len() > 1, "{ids:?}");
        shape.take(&[&["groups", "merge"], &ids[..2]].concat());
        shape.finish()
    }

    /// Later changes: a module is replaced, reports go and come, a run takes place.
    pub fn go_on(&mut self) {
        fs::create_dir_all(self.sandbox.path("later")).unwrap();
        let newer = Known::made(&self.sandbox.path("later"), "twice.so", "nyx", 2, 0..300);
        self.take(&["import", "--force", newer.path.to_str().unwrap()]);
        let step = self.step;
        self.modules.retain(|(_, known)| known.name != newer.name);
        self.modules.push((step, newer));
        self.remove_report(2);
        self.add(BUILDS[0], THIRD_BUG..THIRD_BUG + 3);
        self.take(&["reprocess", "--all"]);
        self.sandbox.write("requests", requests(self.known()));
        self.groups = self.run(&["groups", "list", "--json"]).stdout;
    }

    /// The same with its files put together.
    pub fn compacted(is_sealed: bool) -> Self {
        let mut shape = Self::batches(is_sealed);
        shape.name = shape.name.replace("batches", "compacted");
        shape.take(&["modules", "compact"]);
        shape.finish()
    }
}

/// Files below `store`, by their path within.
pub fn files(store: &Path) -> Vec<PathBuf> {
    let found = walkdir::WalkDir::new(store)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file());
    found.map(|entry| entry.path().strip_prefix(store).unwrap().to_owned()).collect()
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).unwrap();
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
