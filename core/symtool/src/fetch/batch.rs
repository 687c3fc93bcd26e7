//! Imports what was found, in the order of the modules: [`Batches`].

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use symtool_debug::Search;
use symtool_store::Store;

use super::Each;
use super::find::{Finder, Found, FoundFile};
use super::told::{FetchStatus, FetchSummary, Fetched, FetchedFile, Problem};
use super::wanted::WantedModule;
use crate::Error;
use crate::import::{Event, Failure, Import, Outcome, Report};

/// Takes in what was found: all that is ready at once.
pub struct Batches<'b> {
    pub finder: &'b Finder<'b>,
    pub store: &'b Store,
    pub search: &'b Search,
    /// A folder in which files have the names of their modules.
    pub stage: &'b Path,
}

impl Batches<'_> {
    /// Takes in what comes, and tells `each`.
    pub fn take_all(
        &mut self,
        wanted: &[WantedModule],
        found: &Receiver<(usize, Found)>,
        each: Each<'_>,
    ) -> Result<FetchSummary, Error> {
        let (mut summary, mut next) = (FetchSummary::default(), 0);
        let mut waiting = BTreeMap::new();
        while let Ok((number, first)) = found.recv() {
            waiting.insert(number, first);
            waiting.extend(found.try_iter());
            let mut ready = Vec::new();
            while let (Some(module), Some(found)) = (wanted.get(next), waiting.remove(&next)) {
                ready.push((next, module, found));
                next += 1;
            }
            for (module, fetched) in self.take(ready)? {
                summary.count(&fetched);
                each(module, &fetched)?;
            }
        }
        Ok(summary)
    }

    /// Imports the files of one batch.
    fn take<'w>(
        &mut self,
        batch: Vec<(usize, &'w WantedModule, Found)>,
    ) -> Result<Vec<(&'w WantedModule, Fetched)>, Error> {
        let mut paths = Vec::new();
        for (number, module, found) in &batch {
            for (at, file) in found.files.iter().enumerate() {
                let folder = self.stage.join(format!("{number}-{at}"));
                let path = folder.join(module.file_name(file.kind));
                staged(&folder, &path, &file.path)
                    .map_err(|cause| Error::Folder { path: path.clone(), cause })?;
                paths.push(path);
            }
        }
        let mut reports = if paths.is_empty() {
            Vec::new().into_iter()
        } else {
            self.import(&paths)?.into_iter()
        }
        .peekable();
        let mut paths = paths.into_iter();
        let mut done = Vec::with_capacity(batch.len());
        for (_, module, mut found) in batch {
            let (mut files, all) = (Vec::new(), std::mem::take(&mut found.files));
            for (file, path) in all.into_iter().zip(&mut paths) {
                let mut of_file = Vec::new();
                while let Some(report) = reports.next_if(|report| is_of(report, &path)) {
                    of_file.push(report);
                }
                let problem = if of_file.is_empty() {
                    Some(Problem::Useless { file: file.from.clone() })
                } else {
                    of_file.into_iter().find_map(problem)
                };
                self.imported(&module.id, file, (problem, &mut files), &mut found.problems);
            }
            done.push((module, fetched(files, found)));
        }
        Ok(done)
    }

    /// What became of a file: it is in the store, or stays out of it for the reason `problem`.
    fn imported(
        &self,
        module: &str,
        file: FoundFile,
        (problem, files): (Option<Problem>, &mut Vec<FetchedFile>),
        problems: &mut Vec<Problem>,
    ) {
        let FoundFile { kind, from, bytes, came, .. } = file;
        let is_in = problem.is_none();
        let is_of_store = matches!(&problem, Some(Problem::Import(Failure::Store(_))));
        problems.extend(problem);
        if is_in {
            files.push(FetchedFile { kind, from, bytes });
        }
        match came {
            Some((_, url, _)) if is_in => self.finder.transfers.forget(&url, module),
            // Nothing is wrong with the file: the next fetch imports it without bringing it again.
            Some(_) if is_of_store => {}
            Some((source, url, etag)) => self.finder.refuse(source, (&url, module), etag),
            None => {}
        }
    }

    fn import(&self, paths: &[PathBuf]) -> Result<Vec<Report>, Error> {
        let reports = Mutex::new(Vec::new());
        let import = Import { search: self.search.clone(), ..Import::of(paths.to_vec()) };
        import.run(self.store, &|event| {
            if let Event::Done(report) = event {
                reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
            }
            Ok(())
        })?;
        Ok(reports.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Gives the file at `source` the name `path`.
fn staged(folder: &Path, path: &Path, source: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    symlink(std::path::absolute(source)?, path)
}

/// Whether `report` is about the file at `path`, or a member of it.
fn is_of(report: &Report, path: &Path) -> bool {
    report.path.as_os_str().as_encoded_bytes().starts_with(path.as_os_str().as_encoded_bytes())
}

fn problem(report: Report) -> Option<Problem> {
    match report.outcome {
        Outcome::Failed(failure) => Some(Problem::Import(failure)),
        Outcome::Imported { .. } | Outcome::Unchanged { .. } | Outcome::Expected(_) => None,
    }
}

/// What came of a module of which `files` are in the store.
fn fetched(files: Vec<FetchedFile>, found: Found) -> Fetched {
    let Found { problems, remembered, asked, bound, .. } = found;
    let status = match bound {
        _ if !files.is_empty() => FetchStatus::Fetched,
        Some(bound) => FetchStatus::Bounded(bound),
        None if !problems.is_empty() => FetchStatus::Failed,
        None if asked > 0 => FetchStatus::Absent,
        None if remembered > 0 => FetchStatus::Remembered,
        None => FetchStatus::Unserved,
    };
    Fetched { status, files, problems }
}
