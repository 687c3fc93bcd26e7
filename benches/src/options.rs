//! The command line of the benches.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What `--help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches [--symtool PATH] [--rounds N] [--addresses N] [--only PART] [--json] [FILE…]
       symtool-benches crashes [options] OUT_DIR     crash reports with known truth (--help)
       symtool-benches eval [options]                how well crashes are grouped (--help)
       symtool-benches mapping [options] OUT_DIR     a mapping of R8, and traces, with known truth (--help)
       symtool-benches retrace-peer MAPPING [TRACE]  what Sentry's proguard crate does (--help)
       symtool-benches crash-floor FILE [OUT]        what any store of crashes must do at least (--help)

Prints ratios of symtool to symcache and to the addr2line crate on debug files, to the proguard crate on a generated mapping, and to floors
on generated crashes, after checking that all give the same answers.

  --symtool PATH   the program to bench [default: the symtool beside this program]
  --rounds N       rounds of the interleaved run; medians are compared [default: 5]
  --addresses N    addresses in a batch [default: 200000]
  --only PART      files, mappings or crashes; may be given twice [default: all, or files alone if a FILE is named]
  --json           one JSON object a file or part instead of lines of text
  FILE             an ELF or dSYM file with debug info [default: three of testdata/objects]";

/// Fixtures that are benched where no file is named: one for each compiler and language.
const DEFAULT_FILES: [&str; 3] =
    ["cpp-gcc-O2-dwarf5.so", "c-clang-O2-dwarf5.so", "rust-O2-dwarf5.so"];

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
    /// The files to bench.
    pub files: Vec<PathBuf>,
    /// Whether to bench a generated mapping.
    pub mappings: bool,
    /// Whether to bench generated crashes.
    pub crashes: bool,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut options = Options {
        symtool: None,
        rounds: 5,
        addresses: 200_000,
        json: false,
        files: Vec::new(),
        mappings: false,
        crashes: false,
    };
    let mut only_files = false;
    let mut words = Words::new(args);
    while let Some(word) = words.next()? {
        match word {
            Word::Plain(file) => options.files.push(file.into()),
            Word::Option(name) => match name.as_str() {
                "--symtool" => options.symtool = Some(words.value()?.into()),
                "--rounds" => options.rounds = words.positive()?,
                "--addresses" => options.addresses = words.positive()?,
                "--json" => options.json = true,
                "--only" => match words.value()?.to_str() {
                    Some("files") => only_files = true,
                    Some("mappings") => options.mappings = true,
                    Some("crashes") => options.crashes = true,
                    _ => return Err("--only: neither files nor mappings nor crashes".to_owned()),
                },
                "-h" | "--help" => return Ok(Asked::Help),
                _ => return Err(format!("unknown option {name}")),
            },
        }
    }
    let is_all = options.files.is_empty() && !(only_files || options.mappings || options.crashes);
    (options.mappings, options.crashes) = (options.mappings || is_all, options.crashes || is_all);
    if options.files.is_empty() && (only_files || is_all) {
        let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects");
        options.files = DEFAULT_FILES.map(|name| objects.join(name)).into();
    }
    Ok(Asked::Run(options))
}

/// Arguments one by one.
pub struct Words<I> {
    args: I,
    /// The option that was read last, and its value if that stood in the same argument and was not
    /// taken yet.
    option: (String, Option<OsString>),
    only_plain: bool,
}

/// One argument.
#[derive(Debug, PartialEq, Eq)]
pub enum Word {
    /// An option's name, with its dashes.
    Option(String),
    /// Anything else.
    Plain(OsString),
}

impl<I: Iterator<Item = OsString>> Words<I> {
    /// Over `args`.
    pub fn new(args: impl IntoIterator<IntoIter = I>) -> Self {
        Self { args: args.into_iter(), option: (String::new(), None), only_plain: false }
    }

    /// The next one. `--` makes all that follow it plain.
    ///
    /// # Errors
    /// If the option before it was given a value that nobody took.
    pub fn next(&mut self) -> Result<Option<Word>, String> {
        if self.option.1.is_some() {
            return Err(format!("{} takes no value", self.option.0));
        }
        let Some(arg) = self.args.next() else { return Ok(None) };
        let text = arg.to_string_lossy();
        if self.only_plain || !text.starts_with('-') {
            return Ok(Some(Word::Plain(arg)));
        }
        if text == "--" {
            self.only_plain = true;
            return self.next();
        }
        self.option = match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.into())),
            None => (text.into_owned(), None),
        };
        Ok(Some(Word::Option(self.option.0.clone())))
    }

    /// The value of the option that was read last.
    ///
    /// # Errors
    /// If there is none.
    pub fn value(&mut self) -> Result<OsString, String> {
        let (name, inline) = &mut self.option;
        inline.take().or_else(|| self.args.next()).ok_or_else(|| format!("{name} needs a value"))
    }

    /// Its value as a number above 0.
    ///
    /// # Errors
    /// If it is none.
    pub fn positive(&mut self) -> Result<usize, String> {
        let value = self.value()?;
        let number =
            value.to_str().and_then(|value| value.parse().ok()).filter(|number| *number > 0);
        number.ok_or_else(|| format!("{} {}: not a number above 0", self.option.0, value.display()))
    }

    /// Its value as a number of at most `limit`.
    ///
    /// # Errors
    /// If it is none.
    pub fn number(&mut self, limit: u64) -> Result<u64, String> {
        let value = self.value()?;
        let number =
            value.to_str().and_then(|value| value.parse().ok()).filter(|number| *number <= limit);
        number.ok_or_else(|| {
            format!("{} {}: not a number up to {limit}", self.option.0, value.display())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Asked, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn options_come_in_any_order_and_both_spellings() {
        let want = Options {
            symtool: Some("/bin/symtool".into()),
            rounds: 3,
            addresses: 7,
            json: true,
            files: vec!["a".into(), "--b".into()],
            mappings: false,
            crashes: false,
        };
        let args = [
            "a",
            "--rounds=3",
            "--json",
            "--addresses",
            "7",
            "--symtool",
            "/bin/symtool",
            "--",
            "--b",
        ];
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
    fn parts_are_left_out() {
        let parts = |args: &[&str]| match parsed(args) {
            Ok(Asked::Run(Options { files, mappings, crashes, .. })) => {
                (files.len(), mappings, crashes)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(parts(&[]), (DEFAULT_FILES.len(), true, true));
        assert_eq!(parts(&["a"]), (1, false, false));
        assert_eq!(parts(&["a", "--only", "crashes"]), (1, false, true));
        assert_eq!(parts(&["--only", "files"]), (DEFAULT_FILES.len(), false, false));
        assert_eq!(parts(&["--only=mappings", "--only=crashes"]), (0, true, true));
        assert_eq!(
            parsed(&["--only", "all"]),
            Err("--only: neither files nor mappings nor crashes".to_owned())
        );
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
