//! `symtool report`: the page says what the JSON says, loads nothing, lets no name out of its
//! text, and stays small.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod structure;
#[path = "../support/mod.rs"]
mod support;

use std::fs;

use serde_json::{Value, json};
use structure::assert_structure;
use support::events::{Build, event};
use support::page::Page;
use support::{Sandbox, json_lines, testdata};

/// What `symtool report ARGS` gives as JSON and as a page.
fn report(sandbox: &Sandbox, args: &[&str]) -> (Value, String) {
    let path = sandbox.path("report.html");
    let words = [&["report", "--json", "-o", path.to_str().unwrap()], args].concat();
    let run = sandbox.run(words);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
    (json_lines(&run.stdout).remove(0), fs::read_to_string(path).unwrap())
}

/// Crashes of two bugs in two builds of one source, whose symbols come late; and of other formats.
fn regrouped() -> Sandbox {
    let sandbox = Sandbox::in_memory();
    let names = ["c-gcc-O0-dwarf5.so", "c-clang-O0-dwarf4.so"];
    let bugs: [&[&str]; 2] =
        [&["primary", "expression", "grammar_eval"], &["probe", "table_find", "grammar_eval"]];
    let mut events = Vec::new();
    for (at, build) in (0..).zip(names.map(Build::of)) {
        for (bug, functions) in (0..).zip(bugs) {
            events.push(event(at * 2 + bug + 1, &build, functions));
        }
    }
    // A day later, on a device.
    let later = event(9, &Build::of(names[0]), bugs[0]).replace("1700000540", "1700086940").replace(
        r#""platform""#,
        r#""contexts":{"os":{"name":"Android","version":"14"},"device":{"model":"Pixel 7","arch":"arm64"}},"platform""#,
    );
    events.push(later);
    let events = sandbox.write("events.ndjson", events.join("\n"));
    let folders = [testdata("demo/reports"), testdata("crashes/metrickit.json")];
    for path in [&events, &folders[0], &folders[1]] {
        assert_eq!(sandbox.run(["crash", "add", path.to_str().unwrap()]).code, 0);
    }
    names.iter().for_each(|name| sandbox.import(name));
    assert_eq!(sandbox.run(["reprocess"]).code, 0);
    sandbox
}

