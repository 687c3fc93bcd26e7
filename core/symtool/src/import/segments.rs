//! Imports modules that another store exported.

use std::path::PathBuf;
use std::time::Instant;

use symtool_store::database::is_segment;
use symtool_store::{Error as StoreError, Store};

use super::event::{Event, Events, Failure, Report, Summary};
use crate::Error;

/// The segments among `paths`, and the rest.
pub fn split(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    paths.iter().cloned().partition(|path| is_segment(path))
}

/// Takes the modules of all `segments` into `store`. With `force`, they replace what it knows of
/// them.
///
/// # Errors
/// If the store cannot be used, or `events` returns an error.
pub fn take(
    store: &Store,
    segments: &[PathBuf],
    force: bool,
    events: Events<'_>,
    summary: &mut Summary,
) -> Result<(), Error> {
    let mut done = |report: Report| {
        summary.count(&report);
        events(Event::Done(report))
    };
    for path in segments {
        let start = Instant::now();
        let modules = match store.read_segment(path) {
            Ok(modules) => modules,
            Err(
                error @ (StoreError::Segment { .. }
                | StoreError::NoKey { .. }
                | StoreError::WrongKey { .. }
                | StoreError::Io { .. }),
            ) => {
                done(Report::failed(path.clone(), Failure::Store(error)))?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for committed in store.commit(&modules, force)? {
            done(Report::of(
                path.clone(),
                committed.was_there,
                committed.module.record,
                start.elapsed(),
            ))?;
        }
    }
    Ok(())
}
