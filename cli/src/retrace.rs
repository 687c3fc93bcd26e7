//! `symtool retrace`: in, stack traces with obfuscated names; out, the same text with the names of the source.
//!
//! ```text
//! mapping   the one that is named, or that R8 has written into the trace, or the only one of the store
//! text      as it comes, pieces of it on all threads; what is no frame and no exception passes through
//! ```

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};

use anyhow::{Context, Error, Result, anyhow};
use rayon::prelude::*;
use symtool_core::assess::{id_bytes, id_digits};
use symtool_core::store::{self, Catalog, Mappings, Module};
use symtool_formats::crash::ImageId;
use symtool_formats::mapping::{self, Retrace};

use crate::args::{Global, RetraceArgs, RetraceStyle};
use crate::exit::Exit;
use crate::find::{self, NotOne};
use crate::pass_through;

/// Bytes that are read at a time, where there are so many.
const RUN_BYTES: usize = 4 << 20;

/// Bytes that one thread retraces, at least.
const PIECE_BYTES: usize = 64 << 10;

/// Runs the command.
pub fn run(global: &Global, args: &RetraceArgs) -> Result<Exit> {
    let store = global.open_store()?;
    let reader = match store.read() {
        Err(missing @ store::Error::Missing(_)) if args.file.as_os_str() == "-" => return pass_through::run(&missing),
        reader => reader?,
    };
    let catalog = reader.catalog()?;
    let name = args.file.to_string_lossy();
    let input: Box<dyn Read> = if args.file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&args.file).map_err(|error| anyhow!("{name}: {error}; name a file with stack traces, or - for stdin"))?)
    };
    let mut input = BufReader::with_capacity(RUN_BYTES, input);
    let cannot_read = || format!("{name}: the input cannot be read");
    let module = match &args.mapping {
        Some(mapping) => named(&catalog, mapping)?,
        None => meant_by(&catalog, input.fill_buf().with_context(cannot_read)?)?,
    };
    let style = match args.style {
        RetraceStyle::R8 => mapping::Style::R8,
        RetraceStyle::Proguard => mapping::Style::Proguard,
    };
    let mappings = Mappings::new(&reader);
    let begin = || Retrace::new(mappings.of(module), style);
    let mut retrace = begin();
    let mut out = io::stdout().lock();
    loop {
        let run = input.fill_buf().with_context(cannot_read)?;
        if run.is_empty() {
            break;
        }
        let pieces = cut(run, rayon::current_num_threads());
        // The first goes on where the last run has ended, and where the last one ends the next run goes on.
        let mut parts: Vec<(&[u8], Retrace<_>, Vec<u8>)> = pieces.into_iter().map(|piece| (piece, begin(), Vec::new())).collect();
        if let Some((_, first, _)) = parts.first_mut() {
            *first = retrace;
        }
        let told: Vec<Result<(), store::Error>> = parts.par_iter_mut().map(|(piece, retrace, text)| retrace.text(piece, text)).collect();
        parts.iter().try_for_each(|(_, _, text)| out.write_all(text))?;
        out.flush()?;
        told.into_iter().collect::<Result<(), _>>()?;
        retrace = parts.pop().map_or_else(begin, |(_, last, _)| last);
        let count = run.len();
        input.consume(count);
    }
    let mut text = Vec::new();
    let told = retrace.finish(&mut text);
    out.write_all(&text)?;
    out.flush()?;
    told?;
    Ok(Exit::Done)
}

/// Cuts `run` into about `count` pieces, each of which but the first begins with a line that has nothing to do with the one before it:
/// what a frame stands for depends on lines above it, up to the next one that is no frame.
fn cut(run: &[u8], count: usize) -> Vec<&[u8]> {
    let size = run.len().div_ceil(count.max(1)).max(PIECE_BYTES);
    let (mut pieces, mut rest) = (Vec::new(), run);
    while rest.len() > size {
        let starts = memchr::memchr_iter(b'\n', &rest[size..]).map(|at| size + at + 1);
        let is_free = |start: &usize| {
            let line = rest[*start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
            // In a log, frames stand behind a prefix.
            let is_frame = [&b" at "[..], b"\tat "].iter().any(|at| memchr::memmem::find(line, at).is_some());
            line.first().is_some_and(|byte| !byte.is_ascii_whitespace()) && !is_frame
        };
        let Some(start) = starts.into_iter().find(is_free) else { break };
        let (piece, after) = rest.split_at(start);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// The mapping called `name`.
pub fn named<'c>(catalog: &'c Catalog, name: &OsStr) -> Result<&'c Module> {
    let module = find::module(catalog, name, false).map_err(|error| match error {
        NotOne::Unknown(reason) | NotOne::Ambiguous(reason) => Error::msg(reason),
    })?;
    if module.footer.is_mapping() {
        Ok(module)
    } else {
        Err(anyhow!("{}: is no mapping but a module with addresses; name a mapping.txt that was imported", name.to_string_lossy()))
    }
}

/// The id of the mapping called `name`, or `name` itself if it is the id of one that may come later.
pub fn id_of(catalog: &Catalog, name: &OsStr) -> Result<ImageId> {
    let id = || mapping::hex_bytes(name.to_str()?);
    match find::module(catalog, name, false) {
        Err(NotOne::Unknown(reason)) => {
            id().map(ImageId::Whole).ok_or_else(|| anyhow!("{reason}; of one that is imported later, pass the whole id"))
        }
        _ => Ok(ImageId::Whole(id_bytes(&named(catalog, name)?.footer.id))),
    }
}

/// The mapping that R8 has named in the trace that begins with `head`, else the only one that there is.
fn meant_by<'c>(catalog: &'c Catalog, head: &[u8]) -> Result<&'c Module> {
    if let Some(id) = mapping::map_id_in(head) {
        let digits = id_digits(&id);
        let found = catalog.modules().iter().find(|module| module.footer.is_mapping() && module.footer.ids().any(|known| known == digits));
        return found
            .ok_or_else(|| anyhow!("the trace is of the mapping {digits}, which is not in the store; import it, or pass --mapping"));
    }
    let mut all = catalog.modules().iter().filter(|module| module.footer.is_mapping());
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(anyhow!("there is no mapping in the store; import the mapping.txt of the build")),
        _ => Err(anyhow!(
            "there are several mappings in the store; pass --mapping with the id or name of one: `symtool modules list` has them"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_begin_with_lines_that_stand_alone() {
        let trace = "a.b: text\n\tat a.b.c(SourceFile:1)\n\tat a.b.d(SourceFile:2)\n";
        let run = trace.repeat(10_000);
        for count in [1, 2, 3, 7] {
            let pieces = cut(run.as_bytes(), count);
            assert!((1..=count).contains(&pieces.len()) && (count == 1 || pieces.len() > 1), "{count}: {}", pieces.len());
            assert!(pieces.iter().all(|piece| piece.starts_with(b"a.b: text\n")), "{count}");
            assert_eq!(pieces.concat(), run.as_bytes());
        }
        for frame in ["\tat a.b.c(SourceFile:1)\n", "E AndroidRuntime: \tat a.b.c(SourceFile:1)\n"] {
            assert_eq!(cut(frame.repeat(10_000).as_bytes(), 4).len(), 1, "an endless stack is one piece");
        }
    }
}
