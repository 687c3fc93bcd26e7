//! `symtool retrace`: stack traces with obfuscated names -> the same text with the names of the
//! source.
//!
//! ```text
//! text -> input.rs    whole lines, as they come
//!      -> choice.rs   which mapping each of them is of
//!      -> pieces      retraced on all threads, written in order
//! ```
//!
//! What is no frame and no exception passes through.

mod args;
mod choice;
mod input;
mod limits;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Error, Result, anyhow, bail};
use rayon::prelude::*;
use symtool_mapping::{self as mapping, Pattern, Retrace};
use symtool_store::database::InMemoryModule;
use symtool_store::{Catalog, Mapping, Mappings, Module, database as store};

use crate::context::Context;
use crate::exit::Exit;
use crate::find::{self, hold};
use crate::pass_through;
pub use args::RetraceArgs;
use args::RetraceStyle;
pub use choice::Choice;
use input::{Comes, Input};
use limits::PIECE_BYTES;
use symtool_core::mapping::{self as mapping_file, MappingFile};

/// Runs the command.
pub fn run(context: &Context, args: &RetraceArgs) -> Result<Exit> {
    let style = Style::of(context, args)?;
    let (file, traces) = files(args)?;
    let store = context.open_store()?;
    let held = file.map(|file| hold(&file, &store)).transpose()?;
    let reader = match &held {
        Some(_) => None,
        None => match store.read() {
            Err(missing @ store::Error::Missing(_))
                if traces.iter().all(|trace| trace.as_os_str() == "-") =>
            {
                return pass_through::run(&missing);
            }
            reader => Some(reader?),
        },
    };
    let catalog = reader.as_ref().map(store::Reader::catalog).unwrap_or_default();
    let mappings = reader.as_ref().map(Mappings::new).unwrap_or_default();
    let mut choice = choice(args, held.as_ref(), &mappings, &catalog)?;
    let mut out = io::stdout().lock();
    for trace in &traces {
        let cannot_read = || format!("{}: the input cannot be read", trace.display());
        let mut input = Input::open(trace)?;
        let mut retracing = Retracing { choice: &mut choice, style: &style, last: None };
        loop {
            let comes = input.read().with_context(cannot_read)?;
            let taken = retracing.run(input.lines(), comes != Comes::Lines, &mut out)?;
            input.take(taken);
            if comes == Comes::End {
                break;
            }
        }
        retracing.finish(&mut out)?;
    }
    ending(&choice, &catalog)
}

/// Tells why some lines stayed as they are.
fn ending(choice: &Choice<'_>, catalog: &Catalog<'_>) -> Result<Exit> {
    let failures: Vec<&str> = choice.failures().collect();
    failures.iter().for_each(|failure| say!("{failure}"));
    let nameless = choice.nameless();
    if nameless > 0 {
        let candidates = find::candidates(of_catalog(catalog)?.collect());
        let frames = if nameless == 1 {
            "1 frame names".to_owned()
        } else {
            format!("{nameless} frames name")
        };
        say!(
            "{frames} no mapping, and there are several in the store: {candidates}; pass --mapping with the id of one, or its file"
        );
    }
    Ok(Exit::failed_if(nameless > 0 || !failures.is_empty()))
}

/// How lines are told and written.
struct Style {
    style: mapping::RetraceStyle,
    pattern: Option<Arc<Pattern>>,
}

impl Style {
    fn of(context: &Context, args: &RetraceArgs) -> Result<Self> {
        let style = match args.style {
            RetraceStyle::R8 if context.verbose => mapping::RetraceStyle::R8Verbose,
            RetraceStyle::R8 => mapping::RetraceStyle::R8,
            RetraceStyle::Proguard if args.regex.is_some() => {
                bail!("--regex is R8's; leave out --style proguard")
            }
            RetraceStyle::Proguard => mapping::RetraceStyle::Proguard,
        };
        let pattern = args
            .regex
            .as_deref()
            .map(Pattern::parse)
            .transpose()
            .map_err(|error| anyhow!("--regex: {error}"))?;
        Ok(Self { style, pattern: pattern.map(Arc::new) })
    }

    fn retrace<'m>(&self, mapping: Mapping<'m>) -> Retrace<Mapping<'m>> {
        Retrace::new(mapping, self.style).with_pattern(self.pattern.clone())
    }
}

/// The mapping that is given as a file, and the traces; stdin if there are none.
fn files(args: &RetraceArgs) -> Result<(Option<MappingFile>, Vec<PathBuf>)> {
    let mut traces = args.files.clone();
    let mut file = None;
    if let Some(path) = &args.partition_map {
        let found = mapping_file::at(path)
            .ok_or_else(|| anyhow!("{}: no such file; check the path", path.display()))?;
        file = Some(found?);
    } else if args.mapping.is_none() {
        match traces.first().and_then(|first| Some((first, mapping_file::at(first)?))) {
            Some((_, Ok(mapping))) => {
                file = Some(mapping);
                traces.remove(0);
            }
            // A file by such a name is no trace.
            Some((first, Err(error))) if mapping_file::is_meant(first) && traces.len() > 1 => {
                return Err(error.into());
            }
            _ => {}
        }
    }
    if traces.is_empty() {
        traces.push(PathBuf::from("-"));
    }
    Ok((file, traces))
}

