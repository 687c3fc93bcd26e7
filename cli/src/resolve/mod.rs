//! `symtool resolve`: an answer for each request, in their order.
//!
//! ```text
//! bytes -> input.rs     a run at a time, as they come
//!       -> chunk.rs     parsed, a part of the run on each thread (request.rs: a line)
//!       -> names.rs     names of modules -> modules
//!       -> session.rs   one batch
//!       -> style/       text, a part on each thread, written in order
//! ```

mod args;
mod chunk;
mod failures;
pub mod input;
mod names;
mod request;
mod session;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use symtool_store::database::InMemoryModule;
use symtool_store::resolve::Origin;
use symtool_store::{Mappings, Store};

use crate::context::Context;
use crate::demangle::Spelling;
use crate::exit::{Exit, Usage};
use crate::find::{NotOne, hold};
use crate::progress;
use crate::source_lines::SourceContext;
use crate::style::{Inlines, Look};
pub use args::{Resolve, Style};
use failures::Failures;
use input::{Ahead, Lines};
use names::{Lookup, Names};
use session::Session;
use symtool_core::mapping as mapping_file;
use symtool_core::objects::Objects;

/// Runs the command.
pub fn run(context: &Context, args: &Resolve) -> Result<Exit> {
    #[cfg(feature = "bucket")]
    if let Some(cache) = crate::bucket::of(context)? {
        if args.file.is_some() {
            let fact = "-e FILE answers from the file, and needs no bucket; leave out one of them";
            return Err(Usage(fact.to_owned()).into());
        }
        let opened = crate::bucket::Opened::of(&cache);
        return answer(context, args, Lookup::Bucket(&opened), None);
    }
    let store = context.open_store()?;
    let held = match &args.file {
        Some(file) => Some(match mapping_file::at(file) {
            Some(Ok(mapping)) => Arc::new(hold(&mapping, &store)?),
            Some(Err(error)) if mapping_file::is_meant(file) => return Err(error.into()),
            _ => object(context, &store, file)?,
        }),
        None => None,
    };
    let reader = match store.read() {
        // Without a store, the file answers from memory.
        Err(_) if held.is_some() => None,
        reader => Some(reader?),
    };
    let catalog = reader.as_ref().map(symtool_store::Reader::catalog);
    let from = match (&reader, &catalog) {
        (Some(reader), Some(catalog)) => Lookup::Store(reader, catalog),
        _ => Lookup::Nowhere,
    };
    answer(context, args, from, held)
}

/// Answers all requests from the modules in `from` or, if a file was named, from that, which is
/// `held`.
fn answer(
    context: &Context,
    args: &Resolve,
    from: Lookup<'_>,
    held: Option<Arc<InMemoryModule>>,
) -> Result<Exit> {
    let style = args.style.unwrap_or(if context.json { Style::Json } else { Style::Pretty });
    let mut names = Names::new(args, from, spelling(style));
    let mut failures = Failures::default();
    let default_name = match (&args.file, held, &args.module) {
        (Some(file), Some(held), _) => Some(names.add(file.as_os_str(), Origin::Memory(held))),
        (_, _, Some(module)) => {
            let number = names.numbers(&[module.as_os_str()])?.pop().unwrap_or_default();
            // A module that is wrong for every request is reported once, before any of them.
            if let Some(Err(NotOne::Unknown(reason) | NotOne::Ambiguous(reason))) =
                names.get(number).map(|name| &name.module)
            {
                say!("{reason}");
                failures.said = Some(module.to_owned());
            }
            Some(number)
        }
        _ => None,
    };
    let inlines = if args.no_inlines { Inlines::Merged } else { Inlines::All };
    let (source, paint) = (source_context(args, style)?, context.paint(&io::stdout()));
    let look = Look { style, inlines, paint, aliases: args.aliases, source: source.as_ref() };
    let (mappings, is_worker) = (mappings_of(from), false);
    let mut session =
        Session { args, look, names, mappings, default_name, failures, next_line: 1, is_worker };
    let out = io::stdout();
    match &args.batch {
        Some(path) => {
            let (input, bytes) = open_batch(path)?;
            session.stream(
                Lines::new(input),
                bytes,
                progress::is_wanted(context) && !out.is_terminal(),
                &mut &out,
            )?;
        }
        None => session.stream(
            Lines::new(args.addresses.join("\n").as_bytes()),
            None,
            false,
            &mut &out,
        )?,
    }
    (&out).flush()?;
    Ok(session.failures.finish())
}

