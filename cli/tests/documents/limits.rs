//! `docs/limits.md` against the constants: every limit with its number, and every constant of a
//! `limits.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::pages::{self, cells, code};

/// The constants of a source file with their values, durations in milliseconds.
fn constants(path: &str) -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(pages::root().join(path)).unwrap();
    let lines = text.lines().map(|line| line.trim_start_matches("pub "));
    let found = lines.filter_map(|line| {
        let (name, rest) = line.strip_prefix("const ")?.split_once(": ")?;
        let (_, value) = rest.split_once(" = ")?;
        Some((name.to_owned(), number(value.strip_suffix(';')?)?))
    });
    found.collect()
}

/// The value of `64 << 10`, `20_000` or `Duration::from_millis(500)`.
fn number(value: &str) -> Option<u64> {
    let value = value
        .strip_prefix("Duration::from_millis(")
        .and_then(|value| value.strip_suffix(')'))
        .unwrap_or(value)
        .replace('_', "");
    match value.split_once(" << ") {
        Some((number, shift)) => number.parse::<u64>().ok()?.checked_shl(shift.parse().ok()?),
        None => value.parse().ok(),
    }
}

/// The value of `64 KiB`, `20,000`, or `0.5 s` in milliseconds.
fn written(value: &str) -> Option<u64> {
    let (number, unit) = value.split_once(' ').unwrap_or((value, ""));
    let number = number.replace(',', "");
    let factor = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "s" => {
            return number.parse::<f64>().ok().map(|seconds| {
                std::time::Duration::from_secs_f64(seconds).as_millis().try_into().unwrap()
            });
        }
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[test]
fn every_limit_is_documented_with_its_number() {
    let page = pages::page(Path::new("docs/limits.md"));
    let mut file = "";
    // By file, the constants that the page names.
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in page.text.lines() {
        if line.starts_with('#') {
            file = code(line).first().copied().unwrap_or_default();
        }
        let Some(row) = cells(line).filter(|row| {
            row.len() == 5 && !file.is_empty() && row[0] != "limit" && row[0] != "---"
        }) else {
            continue;
        };
        let (value, name) = (row[1], code(row[4])[0]);
        let is = constants(file).get(name).copied();
        assert_eq!(written(value), is, "{file}: {name} is not {value}");
        named.entry(file).or_default().push(name);
    }
    assert!(named.len() >= 7, "{named:?}");
    for (file, names) in named {
        for name in constants(file).keys() {
            assert!(names.contains(&name.as_str()), "{file}: {name} is missing in docs/limits.md");
        }
    }
}

#[test]
fn limits_elsewhere_have_their_number() {
    let page = pages::page(Path::new("docs/limits.md"));
    let rows = page
        .text
        .lines()
        .filter_map(cells)
        .filter(|row| row.len() == 4 && row[0] != "limit" && row[0] != "---");
    let mut checked = 0;
    for row in rows {
        let (value, file, name) = (row[1], code(row[2])[0], code(row[3])[0]);
        assert_eq!(
            written(value),
            constants(file).get(name).copied(),
            "{file}: {name} is not {value}"
        );
        checked += 1;
    }
    assert!(checked >= 6, "{checked}");
}

#[test]
fn numbers_are_read_as_they_are_written() {
    assert_eq!(
        (number("64 << 10"), number("20_000"), number("Duration::from_millis(500)")),
        (Some(65_536), Some(20_000), Some(500))
    );
    assert_eq!(
        (written("64 KiB"), written("20,000"), written("0.5 s"), written("64 dozen")),
        (Some(65_536), Some(20_000), Some(500), None)
    );
}
