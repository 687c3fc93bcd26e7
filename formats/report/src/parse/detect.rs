//! Detects the family of a report from its content. The readers tell the rest.

use crate::scan::json::{Json, JsonError, Read};

/// A family of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One JSON object, Sentry's.
    Sentry,
    /// One JSON object, `KSCrash`'s.
    KsCrash,
    /// Apple's two JSON documents, or a header and a text.
    Ips,
    /// The second of Apple's JSON documents alone.
    IpsBody,
    /// Apple's crash diagnostics, one JSON object.
    MetricKit,
    /// Apple's text.
    AppleText,
    /// One JSON object, rust-minidump's.
    Minidump,
    /// One JSON object, ABRT's.
    Abrt,
    /// Lines of anything else.
    Lines,
    /// JSON that is none of these: what it is.
    Unknown(&'static str),
}

/// The family of `text`.
pub fn family(text: &str) -> Family {
    let begin = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    match begin.as_bytes().first() {
        None => Family::Unknown("nothing but blanks"),
        Some(b'{') => object(begin),
        Some(b'[') if begin[1..].trim_start().starts_with(['{', ']']) => {
            Family::Unknown("a JSON array of no crash reports")
        }
        Some(_) if lines_of_apple(begin) => Family::AppleText,
        Some(_) => Family::Lines,
    }
}

/// The first key that only one of the formats has decides. One that begins like a report and ends
/// early is one that was cut.
fn object(text: &str) -> Family {
    /// Nothing is wrong: the search has ended.
    const FOUND: JsonError = JsonError { at: 0, fact: "", is_end: false };
    let mut family = Family::Unknown("a JSON object of another kind");
    let mut weak = None;
    let read: Read<()> = Json::new(text).object(|json, key| {
        family = match key {
            "crash_info" | "crashing_thread" | "main_module" | "modules_contains_cert_info" => {
                Family::Minidump
            }
            "executable" | "only_crash_thread" | "ureport_version" => Family::Abrt,
            // Sentry has one stack here.
            "stacktrace" if json.is_array()? => {
                weak = Some(Family::Abrt);
                return json.skip();
            }
            "event_id"
            | "debug_meta"
            | "contexts"
            | "sdk"
            | "stacktrace"
            | "sentry.interfaces.Exception" => Family::Sentry,
            "binary_images" | "recrash_report" | "crash" => Family::KsCrash,
            key if crate::readers::metrickit::is_own(key) => Family::MetricKit,
            "bug_type" | "incident_id" | "app_name" | "roots_installed" => Family::Ips,
            "usedImages" | "procName" | "faultingThread" | "procRole" | "bundleInfo"
            | "captureTime" | "coalitionName" => Family::IpsBody,
            "exception" | "threads" | "platform" => {
                // Apple has keys of these names too: another one may know better.
                weak = Some(Family::Sentry);
                return json.skip();
            }
            _ => return json.skip(),
        };
        Err(FOUND)
    });
    match (read, family) {
        (Err(FOUND), family) => family,
        (_, Family::Unknown(_)) => weak.unwrap_or(family),
        (_, family) => family,
    }
}

/// Whether one of the first lines is one that only Apple's reports have, and none before it is one
/// of another format.
fn lines_of_apple(text: &str) -> bool {
    /// Lines that are looked at: what people write above a report is shorter.
    const LINES: usize = 1000;
    let own = text.lines().take(LINES).map(str::trim_start).find_map(|line| {
        let is_frame = line
            .strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            || line.strip_prefix("at ").is_some_and(|rest| rest.contains('('));
        let is_other = line.starts_with("*** ***") || line.starts_with("backtrace:") || is_frame;
        if is_other {
            Some(false)
        } else {
            crate::readers::apple_text::is_own(line).then_some(true)
        }
    });
    own == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for (text, want) in [
            ("\u{feff}\n{\"tags\":{},\"event_id\":1}", Family::Sentry),
            ("{\"threads\":[],\"usedImages\":[]}", Family::IpsBody),
            ("{\"threads\":{}}", Family::Sentry),
            ("{\"threads\":{\"val", Family::Sentry),
            ("{\"timestamp\":\"x\",\"platform\":2,\"bug_type\":\"309\"}", Family::Ips),
            ("{\"user\":{},\"crash\":{}}", Family::KsCrash),
            ("{\"app_name\":\"x\"}\n{", Family::Ips),
            ("{\"modules\":[],\"crash_info\":{}}", Family::Minidump),
            ("{\"signal\":11,\"executable\":\"/a\",\"stacktrace\":[]}", Family::Abrt),
            ("{\"signal\":11,\"stacktrace\":[{}]}", Family::Abrt),
            ("{\"stacktrace\":{\"frames\":[]}}", Family::Sentry),
            ("Process: x [1]\n\nThread 0 Crashed:\n", Family::AppleText),
            ("# Crash\n\nat startup:\n\nProcess: x [1]\n\nThread 0 Crashed:\n", Family::AppleText),
            ("#0 f\nThread 0 Crashed:\n", Family::Lines),
            ("Thread pool is full", Family::Lines),
            ("*** *** ***\nThread 0:", Family::Lines),
            ("[anon] {", Family::Lines),
        ] {
            assert_eq!(family(text), want, "{text}");
        }
        for text in ["", " \n", "{}", "{\"a\":1}", "[{}]", "{\"a\""] {
            assert!(matches!(family(text), Family::Unknown(_)), "{text}");
        }
    }
}
