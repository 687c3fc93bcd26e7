//! The settings file `symtool.toml`: defaults for what the command line and the environment leave
//! open.
//!
//! ```toml
//! store = "~/symbols"                # --store
//! jobs = 4                           # -j
//! wait = 60                          # --wait, in seconds
//! color = "never"                    # --color
//! key-file = "/etc/symtool.key"      # --key-file, or key-command = "…"
//! cache = "/srv/cache"               # --cache, of a bucket
//! cache-quota = "50GB"               # modules in the cache
//! retry-missing = "1h"               # how long a bucket is not asked again for what it lacked
//! timeout = 30                       # --timeout, in seconds
//! quota = "50GB"                     # all modules together
//! crash-quota = "20GB"               # all crashes together
//! debug-dirs = ["/srv/debug", "dbg"] # searched after each --debug-dir
//! rules = "rules.txt"                # --rules
//! source-link = "https://…/{commit}/{path}#L{line}"
//! source-roots = ["/ci/build"]       # taken off paths in links
//! [notify.ops]                       # --notify ops (notify/settings.rs)
//! [[source]]                         # missing --fetch (fetch/settings.rs)
//! ```
//!
//! `~` is the home folder; other relative paths begin at the file's own folder.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use symtool_core::report::SourceLink;
use toml::{Table, Value};

use crate::args::{self, MAX_JOBS, MAX_WAIT_SECONDS};
use crate::context::is_bucket;
use crate::exit::Usage;
use crate::fetch::{self, SourceSettings};
use crate::notify::{self, NotifySettings};
use crate::terminal::Color;

const NAME: &str = "symtool.toml";

/// Bytes of a config file; one that says all that it can has some hundred.
const MAX_BYTES: u64 = 1 << 20;

/// All keys, as messages list them.
const KEYS: &str = "store, jobs, wait, color, key-file, key-command, cache, cache-quota, retry-missing, timeout, quota, crash-quota, debug-dirs, rules, source-link, source-roots, notify, source";

/// What a size has to be.
const SIZE: &str = "a size, as in \"50GB\", \"800MB\" or 1000000";

/// What a config file can say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The store's folder.
    pub store: Option<PathBuf>,
    /// Threads to use.
    pub jobs: Option<usize>,
    /// How long to wait for another process, in seconds.
    pub wait: Option<u64>,
    /// When to colour.
    pub color: Option<Color>,
    /// The file with the master key.
    pub key_file: Option<PathBuf>,
    /// A command that prints the master key.
    pub key_command: Option<String>,
    /// The folder that caches a bucket.
    pub cache: Option<PathBuf>,
    /// Bytes that modules may take in the cache of a bucket.
    pub cache_quota: Option<u64>,
    /// How long it is believed that a bucket lacks something, in seconds.
    pub retry_missing: Option<u64>,
    /// How long an answer of a bucket may take, in seconds.
    pub timeout: Option<u64>,
    /// Bytes that all modules together may take in the store.
    pub quota: Option<u64>,
    /// Bytes that all crashes together may take in the store.
    pub crash_quota: Option<u64>,
    /// Where debug files are looked for too.
    pub debug_dirs: Vec<PathBuf>,
    /// Grouping rules that come after the built-in ones.
    pub rules: Option<PathBuf>,
    /// Where lines of source can be seen.
    pub source_link: Option<SourceLink>,
    /// Who may be told what happened, by name.
    pub notify: BTreeMap<String, NotifySettings>,
    /// Where files of missing modules are fetched from, in order.
    pub sources: Vec<SourceSettings>,
    /// Whether other users can read the file.
    pub is_open: bool,
}

