//! Stores in buckets: `--store s3://BUCKET/PREFIX`, behind a store on disk as cache; and `symtool
//! bucket`, which checks and cleans one.

mod args;
mod import;
mod lookup;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use symtool_bucket::{
    BucketError, BucketUrl, Build, CacheOptions, CachedBucket, Connection, Garbage,
};
use symtool_store::{Catalog, Module};

use crate::config::path_in;
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::modules::{self, Modules};
use crate::output;
pub use args::Bucket;
use args::BucketGc;
pub use import::run as import;
pub use lookup::Opened;

/// The default of `--timeout`, in seconds.
const TIMEOUT_SECONDS: u64 = 30;
/// The default of `retry-missing`, in seconds.
const RETRY_MISSING_SECONDS: u64 = 3_600;

/// `error` as one that decides how the command ends.
pub fn failed(error: BucketError) -> anyhow::Error {
    match error {
        BucketError::Store(error) => error.into(),
        BucketError::Import(error) => error.into(),
        error => error.into(),
    }
}

/// How the command ends that `error` has stopped.
pub fn exit(error: &BucketError) -> Exit {
    match error {
        error if error.may_pass() => Exit::TryAgain,
        BucketError::Address { .. } => Exit::Usage,
        _ => Exit::Store,
    }
}

/// The bucket that the command works on, with its cache; `None` if it works on a store on disk.
///
/// # Errors
/// If its address is none, or there is no place for a cache.
pub fn of(context: &Context) -> Result<Option<CachedBucket>> {
    let Some(address) = context.bucket_address() else { return Ok(None) };
    let url = BucketUrl::parse(address).map_err(failed)?;
    let remote = &context.remote;
    let seconds = |given: Option<u64>, default| Duration::from_secs(given.unwrap_or(default));
    let timeout = seconds(remote.timeout.or(context.config.timeout), TIMEOUT_SECONDS);
    let cache = remote.cache.clone().or_else(|| context.config.cache.clone());
    let folder = cache
        .or_else(|| default_cache(&url))
        .context("no home folder to keep a cache in; name one with --cache")?;
    detail!("bucket {url}, cache {}", folder.display());
    let options = CacheOptions {
        is_offline: remote.offline,
        retry_missing: seconds(context.config.retry_missing, RETRY_MISSING_SECONDS),
        quota: context.config.cache_quota,
        wait: context.wait(),
    };
    let connection = Connection::to(&url, timeout).map_err(failed)?;
    Ok(Some(CachedBucket::new(connection, context.key.load()?, &folder, options)))
}

fn default_cache(url: &BucketUrl) -> Option<PathBuf> {
    let caches = path_in("XDG_CACHE_HOME").or_else(|| Some(path_in("HOME")?.join(".cache")))?;
    let hash = hex::encode(Sha256::digest(url.to_string()));
    Some(caches.join("symtool").join(format!("bucket-{}", &hash[..16])))
}

/// The modules of `builds`, without their blocks.
fn records(builds: &[Build]) -> Vec<Module> {
    builds.iter().map(Build::module).collect()
}

/// Runs `symtool modules` on a bucket.
pub fn modules(context: &Context, cache: &CachedBucket, args: &Modules) -> Result<Exit> {
    match args {
        Modules::List(args) => {
            let builds = cache.all().map_err(failed)?;
            modules::list::run(context, &Catalog::only(None, records(&builds)), args)
        }
        Modules::Show(named) => {
            let found = lookup::builds(cache, &named.modules)?;
            let mut builds: Vec<Build> = found.into_iter().flatten().collect();
            builds.sort_by_key(|build| build.key);
            builds.dedup_by_key(|build| build.key);
            modules::show(context, &Catalog::only(None, records(&builds)), named)
        }
        _ => Err(context.no_bucket().into()),
    }
}

/// A bucket that several can write.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct Probed<'b> {
    /// Its address.
    bucket: &'b str,
    /// How many requests raced at a time.
    racers: usize,
}

/// What `bucket gc` found and removed.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct Collected {
    /// Modules of the bucket.
    modules: u64,
    /// Segments that no module refers to.
    segments: u64,
    /// Markers of ids and names that lead nowhere, or to an older commit.
    markers: u64,
    /// What probes left behind.
    probes: u64,
    /// Objects that nothing refers to and that are younger than a day: they stay.
    young: u64,
    /// Whether nothing was removed.
    dry_run: bool,
}

/// Runs `symtool bucket`.
pub fn run(context: &Context, args: &Bucket) -> Result<Exit> {
    let wants = || Usage("name a bucket with --store s3://BUCKET/PREFIX".to_owned());
    let cache = of(context)?.ok_or_else(wants)?;
    match args {
        Bucket::Probe => probe(context, &cache),
        Bucket::Gc(args) => gc(context, &cache, args),
    }
}

fn probe(context: &Context, cache: &CachedBucket) -> Result<Exit> {
    match cache.bucket() {
        Ok(bucket) => bucket.probe(),
        // Before the first import.
        Err(BucketError::Missing { .. }) => cache.connection().probe(),
        Err(error) => Err(error),
    }
    .map_err(failed)?;
    let racers = symtool_bucket::limits::RACERS;
    if context.json {
        let probed = Probed { bucket: cache.place(), racers };
        writeln!(io::stdout(), "{}", output::json(&probed)?)?;
    } else if !context.quiet {
        writeln!(
            io::stdout(),
            "{}: safe for several writers: of {racers} concurrent requests, exactly one created the object, and exactly one replaced it each time",
            cache.place()
        )?;
    }
    Ok(Exit::Done)
}

fn gc(context: &Context, cache: &CachedBucket, args: &BucketGc) -> Result<Exit> {
    let bucket = cache.bucket().map_err(failed)?;
    let Garbage { modules, segments, markers, probes, young } =
        bucket.collect_garbage(args.dry_run).map_err(failed)?;
    let collected = Collected { modules, segments, markers, probes, young, dry_run: args.dry_run };
    let mut out = io::stdout().lock();
    if context.json {
        writeln!(out, "{}", output::json(&collected)?)?;
    } else if !context.quiet {
        let removed = if args.dry_run { "would be removed" } else { "removed" };
        writeln!(
            out,
            "{segments} segments, {markers} markers and {probes} probes {removed}; {young} unused objects are younger than a day; {modules} modules stay"
        )?;
    }
    Ok(Exit::Done)
}
