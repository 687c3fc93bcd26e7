//! Ten kinds of reports that mean harm to a page: it stays a page of text, of the same elements,
//! bounded, and loads nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use support::page::Page;
use support::{Sandbox, json_lines};

/// A crash with these frames, and whatever else `more` says.
fn crash(number: u64, frames: &Value, more: &Value) -> String {
    let mut event = json!({
        "event_id": format!("{number:032x}"), "timestamp": 1_700_000_000, "platform": "native",
        "exception": {"values": [{"type": "SIGSEGV", "value": "x", "stacktrace": {"frames": frames}}]},
    });
    let more = more.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(more);
    event.to_string()
}

fn frame(function: &str) -> Value {
    json!({"function": function, "filename": "a.c", "lineno": 3, "instruction_addr": "0x10"})
}

/// Each kind by its name, with its reports.
fn kinds() -> Vec<(&'static str, Vec<String>)> {
    let one = |frames: Value, more: Value| vec![crash(1, &frames, &more)];
    let deep: Vec<Value> = (0..20_000).map(|at| frame(&format!("f{}", at % 7))).collect();
    let zalgo = format!("h{}", "\u{301}\u{489}".repeat(5_000));
    let long = "a::b<".repeat(100_000);
    let releases = (1..2_000).map(|number| {
        crash(
            number,
            &json!([frame("flood")]),
            &json!({"release": format!("<b>app</b>@{number}\u{202e}")}),
        )
    });
    let times = [
        json!(-1e18),
        json!(1e18),
        json!("9999-12-31T23:59:59Z"),
        json!("0000-00-00"),
        json!(null),
    ];
    let times = (1..)
        .zip(times)
        .map(|(number, time)| crash(number, &json!([frame("clock")]), &json!({"timestamp": time})));
    let line = json!({
        "function": "far", "filename": "javascript:alert(1)//\" onmouseover=\"x", "abs_path": "data:text/html,<script>",
        "lineno": u32::MAX, "colno": u32::MAX, "instruction_addr": "0xffffffffffffffff",
    });
    let device = json!({"contexts": {
        "os": {"name": "</dd></dl></main>", "version": "\u{2028}\u{2029}\u{85}"},
        "device": {"model": "<svg/onload=x>\u{feff}", "arch": "\u{0}\u{7f}\u{9b}31m"},
    }});
    let images = json!({"debug_meta": {"images": [{
        "type": "elf", "code_file": "/data/\n\n<iframe src=//e.example>.so", "code_id": "ab".repeat(20),
        "image_addr": "0x10000", "image_size": 4096,
    }]}});
    let bare = json!([{"instruction_addr": "0x10010"}]);
    vec![
        ("recursion without end", one(json!(deep), json!({}))),
        ("combining characters", one(json!([frame(&zalgo)]), json!({}))),
        ("a name of half a megabyte", one(json!([frame(&long)]), json!({}))),
        ("a flood of releases", releases.collect()),
        ("times that no calendar has", times.collect()),
        ("places that look like links", one(json!([line]), json!({}))),
        ("ends of elements in what it ran on", one(json!([frame("main")]), device)),
        ("a missing module that is a frame", one(bare, images)),
        (
            "ends of style and of comments",
            one(
                json!([frame("</style><style>*{display:none}</style><!--{{7*7}}${7*7}]]>")]),
                json!({}),
            ),
        ),
        (
            "text that is markup twice over",
            one(
                json!([frame("&lt;script&gt;&#60;img src=x&#62;&amp;lt;")]),
                json!({"logentry": {"message": "&lt;b&gt;\u{1b}]8;;http://e.example\u{7}"}}),
            ),
        ),
    ]
}

/// Names of elements and of attributes.
fn vocabulary(page: &Page) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (name, attributes) in page.starts() {
        words.insert(name.to_owned());
        words.extend(attributes.iter().map(|(key, _)| format!("@{key}")));
    }
    words
}

/// What no page has, however it was made.
const NEVER: [&str; 10] =
    ["script", "iframe", "img", "object", "embed", "link", "base", "form", "@style", "@onload"];

#[test]
fn ten_kinds_do_no_harm() {
    let kinds = kinds();
    assert_eq!(kinds.len(), 10);
    for (kind, reports) in kinds {
        let sandbox = Sandbox::in_memory();
        fs::create_dir_all(sandbox.path("config/symtool")).unwrap();
        sandbox.write(
            "config/symtool/symtool.toml",
            "source-link = \"https://example.com/{path}#L{line}\"\n",
        );
        let path = sandbox.write("events.ndjson", reports.join("\n"));
        let added = sandbox.run_with(None, ["crash", "add", path.to_str().unwrap()]);
        assert!(added.code <= 1 && !added.stderr.contains("panicked"), "{kind}: {}", added.stderr);
        let crashes = json_lines(&sandbox.run(["crash", "list", "--json"]).stdout);
        assert!(!crashes.is_empty(), "{kind}: none is kept");
        let id = crashes[0]["id"].as_str().unwrap();
        for scope in [&[][..], &["--crash", id]] {
            let out = sandbox.path("page.html");
            let words = [&["report", "--json", "-o", out.to_str().unwrap()], scope].concat();
            let run = sandbox.run_with(None, words);
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{kind}");
            let html = fs::read_to_string(&out).unwrap();
            // Elements are paired: reading the text checks it.
            let page = Page::of(&html);
            let text = page.text("");
            let words = vocabulary(&page);
            for word in NEVER {
                assert!(!words.contains(word), "{kind}: {word}");
            }
            let hidden = |char: char| matches!(char, '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!text.contains(hidden), "{kind}");
            for link in page.values("href") {
                assert!(
                    link.starts_with('#') || link.starts_with("https://example.com/"),
                    "{kind}: {link}"
                );
                assert!(!link.contains(['"', '<', ' ']), "{kind}: {link}");
            }
            let ids = page.values("id");
            assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{kind}");
            if scope.is_empty() {
                assert!(html.len() < 200_000, "{kind}: {} bytes", html.len());
            }
        }
    }
}
