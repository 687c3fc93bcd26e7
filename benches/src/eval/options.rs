//! The command line of `eval`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::options::{Word, Words};

/// What `eval --help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches eval --truth FILE --groups FILE [--json]
       symtool-benches eval --truth-from-path --groups FILE [--json]

Says how well crashes were grouped: B-cubed precision, recall and F1, purity, and where bugs are mixed or spread.

  --truth FILE        event id, tab, bug; one crash a line
  --truth-from-path   a crash's bug is the name of the file that it came from, without folder (needs NDJSON)
  --groups FILE       event id, tab, group; or what symtool crash list --json prints
  --json              one JSON object instead of lines of text";

/// What is evaluated.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// Which bug each crash is of.
    pub truth: Truth,
    /// Which group each crash is in.
    pub groups: PathBuf,
    /// Whether to print JSON.
    pub json: bool,
}

/// Where truth comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Truth {
    /// A file.
    File(PathBuf),
    /// Names of reports' files.
    Path,
}

/// Reads the arguments after `eval`. `None` asks for help.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
    let (mut truth, mut groups, mut json) = (None, None, false);
    let mut words = Words::new(args);
    while let Some(word) = words.next()? {
        match word {
            Word::Option(name) => match name.as_str() {
                "--truth" => truth = Some(Truth::File(words.value()?.into())),
                "--truth-from-path" => truth = Some(Truth::Path),
                "--groups" => groups = Some(words.value()?.into()),
                "--json" => json = true,
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            },
            Word::Plain(file) if truth.is_none() => truth = Some(Truth::File(file.into())),
            Word::Plain(file) if groups.is_none() => groups = Some(file.into()),
            Word::Plain(other) => {
                return Err(format!("{}: one truth and one file of groups only", other.display()));
            }
        }
    }
    let truth = truth.ok_or("--truth FILE or --truth-from-path is missing")?;
    let groups = groups.ok_or("--groups FILE is missing")?;
    Ok(Some(Options { truth, groups, json }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<Options>, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn files_are_named_or_in_order() {
        let want = || {
            Ok(Some(Options { truth: Truth::File("t".into()), groups: "g".into(), json: false }))
        };
        assert_eq!(parsed(&["--groups", "g", "--truth=t"]), want());
        assert_eq!(parsed(&["t", "g"]), want());
        let want = Options { truth: Truth::Path, groups: "g".into(), json: true };
        assert_eq!(parsed(&["--truth-from-path", "--json", "g"]), Ok(Some(want)));
    }

    #[test]
    fn wrong_usage_is_named() {
        assert_eq!(parsed(&["t"]), Err("--groups FILE is missing".to_owned()));
        assert_eq!(
            parsed(&["t", "g", "h"]),
            Err("h: one truth and one file of groups only".to_owned())
        );
        assert!(parsed(&[]).is_err_and(|error| error.contains("--truth-from-path")));
        assert_eq!(parsed(&["--json=1"]), Err("--json takes no value".to_owned()));
    }
}
