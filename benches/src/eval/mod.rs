//! Measures how well crashes were grouped, in B-cubed figures.
//!
//! ```text
//! $ symtool-benches eval --truth truth.tsv --groups groups.tsv
//! 20000 crashes of 253 bugs in 260 groups
//! F1 0.9871, precision 0.9990, recall 0.9755, purity 0.9992
//! 3 groups mix bugs, 7 bugs are in several groups
//! mixed g12: 120 crashes of 2 bugs: 8 (117), 31 (3)
//! spread 8: 120 crashes in 3 groups: g12 (117), g40 (2), g41 (1)
//! ```

mod input;
pub mod options;
mod score;

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use options::{Options, Truth};
use score::{Part, Score};

/// Groups, and bugs, that are listed at most: those with the most crashes that are not where they
/// should be.
const LISTED: usize = 10;

/// Reads, scores, prints.
///
/// # Errors
/// If a file cannot be read, or the two are not about the same crashes; names one that is not in
/// both.
pub fn run(options: &Options) -> Result<()> {
    let groups = input::groups(&options.groups)?;
    let pairs = match &options.truth {
        Truth::File(path) => input::join(&input::truth(path)?, &groups, path, &options.groups)?,
        Truth::Path => input::from_paths(&groups, &options.groups)?,
    };
    let score = Score::of(&pairs);
    if options.json {
        println!("{}", json(&score));
    } else {
        print!("{}", text(&score));
    }
    Ok(())
}

/// The F1 of `groups`, what `symtool crash list --json` prints, by the file `truth`.
///
/// # Errors
/// As [`run`].
pub fn f1(truth: &Path, groups: &Path) -> Result<f64> {
    let pairs = input::join(&input::truth(truth)?, &input::groups(groups)?, truth, groups)?;
    Ok(Score::of(&pairs).f1)
}

fn text(score: &Score) -> String {
    let mut out = String::new();
    // A string takes all that is written to it.
    let _ = write_text(&mut out, score);
    out
}

fn write_text(out: &mut String, score: &Score) -> std::fmt::Result {
    let Score { items, bugs, groups, precision, recall, f1, purity, mixed, spread } = score;
    writeln!(out, "{items} crashes of {bugs} bugs in {groups} groups")?;
    writeln!(out, "F1 {f1:.4}, precision {precision:.4}, recall {recall:.4}, purity {purity:.4}")?;
    writeln!(out, "{} groups mix bugs, {} bugs are in several groups", mixed.len(), spread.len())?;
    let list = |part: &Part| {
        part.parts
            .iter()
            .take(LISTED)
            .map(|(name, count)| format!("{name} ({count})"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for part in mixed.iter().take(LISTED) {
        writeln!(
            out,
            "mixed {}: {} crashes of {} bugs: {}",
            part.name,
            part.items,
            part.parts.len(),
            list(part)
        )?;
    }
    for part in spread.iter().take(LISTED) {
        writeln!(
            out,
            "spread {}: {} crashes in {} groups: {}",
            part.name,
            part.items,
            part.parts.len(),
            list(part)
        )?;
    }
    Ok(())
}

fn json(score: &Score) -> Value {
    let part = |part: &Part| json!({ "name": part.name, "crashes": part.items, "parts": part.parts.iter().take(LISTED).collect::<Vec<_>>() });
    let parts = |parts: &[Part]| parts.iter().take(LISTED).map(part).collect::<Vec<_>>();
    json!({
        "crashes": score.items, "bugs": score.bugs, "groups": score.groups,
        "f1": score.f1, "precision": score.precision, "recall": score.recall, "purity": score.purity,
        "mixed": score.mixed.len(), "spread": score.spread.len(),
        "largest_mixed": parts(&score.mixed), "largest_spread": parts(&score.spread),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_figures_in_both_spellings() {
        let pairs = [("a", "g1"), ("a", "g1"), ("b", "g1"), ("b", "g2")]
            .map(|(bug, group)| (bug.to_owned(), group.to_owned()));
        let score = Score::of(&pairs);
        let want = "4 crashes of 2 bugs in 2 groups\n\
            F1 0.7059, precision 0.6667, recall 0.7500, purity 0.7500\n\
            1 groups mix bugs, 1 bugs are in several groups\n\
            mixed g1: 3 crashes of 2 bugs: a (2), b (1)\n\
            spread b: 2 crashes in 2 groups: g1 (1), g2 (1)\n";
        assert_eq!(text(&score), want);
        let json = json(&score);
        assert_eq!(
            (json["crashes"].as_u64(), json["recall"].as_f64(), json["mixed"].as_u64()),
            (Some(4), Some(0.75), Some(1))
        );
    }
}
