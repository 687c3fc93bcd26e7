//! The command line of llvm-symbolizer (LLVM 19, `llvm-symbolizer/Opts.td`, read as `OptTable` does
//! it with grouped short options).

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    Addresses,
    AdjustVma,
    BaseNames,
    Build,
    CacheSize,
    Color,
    DebugFileDirectory,
    Debuginfod,
    DefaultArch,
    Demangle,
    Dia,
    DsymHint,
    Dwp,
    FallbackDebugPath,
    FilterMarkup,
    Functions,
    FunctionsAs,
    Help,
    Inlines,
    NoDebuginfod,
    NoDemangle,
    NoInlines,
    Obj,
    OutputStyle,
    PrettyPrint,
    RelativeAddress,
    RelativeNames,
    SourceContext,
    UntagAddresses,
    Verbose,
    Version,
}

/// How an option takes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// What follows in its word.
    Rest,
    /// The next word.
    Next,
    /// What follows in its word, else the next one.
    Either,
}

use Takes::{Either, Next, Nothing, Rest};

const OPTIONS: [(&str, Takes, Id); 63] = [
    ("--addresses", Nothing, Id::Addresses),
    ("--print-address", Nothing, Id::Addresses),
    ("-a", Nothing, Id::Addresses),
    ("--adjust-vma=", Rest, Id::AdjustVma),
    ("--adjust-vma", Next, Id::AdjustVma),
    ("--basenames", Nothing, Id::BaseNames),
    ("-s", Nothing, Id::BaseNames),
    ("--build-id=", Rest, Id::Build),
    ("--build-id", Next, Id::Build),
    ("--cache-size=", Rest, Id::CacheSize),
    ("--cache-size", Next, Id::CacheSize),
    ("--color", Nothing, Id::Color),
    ("--color=", Rest, Id::Color),
    ("--debug-file-directory=", Rest, Id::DebugFileDirectory),
    ("--debug-file-directory", Next, Id::DebugFileDirectory),
    ("--debuginfod", Nothing, Id::Debuginfod),
    ("--no-debuginfod", Nothing, Id::NoDebuginfod),
    ("--default-arch=", Rest, Id::DefaultArch),
    ("--default-arch", Next, Id::DefaultArch),
    ("--demangle", Nothing, Id::Demangle),
    ("-C", Nothing, Id::Demangle),
    ("-demangle=true", Nothing, Id::Demangle),
    ("-demangle=false", Nothing, Id::NoDemangle),
    ("--no-demangle", Nothing, Id::NoDemangle),
    ("--dia", Nothing, Id::Dia),
    ("--dsym-hint=", Rest, Id::DsymHint),
    ("--dsym-hint", Next, Id::DsymHint),
    ("--dwp=", Rest, Id::Dwp),
    ("--dwp", Next, Id::Dwp),
    ("--fallback-debug-path=", Rest, Id::FallbackDebugPath),
    ("--fallback-debug-path", Next, Id::FallbackDebugPath),
    ("--filter-markup", Nothing, Id::FilterMarkup),
    ("--functions", Nothing, Id::Functions),
    ("-f", Nothing, Id::Functions),
    ("--functions=", Rest, Id::FunctionsAs),
    ("-f=", Rest, Id::FunctionsAs),
    ("--help", Nothing, Id::Help),
    ("-h", Nothing, Id::Help),
    ("--inlines", Nothing, Id::Inlines),
    ("--inlining", Nothing, Id::Inlines),
    ("--inlining=true", Nothing, Id::Inlines),
    ("-i", Nothing, Id::Inlines),
    ("--no-inlines", Nothing, Id::NoInlines),
    ("--inlining=false", Nothing, Id::NoInlines),
    ("--obj=", Rest, Id::Obj),
    ("--obj", Next, Id::Obj),
    ("--exe=", Rest, Id::Obj),
    ("--exe", Next, Id::Obj),
    ("-e", Either, Id::Obj),
    ("-e=", Rest, Id::Obj),
    ("--output-style=", Rest, Id::OutputStyle),
    ("--output-style", Next, Id::OutputStyle),
    ("--pretty-print", Nothing, Id::PrettyPrint),
    ("-p", Nothing, Id::PrettyPrint),
    ("--print-source-context-lines=", Rest, Id::SourceContext),
    ("--print-source-context-lines", Next, Id::SourceContext),
    ("--relative-address", Nothing, Id::RelativeAddress),
    ("--relativenames", Nothing, Id::RelativeNames),
    ("--untag-addresses", Nothing, Id::UntagAddresses),
    ("--no-untag-addresses", Nothing, Id::UntagAddresses),
    ("--verbose", Nothing, Id::Verbose),
    ("--version", Nothing, Id::Version),
    ("-v", Nothing, Id::Version),
];

