//! Reads the bug and the group of each crash.
//!
//! A crash is known by its event id, whatever its spelling (dashes, upper case). One without is
//! known by its file's name without folder and suffix, which is how the generator names texts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// By crash, its bug.
pub type Truth = BTreeMap<String, String>;

/// A crash's group.
#[derive(Debug, PartialEq, Eq)]
pub struct Grouped {
    /// The group.
    pub group: String,
    /// The path that it came from, if the file says so.
    pub source: Option<String>,
}

/// By crash, or by line where a crash is known by neither.
pub type Groups = BTreeMap<String, Grouped>;

/// Reads `event id TAB bug` lines.
///
/// # Errors
/// If the file cannot be read, or a line is not like that or names a crash again; names the line.
pub fn truth(path: &Path) -> Result<Truth> {
    let mut truth = Truth::new();
    for (number, line) in lines(&read(path)?) {
        let at = || format!("{}:{number}", path.display());
        let (id, bug) = line
            .split_once('\t')
            .with_context(|| format!("{}: not an event id, a tab, and a bug", at()))?;
        if truth.insert(known_as(id), bug.to_owned()).is_some() {
            bail!("{}: {id} is there already; a crash has one bug", at());
        }
    }
    Ok(truth)
}

/// Reads `event id TAB group` lines, or what `crash list --json` prints.
///
/// # Errors
/// If the file cannot be read, or a line is neither or names a crash again; names the line.
pub fn groups(path: &Path) -> Result<Groups> {
    let mut groups = Groups::new();
    for (number, line) in lines(&read(path)?) {
        let at = || format!("{}:{number}", path.display());
        let (id, grouped) = if line.starts_with('{') {
            listed(line).with_context(at)?
        } else {
            plain(line).with_context(at)?
        };
        if groups.insert(id.clone(), grouped).is_some() {
            bail!("{}: {id} is there already; a crash has one group", at());
        }
    }
    Ok(groups)
}

fn plain(line: &str) -> Result<(String, Grouped)> {
    let (id, group) = line.split_once('\t').context("not an event id, a tab, and a group")?;
    Ok((known_as(id), Grouped { group: group.to_owned(), source: None }))
}

fn listed(line: &str) -> Result<(String, Grouped)> {
    let crash: Value =
        serde_json::from_str(line).context("not a JSON object of crash list --json")?;
    let text = |key: &str| crash[key].as_str().filter(|text| !text.is_empty());
    let source = text("source");
    let stem = || Path::new(source?).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let id =
        text("event_id").map(str::to_owned).or_else(stem).or_else(|| text("id").map(str::to_owned));
    let id = id.context("no event_id, source or id")?;
    let group = text("group").context("no group; run symtool reprocess first")?.to_owned();
    Ok((known_as(&id), Grouped { group, source: source.map(str::to_owned) }))
}

/// Bugs and groups of the crashes that both files have to have.
///
/// # Errors
/// If a crash is in one file only; says how many are.
pub fn join(
    truth: &Truth,
    groups: &Groups,
    truth_path: &Path,
    groups_path: &Path,
) -> Result<Vec<(String, String)>> {
    let mut alone = groups.keys().filter(|id| !truth.contains_key(*id));
    if let Some(id) = alone.next() {
        bail!(
            "{}: {} has no bug for {id}, nor for {} more",
            groups_path.display(),
            truth_path.display(),
            alone.count()
        );
    }
    let mut alone = truth.keys().filter(|id| !groups.contains_key(*id));
    if let Some(id) = alone.next() {
        bail!(
            "{}: {} has no group for {id}, nor for {} more",
            truth_path.display(),
            groups_path.display(),
            alone.count()
        );
    }
    Ok(truth
        .iter()
        .filter_map(|(id, bug)| Some((bug.clone(), groups.get(id)?.group.clone())))
        .collect())
}

