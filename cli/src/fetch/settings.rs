//! `[[source]]` in the settings: where files of missing modules are fetched from, in order.
//!
//! ```toml
//! [[source]]
//! type = "debuginfod"                # or breakpad, gdb, lldb, ssqp
//! url = "https://debuginfod.example.com"    # or url-env, url-file, or path = "/srv/symbols"
//! kinds = ["debug", "executable", "unwind"]  # what it is asked for; all of them without this
//! timeout = 90                       # seconds that it may say nothing
//! retry = 20                         # seconds in which a file is tried again
//! retry-misses = 24                  # hours until it is asked again for what it did not have
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use symtool_core::fetch::{Layout, Source, SourcePlace, Use};
use symtool_http::SecretUrl;
use toml::{Table, Value};

use crate::config::{full_path, number};
use crate::secret_text::{SecretText, text};

/// What elfutils and LLVM wait for a server, which may have to unpack a package first.
pub const TIMEOUT_SECONDS: u64 = 90;
/// Seconds in which a file is tried again.
const RETRY_SECONDS: u64 = 20;
/// Hours until a source is asked again: once a night.
const RETRY_MISSES_HOURS: u64 = 20;
const MAX_TIMEOUT_SECONDS: u64 = 3_600;
const MAX_RETRY_SECONDS: u64 = 3_600;
const MAX_RETRY_MISSES_HOURS: u64 = 8_760;

const KEYS: &str = "type, url, url-env, url-file, path, kinds, timeout, retry, retry-misses";

/// What `[[source]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    layout: Layout,
    place: Place,
    uses: Vec<Use>,
    timeout_seconds: u64,
    retry_seconds: u64,
    retry_misses_hours: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Url(SecretText),
    Folder(PathBuf),
}

/// All of `[[source]]`, in a file in `folder`.
///
/// # Errors
/// What it says that cannot be.
pub fn all(value: &Value, folder: &Path) -> Result<Vec<SourceSettings>, String> {
    let wrong = "`source` has to be tables, as in [[source]]";
    let tables = value.as_array().ok_or(wrong)?;
    let mut found = Vec::with_capacity(tables.len());
    for (number, value) in (1..).zip(tables) {
        let table = value.as_table().ok_or(wrong)?;
        let one = SourceSettings::parse(table, folder)
            .map_err(|error| format!("[[source]] number {number}: {error}"))?;
        found.push(one);
    }
    Ok(found)
}

impl SourceSettings {
    fn parse(table: &Table, folder: &Path) -> Result<Self, String> {
        if let Some(key) = table.keys().find(|key| !KEYS.split(", ").any(|known| known == *key)) {
            return Err(format!("unknown key `{key}`; known are {KEYS}"));
        }
        let layout = text(table, "type")?.and_then(Layout::named).ok_or_else(|| {
            let names = Layout::NAMES.map(|(name, _)| name).join(", ");
            format!("`type` has to be one of {names}")
        })?;
        let path = table.get("path").map(|value| {
            full_path(value, folder).ok_or_else(|| "`path` has to be a path in quotes".to_owned())
        });
        let place = match (SecretText::parse(table, "url", folder)?, path.transpose()?) {
            (Some(url), None) => Place::Url(url),
            (None, Some(path)) => Place::Folder(path),
            (None, None) => return Err("set url, url-env, url-file or path".to_owned()),
            (Some(_), Some(_)) => return Err("a URL and `path` cannot both be set".to_owned()),
        };
        let number = |key: &str, least: u64, most: u64, default: u64| {
            number(table, key, least..=most, default)
        };
        Ok(Self {
            layout,
            place,
            uses: uses(table)?,
            timeout_seconds: number("timeout", 1, MAX_TIMEOUT_SECONDS, TIMEOUT_SECONDS)?,
            retry_seconds: number("retry", 0, MAX_RETRY_SECONDS, RETRY_SECONDS)?,
            retry_misses_hours: number(
                "retry-misses",
                0,
                MAX_RETRY_MISSES_HOURS,
                RETRY_MISSES_HOURS,
            )?,
        })
    }

