//! Says where companion files are looked for ([`Search`]), and opens what is found there.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::bytes::Mapped;

/// Where files that belong to an object are looked for, besides its own folder.
#[derive(Clone, Debug)]
pub struct Search {
    /// Folders with debug files, in order.
    pub debug_dirs: Vec<PathBuf>,
    /// Folders with symbol maps of Apple's bitcode builds (`UUID.bcsymbolmap`), in order.
    pub symbol_map_dirs: Vec<PathBuf>,
    /// Told of each place that was looked at, on any thread.
    pub told: fn(SearchedPlace<'_>),
}

/// A place where a file that belongs to an object was looked for.
#[derive(Clone, Copy, Debug)]
pub struct SearchedPlace<'a> {
    /// The object.
    pub object: &'a Path,
    /// The place.
    pub place: &'a Path,
    /// Whether there is a file; it may be of another build.
    pub is_there: bool,
}

impl Default for Search {
    /// `/usr/lib/debug`, where distributions put debug files.
    fn default() -> Self {
        Self { debug_dirs: vec![PathBuf::from("/usr/lib/debug")], ..Self::nowhere() }
    }
}

impl Search {
    /// Nowhere but beside the object.
    pub fn nowhere() -> Self {
        Self { debug_dirs: Vec::new(), symbol_map_dirs: Vec::new(), told: |_| {} }
    }

    /// `debug_dirs`, then where distributions put debug files; `symbol_map_dirs`.
    pub fn in_dirs(debug_dirs: &[PathBuf], symbol_map_dirs: &[PathBuf]) -> Self {
        let mut search = Self {
            debug_dirs: debug_dirs.to_vec(),
            symbol_map_dirs: symbol_map_dirs.to_vec(),
            ..Self::nowhere()
        };
        search.debug_dirs.extend(Self::default().debug_dirs);
        search
    }

    /// Opens the file at `place`, which may belong to the one at `object`, and tells of it.
    pub fn open(&self, place: &Path, object: &Path) -> Option<Mapped> {
        let found = open_other(place, object);
        (self.told)(SearchedPlace { object, place, is_there: found.is_some() });
        found
    }

    /// Paths at which the file of kind `extension` with build-id `id` is kept.
    pub fn by_build_id<'a>(
        &'a self,
        id: &[u8],
        extension: &str,
    ) -> impl Iterator<Item = PathBuf> + use<'a> {
        let (first, rest) = id.split_at(id.len().min(1));
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
        };
        let name = (!rest.is_empty())
            .then(|| format!(".build-id/{}/{}.{extension}", hex(first), hex(rest)));
        name.into_iter()
            .flat_map(|name| self.debug_dirs.iter().map(move |folder| folder.join(&name)))
    }
}

/// Opens the file at `path`, unless it is `object` itself.
pub fn open_other(path: &Path, object: &Path) -> Option<Mapped> {
    if path == object || path.canonicalize().ok()? == object.canonicalize().unwrap_or_default() {
        return None;
    }
    Mapped::open(path).ok().map(Mapped::with_plain_symbols)
}

/// The folder of `path`, free of symbolic links: a link beside other files leads to where the
/// file's own are.
pub fn folder(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()?.parent().map(Path::to_owned)
}
