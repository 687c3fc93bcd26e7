//! `symtool missing --fetch`: brings the files of missing modules and imports them.
//! `symtool_core::fetch` has the steps.

mod report;
mod settings;

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use symtool_core::fetch::{self, Debuginfod, Fetch, FetchSummary, Source, WantedModule};
use symtool_crashes::Crashes;
use symtool_crashes::fingerprint::Modules;
use symtool_store::Store;

use crate::config::{path_in, size};
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::output;
pub use report::{ModuleLine, TotalLine};
pub use settings::{SourceSettings, all};

/// More than a nightly job should bring.
const MAX_BYTES: &str = "10GB";
/// An hour.
const MAX_SECONDS: u64 = 3_600;
/// A year.
const LONGEST_SECONDS: u64 = 31_536_000;

/// Options of a fetch.
#[derive(Debug, clap::Args)]
pub struct FetchArgs {
    /// Fetch files of the listed modules from the sources of symtool.toml, in this order, and import
    /// them
    #[arg(long)]
    pub fetch: bool,
    /// Fetch at most this many bytes, as in 500MB
    #[arg(long, value_name = "SIZE", default_value = MAX_BYTES, value_parser = bytes, requires = "fetch")]
    pub max_bytes: u64,
    /// Stop after this many seconds: start no new file and break off those on their way
    #[arg(long, value_name = "SECONDS", default_value_t = MAX_SECONDS, requires = "fetch",
        value_parser = clap::value_parser!(u64).range(..=LONGEST_SECONDS))]
    pub max_time: u64,
    /// Ask again for files that the sources did not have last time
    #[arg(long, requires = "fetch")]
    pub retry_misses: bool,
}

fn bytes(text: &str) -> Result<u64, String> {
    size(text).ok_or_else(|| "not a size; write it as in 500MB, 10GB or 1000000".to_owned())
}

/// Fetches what is missing: of all modules, if `all`, and of the first `limit`.
///
/// # Errors
/// If there is no source, or the store or the folder for parts cannot be used.
pub fn run(context: &Context, args: &FetchArgs, all: bool, limit: Option<usize>) -> Result<Exit> {
    let sources = sources(context)?;
    let store = context.open_store()?;
    let mut wanted = wanted(&store, all)?;
    wanted.truncate(limit.unwrap_or(usize::MAX));
    let fetch = Fetch {
        sources,
        folder: cache_folder("symtool/fetch")
            .context("no home folder to keep files in while they come; set XDG_CACHE_HOME")?,
        debuginfod_cache: debuginfod_cache(),
        max_bytes: args.max_bytes,
        within: Duration::from_secs(args.max_time),
        asks_again: args.retry_misses,
        search: context.search(&[], &[]),
    };
    let mut out = io::stdout().lock();
    let summary = fetch.run(&store, &wanted, &mut |module, fetched| {
        ModuleLine::of(module, fetched).write(context, &mut out)
    })?;
    let total = TotalLine::of(&summary, wanted.len());
    if context.json {
        writeln!(out, "{}", output::json(&total)?)?;
    } else {
        total.say();
    }
    Ok(exit(&summary))
}

fn exit(summary: &FetchSummary) -> Exit {
    Exit::failed_if(summary.failed > 0 || !summary.given_up.is_empty())
}

/// The modules that crashes wait for. Nobody reads the store afterwards.
fn wanted(store: &Store, all: bool) -> Result<Vec<WantedModule>> {
    let (reader, crashes) = (store.read()?, Crashes::open(store)?);
    let catalog = reader.catalog();
    Ok(fetch::wanted(&crashes, &Modules::of(catalog.modules()?), all)?)
}

/// The sources of the settings.
fn sources(context: &Context) -> Result<Vec<Source>> {
    let settings = &context.config.sources;
    if settings.is_empty() {
        let reason = "--fetch: symtool.toml has no [[source]] to fetch from; see docs/fetch.md";
        return Err(Usage(reason.to_owned()).into());
    }
    let mut sources = Vec::new();
    for (number, source) in (1..).zip(settings) {
        let found = source.sources();
        sources.extend(found.map_err(|fact| {
            Usage(format!("[[source]] number {number} in symtool.toml: {fact}"))
        })?);
    }
    Ok(sources)
}

/// LLVM's client of debuginfod, as the environment describes it (LLVM 19, `Debuginfod.cpp`).
pub fn llvm_client() -> Option<Debuginfod> {
    let text = env::var("DEBUGINFOD_URLS").unwrap_or_default();
    let servers = text.split_whitespace().filter_map(|url| match settings::urls(url) {
        Ok(mut urls) => urls.pop(),
        Err(fact) => {
            warn!("DEBUGINFOD_URLS: {fact}");
            None
        }
    });
    let seconds = env::var("DEBUGINFOD_TIMEOUT").ok().and_then(|text| text.trim().parse().ok());
    let silence = Duration::from_secs(seconds.unwrap_or(settings::TIMEOUT_SECONDS));
    let cache = env::var_os("DEBUGINFOD_CACHE_PATH").map(PathBuf::from);
    let cache = cache.or_else(|| cache_folder("llvm-debuginfod/client"))?;
    Some(Debuginfod::new(servers.collect(), cache, silence))
}

/// Where debuginfod's own client keeps files (`debuginfod-client-config(7)`).
fn debuginfod_cache() -> Option<PathBuf> {
    path_in("DEBUGINFOD_CACHE_PATH").or_else(|| cache_folder("debuginfod_client"))
}

fn cache_folder(name: &str) -> Option<PathBuf> {
    let cache = path_in("XDG_CACHE_HOME").or_else(|| Some(path_in("HOME")?.join(".cache")))?;
    Some(cache.join(name))
}