/// Bugs and groups of crashes whose bug is their file's name.
///
/// # Errors
/// If a crash came from no file.
pub fn from_paths(groups: &Groups, path: &Path) -> Result<Vec<(String, String)>> {
    let pair = |(id, grouped): (&String, &Grouped)| {
        let name = grouped.source.as_deref().and_then(|source| Path::new(source).file_name());
        let name = name.with_context(|| {
            format!("{}: {id} has no source; pass what crash list --json prints", path.display())
        })?;
        Ok((name.to_string_lossy().into_owned(), grouped.group.clone()))
    };
    groups.iter().map(pair).collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Lines that say something, numbered from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

/// `id` in the one spelling that is compared. What is no id stays as it is.
fn known_as(id: &str) -> String {
    let digits: String = id.chars().filter(|character| *character != '-').collect();
    let is_id = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { digits.to_ascii_lowercase() } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0c5f3d6a9b2e4f7081a2b3c4d5e6f708";
    const DASHED: &str = "0C5F3D6A-9B2E-4F70-81A2-B3C4D5E6F708";

    fn file(text: &str) -> Result<tempfile::NamedTempFile> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        Ok(file)
    }

    #[test]
    fn both_spellings_of_groups_are_read() -> Result<()> {
        let tabs = groups(file(&format!("{ID}\tg1\n\nother\tg2\n"))?.path())?;
        let json = format!(
            "{{\"id\":\"c1\",\"event_id\":\"{DASHED}\",\"group\":\"g1\",\"source\":\"a/b.json\"}}\n{{\"id\":\"c2\",\"group\":\"g2\",\"source\":\"x/other.txt\"}}\n"
        );
        let listed = groups(file(&json)?.path())?;
        let names = |groups: &Groups| {
            groups
                .iter()
                .map(|(id, grouped)| (id.clone(), grouped.group.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&tabs), names(&listed));
        let pairs = from_paths(&listed, Path::new("groups"))?;
        assert_eq!(
            pairs,
            [("b.json", "g1"), ("other.txt", "g2")]
                .map(|(bug, group)| (bug.to_owned(), group.to_owned()))
        );
        assert!(from_paths(&tabs, Path::new("groups")).is_err());
        Ok(())
    }

    #[test]
    fn crashes_of_one_file_only_are_named() -> Result<()> {
        let truth = truth(file(&format!("{ID}\t7\nb\t8\n"))?.path())?;
        let both = groups(file(&format!("{DASHED}\tg1\nb\tg2\n"))?.path())?;
        let names = (Path::new("t"), Path::new("g"));
        assert_eq!(
            join(&truth, &both, names.0, names.1)?,
            [("7", "g1"), ("8", "g2")].map(|(bug, group)| (bug.to_owned(), group.to_owned()))
        );
        let less = groups(file("b\tg2\n")?.path())?;
        assert_eq!(
            join(&truth, &less, names.0, names.1).unwrap_err().to_string(),
            format!("t: g has no group for {ID}, nor for 0 more")
        );
        let more = groups(file(&format!("{ID}\tg1\nb\tg2\nc\tg2\nd\tg2\n"))?.path())?;
        assert_eq!(
            join(&truth, &more, names.0, names.1).unwrap_err().to_string(),
            "g: t has no bug for c, nor for 1 more"
        );
        Ok(())
    }

    #[test]
    fn wrong_lines_are_numbered() -> Result<()> {
        for (text, want) in [
            ("a\t1\nb 2\n", ":2: not an event id"),
            ("a\t1\na\t2\n", ":2: a is there already"),
            ("{\"group\":\"g\"}", ":1: no event_id"),
            ("{\"event_id\":\"a\"}", ":1: no group"),
            ("{", ":1: not a JSON object"),
        ] {
            let error = format!("{:#}", groups(file(text)?.path()).expect_err(text));
            assert!(error.contains(want), "{error}");
        }
        assert!(
            format!("{:#}", truth(file("a\t1\na\t1\n")?.path()).unwrap_err())
                .contains(":2: a is there already")
        );
        Ok(())
    }
}