    /// The sources that it stands for: several, if there are several addresses.
    ///
    /// # Errors
    /// What is missing, without anything that nobody else may know.
    pub fn sources(&self) -> Result<Vec<Source>, String> {
        let source = |place| Source {
            layout: self.layout,
            place,
            uses: self.uses.clone(),
            silence: Duration::from_secs(self.timeout_seconds),
            retry: Duration::from_secs(self.retry_seconds),
            miss: Duration::from_secs(self.retry_misses_hours * 3_600),
        };
        let urls = match &self.place {
            Place::Folder(path) => return Ok(vec![source(SourcePlace::Folder(path.clone()))]),
            Place::Url(text) => urls(&text.read("url")?)?,
        };
        if urls.is_empty() {
            return Err("the URL is empty".to_owned());
        }
        Ok(urls.into_iter().map(|url| source(SourcePlace::Url(url))).collect())
    }
}

/// The addresses in `text`, with white space between them, as in `$DEBUGINFOD_URLS`. Files are
/// checked by their ids, so that they may come over plain HTTP.
///
/// # Errors
/// What one of them is not.
pub fn urls(text: &str) -> Result<Vec<SecretUrl>, String> {
    let url = |text| {
        SecretUrl::parse_or_plain(text).map_err(|error| format!("the URL cannot be used: {error}"))
    };
    text.split_whitespace().map(url).collect()
}

fn uses(table: &Table) -> Result<Vec<Use>, String> {
    let Some(value) = table.get("kinds") else {
        return Ok(Use::NAMES.map(|(_, what)| what).to_vec());
    };
    let wrong = "`kinds` has to be a list of debug, executable and unwind";
    let kinds = value.as_array().filter(|kinds| !kinds.is_empty()).ok_or(wrong)?.iter();
    kinds.map(|kind| kind.as_str().and_then(Use::named).ok_or_else(|| wrong.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<SourceSettings>, String> {
        let table: Table = text.parse().unwrap();
        all(&table["source"], Path::new("/etc/st"))
    }

    #[test]
    fn every_key() {
        let text = "[[source]]\ntype = \"ssqp\"\npath = \"symbols\"\nkinds = [\"debug\", \"unwind\"]\ntimeout = 1\nretry = 0\nretry-misses = 2\n";
        let want = SourceSettings {
            layout: Layout::Ssqp,
            place: Place::Folder("/etc/st/symbols".into()),
            uses: vec![Use::Debug, Use::Unwind],
            timeout_seconds: 1,
            retry_seconds: 0,
            retry_misses_hours: 2,
        };
        assert_eq!(parse(text), Ok(vec![want]));
        let two = "[[source]]\ntype = \"debuginfod\"\nurl = \" https://a.example/x http://b.example \"\n[[source]]\ntype = \"lldb\"\nurl-env = \"NO_SUCH_VARIABLE_IS_SET\"\n";
        let two = parse(two).unwrap();
        let names: Vec<String> = two[0].sources().unwrap().iter().map(Source::name).collect();
        assert_eq!(names, ["https://a.example", "http://b.example"]);
        assert!(two[1].sources().unwrap_err().contains("NO_SUCH_VARIABLE_IS_SET"));
    }

    #[test]
    fn what_cannot_be_is_named_and_no_secret() {
        let table = "[[source]]\ntype = \"gdb\"\nurl = \"https://a.example/hidden\"\n";
        for (text, want) in [
            ("source = 1", "`source` has to be tables, as in [[source]]"),
            (
                "[[source]]\ntype = \"s3\"\npath = \"x\"",
                "[[source]] number 1: `type` has to be one of breakpad, debuginfod, gdb, lldb, ssqp",
            ),
            (
                "[[source]]\ntype = \"gdb\"",
                "[[source]] number 1: set url, url-env, url-file or path",
            ),
            (
                &format!("{table}path = \"x\""),
                "[[source]] number 1: a URL and `path` cannot both be set",
            ),
            (
                &format!("{table}[[source]]\n"),
                "[[source]] number 2: `type` has to be one of breakpad, debuginfod, gdb, lldb, ssqp",
            ),
            (
                &format!("{table}kinds = []"),
                "[[source]] number 1: `kinds` has to be a list of debug, executable and unwind",
            ),
            (
                &format!("{table}timeout = 0"),
                "[[source]] number 1: `timeout` has to be a number from 1 to 3600",
            ),
        ] {
            assert_eq!(parse(text), Err(want.to_owned()), "{text}");
        }
        let unknown = parse(&format!("{table}key = 1")).unwrap_err();
        assert!(unknown.contains("unknown key `key`; known are type, "), "{unknown}");
        let hidden = "[[source]]\ntype = \"gdb\"\nurl = \"ftp://hidden\"\n";
        let error = parse(hidden).unwrap()[0].sources().unwrap_err();
        assert!(
            error.starts_with("the URL cannot be used: ") && !error.contains("hidden"),
            "{error}"
        );
    }
}
