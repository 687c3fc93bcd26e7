//! Crashes in parts: what is summed over parts, planned once, is what one store has; and a run in
//! shards is the run of one process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod parts;
mod shards;
mod states;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use support::events::{Build, event};
use support::{Sandbox, object};

/// Builds of one source; the last two of five come late.
const BUILDS: [&str; 5] = [
    "c-gcc-O0-dwarf5.so",
    "c-clang-O0-dwarf4.so",
    "c-gcc-O0-dwarf4.so",
    "c-clang-O0-dwarf5.so",
    "c-gcc-O2-dwarf5.so",
];
const EARLY: usize = 3;

/// A store, crashes for it, and what changes their groups.
struct Story {
    sandbox: Sandbox,
    /// A report a line.
    lines: Vec<String>,
    /// Rules at first, and later.
    rules: [Option<PathBuf>; 2],
    /// Modules that come in between.
    late: Vec<PathBuf>,
}

impl Story {
    /// Seven crashes of two bugs, which rules had made one.
    fn of_rules() -> Self {
        let sandbox = Sandbox::store_of(&object(BUILDS[0]));
        let rules = sandbox.write("join.rules", "function:alpha -group\nfunction:beta -group\n");
        let crashes = [
            ("alpha", 50),
            ("alpha", 60),
            ("alpha", 70),
            ("beta", 80),
            ("alpha", 90),
            ("beta", 10),
            ("beta", 20),
        ];
        let line = |(number, (bug, second)): (usize, (&str, u64))| {
            let frame = |function: &str, line: u32| {
                format!(
                    r#"{{"function":"{function}","filename":"a.c","lineno":{line},"in_app":true}}"#
                )
            };
            let frames = [frame("main_loop", 1), frame(bug, 2), frame("helper", 3)].join(",");
            format!(
                r#"{{"event_id":"{:032x}","timestamp":{},"platform":"native","release":"r","exception":{{"values":[{{"type":"SIGSEGV","stacktrace":{{"frames":[{frames}]}}}}]}}}}"#,
                number + 1,
                1_700_000_000 + second
            )
        };
        let lines = crashes.into_iter().enumerate().map(line).collect();
        Self { sandbox, lines, rules: [Some(rules), None], late: Vec::new() }
    }

    /// Crashes of random bugs in five builds, two of which come late.
    fn of_late_symbols(crashes: u64) -> Self {
        let sandbox = Sandbox::new();
        BUILDS[..EARLY].iter().for_each(|build| sandbox.import(build));
        let builds = BUILDS.map(Build::of);
        let shared: Vec<&str> = builds[0]
            .names()
            .into_iter()
            .filter(|name| builds.iter().all(|build| build.names().contains(name)))
            .collect();
        let mut random = Rng::with_seed(24);
        let bugs: Vec<Vec<&str>> = (0..24)
            .map(|_| {
                (0..random.usize(1..5)).map(|_| shared[random.usize(..shared.len())]).collect()
            })
            .collect();
        let lines = (0..crashes)
            .map(|number| {
                let bug = &bugs[random.usize(..bugs.len()).min(random.usize(..bugs.len()))];
                event(number, &builds[random.usize(..builds.len())], bug)
            })
            .collect();
        let late = BUILDS[EARLY..].iter().map(|build| object(build)).collect();
        Self { sandbox, lines, rules: [None, None], late }
    }

    fn symtool(&self, args: &[&str]) -> String {
        let run = self.sandbox.run(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        run.stdout
    }

    fn with_rules<'r>(&'r self, time: usize, args: &[&'r str]) -> Vec<&'r str> {
        let rules = self.rules[time].as_deref().map(text);
        args.iter().copied().chain(rules.into_iter().flat_map(|rules| ["--rules", rules])).collect()
    }

    /// Stores the crashes. What later changes their groups has not happened.
    fn add(&self) {
        let events = self.sandbox.write("events.ndjson", self.lines.join("\n"));
        self.symtool(&self.with_rules(0, &["crash", "add", text(&events)]));
    }

    /// What changes their groups happens.
    fn come_late(&self) {
        self.late.iter().for_each(|module| drop(self.symtool(&["import", text(module)])));
    }

    fn listed(&self) -> String {
        self.symtool(&["groups", "list", "--json"])
    }

    fn state(&self) -> String {
        self.symtool(&["groups", "state"])
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// As lines.
fn lines<T: std::fmt::Display>(of: &[T]) -> String {
    of.iter().fold(String::new(), |mut all, line| {
        writeln!(all, "{line}").unwrap();
        all
    })
}
