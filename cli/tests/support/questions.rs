//! Asks a store that may be damaged for everything, and collects each promise that is broken. Right
//! answers are in order, and so is an answer that is missing, if the command says so by its exit
//! code and `verify` names the damage; wrong answers and silence are not.

use std::collections::BTreeSet;

use super::shapes::Shape;
use super::truth::{Told, judge};
use super::{Run, Sandbox};

/// A broken promise, and what the program said.
pub type Fault = (&'static str, String);

/// A store that is asked.
pub struct Questions<'s> {
    pub shape: &'s Shape,
    pub sandbox: Sandbox,
    pub faults: Vec<Fault>,
}

impl<'s> Questions<'s> {
    /// Asks a copy of the store of `shape`.
    pub fn of(shape: &'s Shape) -> Self {
        Self { shape, sandbox: shape.copy(), faults: Vec::new() }
    }

    pub fn run(&mut self, args: &[&str]) -> Run {
        let run = self.sandbox.run_with(self.shape.key.as_deref(), args);
        if run.code > 3 || run.code < 0 || run.stderr.contains("panicked") {
            self.fault("it crashes or hangs", &run);
        }
        run
    }

    pub fn fault(&mut self, what: &'static str, run: &Run) {
        let lines = |text: &str| text.lines().take(3).collect::<Vec<_>>().join(" / ");
        let told = format!(
            "exit {}, stdout: {}; stderr: {}",
            run.code,
            lines(&run.stdout),
            lines(&run.stderr)
        );
        self.faults.push((what, told));
    }

    /// Known addresses of every module.
    pub fn resolve(&mut self) -> Run {
        let requests = self.shape.requests();
        self.run(&[
            "resolve",
            "--style",
            "json",
            "--no-demangle",
            "--batch",
            requests.to_str().unwrap(),
        ])
    }

    /// All reports, as they came.
    pub fn show_reports(&mut self) -> Run {
        let ids: Vec<&str> = self.shape.reports.iter().map(|report| report.id.as_str()).collect();
        self.run(&[&["crash", "show", "--raw"], &ids[..]].concat())
    }

    /// Asks for everything; returns whether all of it is there and nothing is said to be wrong.
    pub fn ask(&mut self) -> bool {
        let resolved = self.resolve();
        let worst = judge(&resolved, &self.shape.known()).into_iter().max().unwrap();
        match worst {
            Told::Right => {}
            Told::Wrong => self.fault("`resolve` gives a wrong answer", &resolved),
            _ if resolved.code == 0 => {
                self.fault("`resolve` exits with 0 without an answer", &resolved);
            }
            _ => {}
        }
        let has_reports = self.ask_for_reports();
        let groups = self.run(&["groups", "list", "--json"]);
        let has_groups = groups.code == 0 && groups.stdout == self.shape.groups;
        let is_whole = worst == Told::Right && has_reports && has_groups;
        let verified = self.run(&["modules", "verify"]);
        if !is_whole && verified.code == 0 {
            self.fault(
                "`verify` calls a store intact that has lost something",
                if has_groups { &verified } else { &groups },
            );
        }
        if !is_whole && verified.code != 0 && !verified.names_damage() {
            self.fault("`verify` does not name the damage", &verified);
        }
        is_whole && verified.code == 0
    }

    fn ask_for_reports(&mut self) -> bool {
        let shown = self.show_reports();
        let Some(there) = reports_in(self.shape, &shown) else {
            self.fault("`crash show` gives a wrong report", &shown);
            return false;
        };
        let is_whole = there.len() == self.shape.reports.len();
        if !is_whole && shown.code == 0 {
            self.fault("`crash show` exits with 0 without an acknowledged report", &shown);
        }
        is_whole
    }

    /// What was removed stays so, or damage is named.
    pub fn ask_for_what_was_removed(&mut self) {
        for known in &self.shape.removed {
            let address = format!("{:x}", known.answers.keys().next().unwrap());
            let run = self.run(&["resolve", "--module", &known.name, "--style", "json", &address]);
            if run.code == 0 || run.stdout.contains("\"ok\"") {
                self.fault("a removed module is back", &run);
            }
        }
        for id in &self.shape.removed_reports {
            let run = self.run(&["crash", "show", "--raw", id]);
            if run.code == 0 || !run.stdout.is_empty() {
                self.fault("a removed report is back", &run);
            }
        }
    }
}

/// The numbers of the reports that `shown` consists of; `None` if there is anything else in it.
pub fn reports_in(shape: &Shape, shown: &Run) -> Option<BTreeSet<usize>> {
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
