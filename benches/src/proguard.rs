//! What one would use instead of symtool's retrace: Sentry's proguard crate.
//!
//! ```text
//! mapping.txt ─ ProguardCache::write ─> cache, in memory ─ ProguardCache::parse ─> index
//! trace ─ remap_stacktrace ─> standard output
//! ```
//!
//! A service keeps the cache and has only to parse it, which takes no time: `--cache` writes it
//! once, and reads it where it is.

use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use proguard::{ProguardCache, ProguardMapping};
use symbolic_common::ByteView;

use crate::options::{Word, Words};

/// The first argument of its process.
pub const VERB: &str = "retrace-peer";

/// What `retrace-peer --help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches retrace-peer [--cache FILE] MAPPING [TRACE]

Retraces TRACE through MAPPING by Sentry's proguard crate, and prints it. Without TRACE only the index is built.

  --cache FILE   the index, which is read if it is there, and else written";

/// What is retraced.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    cache: Option<PathBuf>,
    mapping: PathBuf,
    trace: Option<PathBuf>,
}

/// Reads the arguments after [`VERB`]. `None` asks for help.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    let mut words = Words::new(args);
    while let Some(word) = words.next()? {
        match word {
            Word::Option(name) => match name.as_str() {
                "--cache" => options.cache = Some(words.value()?.into()),
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            },
            Word::Plain(path) if options.mapping.as_os_str().is_empty() => {
                options.mapping = path.into();
            }
            Word::Plain(path) if options.trace.is_none() => options.trace = Some(path.into()),
            Word::Plain(other) => {
                return Err(format!("{}: one MAPPING and one TRACE only", other.display()));
            }
        }
    }
    if options.mapping.as_os_str().is_empty() {
        return Err("MAPPING is missing".to_owned());
    }
    Ok(Some(options))
}

/// `program` retracing `trace` through `mapping`, or through its index at `cache`; without `trace`
/// it builds the index only.
pub fn command(
    program: &Path,
    cache: Option<&Path>,
    mapping: &Path,
    trace: Option<&Path>,
) -> Command {
    let mut command = Command::new(program);
    command.arg(VERB);
    if let Some(cache) = cache {
        command.arg("--cache").arg(cache);
    }
    command.arg(mapping).args(trace);
    command
}

/// Does it.
///
/// # Errors
/// If a file cannot be read or written, or the cache is none; names it.
pub fn run(options: &Options) -> Result<()> {
    let data = match &options.cache {
        Some(path) if path.exists() => {
            ByteView::open(path).with_context(|| path.display().to_string())?
        }
        Some(path) => {
            let data = index(&options.mapping)?;
            fs::write(path, &data).with_context(|| path.display().to_string())?;
            ByteView::from_vec(data)
        }
        None => ByteView::from_vec(index(&options.mapping)?),
    };
    let cache = ProguardCache::parse(&data)
        .map_err(|error| anyhow!("{}: {error}; remove its cache", options.mapping.display()))?;
    match &options.trace {
        Some(trace) => {
            let text = fs::read_to_string(trace).with_context(|| trace.display().to_string())?;
            let text = cache.remap_stacktrace(&text).context("remap_stacktrace")?;
            io::stdout().lock().write_all(text.as_bytes()).context("standard output")
        }
        None => {
            black_box(cache);
            Ok(())
        }
    }
}

fn index(mapping: &Path) -> Result<Vec<u8>> {
    let named = || mapping.display().to_string();
    let text = ByteView::open(mapping).with_context(named)?;
    let mut cache = Vec::new();
    ProguardCache::write(&ProguardMapping::new(&text), &mut cache).with_context(named)?;
    Ok(cache)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let parsed = |args: &[&str]| parse(args.iter().map(OsString::from));
        let want =
            Options { cache: Some("c".into()), mapping: "m".into(), trace: Some("t".into()) };
        assert_eq!(parsed(&["m", "--cache=c", "t"]), Ok(Some(want)));
        assert_eq!(parsed(&["m"]), Ok(Some(Options { mapping: "m".into(), ..Options::default() })));
        assert_eq!(parsed(&[]), Err("MAPPING is missing".to_owned()));
        assert_eq!(parsed(&["a", "b", "c"]), Err("c: one MAPPING and one TRACE only".to_owned()));
    }

    #[test]
    fn the_index_is_one_of_the_mapping() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), "com.a.B -> a.b:\n    1:1:void m():7:7 -> c\n")?;
        let data = index(file.path())?;
        let cache = ProguardCache::parse(&data).map_err(|error| anyhow!("{error}"))?;
        assert_eq!(
            cache.remap_stacktrace("\tat a.b.c(SourceFile:1)\n")?.trim(),
            "at com.a.B.m(B.java:7)"
        );
        Ok(())
    }
}
