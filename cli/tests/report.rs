//! `symtool report`: the page says what the JSON says, loads nothing, lets no name out of its
//! text, and stays small.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
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

/// Nothing on the page is loaded, run or out of place.
fn assert_structure(html: &str) {
    let page = Page::of(html);
    let names: BTreeSet<&str> = page.starts().map(|(name, _)| name).collect();
    let known = "!DOCTYPE html head meta title style body header h1 h2 h3 p span b em i small code a nav main \
                 section div dl dt dd ol ul li details summary i svg path text table thead tbody tr th td br footer";
    let known: BTreeSet<&str> = known.split_whitespace().collect();
    assert_eq!(names.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
    let attributes: BTreeSet<&str> = page
        .starts()
        .flat_map(|(_, attributes)| attributes)
        .map(|(key, _)| key.as_str())
        .filter(|key| *key != "html")
        .collect();
    let known = "lang charset http-equiv content name class id href rel aria-label aria-labelledby aria-hidden open \
                 scope viewBox d x y stroke-width text-anchor";
    let known: BTreeSet<&str> = known.split_whitespace().collect();
    assert_eq!(attributes.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
    let ids = page.values("id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    for id in page.values("aria-labelledby") {
        assert!(ids.contains(&id), "{id}");
    }
    for link in page.values("href") {
        let inner = link.strip_prefix('#').is_some_and(|id| ids.contains(&id));
        assert!(inner || link.starts_with("https://source.example/"), "{link}");
    }
    assert!(
        ["main", "header", "footer"].iter().all(|name| page.starts().any(|(is, _)| is == *name))
    );
    // What a browser is told to let in: the style whose hash stands there.
    let policy = page.values("content").into_iter().find(|value| value.contains("default-src"));
    let policy = policy.unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let (_, style) = html.split_once("<style>").unwrap();
    let style = style.split_once("</style>").unwrap().0;
    let hash = policy.split_once("'sha256-").unwrap().1.split_once('\'').unwrap().0;
    assert_eq!(bits(hash), Sha256::digest(style).as_slice());
    let is_shown = |char: char| {
        char == '\n'
            || !(char.is_control() || "\u{61c}\u{200e}\u{200f}\u{202e}\u{2066}".contains(char))
    };
    assert!(html.chars().all(is_shown));
}

/// What `text` in base64 stands for.
fn bits(text: &str) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        (bits, count) = (bits << 6 | u32::from(value(digit)), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

/// A crash whose every text is `text`.
fn hostile(number: u64, text: &str) -> String {
    json!({
        "event_id": format!("{number:032x}"), "timestamp": 1_700_000_000 + number, "platform": "native",
        "release": text, "contexts": {"os": {"name": text, "version": text}, "device": {"model": text, "arch": text}},
        "exception": {"values": [{"type": text, "value": text, "stacktrace": {"frames": [
            {"function": text, "filename": text, "lineno": 3, "package": text, "instruction_addr": "0x10"},
            {"function": format!("{text}{number}"), "filename": text, "lineno": 4, "package": text, "instruction_addr": "0x20"},
        ]}}]},
        "debug_meta": {"images": [{"type": "elf", "code_file": text, "code_id": "0123456789abcdef0123456789abcdef01234567",
                                   "image_addr": "0x0", "image_size": 4096}]},
    })
    .to_string()
}

#[test]
fn names_stay_text() {
    let sandbox = Sandbox::in_memory();
    let long = format!("ns::Map<{}>::find", "std::pair<int, char>, ".repeat(30));
    let names = [
        "</script><img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)",
        "</style></summary></details><a href=javascript:alert(1)>x</a>",
        "<!-- --><svg onload=alert(1)>",
        "\u{202e}gnp.exe\u{2066}",
        "\x1b[2J\x1b]0;title\x07\x00",
        "&lt;b&gt; &amp;amp; &#60;",
        "{{7*7}} ${7*7} <%= 7 %>",
        "日本語 العربية 👩‍👩‍👧",
        &long,
    ];
    let events: Vec<String> =
        (1..).zip(names).map(|(number, name)| hostile(number, name)).collect();
    let events = sandbox.write("events.ndjson", events.join("\n"));
    assert_eq!(sandbox.run(["crash", "add", events.to_str().unwrap()]).code, 0);
    let (json, html) = report(&sandbox, &[]);
    assert_structure(&html);
    assert_eq!(list(&json["groups"]).len(), names.len());
    let page = Page::of(&html);
    let whole = page.text("");
    for name in names {
        // Spelled as the page spells what would move the cursor.
        let mut spelled = String::new();
        for char in name.chars() {
            match char {
                '\u{202e}' | '\u{2066}' | '\x00'..='\x1f' => spelled.extend(char.escape_unicode()),
                char => spelled.push(char),
            }
        }
        assert_has(&whole, &shown(&spelled));
    }
    for crash in json_lines(&sandbox.run(["crash", "list", "--json"]).stdout) {
        assert_structure(&report(&sandbox, &["--crash", &text(&crash["id"])]).1);
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

/// A crash with a deep stack of long names, of a bug of its own.
fn deep(number: u64) -> String {
    let frames: Vec<Value> = (0..40)
        .map(|depth| {
            json!({"function": format!("engine::scene::Node{number}<engine::Mesh>::visit_{depth}(engine::Visitor&, float)"),
                   "filename": format!("/ci/build/engine/scene/node_{depth}.cc"), "lineno": depth + 1,
                   "package": "/usr/lib/libengine.so", "instruction_addr": format!("{:#x}", 4096 + depth)})
        })
        .collect();
    json!({
        "event_id": format!("{number:032x}"), "timestamp": 1_700_000_000 + number * 3_600, "platform": "native",
        "release": format!("engine@{}", number % 7), "contexts": {"os": {"name": "Linux", "version": format!("6.{}", number % 5)},
        "device": {"model": format!("Model {}", number % 9), "arch": "x86_64"}},
        "exception": {"values": [{"type": "SIGSEGV", "value": format!("node {number} is gone"), "stacktrace": {"frames": frames}}]},
    })
    .to_string()
}

#[test]
fn two_hundred_groups_take_less_than_a_megabyte() {
    let sandbox = Sandbox::in_memory();
    let events: Vec<String> = (1..=250).map(deep).collect();
    let events = sandbox.write("events.ndjson", events.join("\n"));
    assert_eq!(sandbox.run(["crash", "add", events.to_str().unwrap()]).code, 0);
    let (json, html) = report(&sandbox, &[]);
    assert_eq!((list(&json["groups"]).len(), &json["groups_total"]), (200, &json!(250)));
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert_structure(&html);
    assert_has(&Page::of(&html).text(""), "50 groups more: symtool groups list");
    let (json, _) = report(&sandbox, &["--limit", "3"]);
    assert_eq!(list(&json["groups"]).len(), 3);
    // A page of one crash has all of its stack.
    let crash = text(&json["groups"][0]["example"]["id"]);
    assert_eq!(list(&report(&sandbox, &["--crash", &crash]).0["crash"]["frames"]).len(), 40);
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