/// What words ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Options in order, as they are spelled, with their values.
    options: Vec<(Id, &'static str, OsString)>,
    /// Requests.
    pub requests: Vec<OsString>,
    /// What is wrong, in the tool's words.
    pub errors: Vec<String>,
}

impl Words {
    /// Reads `words`.
    pub fn of(words: Vec<OsString>) -> Self {
        let mut parsed = Self::default();
        let (mut unknown, mut missing) = (Vec::new(), None);
        let mut words: VecDeque<OsString> = words.into();
        while let Some(word) = words.pop_front() {
            let bytes = word.as_bytes();
            if bytes.is_empty() {
                continue;
            }
            if bytes.first() != Some(&b'-') || bytes == b"-" {
                parsed.requests.push(word);
                continue;
            }
            match Match::of(bytes, words.front()) {
                Match::Option(id, name, value, takes_next) => {
                    parsed.options.push((id, name, value));
                    if takes_next {
                        words.pop_front();
                    }
                }
                Match::Missing(name) => missing = Some(format!("{name}: missing argument")),
                Match::Grouped(id, name) => {
                    parsed.options.push((id, name, OsString::new()));
                    words.push_front(OsString::from_vec([b"-", &bytes[2..]].concat()));
                }
                Match::Letter => {
                    unknown.push(unknown_argument(&bytes[..2]));
                    words.push_front(OsString::from_vec([b"-", &bytes[2..]].concat()));
                }
                Match::Unknown => unknown.push(unknown_argument(bytes)),
            }
            if missing.is_some() {
                break;
            }
        }
        parsed.errors = missing.into_iter().chain(unknown).collect();
        parsed
    }

    /// Whether an option is there.
    pub fn has(&self, id: Id) -> bool {
        self.options.iter().any(|(other, ..)| *other == id)
    }

    /// Which of two options is the last; `otherwise` if neither is there.
    pub fn flag(&self, yes: Id, no: Id, otherwise: bool) -> bool {
        self.options
            .iter()
            .rev()
            .find(|(id, ..)| *id == yes || *id == no)
            .map_or(otherwise, |(id, ..)| *id == yes)
    }

    /// The last value of an option, and how the option is called in messages.
    pub fn value(&self, id: Id) -> Option<(&'static str, &OsStr)> {
        let (_, name, value) = self.options.iter().rev().find(|(other, ..)| *other == id)?;
        Some((name, value))
    }

    /// All values of an option.
    pub fn values(&self, id: Id) -> impl Iterator<Item = &OsStr> {
        self.options
            .iter()
            .filter(move |(other, ..)| *other == id)
            .map(|(.., value)| value.as_os_str())
    }

    /// The last option that is one of `ids`.
    pub fn last(&self, ids: &[Id]) -> Option<Id> {
        self.options.iter().rev().map(|(id, ..)| *id).find(|id| ids.contains(id))
    }

    /// The first option that is one of `ids`, as it is spelled.
    pub fn first_of(&self, ids: &[Id]) -> Option<&'static str> {
        self.options
            .iter()
            .find(|(id, ..)| ids.contains(id))
            .map(|(_, name, _)| name.trim_end_matches('='))
    }
}

