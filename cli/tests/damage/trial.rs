//! One trial: in, a store, a file of it and what happens to the file; out, what was lost, and every promise that was broken.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harm::Harm;
use crate::support::shapes::Shape;
use crate::support::truth::{Told, judge};
use crate::support::{Run, Sandbox, json_lines, object};

/// A file that no shape has.
const NEW_MODULE: &str = "c-gcc-O2-symtab.so";
const NEW_REPORT: &str = "#00 pc 00001234 libnew.so\n#01 pc 00002345 libnew.so\n";

/// What came of a trial.
pub struct Outcome {
    pub file: PathBuf,
    pub harm: Harm,
    /// What `repair` did not keep, by number.
    pub modules_lost: BTreeSet<usize>,
    pub reports_lost: BTreeSet<usize>,
    /// Each in a sentence, with what the program said.
    pub faults: Vec<(&'static str, String)>,
}

/// Damages `file` in a copy of the store and looks at what the program makes of it. What has done no harm is repaired only if
/// `always_repairs`.
pub fn run(shape: &Shape, file: &Path, harm: Harm, always_repairs: bool) -> Outcome {
    let mut trial = Trial {
        shape,
        sandbox: shape.copy(),
        outcome: Outcome { file: file.to_owned(), harm, modules_lost: BTreeSet::new(), reports_lost: BTreeSet::new(), faults: Vec::new() },
    };
    harm.on(&trial.sandbox.store().join(file));
    let is_unharmed = trial.looks();
    if is_harmless(file) && !is_unharmed {
        trial.fault("a file without acknowledged data does harm", &Run::default());
    }
    if (!is_unharmed || always_repairs) && trial.repairs() {
        trial.goes_on();
    }
    trial.outcome
}

/// Whether nothing that was acknowledged is in files of this name.
pub fn is_harmless(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    ["LOG", "LOCK", "OPTIONS", "IDENTITY"].iter().any(|word| name.starts_with(word)) || name.ends_with(".lock")
}

struct Trial<'s> {
    shape: &'s Shape,
    sandbox: Sandbox,
    outcome: Outcome,
}

