//! The command line of `mapping`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::options::{Word, Words};

/// What `mapping --help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches mapping [--bytes N] [--seed N] OUT_DIR

Makes a mapping as R8 writes it, traces with names of it, and what they say with the names of the source.

  --bytes N   size of the mapping, from 100000 [default: 100000000]
  --seed N    picks another one [default: 1]
  OUT_DIR     a new or empty folder";

/// A smaller mapping has too few methods for traces.
const MIN_BYTES: u64 = 100_000;

/// What is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where.
    pub out: PathBuf,
    /// How large the mapping is, nearly.
    pub bytes: u64,
    /// Where random numbers begin.
    pub seed: u64,
}

/// Reads the arguments after `mapping`. `None` asks for help.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options { out: PathBuf::new(), bytes: 100_000_000, seed: 1 };
    let mut words = Words::new(args);
    while let Some(word) = words.next()? {
        match word {
            Word::Option(name) => match name.as_str() {
                "--bytes" => options.bytes = words.number(u64::MAX)?,
                "--seed" => options.seed = words.number(u64::MAX)?,
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            },
            Word::Plain(out) if options.out.as_os_str().is_empty() => options.out = out.into(),
            Word::Plain(other) => return Err(format!("{}: one OUT_DIR only", other.display())),
        }
    }
    if options.bytes < MIN_BYTES {
        return Err(format!("--bytes {}: not a number from {MIN_BYTES}", options.bytes));
    }
    if options.out.as_os_str().is_empty() {
        return Err("OUT_DIR is missing".to_owned());
    }
    Ok(Some(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<Options>, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn options_and_defaults() {
        let want = Options { out: "o".into(), bytes: 200_000, seed: 9 };
        assert_eq!(parsed(&["--bytes", "200000", "o", "--seed=9"]), Ok(Some(want)));
        assert_eq!(
            parsed(&["o"]),
            Ok(Some(Options { out: "o".into(), bytes: 100_000_000, seed: 1 }))
        );
        assert_eq!(parsed(&["--help"]), Ok(None));
    }

    #[test]
    fn wrong_usage_is_named() {
        assert_eq!(parsed(&[]), Err("OUT_DIR is missing".to_owned()));
        assert_eq!(parsed(&["a", "b"]), Err("b: one OUT_DIR only".to_owned()));
        assert_eq!(
            parsed(&["a", "--bytes", "1"]),
            Err("--bytes 1: not a number from 100000".to_owned())
        );
        assert_eq!(parsed(&["a", "--fast"]), Err("unknown option --fast".to_owned()));
    }
}