/// `text` as pages show it.
fn shown(text: &str) -> String {
    let text = text.split([' ', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>();
    text.join(" ")
}

fn text(value: &Value) -> String {
    shown(value.as_str().unwrap_or_else(|| panic!("{value} is no text")))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// `2017-01-26T10:05:11Z` as pages show it.
fn minute(value: &Value) -> String {
    text(value)[..16].replace('T', " ")
}

fn assert_has(page: &str, wanted: &str) {
    assert!(page.contains(wanted), "no {wanted:?} in {page}");
}

/// Every value of a crash is on its page or in its group's part.
fn assert_crash(page: &str, crash: &Value) {
    for (key, value) in crash.as_object().unwrap() {
        match key.as_str() {
            "frames" => {
                let mut rest = page;
                for frame in list(value) {
                    for key in ["function", "address", "module", "file", "trust", "why_not"] {
                        if let Some(value) = frame.get(key) {
                            let wanted = text(value);
                            let at = rest.find(&wanted);
                            let at = at.unwrap_or_else(|| panic!("no {wanted} in {rest}"));
                            // Frames stand in their order.
                            rest = if key == "function" { &rest[at..] } else { rest };
                        }
                    }
                    let is_inlined = frame["inlined"] == true;
                    assert!(!is_inlined || rest.contains("inlined"));
                }
            }
            "more_frames" if *value == 0 => {}
            "more_frames" => assert_has(page, &format!("{value} function")),
            "time" | "arrived" => assert_has(page, &minute(value)),
            _ => assert_has(page, &text(value)),
        }
    }
}

fn assert_group(page: &str, group: &Value) {
    for key in ["title", "id", "kind"] {
        assert_has(page, &text(&group[key]));
    }
    let line = format!("{} crashes {:.1}%", group["crashes"], group["percent"].as_f64().unwrap());
    assert_has(page, &line);
    assert_has(
        page,
        &format!("{} – {}", minute(&group["first_seen"]), minute(&group["last_seen"])),
    );
    for tag in list(&group["tags"]) {
        assert_has(page, &text(tag).replace('_', " "));
    }
    for facet in ["releases", "systems", "devices", "archs", "modules"] {
        for value in list(&group[facet]["values"]) {
            assert_has(page, &format!("{} {}", text(&value["value"]), value["crashes"]));
        }
        let more = group[facet]["more"].as_u64().unwrap();
        assert!(more == 0 || page.contains(&format!("and {more} other")));
    }
    for alias in list(&group["aliases"]) {
        assert_has(page, &text(alias));
    }
    for change in list(&group["history"]) {
        assert_has(page, &format!("{}, run {}:", &text(&change["at"])[..10], change["run"]));
        list(&change["groups"]).iter().for_each(|group| assert_has(page, &text(group)));
        change.get("from").iter().for_each(|from| assert_has(page, &text(from)));
    }
    assert_crash(page, &group["example"]);
}

#[test]
fn the_page_says_what_the_json_says() {
    let sandbox = regrouped();
    let (json, html) = report(&sandbox, &[]);
    let page = Page::of(&html);
    let whole = page.text("");
    let run = &json["run"];
    // Both bugs in both builds: two groups each became one.
    assert_eq!((&run["groups_before"], &run["groups_after"]), (&json!(4), &json!(2)));
    assert_eq!(list(&run["flows"]).len(), 2);
    assert_has(&whole, "Run 1: 4 groups became 2");
    assert_has(&whole, &format!("{} of {} moved", "5 crashes", run["stored"]));
    assert_has(&whole, "symtool groups undo 1");
    for (number, what) in [
        (json["crashes"].to_string(), "crashes"),
        (run["improved"].to_string(), "have more frames resolved"),
        ("4 → 2".to_owned(), "groups that changed"),
        (format!("{}%", run["largest_gain"]["percent"]), "of all crashes: largest gain of a group"),
        (json["missing_total"].to_string(), "missing modules that crashes wait for"),
    ] {
        assert_has(&whole, &format!("{what} {number}"));
    }
    for flow in list(&run["flows"]) {
        let origins = list(&flow["from"]).iter().map(|origin| {
            let crashes = origin["crashes"].as_u64().unwrap();
            let one = if crashes == 1 { "crash" } else { "crashes" };
            format!("{} ( {crashes} {one} )", text(&origin["group"]))
                .replace("( ", "(")
                .replace(" )", ")")
        });
        origins.for_each(|origin| assert_has(&whole, &origin));
        assert_has(&whole, &format!("{} {} from", text(&flow["title"]), text(&flow["group"])));
    }
    let groups = list(&json["groups"]);
    assert_eq!(groups.len() as u64, json["groups_total"].as_u64().unwrap());
    groups.iter().for_each(|group| assert_group(&page.text(&text(&group["id"])), group));
    let missing = list(&json["missing"]);
    assert!(!missing.is_empty());
    for module in missing {
        let numbers = format!("{} {} {}", module["waiting"], module["crashes"], module["groups"]);
        assert_has(&whole, &numbers);
        for key in ["name", "id", "arch", "path"] {
            module.get(key).iter().for_each(|value| assert_has(&whole, &text(value)));
        }
    }
}

#[test]
fn crashes_are_counted_by_day_and_by_what_they_ran_on() {
    let sandbox = regrouped();
    let (json, _) = report(&sandbox, &[]);
    let group = &json["groups"][0];
    // Three crashes of one bug: two on 2023-11-14, one a day later on a device.
    assert_eq!((&group["rank"], &group["crashes"]), (&json!(1), &json!(3)));
    let days = json["days"].clone();
    assert_eq!((days["last"].as_str().unwrap().len(), list(&group["days"]).len()), (10, 30));
    assert_eq!(group["first_seen"], "2023-11-14T22:14:20Z");
    assert_eq!(group["last_seen"], "2023-11-15T22:22:20Z");
    let values = |facet: &str| group[facet]["values"].clone();
    assert_eq!(values("systems"), json!([{"value": "Android 14", "crashes": 1}]));
    assert_eq!(values("devices"), json!([{"value": "Pixel 7", "crashes": 1}]));
    assert_eq!(values("archs"), json!([{"value": "arm64", "crashes": 1}]));
    assert_eq!(
        values("releases"),
        json!([{"value": "app@0", "crashes": 2}, {"value": "app@1", "crashes": 1}])
    );
    let (json, _) = report(&sandbox, &["--since", "2023-11-15", "--limit", "1"]);
    let (all, group) = (&json["groups_total"], &json["groups"][0]);
    assert!(all.as_u64().unwrap() >= 1 && list(&json["groups"]).len() == 1);
    assert_eq!((&json["since"], &group["crashes"]), (&json!("2023-11-15T00:00:00Z"), &json!(1)));
    let none = report(&sandbox, &["--since", "2999-01-01"]);
    assert_eq!((&none.0["crashes"], &none.0["groups"]), (&json!(0), &json!([])));
    assert_has(&Page::of(&none.1).text(""), "There are no crashes.");
}

#[test]
fn pages_of_one_group_and_of_one_crash() {
    let sandbox = regrouped();
    let (all, _) = report(&sandbox, &[]);
    let group = &all["groups"][0];
    let (id, alias) = (text(&group["id"]), text(&group["aliases"][0]));
    let (of_alias, html) = report(&sandbox, &["--group", &alias]);
    assert_eq!(list(&of_alias["groups"]).len(), 1);
    assert_eq!(of_alias["groups"][0]["id"], group["id"]);
    assert_eq!(of_alias.get("run"), None);
    let page = Page::of(&html);
    assert_group(&page.text(&id), &of_alias["groups"][0]);
    let crash = text(&group["example"]["id"]);
    let (json, html) = report(&sandbox, &["--crash", &crash]);
    assert_eq!((&json["crash"]["id"], &json["title"]), (&group["example"]["id"], &group["title"]));
    assert_crash(&Page::of(&html).text(""), &json["crash"]);
    let listed = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
    for crash in &listed {
        let (json, html) = report(&sandbox, &["--crash", &text(&crash["id"])]);
        assert_crash(&Page::of(&html).text(""), &json["crash"]);
        assert_structure(&html);
    }
}

#[test]
fn lines_of_source_have_links_if_the_settings_say_so() {
    let sandbox = Sandbox::in_memory();
    let build = Build::of("c-gcc-O0-dwarf5.so");
    let functions = ["primary", "expression", "grammar_eval"];
    let crash = event(1, &build, &functions).replace("app@1", "app@1+0a1b2c3d");
    let path = sandbox.write("event.json", crash);
    assert_eq!(sandbox.run(["crash", "add", path.to_str().unwrap()]).code, 0);
    sandbox.import("c-gcc-O0-dwarf5.so");
    assert_eq!(sandbox.run(["reprocess"]).code, 0);
    let links = |html: &str| -> Vec<String> {
        let page = Page::of(html);
        let all = page.values("href").into_iter().filter(|link| !link.starts_with('#'));
        all.map(str::to_owned).collect()
    };
    let (json, html) = report(&sandbox, &[]);
    assert_eq!(links(&html), Vec::<String>::new());
    let frames = &json["groups"][0]["example"]["frames"];
    let folder = text(&frames[0]["file"]).rsplit_once('/').unwrap().0.to_owned();
    let settings = format!(
        "source-link = \"https://source.example/{{commit}}/{{path}}#L{{line}}\"\nsource-roots = [\"{folder}\"]\n"
    );
    let settings = sandbox.write("symtool.toml", settings);
    let (json, html) = report(&sandbox, &["--config", settings.to_str().unwrap()]);
    assert_structure(&html);
    let frames = list(&json["groups"][0]["example"]["frames"]);
    let wanted: Vec<String> = frames
        .iter()
        .map(|frame| {
            let name = text(&frame["file"]).rsplit_once('/').unwrap().1.to_owned();
            format!("https://source.example/0a1b2c3d/{name}#L{}", frame["line"])
        })
        .collect();
    assert_eq!((wanted.len(), links(&html)), (3, wanted));
}

#[test]
fn runs_that_were_undone_and_runs_that_are_not() {
    let sandbox = regrouped();
    assert_eq!(sandbox.run(["groups", "undo"]).code, 0);
    let (json, html) = report(&sandbox, &[]);
    assert_eq!((&json["run"]["kind"], &json["run"]["undid"]), (&json!("undo"), &json!(1)));
    assert_has(&Page::of(&html).text(""), "Run 2 undid run 1");
    let (json, html) = report(&sandbox, &["--run", "1"]);
    assert_eq!((&json["run"]["undone_by"], &json["run"]["can_undo"]), (&json!(2), &json!(false)));
    assert_has(&Page::of(&html).text(""), "Run 2 has undone it.");
    let run = sandbox.run(["report", "--run", "7", "--json"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert_has(&run.stderr, "there is no run 7; `symtool groups history` lists runs");
}

#[test]
fn without_crashes_and_into_other_places() {
    let sandbox = Sandbox::in_memory();
    sandbox.import("c-gcc-O0-dwarf5.so");
    let (json, html) = report(&sandbox, &[]);
    assert_eq!((&json["crashes"], json.get("run")), (&json!(0), None));
    assert_structure(&html);
    assert_has(&Page::of(&html).text(""), "0 crashes in 0 groups");
    let piped = sandbox.run(["report", "-o", "-"]);
    assert_eq!((piped.code, piped.stdout), (0, html));
    let nowhere = sandbox.path("nowhere/report.html");
    let run = sandbox.run(["report", "-o", nowhere.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert_has(&run.stderr, "the page cannot be written there");
    for (args, code) in [
        (&["report"][..], 2),
        (&["report", "--json", "--since", "yesterday"], 2),
        (&["report", "--json", "--crash", "c1", "--run", "1"], 2),
        (&["report", "--json", "--crash", "c1"], 1),
        (&["report", "--json", "--group", "g1"], 1),
    ] {
        assert_eq!(sandbox.run(args).code, code, "{args:?}");
    }
}