impl Trial<'_> {
    fn run(&mut self, args: &[&str]) -> Run {
        let run = self.sandbox.run_with(self.shape.key.as_deref(), args);
        if run.code > 3 || run.code < 0 || run.stderr.contains("panicked") {
            self.fault("it crashes or hangs", &run);
        }
        run
    }

    fn fault(&mut self, what: &'static str, run: &Run) {
        let lines = |text: &str| text.lines().take(3).collect::<Vec<_>>().join(" / ");
        let told = format!("exit {}, stdout: {}; stderr: {}", run.code, lines(&run.stdout), lines(&run.stderr));
        self.outcome.faults.push((what, told));
    }

    fn resolve(&mut self) -> Run {
        let requests = self.shape.requests();
        self.run(&["resolve", "--style", "json", "--no-demangle", "--batch", requests.to_str().unwrap()])
    }

    fn show_reports(&mut self) -> Run {
        let shape = self.shape;
        let ids: Vec<&str> = shape.reports.iter().map(|report| report.id.as_str()).collect();
        self.run(&[&["crash", "show", "--raw"], &ids[..]].concat())
    }

    /// Asks a damaged store for everything; returns whether all of it is there.
    fn looks(&mut self) -> bool {
        let shape = self.shape;
        let resolved = self.resolve();
        let told = judge(&resolved, &shape.known());
        let worst = told.iter().copied().max().unwrap();
        match worst {
            Told::Right => {}
            Told::Wrong => self.fault("`resolve` gives a wrong answer", &resolved),
            Told::Absent if !resolved.names_damage() => self.fault("`resolve` does not know an acknowledged module", &resolved),
            _ if resolved.code == 0 => self.fault("`resolve` exits with 0 without an answer", &resolved),
            _ => {}
        }
        let shown = self.show_reports();
        let there = reports_in(shape, &shown);
        let Some(there) = there else {
            self.fault("`crash show` gives a wrong report", &shown);
            return false;
        };
        let is_whole = worst == Told::Right && there.len() == shape.reports.len();
        if there.len() < shape.reports.len() && !shown.names_damage() {
            self.fault("`crash show` misses an acknowledged report without a word of damage", &shown);
        }
        let verified = self.run(&["modules", "verify"]);
        if !is_whole && verified.code == 0 {
            self.fault("`verify` calls a store intact that has lost something", &verified);
        }
        if !is_whole && verified.code != 0 && !verified.names_damage() {
            self.fault("`verify` does not name the damage", &verified);
        }
        is_whole && verified.code == 0
    }

    /// Repairs the store; returns whether it can go on.
    fn repairs(&mut self) -> bool {
        let shape = self.shape;
        let repaired = self.run(&["modules", "repair"]);
        if repaired.code > 1 {
            // Only a lost FORMAT may need a hand: the message says how to bring it back.
            if self.outcome.file == Path::new("FORMAT") && repaired.stderr.contains("FORMAT") {
                self.restores();
            } else {
                self.fault("`repair` gives up", &repaired);
                self.restores();
            }
            return false;
        }
        let verified = self.run(&["modules", "verify"]);
        if verified.code != 0 {
            self.fault("`verify` finds damage after `repair`", &verified);
        }
        let resolved = self.resolve();
        for (number, told) in judge(&resolved, &shape.known()).into_iter().enumerate() {
            match told {
                Told::Right => {}
                Told::Absent => {
                    let name = &shape.modules[number].1.name;
                    if repaired.code == 0 || !(repaired.stdout.contains(name) || repaired.stderr.contains(name)) {
                        self.fault("`repair` drops a module and does not name it", &repaired);
                    }
                    self.outcome.modules_lost.insert(number);
                }
                Told::Damaged | Told::Wrong => self.fault("`resolve` has no right answer after `repair`", &resolved),
            }
        }
        self.keeps_crashes(&repaired);
        self.keeps_removed_away();
        true
    }

    fn keeps_crashes(&mut self, repaired: &Run) {
        let shape = self.shape;
        let shown = self.show_reports();
        let Some(there) = reports_in(shape, &shown) else {
            return self.fault("`crash show` gives a wrong report after `repair`", &shown);
        };
        self.outcome.reports_lost = (0..shape.reports.len()).filter(|number| !there.contains(number)).collect();
        let names_reports = |run: &Run| run.stderr.contains("crash") || run.stderr.contains("report");
        if !self.outcome.reports_lost.is_empty() && (repaired.code == 0 || !names_reports(repaired)) {
            self.fault("`repair` loses reports and does not say so", repaired);
        }
        let listed = self.run(&["crash", "list", "--json"]);
        let groups = self.run(&["groups", "list", "--json"]);
        if listed.code != 0 || groups.code != 0 {
            return self.fault("crashes cannot be listed after `repair`", if listed.code == 0 { &groups } else { &listed });
        }
        if !grouping_is_whole(&listed, &groups, there.len()) {
            self.fault("groups and crashes do not fit after `repair`", &groups);
        }
        if !self.outcome.file.starts_with("crashes") && groups.stdout != shape.groups {
            self.fault("groups changed though no crash was hit", &groups);
        }
    }

    /// What was removed before stays so.
    fn keeps_removed_away(&mut self) {
        let shape = self.shape;
        for known in &shape.removed {
            let address = format!("{:x}", known.answers.keys().next().unwrap());
            let run = self.run(&["resolve", "--module", &known.name, "--style", "json", &address]);
            if run.code != 1 || run.stdout.contains("\"ok\"") {
                self.fault("a removed module is back after `repair`", &run);
            }
        }
        for id in &shape.removed_reports {
            let run = self.run(&["crash", "show", "--raw", id]);
            if run.code != 1 || !run.stdout.is_empty() {
                self.fault("a removed report is back after `repair`", &run);
            }
        }
    }

    /// A repair that refuses has changed nothing: with the file as it was, everything is there again.
    fn restores(&mut self) {
        let file = self.outcome.file.clone();
        std::fs::copy(self.shape.sandbox.store().join(&file), self.sandbox.store().join(&file)).unwrap();
        let (resolved, shown) = (self.resolve(), self.show_reports());
        let all_right = judge(&resolved, &self.shape.known()).iter().all(|told| *told == Told::Right);
        let count = reports_in(self.shape, &shown).map_or(0, |there| there.len());
        if !all_right || count != self.shape.reports.len() {
            self.fault("what a refused `repair` leaves behind has lost something", if all_right { &shown } else { &resolved });
        }
    }

    /// A repaired store takes new modules and reports.
    fn goes_on(&mut self) {
        let path = object(NEW_MODULE);
        let imported = self.run(&["import", path.to_str().unwrap()]);
        let report = self.sandbox.write("new.txt", NEW_REPORT);
        let added = self.run(&["crash", "add", report.to_str().unwrap()]);
        let verified = self.run(&["modules", "verify"]);
        for run in [&imported, &added, &verified] {
            if run.code != 0 {
                self.fault("a repaired store does not work", run);
            }
        }
        if imported.code == 0 && !verified.stdout.contains(NEW_MODULE) {
            self.fault("what was imported after `repair` is not there", &verified);
        }
    }
}

/// The numbers of the reports that `shown` consists of; `None` if there is anything else in it.
fn reports_in(shape: &Shape, shown: &Run) -> Option<BTreeSet<usize>> {
    let mut rest = shown.stdout.replace('\n', "");
    let mut there = BTreeSet::new();
    for (number, report) in shape.reports.iter().enumerate() {
        if let Some(left) = rest.strip_prefix(report.text.as_str()) {
            rest = left.to_owned();
            there.insert(number);
        }
    }
    rest.is_empty().then_some(there)
}

/// Whether `count` crashes are listed, each in a group that counts it.
fn grouping_is_whole(listed: &Run, groups: &Run, count: usize) -> bool {
    let crashes = json_lines(&listed.stdout);
    let groups = json_lines(&groups.stdout);
    let in_group = |id: &serde_json::Value| crashes.iter().filter(|crash| crash["group"] == *id).count() as u64;
    crashes.len() == count
        && groups.iter().all(|group| group["crashes"] == in_group(&group["id"]) && in_group(&group["id"]) > 0)
        && groups.iter().filter_map(|group| group["crashes"].as_u64()).sum::<u64>() == count as u64
}
