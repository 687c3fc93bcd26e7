//! Crashes that no store has: workers assess parts of them, the answers are summed, and the plan is
//! made once.

use serde_json::{Value, json};

use crate::{Story, lines, text};

/// The crashes in parts, and the groups as they are planned.
struct Parts<'s> {
    story: &'s Story,
    count: usize,
    /// The answers of last time, in the order of the crashes.
    known: Vec<Value>,
    /// The file of the state.
    state: Option<std::path::PathBuf>,
}

impl<'s> Parts<'s> {
    fn new(story: &'s Story, count: usize) -> Self {
        Self { story, count, known: Vec::new(), state: None }
    }

    /// What comes of the crashes of each part, in the order of all crashes.
    fn assess(&self, time: usize) -> Vec<Value> {
        let tasks: Vec<String> = self
            .story
            .lines
            .iter()
            .enumerate()
            .map(|(number, report)| match self.known.get(number) {
                Some(was) => json!({ "report": report, "was": was }).to_string(),
                None => report.clone(),
            })
            .collect();
        let mut answers: Vec<Value> = vec![Value::Null; tasks.len()];
        for part in 0..self.count {
            let of_part: Vec<usize> = (part..tasks.len()).step_by(self.count).collect();
            let input: Vec<&String> = of_part.iter().map(|number| &tasks[*number]).collect();
            let args = self.story.with_rules(time, &["worker", "assess", "--end-row"]);
            let run = self.story.sandbox.run_with_input(&args, lines(&input).as_bytes());
            assert_eq!(run.code, 0, "{}", run.stderr);
            let mut answered: Vec<Value> =
                run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let end = answered.pop().unwrap();
            assert_eq!(end, json!({ "status": "end", "rows": of_part.len() }));
            for (number, answer) in of_part.into_iter().zip(answered) {
                answers[number] = answer;
            }
        }
        answers
    }

    /// Assesses all of them, and plans.
    fn night(&mut self, time: usize) {
        let answers = self.assess(time);
        let sandbox = &self.story.sandbox;
        let mut files = Vec::new();
        for part in 0..self.count {
            let of_part = || answers.iter().skip(part).step_by(self.count);
            for (kind, are_flows) in [("tallies", false), ("flows", true)] {
                let meant: Vec<&Value> =
                    of_part().filter(|answer| answer.get("from").is_some() == are_flows).collect();
                let file = sandbox.write(&format!("{kind}-{part}"), lines(&meant));
                files.push((are_flows, file));
            }
        }
        let next = sandbox.path(&format!("{time}-of-{}.state", self.count));
        let mut args = vec!["groups", "plan", "-o", text(&next)];
        if let Some(state) = &self.state {
            args.extend(["--state", text(state)]);
        }
        // Parts in any order.
        for (are_flows, file) in files.iter().rev() {
            args.extend([if *are_flows { "--flows" } else { "--tallies" }, text(file)]);
        }
        self.story.symtool(&args);
        self.state = Some(next);
        self.known = answers;
    }

    fn state(&self) -> String {
        std::fs::read_to_string(self.state.as_ref().unwrap()).unwrap()
    }

    fn listed(&self) -> String {
        let state = self.state.as_deref().map(text).unwrap();
        self.story.symtool(&["groups", "list", "--json", "--state", state])
    }
}

/// What `story` comes to in parts, and in one store.
fn parts_are_one_store(story: &Story, counts: &[usize]) -> Value {
    let mut parts: Vec<Parts<'_>> = counts.iter().map(|count| Parts::new(story, *count)).collect();
    story.add();
    let (state, listed) = (story.state(), story.listed());
    for parts in &mut parts {
        parts.night(0);
        assert_eq!(parts.state(), state, "{} parts at first", parts.count);
        assert_eq!(parts.listed(), listed, "{} parts at first", parts.count);
    }
    story.come_late();
    let run = story.symtool(&story.with_rules(1, &["reprocess", "--json"]));
    let (state, listed) = (story.state(), story.listed());
    for parts in &mut parts {
        parts.night(1);
        assert_eq!(parts.listed(), listed, "{} parts later", parts.count);
        assert_eq!(parts.state(), state, "{} parts later", parts.count);
        // Another night, on which nothing has changed.
        let known = parts.known.clone();
        parts.night(1);
        assert!(parts.known.iter().all(|answer| answer["status"] == "unchanged"));
        assert!(known.iter().any(|answer| answer["status"] == "ok"));
        assert_eq!(parts.state(), state, "{} parts at last", parts.count);
    }
    serde_json::from_str(&run).unwrap()
}

#[test]
fn what_a_rule_had_merged_parts_as_in_one_store() {
    let story = Story::of_rules();
    let run = parts_are_one_store(&story, &[1, 2, 7]);
    assert_eq!(run["split"][0]["into"][0]["crashes"], 3, "{run}");
}

#[test]
fn groups_merge_as_in_one_store_when_symbols_come_late() {
    let story = Story::of_late_symbols(400);
    let run = parts_are_one_store(&story, &[1, 4, 16]);
    assert!(run["merged"].as_array().unwrap().len() > 5, "{run}");
}

/// A crash of which fewer frames would be named keeps what it had.
#[test]
fn a_module_that_goes_takes_no_names_along() {
    let story = Story::of_late_symbols(60);
    let mut parts = Parts::new(&story, 2);
    story.add();
    parts.night(0);
    story.symtool(&["modules", "remove", crate::BUILDS[0]]);
    story.symtool(&["reprocess"]);
    parts.night(1);
    let kept = parts.known.iter().filter(|answer| answer["status"] == "kept").count();
    assert!(kept > 5, "{kept}");
    assert_eq!(parts.state(), story.state());
}
