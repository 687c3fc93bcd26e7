//! Problems as GitHub, GitLab and SARIF have them.

use std::fs;

use serde_json::Value;

use crate::support::archives::{DEFLATED, zip};
use crate::support::{Sandbox, object, testdata};
use crate::{FIXTURE, path};

/// Runs `check` in a folder with `bad.so`, `app.apk` and `mapping.txt`, each with a problem.
fn annotated(format: &str) -> String {
    let sandbox = Sandbox::new();
    let bad = fs::read(object("c-gcc-O2-no-id.so")).unwrap();
    sandbox.write("app, 100%.apk", zip(&[("lib/x86_64/bad.so", DEFLATED, &bad)]));
    fs::copy(testdata("mapping/builds/half.mapping.txt"), sandbox.path("mapping.txt")).unwrap();
    fs::copy(object(FIXTURE), sandbox.path("good.so")).unwrap();
    let output = sandbox
        .command()
        .args(["check", "--format", format, "./app, 100%.apk", "good.so", "mapping.txt"])
        .current_dir(sandbox.path("."))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "symtool: 1 good, 2 not good\n");
    String::from_utf8(output.stdout).unwrap()
}

const NO_ID: &str =
    "no build-id, so crashes cannot be matched with its symbols; link with -Wl,--build-id";

const CHANGED: &str = "its contents are not those that R8 wrote (pg_map_hash): it was cut off or changed; copy it again from the build";

/// The commands of `@actions/core`: in properties `%`, line ends, `:` and `,` are escaped, in data
/// the first two.
#[test]
fn annotations_of_github() {
    let want = format!(
        "::error file=app%2C 100%25.apk,title=No build-id or UUID::./app, 100%25.apk!lib/x86_64/bad.so: {NO_ID}\n\
         ::error file=mapping.txt,title=The mapping is not what R8 wrote::mapping.txt: {CHANGED}\n"
    );
    assert_eq!(annotated("github"), want);
}

#[test]
fn code_quality_of_gitlab() {
    let issues: Value = serde_json::from_str(&annotated("gitlab")).unwrap();
    let mut issues = issues.as_array().unwrap().clone();
    let fingerprints: Vec<String> = issues
        .iter_mut()
        .map(|issue| {
            issue.as_object_mut().unwrap().remove("fingerprint").unwrap().as_str().unwrap().into()
        })
        .collect();
    assert!(fingerprints[0] != fingerprints[1] && fingerprints.iter().all(|text| text.len() == 64));
    assert_eq!(
        issues,
        [
            serde_json::json!({
                "description": format!("./app, 100%.apk!lib/x86_64/bad.so: {NO_ID}"), "check_name": "no_id",
                "severity": "major", "location": {"path": "app, 100%.apk", "lines": {"begin": 1}},
            }),
            serde_json::json!({
                "description": format!("mapping.txt: {CHANGED}"), "check_name": "changed",
                "severity": "major", "location": {"path": "mapping.txt", "lines": {"begin": 1}},
            }),
        ]
    );
}

#[test]
fn logs_in_sarif() {
    let log: Value = serde_json::from_str(&annotated("sarif")).unwrap();
    assert_eq!((&log["version"], log["runs"].as_array().unwrap().len()), (&"2.1.0".into(), 1));
    let (driver, results) = (&log["runs"][0]["tool"]["driver"], &log["runs"][0]["results"]);
    assert_eq!((&driver["name"], results.as_array().unwrap().len()), (&"symtool".into(), 2));
    for (result, id, uri, text) in [
        (
            &results[0],
            "no_id",
            "app%2C%20100%25.apk",
            format!("./app, 100%.apk!lib/x86_64/bad.so: {NO_ID}"),
        ),
        (&results[1], "changed", "mapping.txt", format!("mapping.txt: {CHANGED}")),
    ] {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!((&driver["rules"][rule]["id"], &result["ruleId"]), (&id.into(), &id.into()));
        assert_eq!((&result["message"]["text"], &result["level"]), (&text.into(), &"error".into()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], uri);
        assert_eq!(place["region"]["startLine"], 1);
    }
}

#[test]
fn one_format_at_a_time() {
    let sandbox = Sandbox::new();
    let good = path(FIXTURE);
    for format in ["github", "gitlab", "sarif"] {
        let run = sandbox.run(["check", "--format", format, &good]);
        assert_eq!(run.code, 0, "{format}");
        let want = if format == "github" {
            ""
        } else if format == "gitlab" {
            "[]\n"
        } else {
            &run.stdout
        };
        assert_eq!(run.stdout, want, "{format}");
    }
    let json = sandbox.run(["check", "--json", &good]).stdout;
    assert_eq!(sandbox.run(["check", "--format", "json", &good]).stdout, json);
    assert_eq!(sandbox.run(["check", "--json", "--format", "sarif", &good]).code, 2);
}
