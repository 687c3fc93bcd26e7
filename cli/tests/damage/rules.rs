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
    let mut rules = Rules { shape, outcomes, broken: &mut broken };
    let (mut modules, mut reports) = (BTreeMap::new(), BTreeMap::new());
    for (number, outcome) in outcomes.iter().enumerate() {
        rules.only_what_was_there(number);
        rules.no_more_than_was_hit(number, held[&*outcome.file]);
        if outcome.harm == Harm::Delete {
            rules.one_database(number);
            let what = "deleting either of two files costs the same module";
            rules.once(number, what, &outcome.modules_lost, &mut modules);
            let what = "deleting either of two files costs the same report";
            rules.once(number, what, &outcome.reports_lost, &mut reports);
        }
    }
    broken
}

/// The rules, each for one outcome.
struct Rules<'a> {
    shape: &'a Shape,
    outcomes: &'a [Outcome],
    broken: &'a mut Vec<Broken>,
}

impl Rules<'_> {
    fn fault(&mut self, number: usize, what: &'static str) {
        let outcome = &self.outcomes[number];
        let modules =
            outcome.modules_lost.iter().map(|module| &*self.shape.modules[*module].1.name);
        let modules: Vec<&str> = modules.collect();
        let lost = format!("modules {modules:?}, reports {:?}", outcome.reports_lost);
        self.broken.push((number, what, lost));
    }

    /// Only tables and logs hold data, each what was there when it was written, and none of it at
    /// a table's end.
    fn only_what_was_there(&mut self, number: usize) {
        let (shape, outcome) = (self.shape, &self.outcomes[number]);
        let is_anything = !outcome.modules_lost.is_empty() || !outcome.reports_lost.is_empty();
        if is_anything && !has_data(&outcome.file) {
            self.fault(number, "a file that is no table costs modules or reports");
        }
        if !is_table(&outcome.file) {
            return;
        }
        let born = shape.born[&outcome.file];
        let is_newer = outcome.modules_lost.iter().any(|module| shape.modules[*module].0 > born)
            || outcome.reports_lost.iter().any(|report| shape.reports[*report].step > born);
        if is_newer {
            self.fault(number, "damage costs what came after the file was written");
        }
        if outcome.harm == Harm::Shorten && is_anything {
            self.fault(number, "a missing byte at a table's end, where no data is, costs data");
        }
    }

    /// `held` is the outcome of deleting the file.
    fn no_more_than_was_hit(&mut self, number: usize, held: &Outcome) {
        let outcome = &self.outcomes[number];
        let is_more = !outcome.modules_lost.is_subset(&held.modules_lost)
            || !outcome.reports_lost.is_subset(&held.reports_lost);
        if is_more && !held.is_refused {
            self.fault(number, "damage costs more than the whole file holds");
        }
        let chunks: BTreeSet<usize> =
            outcome.reports_lost.iter().map(|report| self.shape.reports[*report].step).collect();
        if outcome.harm.is_flip() && outcome.modules_lost.len() + chunks.len() > 1 {
            self.fault(number, "one flipped bit costs more than one block");
        }
    }

    fn one_database(&mut self, number: usize) {
        let outcome = &self.outcomes[number];
        let folder = outcome.file.parent().unwrap();
        if (folder.ends_with("symbols") && !outcome.reports_lost.is_empty())
            || (folder.ends_with("crashes") && !outcome.modules_lost.is_empty())
        {
            self.fault(number, "one database's damage costs the other's data");
        }
    }

    /// `first` has the outcome in which each item was lost first.
    fn once(
        &mut self,
        number: usize,
        what: &'static str,
        lost: &BTreeSet<usize>,
        first: &mut BTreeMap<usize, usize>,
    ) {
        let others: BTreeSet<usize> =
            lost.iter().filter_map(|item| first.insert(*item, number)).collect();
        if let Some(other) = others.first() {
            let told = format!("{lost:?}, as does {}", self.outcomes[*other].file.display());
            self.broken.push((number, what, told));
        }
    }
}

fn is_table(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "sst")
}

/// Whether modules or reports are in the file.
fn has_data(file: &Path) -> bool {
    is_table(file) || file.extension().is_some_and(|extension| extension == "log")
}