/// What the beginning of a word is.
enum Match {
    /// An option with its value, and whether that is the next word.
    Option(Id, &'static str, OsString, bool),
    /// An option whose value is missing.
    Missing(&'static str),
    /// A letter that is an option, with more behind it.
    Grouped(Id, &'static str),
    /// A letter that is none.
    Letter,
    /// A word that is none.
    Unknown,
}

impl Match {
    fn of(word: &[u8], next: Option<&OsString>) -> Self {
        let mut candidates: Vec<_> =
            OPTIONS.iter().filter(|(name, ..)| word.starts_with(name.as_bytes())).collect();
        candidates.sort_by_key(|(name, ..)| std::cmp::Reverse(name.len()));
        for (name, takes, id) in &candidates {
            let rest = &word[name.len()..];
            match (takes, rest) {
                (Nothing, []) => return Self::Option(*id, name, OsString::new(), false),
                (Rest, rest) | (Either, rest @ [_, ..]) => {
                    return Self::Option(*id, name, OsString::from_vec(rest.to_vec()), false);
                }
                (Next | Either, []) => {
                    return next.map_or(Self::Missing(name), |next| {
                        Self::Option(*id, name, next.clone(), true)
                    });
                }
                _ => {}
            }
        }
        let letter =
            candidates.iter().find(|(name, takes, _)| name.len() == 2 && *takes == Nothing);
        match letter {
            Some((name, _, id)) if word.get(2) != Some(&b'=') => Self::Grouped(*id, name),
            None if !word.starts_with(b"--") => Self::Letter,
            _ => Self::Unknown,
        }
    }
}

/// Shorter options are not proposed.
const MIN_NEAR_BYTES: usize = 6;

fn unknown_argument(word: &[u8]) -> String {
    let shown = String::from_utf8_lossy(word);
    let near = OPTIONS
        .iter()
        .find(|(name, ..)| name.len() >= MIN_NEAR_BYTES && is_near(name.as_bytes(), word));
    near.map_or_else(
        || format!("unknown argument '{shown}'"),
        |(name, ..)| format!("unknown argument '{shown}', did you mean '{name}'?"),
    )
}

/// Whether one byte more, less or changed makes `one` of `other`.
fn is_near(one: &[u8], other: &[u8]) -> bool {
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[start..], &other[start..]);
    let end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    (one.len() - end).max(other.len() - end) == 1
}

/// What `--help` prints.
pub const HELP: &str = "OVERVIEW: llvm-symbolizer

USAGE: llvm-symbolizer [options] addresses...

OPTIONS:
  --addresses           Show address before line information
  --adjust-vma=<offset> Add specified offset to object file addresses
  -a                    Alias for --addresses
  --basenames           Strip directory names from paths
  --build-id=<value>    Build ID used to look up the object file
  -C                    Alias for --demangle
  --debug-file-directory=<dir>
                        Path to directory where to look for debug files
  --demangle            Demangle function names
  -e=<file>             Alias for --obj
  --exe=<file>          Alias for --obj
  -f=<value>            Alias for --functions=
  --fallback-debug-path=<dir>
                        Fallback path for debug binaries
  --functions=<value>   Print function name for a given address: none, short, linkage
  -f                    Alias for --functions
  --help                Display this help
  --inlines             Print all inlined frames for a given address
  --inlining=false      Alias for --no-inlines
  --inlining=true       Alias for --inlines
  -i                    Alias for --inlines
  --no-demangle         Don't demangle function names
  --no-inlines          Do not print inlined frames
  --obj=<file>          Path to object file to be symbolized (if not provided, object file should be specified for each input line)
  --output-style=style  Specify print style. Supported styles: LLVM, GNU, JSON
  --pretty-print        Make the output more human friendly
  --print-address       Alias for --addresses
  -p                    Alias for --pretty-print
  --relative-address    Interpret addresses as addresses relative to the image base
  --relativenames       Strip the compilation directory from paths
  -s                    Alias for --basenames
  --verbose             Print verbose line info
  --version             Display the version
  -v                    Alias for --version

Mach-O Specific Options:
  --default-arch=<value> Default architecture (for multi-arch objects)
  --dsym-hint=<dir>      Path to .dSYM bundles to search for debug info for the object files

Pass @FILE as argument to read options from FILE; LLVM_SYMBOLIZER_OPTS holds options too.

This is symtool: a file is imported into a store on first use, $SYMTOOL_STORE or symtool/store in $XDG_CACHE_HOME.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Words {
        Words::of(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn values_wherever_they_stand() {
        for line in [
            &["--obj=x"][..],
            &["--obj", "x"],
            &["-e", "x"],
            &["-ex"],
            &["-e=x"],
            &["--exe=x"],
            &["-fipCe", "x"],
            &["-aex"],
        ] {
            let words = words(line);
            assert_eq!(words.errors, Vec::<String>::new(), "{line:?}");
            assert_eq!(words.value(Id::Obj).unwrap().1, "x", "{line:?}");
            assert_eq!(words.requests, Vec::<OsString>::new());
        }
        let words = words(&[
            "-p",
            "0x1",
            "",
            "-",
            "--functions=short",
            "-f=none",
            "-demangle=false",
            "0x2",
            "-C",
        ]);
        assert_eq!(words.requests, ["0x1", "-", "0x2"]);
        assert_eq!(words.value(Id::FunctionsAs).unwrap().1, "none");
        assert!(words.flag(Id::Demangle, Id::NoDemangle, false));
        assert!(words.has(Id::PrettyPrint) && !words.has(Id::Functions));
    }

    #[test]
    fn what_is_wrong_in_its_words() {
        for (line, want) in [
            (
                &["--foo", "--unknown"][..],
                &["unknown argument '--foo'", "unknown argument '--unknown'"][..],
            ),
            (&["-x"], &["unknown argument '-x'"]),
            (&["-no-untag-addresses"], &["unknown argument '-n'", "unknown argument '-o'"]),
            (&["-demangle"], &["unknown argument '-d'"]),
            (&["--no-inline"], &["unknown argument '--no-inline', did you mean '--no-inlines'?"]),
            (
                &["--inlin", "--help=1"],
                &["unknown argument '--inlin'", "unknown argument '--help=1'"],
            ),
            (&["--", "-5"], &["unknown argument '--'", "unknown argument '-5'"]),
            (&["-e"], &["-e: missing argument"]),
            (&["--obj"], &["--obj: missing argument"]),
        ] {
            assert_eq!(words(line).errors, want, "{line:?}");
        }
    }
}