/// Answers every line of `input` by a JSON object that names the request, in their order. Returns
/// how many there were.
///
/// # Errors
/// If the store cannot be used, or is out of reach.
pub fn work(context: &Context, args: &Resolve, input: impl Read) -> Result<u64> {
    #[cfg(feature = "bucket")]
    if let Some(cache) = crate::bucket::of(context)? {
        let opened = crate::bucket::Opened::of(&cache);
        return work_from(context, args, Lookup::Bucket(&opened), input);
    }
    let store = context.open_store()?;
    let reader = store.read()?;
    let catalog = reader.catalog();
    work_from(context, args, Lookup::Store(&reader, &catalog), input)
}

fn work_from(context: &Context, args: &Resolve, from: Lookup<'_>, input: impl Read) -> Result<u64> {
    let mut names = Names::new(args, from, spelling(Style::Json));
    let default_name = match &args.module {
        Some(module) => names.numbers(&[module.as_os_str()])?.pop(),
        None => None,
    };
    let look = Look {
        style: Style::Json,
        inlines: Inlines::All,
        paint: context.paint(&io::stdout()),
        aliases: false,
        source: None,
    };
    let (mappings, failures) = (mappings_of(from), Failures::default());
    let (next_line, is_worker) = (1, true);
    let mut session =
        Session { args, look, names, mappings, default_name, failures, next_line, is_worker };
    session.stream(Lines::new(input), None, false, &mut io::stdout())?;
    Ok(session.next_line - 1)
}

/// The mappings of a store. Modules of a bucket have readers of their own.
fn mappings_of(from: Lookup<'_>) -> Option<Mappings<'_>> {
    match from {
        Lookup::Store(reader, _) => Some(Mappings::new(reader)),
        _ => None,
    }
}

/// The module of the object in `file`.
fn object(context: &Context, store: &Store, file: &Path) -> Result<Arc<InMemoryModule>> {
    let objects = Objects {
        store: Some(store.clone()),
        search: context.search(&[], &[]),
        default_arch: None,
        debuginfod: None,
    };
    objects
        .open(file)?
        .held
        .with_context(|| format!("{}: nothing in it can answer addresses", file.display()))
}

/// Where source is, if lines of it are to be shown.
fn source_context(args: &Resolve, style: Style) -> Result<Option<SourceContext>> {
    let source = SourceContext::of(&args.source)?;
    if source.is_some() && !matches!(style, Style::Pretty | Style::Json) {
        let fact =
            "--source-dir works with --style pretty and json; other styles have no lines of source";
        return Err(Usage(fact.to_owned()).into());
    }
    Ok(source)
}

/// Styles of a tool have that tool's spelling.
fn spelling(style: Style) -> Spelling {
    match style {
        Style::Pretty | Style::Json => Spelling::Symtool,
        Style::Gnu | Style::Llvm | Style::LlvmJson => Spelling::Llvm,
    }
}

fn open_batch(path: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(Ahead::of(io::stdin())?), None));
    }
    let file = File::open(path).with_context(|| {
        format!("{}: cannot be opened; pass a file of requests, or - for stdin", path.display())
    })?;
    let metadata = file.metadata().ok();
    if metadata.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        bail!("{}: is a folder; pass a file of requests, or - for stdin", path.display());
    }
    let bytes = metadata.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok((Box::new(file), bytes))
}
