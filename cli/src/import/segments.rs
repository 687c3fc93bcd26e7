//! Imports modules that `modules export` wrote.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use symtool_store::database::is_segment;
use symtool_store::{Error, Store};

use super::report::{Report, Status, Summary};
use crate::args::Global;

/// The segments among `paths`, and the rest.
pub fn split(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    paths.iter().cloned().partition(|path| is_segment(path))
}

/// Takes the modules of all `segments` into `store`. With `force`, they replace what it knows of them.
///
/// # Errors
/// If the store cannot be used.
pub fn take(global: &Global, store: &Store, segments: &[PathBuf], force: bool, summary: &mut Summary) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for path in segments {
        let start = Instant::now();
        let modules = match store.read_segment(path) {
            Ok(modules) => modules,
            Err(error @ (Error::Segment { .. } | Error::NoKey { .. } | Error::WrongKey { .. } | Error::Io { .. })) => {
                let report = Report::failed(path, error.to_string());
                summary.count(&report);
                report.write(global, &mut out)?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for committed in store.commit(&modules, force)? {
            let status = if committed.was_there { Status::Unchanged } else { Status::Imported };
            let report = Report::of(path, status, &committed.module.footer, start.elapsed());
            summary.count(&report);
            report.write(global, &mut out)?;
        }
    }
    Ok(())
}
