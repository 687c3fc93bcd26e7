//! The page's elements, names that stay text, and its size.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::page::Page;
use crate::support::{Sandbox, json_lines};
use crate::{assert_has, list, report, shown, text};

/// Nothing on the page is loaded, run or out of place.
pub fn assert_structure(html: &str) {
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
