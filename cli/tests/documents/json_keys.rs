//! `docs/json.md` against what the program prints: it prints no key that the page lacks, and the
//! page has no key that is never printed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::pages::{self, cells, code};
use crate::scenario;

/// Keys that no command of the scenario prints: of answers that differ from a file's, which would
/// be a fault, and of losses that take more than one damaged module.
const UNSEEN: [&str; 6] = ["differences", "sources[].incomplete", "crash", "run", "count", "what"];

/// By heading, the keys in its tables.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = pages::page(Path::new("docs/json.md"));
    let mut documented: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut heading, mut is_keys) = (String::new(), false);
    for line in page.prose() {
        if let Some(text) = line.strip_prefix("## ") {
            text.clone_into(&mut heading);
        }
        match cells(line) {
            Some(row) if row[0] == "key" => is_keys = true,
            Some(row) if is_keys && row[0] != "---" => {
                documented
                    .entry(heading.clone())
                    .or_default()
                    .extend(code(row[0]).into_iter().map(str::to_owned));
            }
            Some(_) => {}
            None => is_keys = false,
        }
    }
    documented
}

/// The keys of `value`, as the tables write them.
fn keys(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    let mut inner = |value: &Value, key: String| {
        found.insert(key.clone());
        match value {
            Value::Object(_) => keys(value, &format!("{key}."), found),
            Value::Array(items) => {
                items.iter().for_each(|item| keys(item, &format!("{key}[]."), found));
            }
            _ => {}
        }
    };
    if let Value::Object(object) = value {
        object.iter().for_each(|(key, value)| inner(value, format!("{prefix}{key}")));
    }
}

/// Whether the documented key `pattern` is `key`: an upper-case part stands for any.
fn is(pattern: &str, key: &str) -> bool {
    let is_any = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase());
    match (pattern.split_once('.'), key.split_once('.')) {
        _ if pattern == key => true,
        // A name in place of the last part may have dots.
        (None, _) => is_any(pattern),
        (Some((first, rest)), Some((begin, end))) => {
            (is_any(first) || first == begin) && is(rest, end)
        }
        (Some(_), None) => false,
    }
}

/// Whether `pattern` documents `key` or something in it.
fn is_within(pattern: &str, key: &str) -> bool {
    is(pattern, key)
        || ['.', '[']
            .iter()
            .any(|sign| pattern.match_indices(*sign).any(|(at, _)| is(&pattern[..at], key)))
}

fn is_unseen(heading: &str, key: &str) -> bool {
    let of_headings = ["modules list", "modules verify", "modules repair"].contains(&heading);
    of_headings && (UNSEEN.contains(&key) || key.starts_with("differences[]."))
}

#[test]
fn the_program_prints_the_documented_keys() {
    let mut documented = documented();
    assert!(documented.len() > 20, "{:?}", documented.keys());
    // A run's report is that of `reprocess`.
    let report: Vec<String> =
        documented["reprocess"].iter().map(|key| format!("report.{key}")).collect();
    documented.get_mut("groups history").unwrap().extend(report);
    let mut printed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (heading, mut object) in scenario::all() {
        // The page says once for all objects which have a version.
        let is_fixed = ["resolve", "crash list"].contains(&heading)
            || heading == "crash add" && object.get("status").is_some();
        let version = object.as_object_mut().and_then(|object| object.remove("version"));
        assert_eq!(version, (!is_fixed).then(|| 1.into()), "{heading}: {object}");
        keys(&object, "", printed.entry(heading).or_default());
    }
    let mut wrong = Vec::new();
    for (heading, found) in &printed {
        let patterns = &documented[*heading];
        let unknown =
            found.iter().filter(|key| !patterns.iter().any(|pattern| is_within(pattern, key)));
        wrong
            .extend(unknown.map(|key| format!("{heading}: `{key}` is printed and not documented")));
    }
    for (heading, patterns) in &documented {
        let found = printed
            .get(heading.as_str())
            .unwrap_or_else(|| panic!("nothing was printed for {heading}"));
        let missing = patterns.iter().filter(|pattern| !found.iter().any(|key| is(pattern, key)));
        // Parts of a report within a run are looked for in `reprocess`.
        let missing = missing
            .filter(|pattern| !pattern.starts_with("report.") && !is_unseen(heading, pattern));
        wrong
            .extend(missing.map(|pattern| {
                format!("{heading}: `{pattern}` is documented and was not printed")
            }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn keys_are_compared_part_by_part() {
    assert!(
        is("dropped.REASON", "dropped.tombstone")
            && is("modules.KIND.files", "modules.elf.files")
            && is("modules.MODULE", "modules.a.so")
    );
    assert!(
        !is("dropped.REASON", "other.tombstone")
            && !is("modules.KIND.files", "modules.elf.names")
            && !is("a.b", "a")
    );
    assert!(
        is_within("frames[].line", "frames")
            && is_within("module.name", "module")
            && !is_within("module.name", "modules")
    );
}
