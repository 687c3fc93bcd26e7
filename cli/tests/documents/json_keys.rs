//! `docs/json.md` and `docs/schema/` against each other and the program: the page has the keys of
//! the schemas, which are made from the program's types, and the program prints all of them and no
//! others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

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

/// By heading, the keys of its schema in `docs/schema/`, which the program's types made.
fn in_schemas() -> BTreeMap<String, BTreeSet<String>> {
    let folder = pages::root().join("docs/schema");
    let of_file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut found = BTreeSet::new();
        keys_of_schema(&schema, &schema, "", &mut found);
        let title = schema["title"].as_str().unwrap();
        let heading = title.strip_prefix("symtool ").unwrap().strip_suffix(" --json").unwrap();
        (heading.to_owned(), found)
    };
    std::fs::read_dir(folder).unwrap().map(of_file).collect()
}

/// The keys that `schema` describes, as the tables write them; `ANY` stands for any key.
fn keys_of_schema(schema: &Value, root: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").unwrap();
        keys_of_schema(&root["$defs"][name], root, prefix, found);
    }
    for kind in ["anyOf", "oneOf", "allOf"] {
        let some = schema[kind].as_array().into_iter().flatten();
        some.for_each(|schema| keys_of_schema(schema, root, prefix, found));
    }
    let separator = if prefix.is_empty() || prefix.ends_with('.') { "" } else { "." };
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let key = format!("{prefix}{separator}{key}");
        keys_of_schema(value, root, &key, found);
        found.insert(key);
    }
    if schema["additionalProperties"].is_object() {
        let key = format!("{prefix}{separator}ANY");
        keys_of_schema(&schema["additionalProperties"], root, &key, found);
        found.insert(key);
    }
    if schema["items"].is_object() {
        keys_of_schema(&schema["items"], root, &format!("{prefix}[]"), found);
    }
}

/// How the keys of a schema and those of the tables differ.
fn differences(schema: &BTreeSet<String>, patterns: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for key in schema.iter().filter(|key| *key != "version") {
        if !patterns.iter().any(|pattern| is_within(pattern, key)) {
            wrong.push(format!("`{key}` is in the schema and not documented"));
        }
    }
    for pattern in patterns {
        if !schema.iter().any(|key| is(pattern, key)) {
            wrong.push(format!("`{pattern}` is documented and not in the schema"));
        }
    }
    wrong
}

#[test]
fn the_page_has_the_keys_of_the_schemas() {
    let mut documented = documented();
    // A run's report is that of `reprocess`.
    let report = documented["reprocess"].iter();
    let report = report.filter(|key| *key != "status" && !key.starts_with("missing"));
    let report: Vec<String> = report.map(|key| format!("report.{key}")).collect();
    documented.get_mut("groups history").unwrap().extend(report);
    let schemas = in_schemas();
    assert_eq!(
        documented.keys().collect::<Vec<_>>(),
        schemas.keys().collect::<Vec<_>>(),
        "headings of docs/json.md, and files of docs/schema/"
    );
    let wrong: Vec<String> = schemas
        .iter()
        .flat_map(|(heading, keys)| {
            let differences = differences(keys, &documented[heading]);
            differences.into_iter().map(move |difference| format!("{heading}: {difference}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_program_prints_what_the_schemas_say() {
    let (schemas, documented) = (in_schemas(), documented());
    let mut printed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (heading, object) in scenario::all() {
        // The page says once for all objects which have a version.
        let is_fixed = ["resolve", "worker", "crash list"].contains(&heading)
            || heading == "crash add" && object.get("status").is_some();
        assert_eq!(object.get("version"), (!is_fixed).then(|| &*ONE), "{heading}: {object}");
        keys(&object, "", printed.entry(heading).or_default());
    }
    assert!(printed.keys().copied().eq(schemas.keys()), "a command printed nothing");
    let mut wrong = Vec::new();
    for (heading, found) in &printed {
        let schema = &schemas[*heading];
        let unknown = found.iter().filter(|key| !schema.iter().any(|known| is(known, key)));
        wrong.extend(unknown.map(|key| format!("{heading}: `{key}` is not in the schema")));
        let unseen = documented[*heading].iter().filter(|known| !is_unseen(heading, known));
        let unseen = unseen.filter(|known| !found.iter().any(|key| is(known, key)));
        wrong.extend(unseen.map(|key| format!("{heading}: `{key}` was not printed")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The version of all objects.
static ONE: LazyLock<Value> = LazyLock::new(|| 1.into());

fn is_unseen(heading: &str, key: &str) -> bool {
    match heading {
        // Only in `crashing_thread`, or of dumps that no fixture is like.
        "symbolicate" => {
            let keys = ["unloaded_modules[].", "zeroed[].", "threads[].threads_index"];
            keys.iter().any(|unseen| key.starts_with(unseen)) || key.contains(".registers")
        }
        "modules list" | "modules verify" | "modules repair" => {
            UNSEEN.contains(&key) || key.starts_with("differences[].")
        }
        // They share their frames with `report` and `resolve`, which have lines of source.
        "crash show" | "worker" => key.starts_with("frames[].context"),
        _ => false,
    }
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
