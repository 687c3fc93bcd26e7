//! Judges all trials of a store: no loss may exceed the bytes that were hit.
//!
//! No rule knows how the store is laid out. A file that is deleted takes its contents along, and
//! says by that what they are; nothing else that happens to the file may cost more. No two files
//! hold the same thing, and none holds what came after it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::harm::Harm;
use crate::support::shapes::Shape;
use crate::trial::Outcome;

/// A fault of an outcome, by its number.
pub type Broken = (usize, &'static str, String);

/// Checks all outcomes of one store.
pub fn check(shape: &Shape, outcomes: &[Outcome]) -> Vec<Broken> {
    let mut broken = Vec::new();
    // Every rule measures with what a file holds, which is what deleting it costs.
    let held: BTreeMap<&Path, &Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.harm == Harm::Delete)
        .map(|outcome| (&*outcome.file, outcome))
        .collect();
    let (mut modules, mut reports) = (BTreeMap::new(), BTreeMap::new());
    for (number, outcome) in outcomes.iter().enumerate() {
        let mut fault = |what, told: String| broken.push((number, what, told));
        let lost = format!(
            "modules {:?}, reports {:?}",
            names(shape, &outcome.modules_lost),
            outcome.reports_lost
        );
        let is_anything = !outcome.modules_lost.is_empty() || !outcome.reports_lost.is_empty();
        if is_anything && !has_data(&outcome.file) {
            fault("a file that is no table costs modules or reports", lost.clone());
        }
        if is_table(&outcome.file) {
            let born = shape.born[&outcome.file];
            let is_older =
                outcome.modules_lost.iter().any(|module| shape.modules[*module].0 > born)
                    || outcome.reports_lost.iter().any(|report| shape.reports[*report].step > born);
            if is_older {
                fault("damage costs what came after the file was written", lost.clone());
            }
            if outcome.harm == Harm::Shorten && is_anything {
                fault(
                    "a missing byte at a table's end, where no data is, costs data",
                    lost.clone(),
                );
            }
        }
        let holds = held[&*outcome.file];
        let is_more = !outcome.modules_lost.is_subset(&holds.modules_lost)
            || !outcome.reports_lost.is_subset(&holds.reports_lost);
        if is_more && !holds.is_refused {
            fault("damage costs more than the whole file holds", lost.clone());
        }
        let chunks: BTreeSet<usize> =
            outcome.reports_lost.iter().map(|report| shape.reports[*report].step).collect();
        if outcome.harm.is_flip() && outcome.modules_lost.len() + chunks.len() > 1 {
            fault("one flipped bit costs more than one block", lost);
        }
        if outcome.harm == Harm::Delete {
            let folder = outcome.file.parent().unwrap();
            let is_in_place = |what: &str| folder.ends_with(what);
            if (is_in_place("symbols") && !outcome.reports_lost.is_empty())
                || (is_in_place("crashes") && !outcome.modules_lost.is_empty())
            {
                fault("one database's damage costs the other's data", String::new());
            }
            let mut twice = |what: &'static str,
                             lost: &BTreeSet<usize>,
                             first: &mut BTreeMap<usize, usize>| {
                let others: BTreeSet<usize> =
                    lost.iter().filter_map(|item| first.insert(*item, number)).collect();
                if let Some(other) = others.first() {
                    fault(what, format!("{lost:?}, as does {}", outcomes[*other].file.display()));
                }
            };
            twice(
                "deleting either of two files costs the same module",
                &outcome.modules_lost,
                &mut modules,
            );
            twice(
                "deleting either of two files costs the same report",
                &outcome.reports_lost,
                &mut reports,
            );
        }
    }
    broken
}

fn names<'s>(shape: &'s Shape, modules: &BTreeSet<usize>) -> Vec<&'s str> {
    modules.iter().map(|module| shape.modules[*module].1.name.as_str()).collect()
}

fn is_table(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "sst")
}

/// Whether modules or reports are in the file.
fn has_data(file: &Path) -> bool {
    is_table(file) || file.extension().is_some_and(|extension| extension == "log")
}
