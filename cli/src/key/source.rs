//! Where the master key of a command comes from. It never is an argument, nor in any message.

use std::env;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;
use symtool_store::seal::MasterKey;
use zeroize::Zeroizing;

use crate::args::Global;
use crate::config::Config;
use crate::exit::NoKey;

/// Holds a key, in the form of a key file.
const VARIABLE: &str = "SYMTOOL_KEY";

/// Bytes of a key file, or of what a command says; a key has some 80.
const MAX_BYTES: u64 = 64 << 10;

/// Where the key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Nowhere: no key is named.
    None,
    /// The file at this path.
    File(PathBuf),
    /// What this command prints.
    Command(String),
    /// The environment.
    Variable,
}

impl KeySource {
    /// Of what the command line names, else the environment, else the config file.
    pub fn of(global: &Global, config: &Config) -> Self {
        let named = |file: &Option<PathBuf>, command: &Option<String>| match (file, command) {
            (Some(file), _) => Some(Self::File(file.clone())),
            (None, Some(command)) => Some(Self::Command(command.clone())),
            (None, None) => None,
        };
        let variable =
            || env::var_os(VARIABLE).filter(|key| !key.is_empty()).map(|_| Self::Variable);
        let given = named(&global.key_file, &global.key_command).or_else(variable);
        given.or_else(|| named(&config.key_file, &config.key_command)).unwrap_or(Self::None)
    }

    /// Whether a command is run for it, which may ask whoever sits there.
    pub fn asks(&self) -> bool {
        matches!(self, Self::Command(_))
    }

    /// The key; `None` if none is named.
    ///
    /// # Errors
    /// [`NoKey`] if it cannot be had, or is no key.
    pub fn load(&self) -> Result<Option<MasterKey>> {
        if *self == Self::None {
            return Ok(None);
        }
        protect();
        match self {
            Self::None => Ok(None),
            Self::File(path) => read_file(path).map(Some),
            Self::Command(command) => ask(command).map(Some),
            Self::Variable => {
                let text = env::var(VARIABLE)
                    .map(Zeroizing::new)
                    .map_err(|_| NoKey(format!("${VARIABLE}: is not text")))?;
                parse(&text, &format!("${VARIABLE}")).map(Some)
            }
        }
    }
}

/// The key in the file at `path`.
///
/// # Errors
/// [`NoKey`] if there is none.
pub fn read_file(path: &Path) -> Result<MasterKey> {
    let wrong = |fact: String| {
        NoKey(format!("{}: {fact}; `symtool key generate FILE` makes one", path.display()))
    };
    let file =
        File::open(path).map_err(|error| wrong(format!("the key cannot be read ({error})")))?;
    let mode = file.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        warn!("{}: other users can read this key; run chmod 600 on it", path.display());
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| wrong(format!("the key cannot be read ({error})")))?;
    parse(&text(&bytes), &path.display().to_string())
}

/// The key that `command` prints.
fn ask(command: &str) -> Result<MasterKey> {
    let wrong = |fact: String| {
        NoKey(format!("--key-command: {fact}; it has to print what `symtool key generate` writes"))
    };
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env_remove(VARIABLE).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = shell.spawn().map_err(|error| wrong(format!("cannot be run ({error})")))?;
    let mut bytes = Zeroizing::new(Vec::new());
    let read = child.stdout.take().map_or(Ok(0), |out| out.take(MAX_BYTES).read_to_end(&mut bytes));
    let status = child.wait().map_err(|error| wrong(error.to_string()))?;
    read.map_err(|error| wrong(error.to_string()))?;
    if !status.success() {
        return Err(wrong(format!("failed ({status})")).into());
    }
    parse(&text(&bytes), "--key-command")
}

fn text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(bytes).into_owned())
}

fn parse(text: &str, from: &str) -> Result<MasterKey> {
    Ok(MasterKey::parse(text).map_err(|error| NoKey(format!("{from}: no key: {error}")))?)
}

/// Keeps the key out of core dumps, and other processes of the user from looking into this one.
/// Where that cannot be had, the key is no less safe than any program's.
fn protect() {
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
