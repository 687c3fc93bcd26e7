//! What is open while a command runs: the settings of the command line, the environment and the
//! config file as one, and the store.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use symtool_debug::Search;
use symtool_store::Store;

use crate::args::{Global, Remote};
use crate::config::{Config, path_in};
use crate::exit::Usage;
use crate::key::KeySource;
use crate::messages::Level;
use crate::terminal::{Color, Paint};

/// The default of `--wait`.
const WAIT_SECONDS: u64 = 10;

/// The settings of a command.
#[derive(Debug)]
pub struct Context {
    /// The folder of the store, if one was named.
    pub store: Option<PathBuf>,
    /// How a bucket is used.
    pub remote: Remote,
    /// Where the key comes from.
    pub key: KeySource,
    /// How long to wait for another process, in seconds.
    pub wait: Option<u64>,
    /// Threads to use.
    pub jobs: Option<usize>,
    /// Whether results are JSON.
    pub json: bool,
    /// Whether only results that were asked for, and errors, are printed.
    pub quiet: bool,
    /// Whether each step is told.
    pub verbose: bool,
    color: Option<Color>,
    /// What else the config file says.
    pub config: Config,
}

impl Context {
    /// What `global` says, and `config` where the command line and the environment say nothing.
    pub fn new(global: Global, config: Config) -> Self {
        // The setting closest to the command wins: a key in the environment more than one in a
        // file of settings.
        let key = KeySource::of(&global, &config);
        Self {
            store: global
                .store
                .or_else(|| path_in("SYMTOOL_STORE"))
                .or_else(|| config.store.clone()),
            remote: global.remote,
            key,
            wait: global.wait.or(config.wait),
            jobs: global.jobs.or(config.jobs),
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            color: global.color,
            config,
        }
    }

    /// The store that the command works on, with the key that it is or will be sealed with.
    ///
    /// # Errors
    /// If there is no place for one, or the key cannot be had.
    pub fn open_store(&self) -> Result<Store> {
        let store = self.store_without_key()?.with_key(self.key.load()?);
        if let Some(migrated) = store.migrate(symtool_crashes::migrate)? {
            note!(
                "{}: migrated from format 3 to format 4 ({} modules)",
                migrated.store.display(),
                migrated.modules
            );
        }
        Ok(store)
    }

    /// The store that the command works on, as far as that needs no key.
    ///
    /// # Errors
    /// If there is no place for one.
    pub fn store_without_key(&self) -> Result<Store> {
        if self.bucket_address().is_some() {
            return Err(self.no_bucket().into());
        }
        if self.remote != Remote::default() {
            let fact = "--cache, --offline and --timeout are for buckets; name one with --store s3://BUCKET/PREFIX";
            return Err(Usage(fact.to_owned()).into());
        }
        let path = match &self.store {
            Some(path) => path.clone(),
            None => default_store()
                .context("no home folder to keep a store in; name one with --store")?,
        };
        detail!("store {}", path.display());
        let store = Store::at(&path, self.wait());
        Ok(store.with_quota(self.config.quota).with_crash_quota(self.config.crash_quota))
    }

    /// How long other processes are waited for.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait.unwrap_or(WAIT_SECONDS))
    }

    /// The address of the store, if it is in a bucket.
    pub fn bucket_address(&self) -> Option<&str> {
        self.store.as_ref()?.to_str().filter(|text| is_bucket(text))
    }

    /// That the command needs a store on disk.
    pub fn no_bucket(&self) -> Usage {
        let address = self.bucket_address().unwrap_or_default();
        let fact = if cfg!(feature = "bucket") {
            "this command needs a store on disk; name one with --store DIR (import, resolve, worker resolve, modules list and modules show work on a bucket)"
        } else {
            "this symtool was built without buckets; name a store on disk with --store DIR"
        };
        Usage(format!("{address}: {fact}"))
    }

    /// Where files that belong to others are looked for: in `debug_dirs`, then where the config
    /// file says, then where distributions put them; symbol maps in `symbol_map_dirs`.
    pub fn search(&self, debug_dirs: &[PathBuf], symbol_map_dirs: &[PathBuf]) -> Search {
        let mut search =
            Search::in_dirs(&[debug_dirs, &self.config.debug_dirs].concat(), symbol_map_dirs);
        search.told = |looked| {
            let what = if looked.is_there { "there" } else { "not there" };
            detail!("{}: looked at {}: {what}", looked.object.display(), looked.place.display());
        };
        search
    }

    /// How much is told.
    pub fn level(&self) -> Level {
        match (self.quiet, self.verbose) {
            (true, _) => Level::Quiet,
            (_, true) => Level::Verbose,
            _ => Level::Normal,
        }
    }

    /// The paint for `stream`.
    pub fn paint(&self, stream: &impl std::io::IsTerminal) -> Paint {
        Paint::of(self.color, self.config.color, stream)
    }
}

/// Whether a store is named by `text` that is in a bucket.
pub fn is_bucket(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| ["s3", "gs", "az"].contains(&scheme.as_str()))
}

fn default_store() -> Option<PathBuf> {
    let data = path_in("XDG_DATA_HOME").or_else(|| Some(path_in("HOME")?.join(".local/share")))?;
    Some(data.join("symtool"))
}
