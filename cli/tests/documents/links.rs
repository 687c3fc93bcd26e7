//! Links between pages, and paths that pages name: each leads somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use crate::pages::{self, Page};

/// Folders whose paths are checked wherever a page names one.
const FOLDERS: [&str; 9] = [
    "cli/",
    "core/",
    "formats/",
    "benches/",
    "fuzz/",
    "testdata/",
    "docs/",
    "scripts/",
    ".github/",
];

/// Files that a reader makes who follows a page.
const MADE_BY_READERS: [&str; 2] =
    ["testdata/crashes/zig.txt", "formats/report/src/readers/lines/native/zig.rs"];

/// The targets of all links of `page`.
fn links(page: &Page) -> Vec<String> {
    let text = page.text_outside();
    text.split("](")
        .skip(1)
        .map(|part| part.split(')').next().unwrap().replace('\n', " "))
        .collect()
}

/// The names by which headings are linked to, as GitHub makes them.
fn anchors(page: &Page) -> BTreeSet<String> {
    let headings = page.prose().into_iter().filter_map(|line| line.strip_prefix('#'));
    let slug = |heading: &str| -> String {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        text.chars()
            .filter(|sign| sign.is_alphanumeric() || "-_ ".contains(*sign))
            .map(|sign| if sign == ' ' { '-' } else { sign })
            .collect()
    };
    headings.map(slug).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut checked = 0;
    for page in pages::all() {
        let folder = Path::new(&page.name).parent().unwrap();
        for link in links(&page).iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.name.clone().into() } else { folder.join(path) };
            assert!(pages::root().join(&target).exists(), "{}: no {link}", page.name);
            if !anchor.is_empty() {
                assert!(
                    anchors(&pages::page(&target)).contains(anchor),
                    "{}: no heading for {link}",
                    page.name
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} links");
}

#[test]
fn paths_are_there() {
    let mut checked = 0;
    for page in pages::all() {
        // What was renamed since stays as it was called.
        if page.name == "CHANGELOG.md" {
            continue;
        }
        for code in pages::code(&page.text_outside()) {
            let is_path = FOLDERS.iter().any(|folder| code.starts_with(folder))
                && !code.contains(['*', ' '])
                && !code.contains("NAME");
            if is_path && !MADE_BY_READERS.contains(&code) {
                let path = code.split(':').next().unwrap();
                assert!(pages::root().join(path).exists(), "{}: no {path}", page.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked} paths");
}

#[test]
fn the_first_pages_stay_short() {
    for (name, most) in [("README.md", 199), ("ARCHITECTURE.md", 150)] {
        let lines = pages::page(Path::new(name)).text.lines().count();
        assert!(lines <= most, "{name} has {lines} lines; the rest belongs into docs/");
    }
}
