//! Asks the sources for the files of one module: [`Finder`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use symtool_http::SecretUrl;

use super::budget::Bound;
use super::check::{Checked, cabinet_beside, check};
use super::limits::MAX_UNREACHABLE;
use super::misses::{Known, Misses};
use super::source::{Source, SourcePlace, Use};
use super::told::Problem;
use super::transfer::{Arrived, Came, NotCome, Transfers};
use super::wanted::WantedModule;
use crate::layout::{FileKind, Layout};

/// Asks sources in their order.
#[derive(Debug)]
pub struct Finder<'f> {
    pub sources: &'f [Source],
    /// Where debuginfod's own client keeps files, if that is looked into.
    pub debuginfod_cache: Option<&'f Path>,
    pub transfers: Transfers<'f>,
    pub misses: &'f Misses,
    /// Whether sources are asked for what they did not have lately.
    pub asks_again: bool,
    /// For each source, how often in a row it could not be reached.
    pub unreachable: Vec<AtomicU32>,
}

/// What was found of one module.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<FoundFile>,
    pub problems: Vec<Problem>,
    /// How many questions were not asked, as the answer was no lately.
    pub remembered: u32,
    /// How many were.
    pub asked: u32,
    /// What is used up, if something is.
    pub bound: Option<Bound>,
    /// What was asked for.
    seen: HashSet<(usize, String)>,
}

/// A file that is the right one.
#[derive(Debug)]
pub struct FoundFile {
    pub kind: FileKind,
    /// Where it comes from, without secrets.
    pub from: String,
    /// Where it is on this machine.
    pub path: PathBuf,
    /// Bytes that came now.
    pub bytes: u64,
    /// Of one that came: its source, its address and its mark.
    pub came: Option<(usize, SecretUrl, Option<String>)>,
    has_unwind: bool,
}

impl Use {
    /// The files that may be of this use, the best first.
    fn files(self, wanted: &WantedModule) -> &'static [FileKind] {
        match self {
            Self::Debug => &[FileKind::Debug, FileKind::Symbols],
            Self::Executable => &[FileKind::Executable],
            // On 32-bit Windows it is in the PDB.
            Self::Unwind if wanted.is_windows() => {
                &[FileKind::Executable, FileKind::Symbols, FileKind::Debug]
            }
            Self::Unwind => &[FileKind::Executable, FileKind::Symbols],
        }
    }
}

