//! What a module has to answer at some addresses, from a golden of llvm-symbolizer or from how the
//! file was made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Run, made, testdata};

/// Function, file, line, column; innermost first.
pub type Frames = Vec<(String, String, u64, u64)>;

/// A file to import, and answers that do not come from symtool.
#[derive(Clone)]
pub struct Known {
    pub name: String,
    pub path: PathBuf,
    pub answers: BTreeMap<u64, Frames>,
}

impl Known {
    /// A fixture, at addresses spread over its golden.
    pub fn fixture(name: &str) -> Self {
        let golden =
            std::fs::read_to_string(testdata("golden").join(format!("{name}.jsonl"))).unwrap();
        let answers: Vec<(u64, Frames)> =
            golden.lines().map(row).filter(|(_, frames)| !frames[0].0.is_empty()).collect();
        let step = (answers.len() / 8).max(1);
        let answers = answers.into_iter().step_by(step).collect();
        Self { name: name.to_owned(), path: super::object(name), answers }
    }

    /// A made file with functions `numbers`, written into `folder`. The addresses asked about are
    /// the first, the last, and every 97th.
    pub fn made(
        folder: &Path,
        name: &str,
        prefix: &str,
        id: u8,
        numbers: std::ops::Range<u64>,
    ) -> Self {
        let path = folder.join(name);
        std::fs::write(&path, made::library([id; 20], prefix, numbers.clone())).unwrap();
        let asked = numbers.clone().step_by(97).chain([numbers.end - 1]);
        let frames = |number| vec![(format!("{prefix}_{number}"), String::new(), 0, 0)];
        Self {
            name: name.to_owned(),
            path,
            answers: asked.map(|number| (made::address(number) + 7, frames(number))).collect(),
        }
    }
}

/// A line of a golden: its first address, and the frames there.
fn row(line: &str) -> (u64, Frames) {
    let row: Value = serde_json::from_str(line).unwrap();
    let start =
        u64::from_str_radix(row["start"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    let text = |frame: &Value, at: usize| frame[at].as_str().unwrap().to_owned();
    let frames = row["frames"].as_array().unwrap().iter();
    (
        start,
        frames
            .map(|frame| {
                (
                    text(frame, 0),
                    text(frame, 1),
                    frame[2].as_u64().unwrap(),
                    frame[3].as_u64().unwrap(),
                )
            })
            .collect(),
    )
}

/// Lines of a batch that ask all of `modules`.
pub fn requests<'k>(modules: impl IntoIterator<Item = &'k Known>) -> String {
    let lines = modules.into_iter().flat_map(|known| {
        known.answers.keys().map(move |address| format!("{} {address:x}\n", known.name))
    });
    lines.collect()
}

/// How a module answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// Every answer is right.
    Right,
    /// Some are `corrupt`, or missing in a run that failed; the others are right.
    Damaged,
    /// The store does not know the module.
    Absent,
    /// An answer is wrong, or there is none where something is known.
    Wrong,
}

/// How each of `modules` answered in `run`, which was `resolve --style json --no-demangle --batch`
/// of their [`requests`].
pub fn judge(run: &Run, modules: &[&Known]) -> Vec<Told> {
    let mut lines =
        run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
    let mut judge_next = |frames: &Frames| match lines.next() {
        Some(line) => judge_line(&line, frames),
        // It ended early, and has to say so.
        None if run.code != 0 => Told::Damaged,
        None => Told::Wrong,
    };
    modules.iter().map(|known| known.answers.values().map(&mut judge_next).max().unwrap()).collect()
}

fn judge_line(line: &Value, want: &Frames) -> Told {
    match line["status"].as_str() {
        Some("ok") if frames(line) == *want => Told::Right,
        Some("corrupt") => Told::Damaged,
        Some("no_module") => Told::Absent,
        _ => Told::Wrong,
    }
}

/// The frames of an answer in `--style json`.
pub fn frames(line: &Value) -> Frames {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let frames = line["frames"].as_array().map(Vec::as_slice).unwrap_or_default();
    frames
        .iter()
        .map(|frame| {
            (
                text(&frame["function"]),
                text(&frame["file"]),
                number(&frame["line"]),
                number(&frame["column"]),
            )
        })
        .collect()
}
