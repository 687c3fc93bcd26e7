//! The problems of `symtool check` as continuous integration shows them beside a change: workflow
//! commands of GitHub, Code Quality of GitLab, SARIF 2.1.0.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::report::Report;
use super::verdict::{Kind, Problem};
use crate::import::failures::on_disk;

/// A workflow command for each problem of `reports`: `::error file=…,title=…::…`.
///
/// # Errors
/// If `out` cannot be written.
pub fn github(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    for (report, problem) in problems(reports) {
        let (file, title) = (property(location(report.path())), property(problem.problem.title()));
        let message = data(&message(report, problem));
        writeln!(out, "::error file={file},title={title}::{message}")?;
    }
    Ok(())
}

/// The text of a workflow command, which ends with its line (`@actions/core`, command.ts).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or colon, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A Code Quality report: an array with an issue for each problem of `reports`.
///
/// # Errors
/// If `out` cannot be written.
pub fn gitlab(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    let issue = |(report, problem): (&Report, &Problem)| {
        json!({
            "description": message(report, problem),
            "check_name": problem.problem.name(),
            "fingerprint": fingerprint(report, problem),
            "severity": "major",
            "location": {"path": location(report.path()), "lines": {"begin": 1}},
        })
    };
    let issues: Vec<Value> = problems(reports).map(issue).collect();
    writeln!(out, "{}", serde_json::to_string_pretty(&issues)?)
}

/// A log in SARIF 2.1.0 with one run: a rule for each kind of problem that there can be, and a
/// result for each problem of `reports`.
///
/// # Errors
/// If `out` cannot be written.
pub fn sarif(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    let rule = |kind: Kind| {
        json!({
            "id": kind.name(),
            "shortDescription": {"text": kind.title()},
            "defaultConfiguration": {"level": "error"},
        })
    };
    let result = |(report, problem): (&Report, &Problem)| {
        json!({
            "ruleId": problem.problem.name(),
            "ruleIndex": Kind::ALL.iter().position(|kind| *kind == problem.problem),
            "level": "error",
            "message": {"text": message(report, problem)},
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": {"uri": uri(location(report.path()))},
                    "region": {"startLine": 1},
                },
            }],
            "partialFingerprints": {"symtoolProblem/v1": fingerprint(report, problem)},
        })
    };
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "symtool",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": Kind::ALL.map(rule),
                },
            },
            "results": problems(reports).map(result).collect::<Vec<Value>>(),
        }],
    });
    writeln!(out, "{}", serde_json::to_string_pretty(&log)?)
}

/// All problems, each with the file that has it.
fn problems(reports: &[Report]) -> impl Iterator<Item = (&Report, &Problem)> {
    reports.iter().flat_map(|report| report.problems().iter().map(move |problem| (report, problem)))
}

/// What is wrong, with the member of the archive that has it. Messages about files that cannot be
/// read begin with their path.
fn message(report: &Report, problem: &Problem) -> String {
    let path = report.path();
    if problem.message.starts_with(path) {
        problem.message.clone()
    } else {
        format!("{path}: {}", problem.message)
    }
}

/// The file on disk that `path` lies in: of a member, its archive. From the folder at hand, as
/// annotations are shown for files of a repository only.
fn location(path: &str) -> &str {
    let file = on_disk(Path::new(path)).and_then(Path::to_str).unwrap_or(path);
    file.strip_prefix("./").unwrap_or(file)
}

/// The same for the same problem of the same file in another run, and no other.
fn fingerprint(report: &Report, problem: &Problem) -> String {
    let path = report.path().strip_prefix("./").unwrap_or(report.path());
    hex::encode(Sha256::digest(format!("{}\0{path}", problem.problem.name())))
}

/// `path` as a URI reference (RFC 3986): relative, or of a file if it begins at the root.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            uri.push_str(&hex::encode_upper([byte]));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_is_escaped() {
        assert_eq!(data("50 %\r\nmore: a, b"), "50 %25%0D%0Amore: a, b");
        assert_eq!(property("a%:b,c"), "a%25%3Ab%2Cc");
    }

    #[test]
    fn uris_have_no_other_signs() {
        assert_eq!(uri("build/a b.so"), "build/a%20b.so");
        assert_eq!(uri("/x/ä.so"), "file:///x/%C3%A4.so");
    }

    #[test]
    fn a_member_is_shown_at_its_archive() {
        let here = "Cargo.toml";
        for path in [here, "./Cargo.toml!a(b)!c:arm64"] {
            assert_eq!(location(path), here, "{path}");
        }
        assert_eq!(location("nothing!here"), "nothing!here");
    }
}
