//! The command line of ndk-stack, as Python's argparse reads it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

pub const USAGE: &str = "usage: ndk-stack [-h] -sym SYMBOL_DIR [-i INPUT]\n";

pub const HELP: &str = "usage: ndk-stack [-h] -sym SYMBOL_DIR [-i INPUT]

Symbolizes Android crashes.

options:
  -h, --help            show this help message and exit
  -sym SYMBOL_DIR, --sym SYMBOL_DIR
                        directory containing unstripped .so files
  -i INPUT, -dump INPUT, --dump INPUT
                        input filename

See <https://developer.android.com/ndk/guides/ndk-stack>.
";

/// What the words say.
#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    /// Where libraries are.
    pub symbols: PathBuf,
    /// The log; stdin if none is named.
    pub input: Option<OsString>,
}

/// What came of the words.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    Args(Args),
    Help,
    /// They are wrong, and why.
    Wrong(String),
}

const SYMBOLS: &str = "-sym/--sym";
const INPUT: &str = "-i/-dump/--dump";

impl Args {
    /// Reads `words`.
    pub fn parse(words: &[OsString]) -> Parsed {
        let (mut symbols, mut input, mut others) = (None, None, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let bytes = word.as_bytes();
            let (name, value) = match bytes.iter().position(|byte| *byte == b'=') {
                Some(at) if bytes.starts_with(b"-") => (&bytes[..at], Some(&bytes[at + 1..])),
                _ => (bytes, None),
            };
            let (to, shown) = match name {
                b"-h" | b"--help" => return Parsed::Help,
                b"-sym" | b"--sym" => (&mut symbols, SYMBOLS),
                b"-i" | b"-dump" | b"--dump" => (&mut input, INPUT),
                _ => {
                    others.push(word.to_string_lossy());
                    continue;
                }
            };
            let value = value.map(|value| OsStr::from_bytes(value).to_owned());
            let is_value =
                |word: &&OsString| !word.as_bytes().starts_with(b"-") || word.as_bytes() == b"-";
            let next = || words.as_slice().first().filter(is_value).cloned();
            let Some(value) = value.clone().or_else(next) else {
                return Parsed::Wrong(format!("argument {shown}: expected one argument"));
            };
            if name.len() == bytes.len() {
                words.next();
            }
            *to = Some(value);
        }
        match symbols {
            None => Parsed::Wrong(format!("the following arguments are required: {SYMBOLS}")),
            Some(_) if !others.is_empty() => {
                Parsed::Wrong(format!("unrecognized arguments: {}", others.join(" ")))
            }
            Some(symbols) => Parsed::Args(Self { symbols: symbols.into(), input }),
        }
    }
}

/// That the log at `path` cannot be opened.
pub fn cannot_open(path: &OsStr, error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let number = error.raw_os_error().unwrap_or_default();
    let path = path.to_string_lossy();
    format!("argument {INPUT}: can't open '{path}': [Errno {number}] {text}: '{path}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Parsed {
        Args::parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn words_in_every_spelling() {
        let args = |symbols: &str, input: Option<&str>| {
            Parsed::Args(Args { symbols: symbols.into(), input: input.map(Into::into) })
        };
        for (words, want) in [
            (&["-sym", "obj"][..], args("obj", None)),
            (&["--sym=obj", "--dump=log"], args("obj", Some("log"))),
            (&["-dump", "log", "-sym", "obj"], args("obj", Some("log"))),
            (&["-i", "-", "-sym=o=b"], args("o=b", Some("-"))),
            (&["-sym", "obj", "-h"], Parsed::Help),
            (&["-sym"], Parsed::Wrong("argument -sym/--sym: expected one argument".into())),
            (&[], Parsed::Wrong("the following arguments are required: -sym/--sym".into())),
            (&["-sym", "x", "y"], Parsed::Wrong("unrecognized arguments: y".into())),
        ] {
            assert_eq!(parse(words), want, "{words:?}");
        }
    }
}
