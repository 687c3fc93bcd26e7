//! The command line of binutils' addr2line (2.40, `binutils/addr2line.c`).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What a command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// `-a`: the address before its answer.
    pub addresses: bool,
    /// `-f`: names of functions.
    pub functions: bool,
    /// `-i`: the functions into which that at the address was inlined.
    pub inlines: bool,
    /// `-p`: a line a frame.
    pub pretty: bool,
    /// `-s`: files without their folders.
    pub base_names: bool,
    /// `-C`: demangled names.
    pub demangle: bool,
    /// `-C=STYLE`.
    pub style: Option<Vec<u8>>,
    /// `-e`: the object file.
    pub file: Option<OsString>,
    /// `-j`: the section that addresses are relative to.
    pub section: Option<Vec<u8>>,
    /// `-b`: the object's format.
    pub target: Option<Vec<u8>>,
    /// What remains: addresses, else they come from stdin.
    pub addresses_given: Vec<OsString>,
}

/// What else a command line may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Answers(Box<Options>),
    Help,
    Version,
    /// Wrong usage, and what is wrong.
    Usage(String),
}

/// Whether an option takes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    None,
    Required,
    Optional,
}

const LONG: [(&str, Value, u8); 15] = [
    ("addresses", Value::None, b'a'),
    ("basenames", Value::None, b's'),
    ("demangle", Value::Optional, b'C'),
    ("exe", Value::Required, b'e'),
    ("functions", Value::None, b'f'),
    ("inlines", Value::None, b'i'),
    ("pretty-print", Value::None, b'p'),
    ("recurse-limit", Value::None, b'R'),
    ("recursion-limit", Value::None, b'R'),
    ("no-recurse-limit", Value::None, b'r'),
    ("no-recursion-limit", Value::None, b'r'),
    ("section", Value::Required, b'j'),
    ("target", Value::Required, b'b'),
    ("help", Value::None, b'H'),
    ("version", Value::None, b'V'),
];

const SHORT: &[u8] = b"aCrRsfHhipVv";
const SHORT_WITH_VALUE: &[u8] = b"bej";

/// Reads `words` as `getopt_long` does: options may stand behind addresses, long ones may be cut
/// short, short ones may be joined.
pub fn parse(words: Vec<OsString>) -> Asked {
    let mut options = Options::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let bytes = word.as_bytes();
        let outcome = match bytes {
            b"--" => {
                options.addresses_given.extend(words.by_ref());
                continue;
            }
            [b'-', b'-', long @ ..] => long_option(long, &mut words, &mut options),
            [b'-', short @ ..] if !short.is_empty() => {
                short_options(short, &mut words, &mut options)
            }
            _ => {
                options.addresses_given.push(word);
                continue;
            }
        };
        if let Err(asked) = outcome {
            return asked;
        }
    }
    Asked::Answers(Box::new(options))
}

fn long_option(
    word: &[u8],
    words: &mut impl Iterator<Item = OsString>,
    options: &mut Options,
) -> Result<(), Asked> {
    let (name, value) = match word.iter().position(|&byte| byte == b'=') {
        Some(at) => (&word[..at], Some(OsString::from_vec(word[at + 1..].to_vec()))),
        None => (word, None),
    };
    let shown = String::from_utf8_lossy(name);
    let exact = LONG.iter().find(|(long, ..)| long.as_bytes() == name);
    let found = exact.or_else(|| LONG.iter().find(|(long, ..)| long.as_bytes().starts_with(name)));
    let Some((long, takes, letter)) = found else {
        return Err(Asked::Usage(format!("unrecognized option '--{shown}'")));
    };
    let value = match (takes, value) {
        (Value::None, Some(_)) => {
            return Err(Asked::Usage(format!("option '--{long}' doesn't allow an argument")));
        }
        (Value::Required, None) => Some(
            words
                .next()
                .ok_or_else(|| Asked::Usage(format!("option '--{long}' requires an argument")))?,
        ),
        (_, value) => value,
    };
    apply(*letter, value, options)
}

