//! Payloads of webhooks, as the documentation of each receiver describes them, and what its answers
//! mean. Titles come from crash reports: nowhere can they become a mention, a link or a format.
//!
//! | style | message | a title is text because |
//! | --- | --- | --- |
//! | `slack` | section blocks | `&`, `<` and `>` are escaped, backticks replaced, in a code span |
//! | `teams` | an Adaptive Card in a message | text runs know no Markdown |
//! | `feishu` | a post | a text element has no tags |
//! | `dingtalk` | a text | mentions stand beside it |
//! | `generic` | the notice itself | it is JSON |

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use symtool_http::{Answer, Retry};

use crate::limits::{
    MAX_RETRY_AFTER_SECONDS, SHOWN_EVENTS, SHOWN_RELEASE_BYTES, SHOWN_TITLE_BYTES,
    SLACK_SECTION_BYTES,
};
use crate::notice::{Event, EventKind, Notice};

/// How a webhook wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Slack, and what is made like it.
    Slack,
    /// Workflows of Microsoft Teams, and its connectors.
    Teams,
    /// Custom bots of Feishu and Lark.
    Feishu,
    /// Custom bots of `DingTalk`.
    Dingtalk,
    /// Anything else: the notice as JSON, signed as Standard Webhooks are.
    Generic,
}

/// The signature of one message, where it stands in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The time that was signed, in seconds since 1970.
    pub seconds: i64,
    /// The signature.
    pub signature: String,
}

/// What an answer means: done, or why not.
pub type Verdict = Result<(), (String, Retry)>;

impl Style {
    /// All of them, by the names that settings use.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("slack", Self::Slack),
        ("teams", Self::Teams),
        ("feishu", Self::Feishu),
        ("dingtalk", Self::Dingtalk),
        ("generic", Self::Generic),
    ];

    /// The style called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, style)| *style)
    }

    /// Whether messages can be signed.
    pub fn can_sign(self) -> bool {
        matches!(self, Self::Feishu | Self::Dingtalk | Self::Generic)
    }

    /// The body of the message on `notice`. `signed` goes into that for Feishu.
    pub fn body(self, notice: &Notice, signed: Option<&Signed>) -> Vec<u8> {
        let body = match self {
            Self::Slack => slack(notice),
            Self::Teams => teams(notice),
            Self::Feishu => feishu(notice, signed),
            Self::Dingtalk => json!({"msgtype": "text", "text": {"content": plain(notice)}}),
            Self::Generic => return serde_json::to_vec(notice).unwrap_or_default(),
        };
        body.to_string().into_bytes()
    }

    /// What `answer` means.
    pub(crate) fn verdict(self, answer: &Answer) -> Verdict {
        by_status(answer)?;
        match self {
            Self::Feishu => by_code(answer, &["code", "StatusCode"], &[11_232]),
            Self::Dingtalk => by_code(answer, &["errcode"], &[-1, 130_101, 130_102]),
            // Connectors say so with status 200.
            Self::Teams if find(&answer.body, b"Webhook message delivery failed") => {
                Err(("it could not deliver the message".to_owned(), Retry::Soon))
            }
            _ => Ok(()),
        }
    }
}

/// What the status says, which is enough for most.
fn by_status(answer: &Answer) -> Verdict {
    let fact = format!("it answered with status {}", answer.status);
    match answer.status {
        200..=299 => Ok(()),
        300..=399 => Err((
            format!("{fact}, a redirect, which is not followed; set the address it leads to"),
            Retry::Never,
        )),
        408 | 425 | 429 | 500..=599 => Err((fact, retry_after(answer.retry_after.as_deref()))),
        _ => Err((fact, Retry::Never)),
    }
}

/// When to try again (RFC 9110, section 10.2.3): in some seconds, or at a time.
fn retry_after(text: Option<&str>) -> Retry {
    let Some(text) = text.map(str::trim) else { return Retry::Soon };
    let seconds = text.parse::<u64>().ok().or_else(|| {
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let seconds = at.as_second() - jiff::Timestamp::now().as_second();
        Some(u64::try_from(seconds).unwrap_or(0))
    });
    seconds.map_or(Retry::Soon, |seconds| {
        Retry::After(Duration::from_secs(seconds.min(MAX_RETRY_AFTER_SECONDS)))
    })
}

/// What the number under one of `keys` says, which is 0 if all went well. Those in `busy` pass.
fn by_code(answer: &Answer, keys: &[&str], busy: &[i64]) -> Verdict {
    #[derive(Deserialize)]
    struct Codes(std::collections::BTreeMap<String, Value>);
    let codes: Option<Codes> = serde_json::from_slice(&answer.body).ok();
    let code = codes.and_then(|Codes(all)| keys.iter().find_map(|key| all.get(*key)?.as_i64()));
    match code {
        Some(0) => Ok(()),
        Some(code) => {
            let retry = if busy.contains(&code) { Retry::Soon } else { Retry::Never };
            Err((format!("it refused the message with code {code}"), retry))
        }
        None => Err(("its answer is not that of such a bot".to_owned(), Retry::Never)),
    }
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A title for people.
fn title(event: &Event) -> String {
    shown_text(&event.title, SHOWN_TITLE_BYTES)
}

/// A release, which is from reports as well.
fn short(release: &str) -> String {
    shown_text(release, SHOWN_RELEASE_BYTES)
}

/// `text` without control characters and those that turn the direction of text, in `most` bytes.
fn shown_text(text: &str, most: usize) -> String {
    let is_turn = |char: char| matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_shown = |char: char| !char.is_control() && !is_turn(char);
    let clean: String =
        text.chars().map(|char| if is_shown(char) { char } else { '\u{fffd}' }).collect();
    if clean.len() <= most {
        return clean;
    }
    let end = (0..=most).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &clean[..end])
}

