//! The command line of atos.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use symtool_module::Arch;

pub const HELP: &str = "Usage: atos [-p pid] [-o executable/dSYM] [-f file-of-input-addresses] [-s slide | -l loadAddress | -textExecAddress addr | -offset] [-arch architecture] [-printHeader] [-fullPath] [-inlineFrames] [-d delimiter] [address ...]

        -d/--delimiter     delimiter when outputting inline frames. Defaults to newline.
        --fullPath         show full path to source file
        -i/--inlineFrames  display inlined functions
        --offset           treat all following addresses as offsets into the binary
";

/// What addresses count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// They are the image's own.
    None,
    /// From the image's start.
    Offset,
    /// The image was loaded here.
    Load(u64),
    /// The image was moved by this.
    Slide(u64),
}

/// What the words say.
#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    /// The image, or its dSYM.
    pub image: PathBuf,
    pub arch: Option<Arch>,
    pub base: Base,
    pub full_path: bool,
    pub inlines: bool,
    /// Stands behind the frames of each address.
    pub delimiter: Vec<u8>,
    /// A file with addresses.
    pub file: Option<PathBuf>,
    /// Those of the command line, as they were typed.
    pub addresses: Vec<Vec<u8>>,
}

/// What came of the words.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    Args(Args),
    Help,
    /// What only the real tool can do.
    Unsupported(&'static str),
    /// They are wrong, and why.
    Wrong(String),
}

/// The number that `word` is: hexadecimal behind `0x`, else decimal.
pub fn number(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok()?;
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A load address or slide, which is hexadecimal even without `0x`.
fn hexadecimal(word: &OsStr) -> Option<u64> {
    let text = word.to_str()?;
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    u64::from_str_radix(digits, 16).ok()
}

impl Args {
    /// Reads `words`.
    pub fn parse(words: &[OsString]) -> Parsed {
        let mut args = Self {
            image: PathBuf::new(),
            arch: None,
            base: Base::None,
            full_path: false,
            inlines: false,
            delimiter: Vec::new(),
            file: None,
            addresses: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut next = || {
                let value = words.next().cloned();
                value.ok_or_else(|| format!("{} needs an argument", word.to_string_lossy()))
            };
            let read = match word.as_bytes() {
                b"-h" | b"--help" | b"-help" => return Parsed::Help,
                b"-p" | b"--pid" => return Parsed::Unsupported("-p"),
                b"-textExecAddress" | b"--textExecAddress" => {
                    return Parsed::Unsupported("-textExecAddress");
                }
                b"-o" => next().map(|value| args.image = value.into()),
                b"-f" => next().map(|value| args.file = Some(value.into())),
                b"-d" | b"--delimiter" => next().map(|value| args.delimiter = value.into_vec()),
                b"-arch" | b"--arch" => next()
                    .map(|value| args.arch = Some(value.to_string_lossy().into_owned().into())),
                b"-l" => next().and_then(|value| args.counts_from(&value, Base::Load)),
                b"-s" => next().and_then(|value| args.counts_from(&value, Base::Slide)),
                b"-offset" | b"--offset" => args.set_base(Base::Offset),
                b"-fullPath" | b"--fullPath" => {
                    args.full_path = true;
                    Ok(())
                }
                b"-i" | b"-inlineFrames" | b"--inlineFrames" => {
                    args.inlines = true;
                    Ok(())
                }
                // Only of a process there is one.
                b"-printHeader" | b"--printHeader" => Ok(()),
                address => {
                    args.addresses.push(address.to_vec());
                    Ok(())
                }
            };
            if let Err(reason) = read {
                return Parsed::Wrong(reason);
            }
        }
        if args.image.as_os_str().is_empty() {
            return Parsed::Wrong("no processes or executables specified".to_owned());
        }
        Parsed::Args(args)
    }

    fn counts_from(&mut self, word: &OsStr, base: fn(u64) -> Base) -> Result<(), String> {
        let number =
            hexadecimal(word).ok_or_else(|| format!("{} is no address", word.to_string_lossy()))?;
        self.set_base(base(number))
    }

    fn set_base(&mut self, base: Base) -> Result<(), String> {
        if self.base != Base::None {
            return Err("only one of -s, -l and -offset can be used at a time".to_owned());
        }
        self.base = base;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Parsed {
        Args::parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn words_in_every_spelling() {
        let words = ["-o", "x.dSYM", "-arch", "arm64", "-l", "1000", "0x10", "-inlineFrames", "7"];
        let Parsed::Args(args) = parse(&words) else { panic!("{words:?}") };
        assert_eq!(
            (args.base, args.inlines, args.arch.as_ref().map(Arch::as_str)),
            (Base::Load(0x1000), true, Some("arm64"))
        );
        assert_eq!(args.addresses, [b"0x10".to_vec(), b"7".to_vec()]);
        assert_eq!(parse(&["-o", "x", "-p", "1"]), Parsed::Unsupported("-p"));
        assert_eq!(parse(&["--help"]), Parsed::Help);
        for words in
            [&["0x10"][..], &["-o"], &["-o", "x", "-l", "z"], &["-o", "x", "-l", "1", "-s", "1"]]
        {
            assert!(matches!(parse(words), Parsed::Wrong(_)), "{words:?}");
        }
    }

    #[test]
    fn numbers_as_they_are_typed() {
        let cases =
            [("0x1F", Some(31)), ("0X1f", Some(31)), ("31", Some(31)), ("1f", None), ("", None)];
        for (word, want) in cases {
            assert_eq!(number(word.as_bytes()), want, "{word}");
        }
        assert_eq!(
            (hexadecimal("10".as_ref()), hexadecimal("0x10".as_ref())),
            (Some(16), Some(16))
        );
    }
}
