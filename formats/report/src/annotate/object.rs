//! Changes some keys of a JSON object, and leaves every other key, blank and line end where it was.

use std::ops::Range;

use crate::scan::json::Json;

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has this value, as JSON, and is added if it is not there.
    Set(String),
    /// It has this value if it is there.
    Replace(String),
    /// It is taken out.
    Remove,
}

/// An object within a text.
pub struct Object<'a> {
    bytes: &'a [u8],
    members: Vec<Member>,
    /// Behind the opening bracket.
    start: usize,
}

struct Member {
    name: String,
    /// With its quotes.
    key: Range<usize>,
    value: Range<usize>,
}

impl<'a> Object<'a> {
    /// Reads `bytes`, which are one object; `text` is the same with the same offsets. `None` if
    /// they are none.
    pub fn read(bytes: &'a [u8], text: &str) -> Option<Self> {
        let mut members: Vec<Member> = Vec::new();
        let start = text.strip_prefix('{').map(|_| 1)?;
        let mut json = Json::new(text);
        let read = json.object(|json, name| {
            let value = json.spanned(Json::skip)?.range();
            let from = members.last().map_or(start, |last| last.value.end);
            // Between two values are blanks, a comma, a key and a colon.
            let between = &text[from..value.start];
            if let (Some(open), Some(close)) = (between.find('"'), between.rfind('"')) {
                members.push(Member {
                    name: name.to_owned(),
                    key: from + open..from + close + 1,
                    value,
                });
            }
            Ok(())
        });
        (read.is_ok() && json.end().is_ok()).then_some(Self { bytes, members, start })
    }

    /// The bytes of the value of `name`, the last one if there are several.
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.members
            .iter()
            .rfind(|member| member.name == name)
            .map(|member| &self.bytes[member.value.clone()])
    }

    /// Writes the object with `changes`, and of its other keys those that `keep`.
    pub fn write(
        &self,
        changes: &[(&str, Change)],
        keep: impl Fn(&str, &[u8]) -> bool,
        out: &mut Vec<u8>,
    ) {
        let bytes = self.bytes;
        let mut is_first = true;
        out.extend_from_slice(&bytes[..self.start]);
        for (index, member) in self.members.iter().enumerate() {
            let value = &bytes[member.value.clone()];
            let value = match changes.iter().find(|(name, _)| *name == member.name) {
                Some((_, Change::Set(value) | Change::Replace(value))) => value.as_bytes(),
                None if keep(&member.name, value) => value,
                Some((_, Change::Remove)) | None => continue,
            };
            let from = if is_first { self.gap(index).start } else { self.lead(index).start };
            out.extend_from_slice(&bytes[from..member.value.start]);
            out.extend_from_slice(value);
            is_first = false;
        }
        // Others are written as the last one was.
        let gap = &bytes[self.gap(self.members.len().saturating_sub(1))];
        let colon =
            self.members.last().map_or(&b":"[..], |last| &bytes[last.key.end..last.value.start]);
        for (name, change) in changes {
            let Change::Set(value) = change else { continue };
            if self.members.iter().any(|member| member.name == *name) {
                continue;
            }
            let comma: &[u8] = if is_first { b"" } else { b"," };
            let key = format!("\"{name}\"");
            [comma, gap, key.as_bytes(), colon, value.as_bytes()]
                .iter()
                .for_each(|part| out.extend_from_slice(part));
            is_first = false;
        }
        let end = self.members.last().map_or(self.start, |last| last.value.end);
        out.extend_from_slice(&bytes[end..]);
    }

    /// What stands before key `index`.
    fn lead(&self, index: usize) -> Range<usize> {
        let from = index
            .checked_sub(1)
            .and_then(|before| self.members.get(before))
            .map_or(self.start, |before| before.value.end);
        from..self.members.get(index).map_or(from, |member| member.key.start)
    }

    /// The blanks before key `index`.
    fn gap(&self, index: usize) -> Range<usize> {
        let lead = self.lead(index);
        let comma = memchr::memchr(b',', &self.bytes[lead.clone()]).map_or(0, |at| at + 1);
        lead.start + comma..lead.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: &str) -> Change {
        Change::Set(value.to_owned())
    }

    fn written(text: &str, changes: &[(&str, Change)], keep: &[&str]) -> String {
        let mut out = Vec::new();
        Object::read(text.as_bytes(), text).unwrap().write(
            changes,
            |name, _| keep.is_empty() || keep.contains(&name),
            &mut out,
        );
        let out = String::from_utf8(out).unwrap();
        serde_json::from_str::<serde_json::Value>(&out)
            .unwrap_or_else(|error| panic!("{out}: {error}"));
        out
    }

    #[test]
    fn keys_set_in_place_and_added() {
        for (text, want) in [
            (r#"{"a":1,"f":"x","b":[{"f":2}]}"#, r#"{"a":1,"f":7,"b":[{"f":2}],"g":8}"#),
            (r#"{ "a" : 1 , "f" : {"g":1} }"#, r#"{ "a" : 1 , "f" : 7, "g" : 8 }"#),
            ("{\n  \"a\": 1\n}", "{\n  \"a\": 1,\n  \"f\": 7,\n  \"g\": 8\n}"),
            ("{}", r#"{"f":7,"g":8}"#),
            ("{ }", r#"{"f":7,"g":8 }"#),
            // Of a key that is there twice, both.
            (r#"{"f":1,"f":2}"#, r#"{"f":7,"f":7,"g":8}"#),
            (r#"{"\u0066":1}"#, r#"{"\u0066":7,"g":8}"#),
            (r#"{"a\"b":"\"f\":"}"#, r#"{"a\"b":"\"f\":","f":7,"g":8}"#),
        ] {
            assert_eq!(written(text, &[("f", set("7")), ("g", set("8"))], &[]), want);
        }
    }

    #[test]
    fn keys_taken_out() {
        for (text, want) in [
            (r#"{"a":1,"f":"x"}"#, r#"{"a":1}"#),
            (r#"{ "f": 1, "a": 2 }"#, r#"{ "a": 2 }"#),
            (r#"{ "a": 1, "f": 2, "b": 3 }"#, r#"{ "a": 1, "b": 3 }"#),
            (r#"{"f":1}"#, "{}"),
            (r#"{"f":1,"f":2}"#, "{}"),
        ] {
            assert_eq!(
                written(
                    text,
                    &[("f", Change::Remove), ("g", Change::Replace("1".to_owned()))],
                    &[]
                ),
                want
            );
        }
        assert_eq!(
            written(r#"{"a":1, "f":2, "b":3}"#, &[("f", Change::Replace("7".to_owned()))], &["b"]),
            r#"{ "f":7, "b":3}"#
        );
    }

    #[test]
    fn no_objects() {
        for text in ["", "[]", "{", "{\"a\"}", "{\"a\":1}x", "1"] {
            assert!(Object::read(text.as_bytes(), text).is_none(), "{text}");
        }
    }
}
