//! The command line: in, arguments; out, [`Options`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What `--help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches [--symtool PATH] [--rounds N] [--addresses N] [--json] [FILE…]

Prints ratios of symtool to symcache and to the addr2line crate, after checking that they give the same answers.

  --symtool PATH   the program to bench [default: the symtool beside this program]
  --rounds N       rounds of the interleaved run; medians are compared [default: 5]
  --addresses N    addresses in a batch [default: 200000]
  --json           one JSON object a file instead of lines of text
  FILE             an ELF or dSYM file with debug info [default: three of testdata/objects]";

/// Fixtures that are benched where no file is named: one for each compiler and language.
const DEFAULT_FILES: [&str; 3] = ["cpp-gcc-O2-dwarf5.so", "c-clang-O2-dwarf5.so", "rust-O2-dwarf5.so"];

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// To be told how.
    Help,
    /// A run.
    Run(Options),
}

/// A run.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// The program to bench, where it is not the one beside this program.
    pub symtool: Option<PathBuf>,
    /// Rounds, at least 1.
    pub rounds: usize,
    /// Addresses in a batch, at least 1.
    pub addresses: usize,
    /// Whether to print JSON.
    pub json: bool,
    /// The files to bench, at least one.
    pub files: Vec<PathBuf>,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut options = Options { symtool: None, rounds: 5, addresses: 200_000, json: false, files: Vec::new() };
    let mut args = args.into_iter();
    let mut only_files = false;
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy().into_owned();
        if only_files || !text.starts_with('-') {
            options.files.push(arg.into());
            continue;
        }
        let (name, mut inline) = match text.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (text.as_str(), None),
        };
        let mut value = || inline.take().or_else(|| args.next()).ok_or_else(|| format!("{name} needs a value"));
        match name {
            "--symtool" => options.symtool = Some(value()?.into()),
            "--rounds" => options.rounds = positive(name, &value()?)?,
            "--addresses" => options.addresses = positive(name, &value()?)?,
            "--json" => options.json = true,
            "-h" | "--help" => return Ok(Asked::Help),
            "--" => only_files = true,
            _ => return Err(format!("unknown option {name}")),
        }
        if inline.is_some() {
            return Err(format!("{name} takes no value"));
        }
    }
    if options.files.is_empty() {
        let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects");
        options.files = DEFAULT_FILES.map(|name| objects.join(name)).into();
    }
    Ok(Asked::Run(options))
}

fn positive(name: &str, value: &OsString) -> Result<usize, String> {
    let number = value.to_str().and_then(|value| value.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| format!("{name} {}: not a number above 0", value.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Asked, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn options_come_in_any_order_and_both_spellings() {
        let want =
            Options { symtool: Some("/bin/symtool".into()), rounds: 3, addresses: 7, json: true, files: vec!["a".into(), "--b".into()] };
        let args = ["a", "--rounds=3", "--json", "--addresses", "7", "--symtool", "/bin/symtool", "--", "--b"];
        assert_eq!(parsed(&args), Ok(Asked::Run(want)));
    }

    #[test]
    fn without_files_the_fixtures_are_benched() {
        let Ok(Asked::Run(options)) = parsed(&[]) else { panic!("a run") };
        assert_eq!((options.rounds, options.addresses, options.json), (5, 200_000, false));
        for file in options.files {
            assert!(file.is_file(), "{}", file.display());
        }
    }

    #[test]
    fn wrong_usage_is_named() {
        assert_eq!(parsed(&["--rounds"]), Err("--rounds needs a value".to_owned()));
        assert_eq!(parsed(&["--rounds", "0"]), Err("--rounds 0: not a number above 0".to_owned()));
        assert_eq!(parsed(&["--json=yes"]), Err("--json takes no value".to_owned()));
        assert_eq!(parsed(&["--fast"]), Err("unknown option --fast".to_owned()));
        assert_eq!(parsed(&["-h", "--fast"]), Ok(Asked::Help));
    }
}
