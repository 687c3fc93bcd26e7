//! What any store of crashes must do at least: parse each event of a file, and compress all of it.
//!
//! ```text
//! events.ndjson ─ blocks of whole lines ─> parsed, thrown away     on all threads
//!                                       └> zstd -3 ─> OUT
//! ```

use std::ffi::OsString;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde_json::Value;

use crate::options::{Word, Words};

/// The first argument of its process.
pub const VERB: &str = "crash-floor";

/// What `crash-floor --help` prints.
pub const USAGE: &str = "\
Usage: symtool-benches crash-floor FILE [OUT]

Does what any store of crashes must do at least: parses JSON, one object a line, and compresses it by zstd -3 in blocks of 256 KB.

  FILE   events, one a line
  OUT    where the blocks are written, one behind the other [default: standard output]";

/// Bytes of a block, before it is compressed; the line in which they end belongs to it.
const BLOCK_BYTES: usize = 256 << 10;
const LEVEL: i32 = 3;

/// What is read, and where it goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    file: PathBuf,
    out: Option<PathBuf>,
}

/// Reads the arguments after [`VERB`]. `None` asks for help.
///
/// # Errors
/// A message about the first argument that is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
    let (mut file, mut out) = (None, None);
    let mut words = Words::new(args);
    while let Some(word) = words.next()? {
        match word {
            Word::Option(name) if name == "-h" || name == "--help" => return Ok(None),
            Word::Option(name) => return Err(format!("unknown option {name}")),
            Word::Plain(path) if file.is_none() => file = Some(path.into()),
            Word::Plain(path) if out.is_none() => out = Some(path.into()),
            Word::Plain(other) => {
                return Err(format!("{}: one FILE and one OUT only", other.display()));
            }
        }
    }
    Ok(Some(Options { file: file.ok_or("FILE is missing")?, out }))
}

/// `program` doing it.
pub fn command(program: &Path, file: &Path, out: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(VERB).args([file, out]);
    command
}

/// Does it.
///
/// # Errors
/// If a line is no JSON, or a file cannot be read or written; names it.
pub fn run(options: &Options) -> Result<()> {
    let named = || options.file.display().to_string();
    let data = fs::read(&options.file).with_context(named)?;
    let blocks: Vec<Vec<u8>> =
        blocks(&data).into_par_iter().map(block).collect::<Result<_>>().with_context(named)?;
    let write = |out: &mut dyn Write| {
        blocks.iter().try_for_each(|block| out.write_all(block))?;
        out.flush()
    };
    match &options.out {
        Some(path) => File::create(path)
            .and_then(|file| write(&mut BufWriter::new(file)))
            .with_context(|| path.display().to_string()),
        None => write(&mut io::stdout().lock()).context("standard output"),
    }
}

/// Parts of some [`BLOCK_BYTES`] that end where a line does.
fn blocks(mut data: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    while !data.is_empty() {
        let least = BLOCK_BYTES.min(data.len()) - 1;
        let end = data[least..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(data.len(), |line| least + line + 1);
        let (block, rest) = data.split_at(end);
        blocks.push(block);
        data = rest;
    }
    blocks
}

fn block(block: &[u8]) -> Result<Vec<u8>> {
    for line in block.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        black_box(serde_json::from_slice::<Value>(line)?);
    }
    Ok(zstd::bulk::compress(block, LEVEL)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_end_where_lines_do() {
        let line = format!("{}\n", "x".repeat(100_000));
        let data = line.repeat(10);
        let parts = blocks(data.as_bytes());
        assert_eq!(
            parts.iter().map(|part| part.len() / line.len()).collect::<Vec<_>>(),
            [3, 3, 3, 1]
        );
        assert_eq!(parts.concat(), data.as_bytes());
        assert_eq!(blocks(b"no end").concat(), b"no end");
        assert!(blocks(b"").is_empty());
    }

    #[test]
    fn all_of_it_comes_out_again() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let [file, out] = ["events", "out"].map(|name| dir.path().join(name));
        let text = "{\"event_id\":\"1\"}\n".repeat(50_000);
        fs::write(&file, &text)?;
        run(&Options { file: file.clone(), out: Some(out.clone()) })?;
        assert!(zstd::decode_all(File::open(&out)?)? == text.as_bytes());
        fs::write(&file, "{\"event_id\":\n")?;
        let error =
            run(&Options { file: file.clone(), out: Some(out) }).expect_err("no JSON").to_string();
        assert_eq!(error, file.display().to_string());
        Ok(())
    }

    #[test]
    fn arguments() {
        let parsed = |args: &[&str]| parse(args.iter().map(OsString::from));
        assert_eq!(parsed(&["a"]), Ok(Some(Options { file: "a".into(), out: None })));
        assert_eq!(
            parsed(&["a", "b"]),
            Ok(Some(Options { file: "a".into(), out: Some("b".into()) }))
        );
        assert_eq!(parsed(&[]), Err("FILE is missing".to_owned()));
        assert_eq!(parsed(&["a", "b", "c"]), Err("c: one FILE and one OUT only".to_owned()));
    }
}
