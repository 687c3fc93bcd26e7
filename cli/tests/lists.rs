//! `symtool modules list` a page at a time: in order, without a module twice or none, from a store
//! that is open, sealed, or of an earlier version.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::path::Path;

use support::{Sandbox, json_lines, made};

/// Names and ids in the order of the list.
fn listed(sandbox: &Sandbox, key: Option<&Path>, args: &[&str]) -> Vec<(String, String)> {
    let run = sandbox.run_with(key, [&["modules", "list", "--json"], args].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let text = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap().to_owned();
    json_lines(&run.stdout).iter().map(|line| (text(line, "name"), text(line, "id"))).collect()
}

/// Pages of `count` modules, one after the other.
fn pages(
    sandbox: &Sandbox,
    key: Option<&Path>,
    count: usize,
    args: &[&str],
) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let limit = count.to_string();
    loop {
        let after = all.last().map(|(_, id)| id.clone());
        let from = after.iter().flat_map(|id| ["--after", id.as_str()]);
        let words: Vec<&str> =
            args.iter().copied().chain(["--limit", &limit]).chain(from).collect();
        let page = listed(sandbox, key, &words);
        assert!(page.len() <= count);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn store(key: Option<&Path>, sandbox: &Sandbox) {
    for number in 1..=23u8 {
        // Several of one name, whose ids do not come in order.
        let id = [number.wrapping_mul(97); 20];
        let name = ["b.so", "a.so", "a.so.1"][usize::from(number) % 3];
        let folder = sandbox.path(&format!("{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, made::library(id, "f", 0..3)).unwrap();
        let run = sandbox.run_with(key, ["import", "-q", path.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
}

#[test]
fn pages_make_the_list() {
    let open = Sandbox::in_memory();
    store(None, &open);
    let sealed = Sandbox::in_memory();
    let key = sealed.path("key");
    assert_eq!(sealed.run(["key", "generate", key.to_str().unwrap()]).code, 0);
    store(Some(&key), &sealed);
    let all = listed(&open, None, &[]);
    assert_eq!(all.len(), 23);
    assert!(all.is_sorted());
    for (sandbox, key) in [(&open, None), (&sealed, Some(&*key))] {
        assert_eq!(listed(sandbox, key, &[]), all);
        for count in [1, 4, 23, 100] {
            assert_eq!(pages(sandbox, key, count, &[]), all);
        }
        let backwards: Vec<_> = all.iter().rev().cloned().collect();
        assert_eq!(pages(sandbox, key, 5, &["--reverse"]), backwards);
        let chosen: Vec<_> = all.iter().filter(|(name, _)| name == "b.so").cloned().collect();
        assert_eq!(pages(sandbox, key, 3, &["b.so"]), chosen);
        let newest = listed(sandbox, key, &["--sort", "imported"]);
        assert_eq!(pages(sandbox, key, 4, &["--sort", "imported"]), newest);
        assert_eq!(newest.len(), 23);
        let text = sandbox.run_with(key, ["modules", "list", "--limit", "2"]).stdout;
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("a.so "), "{text}");
        let unknown = sandbox.run_with(key, ["modules", "list", "--after", "c.so"]);
        assert_eq!(unknown.code, 1);
        assert!(unknown.stderr.contains("c.so"), "{}", unknown.stderr);
    }
}

/// A module that goes, is replaced or gets a label stands in the list once, or not at all.
#[test]
fn changes_of_modules_change_the_list() {
    let sandbox = Sandbox::in_memory();
    store(None, &sandbox);
    let mut all = listed(&sandbox, None, &[]);
    let (gone, kept) = (all.remove(7), all[3].clone());
    assert_eq!(sandbox.run(["modules", "remove", &gone.1]).code, 0);
    let number =
        (1..=23u8).find(|number| kept.1.starts_with(&format!("{:02x}", number.wrapping_mul(97))));
    let path = sandbox.path(&format!("{}", number.unwrap())).join(&kept.0);
    let path = path.to_str().unwrap();
    assert_eq!(sandbox.run(["import", "-q", "--force", path]).code, 0);
    assert_eq!(sandbox.run(["import", "-q", "--label", "shop@1", path]).code, 0);
    assert_eq!(sandbox.run(["import", "-q", "--label", "shop@2", path]).code, 0);
    assert_eq!(pages(&sandbox, None, 5, &[]), all);
    let labelled = listed(&sandbox, None, &["shop@2"]);
    assert_eq!(labelled, [kept]);
    for _ in 0..2 {
        let verified = sandbox.run(["modules", "verify"]);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        assert_eq!(sandbox.run(["modules", "compact"]).code, 0);
        assert_eq!(listed(&sandbox, None, &[]), all);
    }
}
