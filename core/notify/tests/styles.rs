//! Messages of each style: what the documentation of the receiver says of them, and titles that
//! want to be more than text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use serde_json::{Value, json};
use symtool_notify::{Event, EventKind, Notice, Signed, Style};

const HOSTILE: &str = "<!channel> <at user_id=\"all\"></at> [x](javascript:1) `*_~` \u{202e}\u{1b}[31m\n@all & <https://e.example|y>";

fn new(group: &str, title: &str, crashes: u64) -> Event {
    let kind = EventKind::New { releases: vec!["app@1.2".into(), "app@1.3".into()] };
    Event { group: group.into(), title: title.into(), crashes, kind }
}

fn notice(events: Vec<Event>) -> Notice {
    Notice::new("n1", "ops", "2026-11-01T08:00:00Z", events)
}

fn body(style: Style, notice: &Notice) -> Value {
    serde_json::from_slice(&style.body(notice, None)).unwrap()
}

#[test]
fn what_people_read() {
    let events = vec![
        new("g1", "shop::Cart::add", 12),
        Event {
            group: "g2".into(),
            title: "shop::Order::pay".into(),
            crashes: 7,
            kind: EventKind::Regressed {
                resolved_in: "app@1.1".into(),
                releases: vec!["app@1.2".into()],
            },
        },
        Event {
            group: "g3".into(),
            title: "shop::Till".into(),
            crashes: 1,
            kind: EventKind::Merged { run: 4, aliases: vec!["g4".into()], more: 2 },
        },
        Event {
            group: "g5".into(),
            title: "main".into(),
            crashes: 90,
            kind: EventKind::Spike { day: "2026-11-01".into(), on_day: 40, usual: 2.5 },
        },
    ];
    let text = body(Style::Dingtalk, &notice(events));
    assert_eq!(text["msgtype"], "text");
    let want =
        "symtool: 1 regressed group, 1 spike, 1 new group, 1 group that others were merged into
regressed g2 shop::Order::pay (7 crashes, resolved in app@1.1, again in app@1.2)
spike g5 main (90 crashes, 40 of them on 2026-11-01, 2.5 on a usual day)
new g1 shop::Cart::add (12 crashes in app@1.2 and 1 more)
merged g3 shop::Till (1 crash, 3 other groups merged into it by run 4)";
    assert_eq!(text["text"]["content"], want);
}

#[test]
fn titles_stay_text() {
    let notice = notice(vec![new("g1", HOSTILE, 1)]);
    let slack = body(Style::Slack, &notice);
    let line = slack["blocks"][1]["text"]["text"].as_str().unwrap();
    assert!(line.contains("&lt;!channel&gt;") && !line.contains(['<', '>']), "{line}");
    // One code span, which nothing in it can end.
    assert_eq!(line.matches('`').count(), 2, "{line}");
    assert_eq!(slack["blocks"][1]["text"]["verbatim"], true);
    let teams = body(Style::Teams, &notice);
    let run = &teams["attachments"][0]["content"]["body"][1]["inlines"][1];
    assert_eq!(run["type"], "TextRun");
    assert!(run["text"].as_str().unwrap().contains("[x](javascript:1)"));
    let feishu = body(Style::Feishu, &notice);
    let paragraph = &feishu["content"]["post"]["en_us"]["content"][0];
    assert_eq!(
        (paragraph[0]["tag"].as_str(), paragraph.as_array().unwrap().len()),
        (Some("text"), 1)
    );
    let dingtalk = body(Style::Dingtalk, &notice);
    assert!(dingtalk.get("at").is_none());
    for (name, style) in Style::NAMES {
        let text = String::from_utf8(style.body(&notice, None)).unwrap();
        let is_generic = style == Style::Generic;
        assert!(is_generic || !text.contains('\u{202e}'), "{name}");
        assert!(!text.contains('\u{1b}') && !text.contains('\n'), "{name}");
        assert!(is_generic || !text.contains("\\u001b"), "{name}");
        assert_eq!(Style::named(name), Some(style));
    }
}

#[test]
fn messages_are_no_larger_than_receivers_take() {
    // Characters of three bytes, and such as become five when they are escaped.
    for title in ["字".repeat(2_000), "<".repeat(2_000), "\u{1}".repeat(2_000)] {
        let events = (0..1_500).map(|number| new(&format!("g{number:016}"), &title, number));
        let notice = notice(events.collect());
        for (name, style, most) in [
            ("slack", Style::Slack, 100_000),
            ("teams", Style::Teams, 28_000),
            ("feishu", Style::Feishu, 20_000),
            ("dingtalk", Style::Dingtalk, 20_000),
        ] {
            let text = style.body(&notice, None);
            assert!(text.len() < most, "{name}: {}", text.len());
            assert!(String::from_utf8(text).unwrap().contains("and 1480 more"), "{name}");
        }
        for block in body(Style::Slack, &notice)["blocks"].as_array().unwrap() {
            assert!(block["text"]["text"].as_str().unwrap().len() <= 3_000);
        }
    }
}

#[test]
fn shapes_of_the_documentation() {
    let notice = notice(vec![new("g1", "main", 1)]);
    let teams = body(Style::Teams, &notice);
    let attachment = &teams["attachments"][0];
    assert_eq!(teams["type"], "message");
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(attachment["content"]["type"], "AdaptiveCard");
    let signed = Signed { seconds: 1_599_360_473, signature: "abc=".into() };
    let feishu: Value =
        serde_json::from_slice(&Style::Feishu.body(&notice, Some(&signed))).unwrap();
    assert_eq!(
        feishu,
        json!({
            "timestamp": "1599360473",
            "sign": "abc=",
            "msg_type": "post",
            "content": {"post": {"en_us": {
                "title": "symtool: 1 new group",
                "content": [[{"tag": "text", "text": "new g1 main (1 crash in app@1.2 and 1 more)"}]],
            }}},
        })
    );
    let slack = body(Style::Slack, &notice);
    assert_eq!(slack["text"], "symtool: 1 new group");
    let generic: Notice = serde_json::from_slice(&Style::Generic.body(&notice, None)).unwrap();
    assert_eq!(generic, notice);
}
