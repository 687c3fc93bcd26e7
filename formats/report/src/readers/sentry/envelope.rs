//! Sentry's envelopes: a header, then items, each with a header of its own and so many bytes; the
//! event is one of them.
//!
//! ```text
//! {"event_id":"…","sent_at":"…"}
//! {"type":"event","length":583}
//! {"event_id":"…","exception":…}
//! {"type":"attachment","length":5,"filename":"log.txt"}
//! hello
//! ```
//! Source: "Envelopes" in Sentry's developer documentation. Without a length, an item ends with its
//! line.

use crate::scan::json::fields::set;
use crate::scan::json::{Json, JsonError};

/// Bytes of a header's line; headers have some hundred.
pub const MAX_HEADER_BYTES: usize = 64 << 10;

/// The header of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemHeader {
    /// What it is: `event`, `attachment`, `session`, …
    pub kind: String,
    /// Bytes that follow the header's line.
    pub length: Option<u64>,
}

/// One item: its header, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it says of itself.
    pub header: ItemHeader,
    /// The first byte.
    pub start: usize,
    /// The byte behind the last one; that of the envelope, if it ends early.
    pub end: usize,
}

/// Whether `line` may be an envelope's header: an object that tells of the envelope and of nothing
/// else. The line behind it says more.
pub fn may_be_header(line: &str) -> bool {
    /// Nothing is wrong: one key is enough.
    const OTHER: JsonError = JsonError { at: 0, fact: "", is_end: false };
    if line.len() > MAX_HEADER_BYTES {
        return false;
    }
    let mut json = Json::at_document(line);
    let read = json.object(|json, key| match key {
        "event_id" | "dsn" | "sdk" | "sent_at" | "trace" | "retry_after" => json.skip(),
        _ => Err(OTHER),
    });
    line.trim_start_matches(['\u{feff}', ' ', '\t']).starts_with('{')
        && read.is_ok()
        && json.end().is_ok()
}

/// The header of an item in `line`.
pub fn item_header(line: &str) -> Option<ItemHeader> {
    const KINDS: [&str; 24] = [
        "attachment",
        "check_in",
        "client_report",
        "event",
        "feedback",
        "form_data",
        "log",
        "metric_buckets",
        "metric_meta",
        "nel",
        "otel_log",
        "profile",
        "profile_chunk",
        "raw_security",
        "replay_event",
        "replay_recording",
        "replay_video",
        "security",
        "session",
        "sessions",
        "span",
        "statsd",
        "transaction",
        "user_report",
    ];
    if line.len() > MAX_HEADER_BYTES || !line.starts_with('{') {
        return None;
    }
    let mut header = ItemHeader::default();
    let (mut json, mut is_event) = (Json::at_document(line), false);
    json.object(|json, key| match key {
        "type" => set(&mut header.kind, json.text()?.unwrap_or_default()),
        "length" => set(&mut header.length, json.unsigned()?),
        "event_id" | "exception" | "threads" | "platform" => {
            is_event = true;
            json.skip()
        }
        _ => json.skip(),
    })
    .ok()?;
    (json.end().is_ok()
        && !is_event
        && (KINDS.contains(&header.kind.as_str())
            || !header.kind.is_empty() && header.length.is_some()))
    .then_some(header)
}

/// The items of `envelope`; none if it is not one. An item with a wrong length ends with its line,
/// as if it had none.
pub fn items(envelope: &[u8]) -> Vec<Item> {
    let line = |from: usize| {
        let end = memchr::memchr(b'\n', &envelope[from..]).map_or(envelope.len(), |at| from + at);
        (
            std::str::from_utf8(envelope[from..end].trim_ascii()).unwrap_or_default(),
            (end + 1).min(envelope.len()),
            end,
        )
    };
    let mut items = Vec::new();
    let (header, mut at, _) = line(envelope.len() - envelope.trim_ascii_start().len());
    if !may_be_header(header) {
        return items;
    }
    while at < envelope.len() {
        let (text, start, _) = line(at);
        if text.is_empty() {
            at = start;
            continue;
        }
        let Some(header) = item_header(text) else {
            // What is left of an item whose length was wrong.
            at = start;
            continue;
        };
        let length = header.length.and_then(|length| usize::try_from(length).ok());
        let said = length.and_then(|length| start.checked_add(length)).filter(|end| {
            matches!(envelope.get(*end), Some(b'\n' | b'\r')) || *end == envelope.len()
        });
        let end = said.unwrap_or_else(|| line(start).2);
        items.push(Item { header, start, end });
        at = end;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(envelope: &str) -> Vec<(String, &str)> {
        items(envelope.as_bytes())
            .into_iter()
            .map(|item| (item.header.kind, &envelope[item.start..item.end]))
            .collect()
    }

    #[test]
    fn items_of_an_envelope() {
        let envelope = "{\"event_id\":\"1\",\"sdk\":{}}\n{\"type\":\"attachment\",\"length\":7}\na\n{\"b\"}\n\n{\"type\":\"event\"}\n{\"x\":1}\n";
        let want = [("attachment".to_owned(), "a\n{\"b\"}"), ("event".to_owned(), "{\"x\":1}")];
        assert_eq!(kinds(envelope), want);
        // Line ends that were changed on the way.
        assert_eq!(
            kinds("{}\r\n{\"type\":\"event\",\"length\":900}\r\n{\"x\":1}\r\n")[0].1.trim_end(),
            "{\"x\":1}"
        );
        assert_eq!(
            kinds("{}\n{\"type\":\"event\",\"length\":0}\n\n{\"type\":\"session\"}\n{}").len(),
            2
        );
        assert!(kinds("{\"exception\":{}}\n{\"type\":\"event\"}\n{}").is_empty());
        assert!(
            kinds("").is_empty()
                && kinds("{}\n{}").is_empty()
                && kinds("x\n{\"type\":\"event\"}\n{}").is_empty()
        );
    }

    #[test]
    fn headers() {
        assert!(
            may_be_header(
                "{\"event_id\":\"x\",\"dsn\":\"y\",\"sent_at\":\"z\",\"trace\":{\"a\":[1]}}"
            ) && may_be_header("{}")
        );
        assert!(
            !may_be_header("{\"event_id\":\"x\",\"platform\":\"native\"}")
                && !may_be_header("{\"event_id\":")
                && !may_be_header("[]")
        );
        assert!(
            item_header("{\"type\":\"new_kind\",\"length\":3}").is_some()
                && item_header("{\"type\":\"new_kind\"}").is_none()
        );
        assert!(
            item_header("{\"type\":\"event\",\"event_id\":\"1\"}").is_none()
                && item_header("{\"length\":3}").is_none()
        );
    }
}