impl Finder<'_> {
    /// Looks for what is wanted of a module.
    pub fn find(&self, wanted: &WantedModule) -> Found {
        let mut found = Found::default();
        if wanted.names && !self.first(wanted, Use::Debug, &mut found) {
            self.first(wanted, Use::Executable, &mut found);
        }
        if wanted.unwind && !found.files.iter().any(|file| file.has_unwind) {
            self.first(wanted, Use::Unwind, &mut found);
        }
        found
    }

    /// Asks one source after the other for a file of this use. Whether one has it.
    fn first(&self, wanted: &WantedModule, what: Use, found: &mut Found) -> bool {
        for (index, source) in self.sources.iter().enumerate() {
            if !source.uses.contains(&what) {
                continue;
            }
            for kind in what.files(wanted) {
                for key in wanted.keys(source.layout, *kind) {
                    if !found.seen.insert((index, key.clone())) {
                        continue;
                    }
                    if self.transfers.is_over() {
                        found.bound = Some(Bound::Time);
                        return false;
                    }
                    let file = match &source.place {
                        SourcePlace::Folder(folder) => {
                            in_folder(wanted, *kind, (folder, source.layout), &key, found)
                        }
                        SourcePlace::Url(base) => {
                            self.on_server(wanted, *kind, (index, base), &key, found)
                        }
                    };
                    let serves = |file: &FoundFile| what != Use::Unwind || file.has_unwind;
                    if let Some(file) = file {
                        let is_enough = serves(&file);
                        found.files.push(file);
                        if is_enough {
                            return true;
                        }
                    }
                }
            }
        }
        false
    }

    /// Asks a server for `key`.
    fn on_server(
        &self,
        wanted: &WantedModule,
        kind: FileKind,
        (index, base): (usize, &SecretUrl),
        key: &str,
        found: &mut Found,
    ) -> Option<FoundFile> {
        let source = self.sources.get(index)?;
        if let Some(place) = self.kept_by_debuginfod(source, key)
            && let Some(file) = checked(wanted, kind, &place, found)
        {
            return Some(file);
        }
        let url = base.join(key).ok()?;
        let unless = match self.misses.get(&url.tag()) {
            Known::Missed if !self.asks_again => {
                found.remembered += 1;
                return None;
            }
            Known::Missed => None,
            Known::Nothing(etag) => etag,
        };
        let unreachable = self.unreachable.get(index)?;
        if unreachable.load(Ordering::Relaxed) >= MAX_UNREACHABLE {
            let fact = format!("{}: not asked, as it cannot be reached", source.name());
            found.problems.push(Problem::Unreachable(fact));
            return None;
        }
        found.asked += 1;
        let came = self.transfers.bring((&url, &wanted.id), source, unless.as_deref());
        let is_down = match &came {
            Err(NotCome::Unreachable(_)) => true,
            Err(NotCome::Refused(status)) => *status >= 500,
            _ => false,
        };
        if is_down {
            unreachable.fetch_add(1, Ordering::Relaxed);
        } else {
            unreachable.store(0, Ordering::Relaxed);
        }
        match came {
            Ok(Came::File(arrived)) => self.arrived(wanted, kind, (index, url), arrived, found),
            Ok(Came::Absent) => {
                self.misses.add(&url.tag(), source.miss, None);
                None
            }
            Ok(Came::Unchanged) => {
                self.misses.add(&url.tag(), source.miss, unless);
                None
            }
            Err(reason) => {
                found.did_not_come(reason, &url);
                None
            }
        }
    }

    /// A file that came, if it is the right one; any other one is remembered, so that it does not
    /// come again.
    fn arrived(
        &self,
        wanted: &WantedModule,
        kind: FileKind,
        (index, url): (usize, SecretUrl),
        arrived: Arrived,
        found: &mut Found,
    ) -> Option<FoundFile> {
        let Arrived { path, bytes, etag } = arrived;
        let (file, id) = (url.shown(), wanted.id.clone());
        let problem = match check(&path, wanted) {
            Checked::Right { has_unwind } => {
                self.misses.remove(&url.tag());
                let came = Some((index, url, etag));
                return Some(FoundFile { kind, from: file, path, bytes, came, has_unwind });
            }
            Checked::Wrong(what) => Problem::Wrong { file, what, id },
            Checked::Cabinet => Problem::Cabinet { file },
        };
        found.problems.push(problem);
        self.refuse(index, (&url, &wanted.id), etag);
        None
    }

    /// Remembers that what is at `url` is of no use for a `module`, and deletes it.
    pub fn refuse(&self, index: usize, (url, module): (&SecretUrl, &str), etag: Option<String>) {
        if let Some(source) = self.sources.get(index) {
            self.misses.add(&url.tag(), source.miss, etag);
        }
        self.transfers.forget(url, module);
    }

    /// Where debuginfod's own client keeps the file with this `key`, if it does. It keeps an empty
    /// one for what it did not get.
    fn kept_by_debuginfod(&self, source: &Source, key: &str) -> Option<PathBuf> {
        let folder = self.debuginfod_cache.filter(|_| source.layout == Layout::Debuginfod)?;
        let place = folder.join(key.strip_prefix("buildid/")?);
        place.metadata().is_ok_and(|data| data.is_file() && data.len() > 0).then_some(place)
    }
}

/// Looks at `key` in a folder.
fn in_folder(
    wanted: &WantedModule,
    kind: FileKind,
    (folder, layout): (&Path, Layout),
    key: &str,
    found: &mut Found,
) -> Option<FoundFile> {
    if !folder.is_dir() {
        let folder = folder.display().to_string();
        if !found.problems.iter().any(|known| matches!(known, Problem::NoFolder(_))) {
            found.problems.push(Problem::NoFolder(folder));
        }
        return None;
    }
    found.asked += 1;
    // What debuginfod's client keeps has no folder of this name around it.
    let inner = key.strip_prefix("buildid/").filter(|_| layout == Layout::Debuginfod);
    let places = [Some(key), inner].into_iter().flatten().map(|key| folder.join(key));
    for place in places {
        if place.metadata().is_ok_and(|data| data.is_file() && data.len() > 0) {
            return checked(wanted, kind, &place, found);
        }
        if let Some(packed) = cabinet_beside(&place).filter(|_| layout == Layout::Ssqp) {
            found.problems.push(Problem::Cabinet { file: packed.display().to_string() });
        }
    }
    None
}

/// The file at `place`, if it is the right one.
fn checked(
    wanted: &WantedModule,
    kind: FileKind,
    place: &Path,
    found: &mut Found,
) -> Option<FoundFile> {
    let (path, from) = (place.to_owned(), place.display().to_string());
    match check(place, wanted) {
        Checked::Right { has_unwind } => {
            Some(FoundFile { kind, from, path, bytes: 0, came: None, has_unwind })
        }
        Checked::Wrong(what) => {
            let id = wanted.id.clone();
            found.problems.push(Problem::Wrong { file: from, what, id });
            None
        }
        Checked::Cabinet => {
            found.problems.push(Problem::Cabinet { file: from });
            None
        }
    }
}

impl Found {
    /// Keeps why the file at `url` did not come.
    fn did_not_come(&mut self, reason: NotCome, url: &SecretUrl) {
        self.problems.push(match reason {
            NotCome::Unreachable(fact) => Problem::Unreachable(fact),
            NotCome::Refused(status) => Problem::Refused { file: url.shown(), status },
            NotCome::Kept(fact) => Problem::Kept(fact),
            NotCome::Bounded(bound) => {
                self.bound = Some(bound);
                return;
            }
        });
    }
}
