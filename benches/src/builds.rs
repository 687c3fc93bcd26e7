//! Builds of one file for a store of many modules: copies that differ in their build-id.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::copies::{NUMBER_BYTES, id_offset};
use crate::options::{Word, Words};

/// The word that asks for it.
pub const VERB: &str = "builds";

/// What `builds --help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches builds [--count N] [--from N] FILE OUT_DIR

Copies a file with a build-id, each time with another one, into folders of 1000.

  --count N   how many [default: 2000]
  --from N    number of the first [default: 0]
  OUT_DIR     a folder; it is made";

/// The largest number.
const MAX: u64 = 0xffff_ffff;
/// Builds in one folder.
const FOLDER: u32 = 1000;

/// What is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Of which file.
    pub file: PathBuf,
    /// Where.
    pub out: PathBuf,
    /// How many.
    pub count: u32,
    /// The number of the first.
    pub from: u32,
}

/// Reads the arguments after `builds`. `None` asks for help.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
    let (mut count, mut from, mut plain) = (2000, 0, Vec::new());
    let mut words = Words::new(args);
    while let Some(word) = words.next()? {
        match word {
            Word::Option(name) => match name.as_str() {
                "--count" => count = words.number(MAX)?,
                "--from" => from = words.number(MAX)?,
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            },
            Word::Plain(path) => plain.push(PathBuf::from(path)),
        }
    }
    let [file, out] = <[PathBuf; 2]>::try_from(plain).map_err(|_| "FILE and OUT_DIR, please")?;
    let number = |number| u32::try_from(number).map_err(|_| "too large a number".to_owned());
    Ok(Some(Options { file, out, count: number(count)?, from: number(from)? }))
}

/// Makes them.
///
/// # Errors
/// If the file has no build-id, or a file cannot be read or written.
pub fn run(options: &Options) -> Result<()> {
    let name = options.file.display().to_string();
    let mut data = fs::read(&options.file).with_context(|| name.clone())?;
    let at = id_offset(&data).with_context(|| format!("{name}: no build-id"))?;
    let file = options.file.file_stem().unwrap_or_default().to_string_lossy();
    for number in (options.from..).take(usize::try_from(options.count)?) {
        let folder = options.out.join(format!("{:03}", number / FOLDER));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let id = data.get_mut(at..at + NUMBER_BYTES);
        ensure!(id.is_some(), "{name}: its build-id is cut off");
        // Odd: no two numbers have one product. The ids are spread, as those of linkers are.
        let spread = number.wrapping_mul(0x9e37_79b1);
        id.into_iter().for_each(|id| id.copy_from_slice(&spread.to_be_bytes()));
        let path = folder.join(format!("{file}-{number:06}.so"));
        fs::write(&path, &data).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use object::Object;

    use super::*;

    #[test]
    fn every_build_has_an_id_of_its_own() -> Result<()> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects/asm-gas-dwarf5.so");
        let folder = tempfile::tempdir()?;
        let args = ["--count", "1100", "--from=950"].map(OsString::from).into_iter();
        let args = args.chain([file.clone().into(), folder.path().into()]);
        let options = parse(args).map_err(anyhow::Error::msg)?.context("no help")?;
        run(&options)?;
        let mut ids = HashSet::new();
        for inner in ["000", "001", "002"] {
            for entry in fs::read_dir(folder.path().join(inner))? {
                let data = fs::read(entry?.path())?;
                ids.insert(object::File::parse(&*data)?.build_id()?.context("no id")?.to_vec());
            }
        }
        assert_eq!(ids.len(), 1100);
        Ok(())
    }

    #[test]
    fn wrong_usage_is_named() {
        let wrong = |args: &[&str]| parse(args.iter().map(OsString::from));
        assert!(wrong(&["a"]).is_err());
        assert!(wrong(&["a", "b", "c"]).is_err());
        assert!(wrong(&["--much", "a", "b"]).is_err());
        assert_eq!(wrong(&["--help"]), Ok(None));
    }
}
