//! One trial: damages one file of a store, and collects what was lost and every promise that was
//! broken.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harm::Harm;
use crate::support::questions::{Fault, Questions, reports_in};
use crate::support::shapes::Shape;
use crate::support::truth::{Told, judge};
use crate::support::{Run, json_lines, object};

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
    /// Whether `repair` ended with an error, so that nobody knows what it would have kept.
    pub is_refused: bool,
    pub faults: Vec<Fault>,
}

/// Damages `file` in a copy of the store and looks at what the program makes of it. What has done
/// no harm is repaired only if `always_repairs`.
pub fn run(shape: &Shape, file: &Path, harm: Harm, always_repairs: bool) -> Outcome {
    let (modules_lost, reports_lost) = (BTreeSet::new(), BTreeSet::new());
    let mut trial = Trial {
        shape,
        file,
        store: Questions::of(shape),
        modules_lost,
        reports_lost,
        is_refused: false,
    };
    harm.on(&trial.store.sandbox.store().join(file));
    let is_unharmed = trial.store.ask();
    if !is_unharmed && (is_harmless(file) || harm == Harm::Nothing) {
        trial.store.fault("a file without acknowledged data does harm", &Run::default());
    }
    if (!is_unharmed || always_repairs) && trial.repairs() {
        trial.goes_on();
    }
    let Trial { modules_lost, reports_lost, is_refused, store, .. } = trial;
    Outcome {
        file: file.to_owned(),
        harm,
        modules_lost,
        reports_lost,
        is_refused,
        faults: store.faults,
    }
}

/// Whether nothing that was acknowledged is in files of this name.
pub fn is_harmless(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    ["LOG", "LOCK", "OPTIONS", "IDENTITY"].iter().any(|word| name.starts_with(word))
        || name.ends_with(".lock")
}

struct Trial<'s> {
    shape: &'s Shape,
    file: &'s Path,
    store: Questions<'s>,
    modules_lost: BTreeSet<usize>,
    reports_lost: BTreeSet<usize>,
    is_refused: bool,
}

impl Trial<'_> {
    /// Repairs the store; returns whether it can go on.
    fn repairs(&mut self) -> bool {
        let repaired = self.store.run(&["modules", "repair"]);
        if repaired.code > 1 {
            // Only a lost FORMAT may need a hand: the message says how to bring it back.
            if self.file != Path::new("FORMAT") || !repaired.stderr.contains("FORMAT") {
                self.store.fault("`repair` gives up", &repaired);
            }
            self.is_refused = true;
            self.restores();
            return false;
        }
        let verified = self.store.run(&["modules", "verify"]);
        if verified.code != 0 {
            self.store.fault("`verify` finds damage after `repair`", &verified);
        }
        self.keeps_modules(&repaired);
        self.keeps_crashes(&repaired);
        self.store.ask_for_what_was_removed();
        true
    }

    fn keeps_modules(&mut self, repaired: &Run) {
        let resolved = self.store.resolve();
        let told = judge(&resolved, &self.shape.known());
        if told.iter().any(|told| matches!(told, Told::Damaged | Told::Wrong)) {
            self.store.fault("`resolve` has no right answer after `repair`", &resolved);
        }
        self.modules_lost =
            (0..told.len()).filter(|number| told[*number] == Told::Absent).collect();
        let is_named = |number: &usize| {
            let name = &self.shape.modules[*number].1.name;
            repaired.code == 1 && (repaired.stdout.contains(name) || repaired.stderr.contains(name))
        };
        if !self.modules_lost.iter().all(is_named) {
            self.store.fault("`repair` drops a module and does not name it", repaired);
        }
    }

    fn keeps_crashes(&mut self, repaired: &Run) {
        let shown = self.store.show_reports();
        let Some(there) = reports_in(self.shape, &shown) else {
            return self.store.fault("`crash show` gives a wrong report after `repair`", &shown);
        };
        self.reports_lost =
            (0..self.shape.reports.len()).filter(|number| !there.contains(number)).collect();
        let names_reports =
            |run: &Run| run.stderr.contains("crash") || run.stderr.contains("report");
        if !self.reports_lost.is_empty() && (repaired.code == 0 || !names_reports(repaired)) {
            self.store.fault("`repair` loses reports and does not say so", repaired);
        }
        let listed = self.store.run(&["crash", "list", "--json"]);
        let groups = self.store.run(&["groups", "list", "--json"]);
        if listed.code != 0 || groups.code != 0 {
            return self.store.fault(
                "crashes cannot be listed after `repair`",
                if listed.code == 0 { &groups } else { &listed },
            );
        }
        if !grouping_is_whole(&listed, &groups, there.len()) {
            self.store.fault("groups and crashes do not fit after `repair`", &groups);
        }
        if !self.file.starts_with("crashes") && groups.stdout != self.shape.groups {
            self.store.fault("groups changed though no crash was hit", &groups);
        }
    }

    /// A repair that refuses has changed nothing: with the file as it was, everything is there
    /// again.
    fn restores(&mut self) {
        std::fs::copy(
            self.shape.sandbox.store().join(self.file),
            self.store.sandbox.store().join(self.file),
        )
        .unwrap();
        let (resolved, shown) = (self.store.resolve(), self.store.show_reports());
        let all_right =
            judge(&resolved, &self.shape.known()).iter().all(|told| *told == Told::Right);
        let count = reports_in(self.shape, &shown).map_or(0, |there| there.len());
        if !all_right || count != self.shape.reports.len() {
            self.store.fault(
                "what a refused `repair` leaves behind has lost something",
                if all_right { &shown } else { &resolved },
            );
        }
    }

    /// A repaired store takes new modules and reports.
    fn goes_on(&mut self) {
        let path = object(NEW_MODULE);
        let imported = self.store.run(&["import", path.to_str().unwrap()]);
        let report = self.store.sandbox.write("new.txt", NEW_REPORT);
        let added = self.store.run(&["crash", "add", report.to_str().unwrap()]);
        let verified = self.store.run(&["modules", "verify"]);
        for run in [&imported, &added, &verified] {
            if run.code != 0 {
                self.store.fault("a repaired store does not work", run);
            }
        }
        if imported.code == 0 && !verified.stdout.contains(NEW_MODULE) {
            self.store.fault("what was imported after `repair` is not there", &verified);
        }
    }
}

/// Whether `count` crashes are listed, each in a group that counts it.
fn grouping_is_whole(listed: &Run, groups: &Run, count: usize) -> bool {
    let crashes = json_lines(&listed.stdout);
    let groups = json_lines(&groups.stdout);
    let in_group = |id: &serde_json::Value| {
        crashes.iter().filter(|crash| crash["group"] == *id).count() as u64
    };
    crashes.len() == count
        && groups
            .iter()
            .all(|group| group["crashes"] == in_group(&group["id"]) && in_group(&group["id"]) > 0)
        && groups.iter().filter_map(|group| group["crashes"].as_u64()).sum::<u64>() == count as u64
}
