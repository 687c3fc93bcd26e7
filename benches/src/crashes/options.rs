//! The command line of `crashes`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::options::{Word, Words};

/// What `crashes --help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches crashes [options] OUT_DIR

Makes crash reports of an example app for Linux, Android and iOS, and says which bug each is of.

  --crashes N      reports [default: 20000]
  --bugs N         bugs [default: 300]
  --builds N       builds of each platform [default: 8]
  --withheld PCT   of the debug files, how many come late [default: 30]
  --texts N        reports written as Android and Apple texts besides [default: 100]
  --seed N         picks others [default: 1]
  OUT_DIR          a new or empty folder";

/// What is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where.
    pub out: PathBuf,
    /// Reports, at least 1.
    pub crashes: usize,
    /// Bugs, at least 1.
    pub bugs: usize,
    /// Builds of each platform, at least 1.
    pub builds: usize,
    /// Of 100 debug files, how many come late.
    pub withheld: u32,
    /// Reports that are written as texts besides.
    pub texts: usize,
    /// Where random numbers begin.
    pub seed: u64,
}

/// Reads the arguments after `crashes`. `None` asks for help.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options {
        out: PathBuf::new(),
        crashes: 20_000,
        bugs: 300,
        builds: 8,
        withheld: 30,
        texts: 100,
        seed: 1,
    };
    let mut words = Words::new(args);
    while let Some(word) = words.next()? {
        match word {
            Word::Option(name) => match name.as_str() {
                "--crashes" => options.crashes = words.positive()?,
                "--bugs" => options.bugs = words.positive()?,
                "--builds" => options.builds = words.positive()?,
                "--withheld" => {
                    options.withheld =
                        words.number(100)?.try_into().map_err(|_| "--withheld: too large")?;
                }
                "--texts" => {
                    options.texts =
                        words.number(u64::MAX)?.try_into().map_err(|_| "--texts: too large")?;
                }
                "--seed" => options.seed = words.number(u64::MAX)?,
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            },
            Word::Plain(out) if options.out.as_os_str().is_empty() => options.out = out.into(),
            Word::Plain(other) => return Err(format!("{}: one OUT_DIR only", other.display())),
        }
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
        let want = Options {
            out: "o".into(),
            crashes: 7,
            bugs: 3,
            builds: 2,
            withheld: 0,
            texts: 0,
            seed: 9,
        };
        let args = [
            "--crashes",
            "7",
            "o",
            "--bugs=3",
            "--builds",
            "2",
            "--withheld",
            "0",
            "--texts=0",
            "--seed=9",
        ];
        assert_eq!(parsed(&args), Ok(Some(want)));
        let Ok(Some(options)) = parsed(&["o"]) else { panic!("options") };
        assert_eq!(
            (options.crashes, options.bugs, options.builds, options.withheld),
            (20_000, 300, 8, 30)
        );
    }

    #[test]
    fn wrong_usage_is_named() {
        assert_eq!(parsed(&[]), Err("OUT_DIR is missing".to_owned()));
        assert_eq!(parsed(&["a", "b"]), Err("b: one OUT_DIR only".to_owned()));
        assert_eq!(parsed(&["a", "--bugs", "0"]), Err("--bugs 0: not a number above 0".to_owned()));
        assert_eq!(
            parsed(&["a", "--withheld", "101"]),
            Err("--withheld 101: not a number up to 100".to_owned())
        );
        assert_eq!(parsed(&["--help"]), Ok(None));
    }
}
