//! What is looked at after each kill.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::json_lines;
use crate::support::truth::{Frames, Known, frames};
use crate::world::World;

impl World {
    /// Looks at everything. What is found is what is true from now on.
    pub fn check(&mut self, steps: &[String]) {
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