/// What happened and to which group, and what there is to say besides its title.
fn words(event: &Event) -> (String, String) {
    let crashes = match event.crashes {
        1 => "1 crash".to_owned(),
        crashes => format!("{crashes} crashes"),
    };
    let (what, more) = match &event.kind {
        EventKind::New { releases } => ("new", listed(releases)),
        EventKind::Regressed { resolved_in, releases } => (
            "regressed",
            format!(", resolved in {}, again{}", short(resolved_in), listed(releases)),
        ),
        EventKind::Merged { run, aliases, more } => {
            let count = aliases.len() as u64 + more;
            let groups = if count == 1 { "group" } else { "groups" };
            ("merged", format!(", {count} other {groups} merged into it by run {run}"))
        }
        EventKind::Spike { day, on_day, usual } => {
            ("spike", format!(", {on_day} of them on {day}, {usual} on a usual day"))
        }
    };
    (format!("{what} {}", event.group), format!("{crashes}{more}"))
}

/// Some releases of those there are.
fn listed(releases: &[String]) -> String {
    match releases {
        [] => String::new(),
        [one] => format!(" in {}", short(one)),
        [first, rest @ ..] => format!(" in {} and {} more", short(first), rest.len()),
    }
}

/// The events that people see, and a sentence on the others.
fn shown(notice: &Notice) -> (&[Event], Option<String>) {
    let shown = &notice.events[..notice.events.len().min(SHOWN_EVENTS)];
    let rest = (notice.events.len() - shown.len()) as u64 + notice.more;
    (shown, (rest > 0).then(|| format!("and {rest} more")))
}

/// All of it as lines of text.
fn plain(notice: &Notice) -> String {
    let (events, rest) = shown(notice);
    let lines = events.iter().map(|event| {
        let (what, more) = words(event);
        format!("{what} {} ({more})", title(event))
    });
    let head = std::iter::once(format!("symtool: {}", notice.text));
    head.chain(lines).chain(rest).collect::<Vec<_>>().join("\n")
}

/// Text in which nothing is a mention or a link of Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// <https://api.slack.com/messaging/webhooks>, <https://api.slack.com/reference/block-kit/blocks>.
fn slack(notice: &Notice) -> Value {
    let (events, rest) = shown(notice);
    let head = format!("symtool: {}", escaped(&notice.text));
    let mut sections = vec![format!("*{head}*")];
    let mut lines = String::new();
    for event in events {
        let (what, more) = words(event);
        let title = escaped(&title(event)).replace('`', "'");
        let line = format!("{what} `{title}` ({})\n", escaped(&more).replace('`', "'"));
        if lines.len() + line.len() > SLACK_SECTION_BYTES {
            sections.push(std::mem::take(&mut lines));
        }
        lines.push_str(&line);
    }
    lines.extend(rest);
    sections.extend(Some(lines).filter(|lines| !lines.is_empty()));
    let block = |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}});
    json!({"text": head, "blocks": sections.into_iter().map(block).collect::<Vec<_>>()})
}

/// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>.
fn teams(notice: &Notice) -> Value {
    let (events, rest) = shown(notice);
    let run = |text: String, is_code: bool| {
        let font = if is_code { "Monospace" } else { "Default" };
        json!({"type": "TextRun", "text": text, "fontType": font})
    };
    let block = |inlines: Vec<Value>| json!({"type": "RichTextBlock", "inlines": inlines});
    let mut body = vec![block(vec![json!({
        "type": "TextRun", "text": format!("symtool: {}", notice.text), "weight": "Bolder"
    })])];
    body.extend(events.iter().map(|event| {
        let (what, more) = words(event);
        block(vec![
            run(format!("{what} "), false),
            run(title(event), true),
            run(format!(" ({more})"), false),
        ])
    }));
    body.extend(rest.map(|rest| block(vec![run(rest, false)])));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

/// <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>.
fn feishu(notice: &Notice, signed: Option<&Signed>) -> Value {
    let text = plain(notice);
    let (head, lines) = text.split_once('\n').unwrap_or((&text, ""));
    let paragraphs: Vec<Value> =
        lines.lines().map(|line| json!([{"tag": "text", "text": line}])).collect();
    let mut body = json!({
        "msg_type": "post",
        "content": {"post": {"en_us": {"title": head, "content": paragraphs}}},
    });
    if let Some(Signed { seconds, signature }) = signed {
        body["timestamp"] = json!(seconds.to_string());
        body["sign"] = json!(signature);
    }
    body
}
