//! `symtool modules gc`: removes old builds by age and number.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use symtool_module::Arch;
use symtool_store::Module;

use super::args::Gc;

/// The modules that go.
pub fn chosen(modules: &[Module], args: &Gc) -> Vec<Module> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    going(modules, args.keep, args.older_than.map(|age| now.saturating_sub(age)))
        .into_iter()
        .cloned()
        .collect()
}

/// Of each label, name and architecture those that `keep` newer ones have, and that were imported
/// before `before` (seconds since 1970). What is not asked for keeps nothing from going.
fn going(modules: &[Module], keep: Option<usize>, before: Option<u64>) -> Vec<&Module> {
    let mut newest: Vec<&Module> = modules.iter().collect();
    newest.sort_by_key(|module| std::cmp::Reverse(module.record.imported_ms));
    let mut met: HashMap<(Option<&str>, &str, &Arch), usize> = HashMap::new();
    let mut gone: Vec<&Module> = newest
        .into_iter()
        .filter(|module| {
            let newer = met
                .entry((module.record.label_name(), &module.record.name, &module.record.arch))
                .or_default();
            *newer += 1;
            keep.is_none_or(|keep| *newer > keep)
                && before.is_none_or(|before| module.record.imported < before)
        })
        .collect();
    gone.sort_by(|a, b| {
        (&a.record.name, a.record.imported_ms).cmp(&(&b.record.name, b.record.imported_ms))
    });
    gone
}
