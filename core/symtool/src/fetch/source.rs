//! Where files are fetched from: [`Source`].

use std::path::PathBuf;
use std::time::Duration;

use symtool_http::SecretUrl;

use crate::layout::Layout;

/// A server or a folder with files.
#[derive(Clone, Debug)]
pub struct Source {
    /// How it arranges them.
    pub layout: Layout,
    /// Where it is.
    pub place: SourcePlace,
    /// What it is asked for.
    pub uses: Vec<Use>,
    /// How long it may say nothing.
    pub silence: Duration,
    /// How long a file is tried again that may come later.
    pub retry: Duration,
    /// After which time it is asked again for what it did not have.
    pub miss: Duration,
}

/// Where a source is.
#[derive(Clone, Debug)]
pub enum SourcePlace {
    /// A server, or the folder of one.
    Url(SecretUrl),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// What a file is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Names, inlined calls and lines, from a debug file, a PDB or a symbol file.
    Debug,
    /// Names of functions, from what was loaded, where there is no debug file.
    Executable,
    /// How stacks are walked, from what was loaded or a symbol file.
    Unwind,
}

impl Use {
    /// All of them, by the names that people use.
    pub const NAMES: [(&'static str, Self); 3] =
        [("debug", Self::Debug), ("executable", Self::Executable), ("unwind", Self::Unwind)];

    /// The use called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, found)| *found)
    }
}

impl Source {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        match &self.place {
            SourcePlace::Url(url) => url.shown(),
            SourcePlace::Folder(path) => path.display().to_string(),
        }
    }
}