fn short_options(
    letters: &[u8],
    words: &mut impl Iterator<Item = OsString>,
    options: &mut Options,
) -> Result<(), Asked> {
    for (at, &letter) in letters.iter().enumerate() {
        if SHORT_WITH_VALUE.contains(&letter) {
            let joined = letters
                .get(at + 1..)
                .filter(|rest| !rest.is_empty())
                .map(|rest| OsString::from_vec(rest.to_vec()));
            let missing =
                || Asked::Usage(format!("option requires an argument -- '{}'", char::from(letter)));
            let value = joined.or_else(|| words.next()).ok_or_else(missing)?;
            return apply(letter, Some(value), options);
        }
        if !SHORT.contains(&letter) {
            return Err(Asked::Usage(format!("invalid option -- '{}'", char::from(letter))));
        }
        apply(letter, None, options)?;
    }
    Ok(())
}

fn apply(letter: u8, value: Option<OsString>, options: &mut Options) -> Result<(), Asked> {
    let bytes = |value: Option<OsString>| value.map(OsString::into_vec);
    match letter {
        b'a' => options.addresses = true,
        b's' => options.base_names = true,
        b'f' => options.functions = true,
        b'i' => options.inlines = true,
        b'p' => options.pretty = true,
        b'e' => options.file = value,
        b'j' => options.section = bytes(value),
        b'b' => options.target = bytes(value),
        b'C' => {
            options.demangle = true;
            options.style = bytes(value).or(options.style.take());
        }
        b'h' | b'H' => return Err(Asked::Help),
        b'v' | b'V' => return Err(Asked::Version),
        // Names are demangled within limits of their own.
        _ => {}
    }
    Ok(())
}

/// What `--help` and wrong usage print.
pub fn usage(program: &str) -> String {
    format!(
        "Usage: {program} [option(s)] [addr(s)]
 Convert addresses into line number/file name pairs.
 If no addresses are specified on the command line, they will be read from stdin
 The options are:
  @<file>                Read options from <file>
  -a --addresses         Show addresses
  -b --target=<bfdname>  Set the binary file format (ELF; found out by itself)
  -e --exe=<executable>  Set the input file name (default is a.out)
  -i --inlines           Unwind inlined functions
  -j --section=<name>    Read section-relative offsets instead of addresses
  -p --pretty-print      Make the output easier to read for humans
  -s --basenames         Strip directory names
  -f --functions         Show function names
  -C --demangle[=style]  Demangle function names (styles: none, auto, gnu-v3, rust)
  -R --recurse-limit     Accepted; names are always demangled within limits
  -r --no-recurse-limit  Accepted; likewise
  -h --help              Display this information
  -v --version           Display the program's version

This is symtool: a file is imported into a store on first use, $SYMTOOL_STORE or symtool/store in $XDG_CACHE_HOME.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Asked {
        parse(words.iter().map(OsString::from).collect())
    }

    fn options(words: &[&str]) -> Options {
        match asked(words) {
            Asked::Answers(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_as_getopt_takes_them() {
        let want = Options {
            functions: true,
            inlines: true,
            pretty: true,
            demangle: true,
            file: Some("lib.so".into()),
            addresses_given: vec!["10".into(), "20".into()],
            ..Options::default()
        };
        assert_eq!(options(&["-fipCe", "lib.so", "10", "20"]), want);
        assert_eq!(options(&["10", "-felib.so", "20", "--inl", "--pretty-print", "--dem"]), want);
        assert_eq!(
            options(&["--fun", "-i", "-p", "-C", "--exe", "lib.so", "--", "10", "20"]),
            want
        );
        assert_eq!(options(&["--", "-a"]).addresses_given, ["-a"]);
        assert_eq!(options(&["-", "--section=.text", "-bx"]).addresses_given, ["-"]);
        assert_eq!(options(&["--demangle=auto"]).style.as_deref(), Some(&b"auto"[..]));
        assert_eq!(options(&["-rR", "--no-rec", "--rec"]), Options::default());
    }

    #[test]
    fn wrong_usage() {
        for (words, want) in [
            (&["-z"][..], "invalid option -- 'z'"),
            (&["-Cfoo"], "invalid option -- 'o'"),
            (&["-e"], "option requires an argument -- 'e'"),
            (&["--exe"], "option '--exe' requires an argument"),
            (&["--foo=1"], "unrecognized option '--foo'"),
            (&["--functions=1"], "option '--functions' doesn't allow an argument"),
        ] {
            assert_eq!(asked(words), Asked::Usage(want.to_owned()), "{words:?}");
        }
        assert_eq!(asked(&["-ah"]), Asked::Help);
        assert_eq!(asked(&["--vers"]), Asked::Version);
    }
}
