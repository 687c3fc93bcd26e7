//! Texts in the settings that nobody else may know: written out, in a variable, or in a file.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use toml::Table;
use zeroize::Zeroizing;

/// Bytes of a file with an address or a secret.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Where something that nobody else may know comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretText {
    /// The settings have it.
    Text(Zeroizing<String>),
    /// A variable of the environment has it.
    Variable(String),
    /// A file has it.
    File(PathBuf),
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Variable(name) => write!(f, "Variable({name})"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// The text under `key`.
///
/// # Errors
/// If it is something else.
pub fn text<'t>(table: &'t Table, key: &str) -> Result<Option<&'t str>, String> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let text = value.as_str().filter(|text| !text.trim().is_empty());
    text.map(Some).ok_or_else(|| format!("`{key}` has to be a text in quotes"))
}

impl SecretText {
    /// Of `key`, `key-env` or `key-file` of a table in a file in `folder`.
    ///
    /// # Errors
    /// If it is no text, or there are several.
    pub fn parse(table: &Table, key: &str, folder: &Path) -> Result<Option<Self>, String> {
        let (variable, file) = (format!("{key}-env"), format!("{key}-file"));
        let path = table.get(&file).map(|value| {
            crate::config::full_path(value, folder)
                .ok_or_else(|| format!("`{file}` has to be a path in quotes"))
        });
        let found = [
            text(table, key)?.map(|text| Self::Text(Zeroizing::new(text.to_owned()))),
            text(table, &variable)?.map(|name| Self::Variable(name.to_owned())),
            path.transpose()?.map(Self::File),
        ];
        let mut found = found.into_iter().flatten();
        let first = found.next();
        if found.next().is_some() {
            return Err(format!("only one of `{key}`, `{variable}` and `{file}` can be set"));
        }
        Ok(first)
    }

    /// Whether the settings themselves have it.
    pub fn is_written_out(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Reads it; `key` is what it is.
    ///
    /// # Errors
    /// If the variable or file is not there.
    pub fn read(&self, key: &str) -> Result<Zeroizing<String>, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Variable(name) => std::env::var(name)
                .map(Zeroizing::new)
                .map_err(|_| format!("${name} ({key}-env) is not set")),
            Self::File(path) => {
                let mut text = Zeroizing::new(String::new());
                let file = File::open(path);
                file.and_then(|file| file.take(MAX_SECRET_BYTES).read_to_string(&mut text))
                    .map_err(|error| {
                        format!("{}: {key}-file cannot be read ({error})", path.display())
                    })?;
                Ok(text)
            }
        }
    }
}