impl Config {
    /// What the file `named` says, else that which `$SYMTOOL_CONFIG` names, else the user's own;
    /// nothing if there is none.
    ///
    /// # Errors
    /// [`Usage`] if the file says what cannot be, or if it was named and cannot be read.
    pub fn load(named: Option<PathBuf>) -> Result<Self> {
        let (path, is_named) = match named.or_else(|| path_in("SYMTOOL_CONFIG")) {
            Some(path) => (path, true),
            None => match own_file() {
                Some(path) => (path, false),
                None => return Ok(Self::default()),
            },
        };
        match read(&path) {
            Ok((text, is_open)) => Self::parse(&text, &path)
                .map(|config| Self { is_open, ..config })
                .map_err(|reason| Usage(format!("{}: {reason}", path.display())).into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => {
                Ok(Self::default())
            }
            Err(error) => Err(Usage(format!(
                "{}: the config file cannot be read ({error}); see --config",
                path.display()
            ))
            .into()),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, String> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
            });
            format!("line {line}: {}", error.message().replace('\n', "; "))
        })?;
        let mut config = Self::default();
        for (key, value) in &table {
            config.set(key, value, folder)?;
        }
        if config.key_file.is_some() && config.key_command.is_some() {
            return Err("`key-file` and `key-command` cannot both be set".to_owned());
        }
        config.source_link = source_link(&table)?;
        Ok(config)
    }

    /// Takes one key of a file in `folder`.
    fn set(&mut self, key: &str, value: &Value, folder: &Path) -> Result<(), String> {
        let wrong = |want: &str| format!("`{key}` has to be {want}");
        let path = || full_path(value, folder).ok_or_else(|| wrong("a path in quotes"));
        let seconds = |least| {
            let seconds = whole(value).filter(|it| (least..=MAX_WAIT_SECONDS).contains(it));
            seconds.ok_or_else(|| {
                wrong(&format!("a number of seconds from {least} to {MAX_WAIT_SECONDS}"))
            })
        };
        match key {
            "store" => {
                let bucket = value.as_str().filter(|text| is_bucket(text)).map(PathBuf::from);
                self.store = Some(bucket.map_or_else(path, Ok)?);
            }
            "jobs" => {
                let jobs = whole(value)
                    .and_then(|jobs| usize::try_from(jobs).ok())
                    .filter(|jobs| (1..=MAX_JOBS).contains(jobs));
                self.jobs =
                    Some(jobs.ok_or_else(|| wrong(&format!("a number from 1 to {MAX_JOBS}")))?);
            }
            "wait" => self.wait = Some(seconds(0)?),
            "color" => {
                let color = value.as_str().and_then(Color::named);
                self.color = Some(color.ok_or_else(|| wrong("\"auto\", \"always\" or \"never\""))?);
            }
            "key-file" => self.key_file = Some(path()?),
            "key-command" => {
                let command = value.as_str().filter(|command| !command.trim().is_empty());
                self.key_command =
                    Some(command.ok_or_else(|| wrong("a command in quotes"))?.to_owned());
            }
            "cache" => self.cache = Some(path()?),
            "cache-quota" => self.cache_quota = Some(bytes(value).ok_or_else(|| wrong(SIZE))?),
            "retry-missing" => {
                let age = value.as_str().and_then(|text| args::age(text).ok());
                self.retry_missing =
                    Some(age.ok_or_else(|| wrong("an age, as in \"1h\" or \"10m\""))?);
            }
            "timeout" => self.timeout = Some(seconds(1)?),
            "quota" => self.quota = Some(bytes(value).ok_or_else(|| wrong(SIZE))?),
            "crash-quota" => self.crash_quota = Some(bytes(value).ok_or_else(|| wrong(SIZE))?),
            "rules" => self.rules = Some(path()?),
            "debug-dirs" => {
                let dirs = value
                    .as_array()
                    .and_then(|dirs| dirs.iter().map(|dir| full_path(dir, folder)).collect());
                self.debug_dirs =
                    dirs.ok_or_else(|| wrong("a list of paths, as in [\"/srv/debug\"]"))?;
            }
            "notify" => self.notify = notify::all(value, folder)?,
            "source" => self.sources = fetch::all(value, folder)?,
            // They are read together.
            "source-link" | "source-roots" => {}
            _ => return Err(format!("unknown key `{key}`; known are {KEYS}")),
        }
        Ok(())
    }
}

/// The number in `range` that `key` of `table` has, or the `default`.
///
/// # Errors
/// What it has to be.
pub fn number(
    table: &Table,
    key: &str,
    range: RangeInclusive<u64>,
    default: u64,
) -> Result<u64, String> {
    let Some(value) = table.get(key) else { return Ok(default) };
    whole(value).filter(|number| range.contains(number)).ok_or_else(|| {
        format!("`{key}` has to be a number from {} to {}", range.start(), range.end())
    })
}

/// Where lines of source can be seen, if `table` says so.
fn source_link(table: &Table) -> Result<Option<SourceLink>, String> {
    let roots = table.get("source-roots").map(|roots| {
        let roots = roots.as_array()?.iter();
        roots.map(|root| Some(root.as_str()?.to_owned())).collect::<Option<Vec<String>>>()
    });
    let roots = match roots {
        None => Vec::new(),
        Some(Some(roots)) => roots,
        Some(None) => {
            return Err(
                "`source-roots` has to be a list of folders, as in [\"/ci/build\"]".to_owned()
            );
        }
    };
    let Some(template) = table.get("source-link") else { return Ok(None) };
    let example = "as in \"https://example.com/blob/{commit}/{path}#L{line}\"";
    let link = template.as_str().ok_or_else(|| "it is no text".to_owned());
    let link = link.and_then(|link| SourceLink::parse(link).map_err(|error| error.to_string()));
    let link =
        link.map_err(|error| format!("`source-link` has to be a link, {example}: {error}"))?;
    Ok(Some(link.with_roots(roots)))
}

