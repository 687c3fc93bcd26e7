//! `symtool key`: generates keys, rotates the key of a store, shows which key is which.
//!
//! `source.rs` finds the key that every command uses.

mod args;
mod source;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;
use symtool_store::Error;
use symtool_store::seal::MasterKey;

use crate::context::Context;
use crate::exit::Exit;
use crate::output;
pub use args::Key;
pub use source::{KeySource, read_file};

/// Runs the command.
pub fn run(context: &Context, args: &Key) -> Result<Exit> {
    match args {
        Key::Generate(args) => generate(context, &args.file),
        Key::Rotate(args) => rotate(context, &args.new_key_file),
        Key::Show => show(context),
    }
}

/// Makes a file that only its owner may read, and never writes over another.
fn generate(context: &Context, path: &Path) -> Result<Exit> {
    let text = MasterKey::generate().context("the operating system provides no random numbers")?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = made.with_context(|| {
        format!("{}: cannot be created; name a new file in an existing folder", path.display())
    })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("{}: cannot be written", folder.display()))?;
    let id = MasterKey::parse(&text)?.id().to_string();
    tell(context, &Generated { key: &id, file: &path.to_string_lossy() }, || {
        format!(
            "{}: key {id}; keep a copy elsewhere: without it, everything that it seals is lost",
            path.display()
        )
    })
}

/// A new key.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Generated<'a> {
    key: &'a str,
    file: &'a str,
}

fn rotate(context: &Context, new_key_file: &Path) -> Result<Exit> {
    let new = read_file(new_key_file)?;
    let store = context.open_store()?;
    let modules = store.rotate(&new)?;
    let key = new.id().to_string();
    tell(context, &Rotated { key: &key, modules }, || {
        format!(
            "{}: now sealed with key {key} ({modules} modules); the old key no longer opens it",
            store.path().display()
        )
    })
}

/// A store with another key.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Rotated<'a> {
    key: &'a str,
    modules: u64,
}

fn show(context: &Context) -> Result<Exit> {
    let given = context.key.load()?.map(|key| key.id().to_string());
    let store = context.store_without_key()?;
    let wanted: Option<Vec<String>> = match store.keys() {
        Ok(keys) => Some(keys.iter().map(ToString::to_string).collect()),
        Err(Error::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    tell(context, &Shown { given: given.as_deref(), store: wanted.as_deref() }, || {
        let given = given.as_deref().unwrap_or("none");
        let path = store.path().display();
        let store = match wanted.as_deref() {
            None => format!("none at {path} yet"),
            Some([]) => format!("{path}: open (not sealed)"),
            Some(keys) if keys.len() > 1 => {
                let keys = keys.join(" and ");
                format!(
                    "{path}: sealed with {keys}: a rotation is pending; repeat `key rotate`, or write with the new key, to finish it"
                )
            }
            Some(keys) => format!("{path}: sealed with {}", keys.join(" or ")),
        };
        format!("key given  {given}\nstore      {store}")
    })
}

/// Which keys there are.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<&'a str>,
    /// Absent if there is no store; empty if it is not sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a [String]>,
}

fn tell(context: &Context, object: &impl Serialize, text: impl FnOnce() -> String) -> Result<Exit> {
    let line = if context.json { output::json(object)? } else { text() };
    writeln!(std::io::stdout(), "{line}")?;
    Ok(Exit::Done)
}
