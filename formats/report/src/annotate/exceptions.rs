//! Exceptions of Sentry's events with the names of the source: `type`, `module` and `value` of
//! `exception.values[]`.
//!
//! Sentry keeps the package of a Java class apart from its name; SDKs put both into `type`, too.

use std::ops::Range;

use crate::scan::json::scalar::Scalar;
use crate::scan::json::{Json, Read};
use crate::scan::text::same_offsets;

use super::object::{Change, Object};
use super::words::quoted;

/// What an exception has that may be obfuscated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionName<'a> {
    /// Its class, with its package.
    Class(&'a str),
    /// What it says.
    Message(&'a str),
}

/// An exception as an event has it.
#[derive(Debug, Default)]
struct Exception {
    kind: Option<String>,
    module: Option<String>,
    value: Option<String>,
}

/// Appends `report` to `out`; what `original` knows of its exceptions stands in it instead. A
/// report that is no event stays as it is.
pub fn annotate_exceptions(
    report: &[u8],
    out: &mut Vec<u8>,
    mut original: impl FnMut(ExceptionName<'_>) -> Option<String>,
) {
    let text = same_offsets(report);
    let mut from = 0;
    for place in places(&text) {
        let bytes = &report[place.clone()];
        let object_text = same_offsets(bytes);
        let Some(object) = Object::read(bytes, &object_text) else { continue };
        let changes = changes(&read(&object_text), &mut original);
        out.extend_from_slice(&report[from..place.start]);
        object.write(&changes, |_, _| true, out);
        from = place.end;
    }
    out.extend_from_slice(&report[from..]);
}

/// Where the exceptions of an event are: `exception.values[]`, or, as older SDKs write it,
/// `exception[]`.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut json = Json::at_document(text);
    // A report that ends early has been told of before.
    let _ = json.object(|json, key| match key {
        "exception" | "sentry.interfaces.Exception" if json.is_array()? => {
            values(json, &mut places)
        }
        "exception" | "sentry.interfaces.Exception" => json.object(|json, key| match key {
            "values" => values(json, &mut places),
            _ => json.skip(),
        }),
        _ => json.skip(),
    });
    places
}

fn values(json: &mut Json<'_>, places: &mut Vec<Range<usize>>) -> Read<()> {
    json.array(|json| {
        places.push(json.spanned(Json::skip)?.range());
        Ok(())
    })
}

fn read(text: &str) -> Exception {
    let mut exception = Exception::default();
    let string = |json: &mut Json<'_>| {
        Ok(json.scalar()?.and_then(|value| match value {
            Scalar::Text(text) => Some(text.into_owned()),
            _ => None,
        }))
    };
    // Whatever cannot be read was an object once.
    let _ = Json::new(text).object(|json, key| {
        match key {
            "type" => exception.kind = string(json)?,
            "module" => exception.module = string(json)?,
            "value" => exception.value = string(json)?,
            _ => json.skip()?,
        }
        Ok(())
    });
    exception
}

fn changes(
    exception: &Exception,
    original: &mut impl FnMut(ExceptionName<'_>) -> Option<String>,
) -> Vec<(&'static str, Change)> {
    let mut changes = Vec::new();
    let kind = exception.kind.as_deref().filter(|kind| !kind.is_empty());
    let module = exception.module.as_deref().filter(|module| !module.is_empty());
    let mut class = |name: &str| original(ExceptionName::Class(name));
    let found = match (kind, module) {
        (Some(kind), Some(module)) if !kind.contains('.') => {
            class(&format!("{module}.{kind}")).map(|class| (class, true))
        }
        (Some(kind), module) => class(kind).map(|class| (class, module.is_some())),
        _ => None,
    };
    if let Some((class, has_module)) = found {
        let is_apart = kind.is_some_and(|kind| !kind.contains('.')) && has_module;
        let (package, name) = class.rsplit_once('.').unwrap_or(("", &class));
        changes.push(("type", Change::Set(quoted(if is_apart { name } else { &class }))));
        if has_module {
            changes.push(("module", Change::Set(quoted(package))));
        }
    }
    let value = exception.value.as_deref().filter(|value| !value.is_empty());
    if let Some(message) = value.and_then(|value| {
        original(ExceptionName::Message(value)).filter(|message| message != value)
    }) {
        changes.push(("value", Change::Set(quoted(&message))));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(report: &str) -> String {
        let mut out = Vec::new();
        annotate_exceptions(report.as_bytes(), &mut out, |name| match name {
            ExceptionName::Class("a.b") => Some("com.shop.Cart$Item".to_owned()),
            ExceptionName::Class("c") => Some("com.shop.Bad".to_owned()),
            ExceptionName::Class(_) => None,
            ExceptionName::Message(message) => Some(message.replace("a.b", "com.shop.Cart$Item")),
        });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn classes_and_what_they_say() {
        for (report, want) in [
            (
                r#"{"exception":{"values":[{"type":"b","module":"a","value":"a.b: \"x\""},{"type":"X"}]},"type":"b"}"#,
                r#"{"exception":{"values":[{"type":"Cart$Item","module":"com.shop","value":"com.shop.Cart$Item: \"x\""},{"type":"X"}]},"type":"b"}"#,
            ),
            (
                r#"{"exception":[{"type":"a.b"}]}"#,
                r#"{"exception":[{"type":"com.shop.Cart$Item"}]}"#,
            ),
            (
                r#"{"exception":{"values":[{"type":"c","module":""}]}}"#,
                r#"{"exception":{"values":[{"type":"com.shop.Bad","module":""}]}}"#,
            ),
            (
                r#"{"exception":{"values":[{"type":"a.b","module":"a","stacktrace":{"frames":[{"module":"a.b"}]}}]}}"#,
                r#"{"exception":{"values":[{"type":"com.shop.Cart$Item","module":"com.shop","stacktrace":{"frames":[{"module":"a.b"}]}}]}}"#,
            ),
        ] {
            assert_eq!(annotated(report), want);
        }
        for same in
            ["{}", "[]", "", "{\"exception\":", "{\"exception\":{\"values\":[1,null]}}", "not json"]
        {
            assert_eq!(annotated(same), same);
        }
    }
}