/// The path that an environment variable holds; one that is empty counts as unset.
pub fn path_in(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `symtool/symtool.toml` where the user's config files are.
fn own_file() -> Option<PathBuf> {
    let config = path_in("XDG_CONFIG_HOME").or_else(|| Some(path_in("HOME")?.join(".config")))?;
    Some(config.join("symtool").join(NAME))
}

/// The text, and whether other users can read it.
fn read(path: &Path) -> io::Result<(String, bool)> {
    let (mut text, file) = (String::new(), File::open(path)?);
    let is_open = file.metadata()?.permissions().mode() & 0o077 != 0;
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok((text, is_open))
}

fn whole(value: &Value) -> Option<u64> {
    value.as_integer().and_then(|number| u64::try_from(number).ok())
}

/// A number of bytes, or a text with a decimal unit.
fn bytes(value: &Value) -> Option<u64> {
    value.as_str().map_or_else(|| whole(value), size)
}

/// The bytes that a number with a decimal unit stands for.
pub fn size(text: &str) -> Option<u64> {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The path that `value` is, in a file in `folder`; `~` is the home folder.
pub fn full_path(value: &Value, folder: &Path) -> Option<PathBuf> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    let home = || env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    match text.strip_prefix('~') {
        Some("") => home(),
        Some(rest) if rest.starts_with('/') => {
            home().map(|home| home.join(rest.trim_start_matches('/')))
        }
        _ => Some(folder.join(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/st/symtool.toml"))
    }

    #[test]
    fn every_key() {
        let text = "store = \"here/s\"\njobs = 2\nwait = 0\ncolor = \"never\"\nkey-file = \"k\"\ncache = \"c\"\ncache-quota = 9\nretry-missing = \"10m\"\ntimeout = 5\nquota = \"50 GB\"\ncrash-quota = 7\ndebug-dirs = [\"/a\", \"../b\"]\nrules = \"r\"\n";
        let want = Config {
            store: Some("/etc/st/here/s".into()),
            jobs: Some(2),
            wait: Some(0),
            color: Some(Color::Never),
            key_file: Some("/etc/st/k".into()),
            key_command: None,
            cache: Some("/etc/st/c".into()),
            cache_quota: Some(9),
            retry_missing: Some(600),
            timeout: Some(5),
            quota: Some(50_000_000_000),
            crash_quota: Some(7),
            debug_dirs: vec!["/a".into(), "/etc/st/../b".into()],
            rules: Some("/etc/st/r".into()),
            source_link: None,
            notify: BTreeMap::new(),
            sources: Vec::new(),
            is_open: false,
        };
        assert_eq!(parse(text), Ok(want));
        assert_eq!(parse(""), Ok(Config::default()));
        let bucket = parse("store = \"s3://symbols/team\"").unwrap().store;
        assert_eq!(bucket, Some("s3://symbols/team".into()));
        let home = PathBuf::from(env::var_os("HOME").unwrap());
        assert_eq!(parse("store = \"~/s\"").unwrap().store, Some(home.join("s")));
        assert_eq!(parse("store = \"~x\"").unwrap().store, Some("/etc/st/~x".into()));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, want) in [
            (
                "stor = \"x\"",
                "unknown key `stor`; known are store, jobs, wait, color, key-file, key-command, cache, cache-quota, retry-missing, timeout, quota, crash-quota, debug-dirs, rules, source-link, source-roots, notify, source",
            ),
            ("[store]\npath = 1", "`store` has to be a path in quotes"),
            ("store = \"\"", "`store` has to be a path in quotes"),
            ("jobs = 0", "`jobs` has to be a number from 1 to 1024"),
            ("jobs = \"2\"", "`jobs` has to be a number from 1 to 1024"),
            ("wait = -1", "`wait` has to be a number of seconds from 0 to 31536000"),
            ("timeout = 0", "`timeout` has to be a number of seconds from 1 to 31536000"),
            ("retry-missing = 5", "`retry-missing` has to be an age, as in \"1h\" or \"10m\""),
            ("color = \"red\"", "`color` has to be \"auto\", \"always\" or \"never\""),
            ("quota = \"much\"", "`quota` has to be a size, as in \"50GB\", \"800MB\" or 1000000"),
            (
                "key-file = \"a\"\nkey-command = \"b\"",
                "`key-file` and `key-command` cannot both be set",
            ),
            (
                "source-link = \"ftp://x/{path}\"",
                "`source-link` has to be a link, as in \"https://example.com/blob/{commit}/{path}#L{line}\": it does not begin with https:// or http://",
            ),
            (
                "source-roots = [1]",
                "`source-roots` has to be a list of folders, as in [\"/ci/build\"]",
            ),
            (
                "debug-dirs = \"/x\"",
                "`debug-dirs` has to be a list of paths, as in [\"/srv/debug\"]",
            ),
        ] {
            assert_eq!(parse(text), Err(want.to_owned()));
        }
        let error = parse("jobs = 2\nstore = here\n").unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
    }
}