fn choice<'m>(
    args: &RetraceArgs,
    held: Option<&'m InMemoryModule>,
    mappings: &'m Mappings<'m>,
    catalog: &'m Catalog<'m>,
) -> Result<Choice<'m>> {
    if let Some(held) = held {
        return Ok(Choice::fixed(mappings, catalog, mappings.of_held(held)));
    }
    if let Some(name) = &args.mapping {
        return Ok(Choice::fixed(mappings, catalog, mappings.of(named(catalog, name)?)));
    }
    let mut all = of_catalog(catalog)?;
    match (all.next(), all.next()) {
        (None, _) => {
            Err(anyhow!("there is no mapping in the store; import the mapping.txt of the build"))
        }
        (Some(only), None) => Ok(Choice::new(mappings, catalog, Some(mappings.of(only)))),
        _ => Ok(Choice::new(mappings, catalog, None)),
    }
}

fn of_catalog<'c>(catalog: &'c Catalog<'_>) -> Result<impl Iterator<Item = &'c Module>> {
    Ok(catalog.modules()?.iter().filter(|module| module.record.is_mapping()))
}

/// The mapping called `name`.
pub fn named<'c>(catalog: &'c Catalog<'_>, name: &OsStr) -> Result<&'c Module> {
    find::mapping(catalog, name)
        .map_err(|error| error.reason().map_or_else(Error::from, Error::msg))
}

/// A text on its way.
struct Retracing<'c, 'm> {
    choice: &'c mut Choice<'m>,
    style: &'c Style,
    /// What the last line left, and the number of its mapping.
    last: Option<(usize, Retrace<Mapping<'m>>)>,
}

impl<'m> Retracing<'_, 'm> {
    /// Writes what is known of `lines`, all of them if `is_last`. Returns how many bytes that were.
    fn run(&mut self, lines: &[u8], is_last: bool, out: &mut impl Write) -> Result<usize> {
        let spans = self.choice.spans(lines, is_last);
        let mut parts: Vec<Part<'_, 'm>> = Vec::new();
        for (at, number) in &spans {
            let text = &lines[at.clone()];
            let Some((number, mapping)) =
                number.and_then(|number| Some((number, self.choice.mapping(number)?)))
            else {
                self.last = None;
                parts.push(Part { lines: text, retrace: None, text: Vec::new() });
                continue;
            };
            for piece in cut(text, rayon::current_num_threads()) {
                // The first goes on where the last one has ended.
                let before = self
                    .last
                    .take()
                    .filter(|(of, _)| *of == number && parts.is_empty())
                    .map(|(_, retrace)| retrace);
                let retrace = before.unwrap_or_else(|| self.style.retrace(mapping));
                parts.push(Part {
                    lines: piece,
                    retrace: Some((number, retrace)),
                    text: Vec::new(),
                });
            }
        }
        let told: Vec<Result<(), store::Error>> = parts.par_iter_mut().map(Part::retrace).collect();
        parts.iter().try_for_each(|part| out.write_all(part.written()))?;
        out.flush()?;
        told.into_iter().collect::<Result<(), _>>()?;
        self.last = parts.pop().map_or(self.last.take(), |part| part.retrace);
        Ok(spans.last().map_or(0, |(at, _)| at.end))
    }

    fn finish(mut self, out: &mut impl Write) -> Result<()> {
        let mut text = Vec::new();
        let told = self.last.as_mut().map_or(Ok(()), |(_, retrace)| retrace.finish(&mut text));
        out.write_all(&text)?;
        out.flush()?;
        Ok(told?)
    }
}

/// Some lines of one mapping.
struct Part<'l, 'm> {
    lines: &'l [u8],
    /// Absent if they have no mapping.
    retrace: Option<(usize, Retrace<Mapping<'m>>)>,
    text: Vec<u8>,
}

impl Part<'_, '_> {
    fn retrace(&mut self) -> Result<(), store::Error> {
        self.retrace
            .as_mut()
            .map_or(Ok(()), |(_, retrace)| retrace.text(self.lines, &mut self.text))
    }

    fn written(&self) -> &[u8] {
        if self.retrace.is_some() { &self.text } else { self.lines }
    }
}

/// Cuts `run` into about `count` pieces, each of which but the first begins with a line that has
/// nothing to do with the one before it: what a frame stands for depends on lines above it, up to
/// the next one that is no frame.
fn cut(run: &[u8], count: usize) -> Vec<&[u8]> {
    let size = run.len().div_ceil(count.max(1)).max(PIECE_BYTES);
    let (mut pieces, mut rest) = (Vec::new(), run);
    while rest.len() > size {
        let starts = memchr::memchr_iter(b'\n', &rest[size..]).map(|at| size + at + 1);
        let is_free = |start: &usize| {
            let line = rest[*start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
            // In a log, frames stand behind a prefix.
            let is_frame =
                [&b" at "[..], b"\tat "].iter().any(|at| memchr::memmem::find(line, at).is_some());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_begin_with_lines_that_stand_alone() {
        let trace = "a.b: text\n\tat a.b.c(SourceFile:1)\n\tat a.b.d(SourceFile:2)\n";
        let run = trace.repeat(10_000);
        for count in [1, 2, 3, 7] {
            let pieces = cut(run.as_bytes(), count);
            assert!(
                (1..=count).contains(&pieces.len()) && (count == 1 || pieces.len() > 1),
                "{count}: {}",
                pieces.len()
            );
            assert!(pieces.iter().all(|piece| piece.starts_with(b"a.b: text\n")), "{count}");
            assert_eq!(pieces.concat(), run.as_bytes());
        }
        for frame in ["\tat a.b.c(SourceFile:1)\n", "E AndroidRuntime: \tat a.b.c(SourceFile:1)\n"]
        {
            assert_eq!(
                cut(frame.repeat(10_000).as_bytes(), 4).len(),
                1,
                "an endless stack is one piece"
            );
        }
    }
}
