#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod add;
pub mod bundle;
pub mod dump;
mod error;
pub mod export;
pub mod fetch;
pub mod import;
mod layout;
pub mod mapping;
pub mod notices;
pub mod objects;
pub mod report;
mod reprocess;
mod resolve;
pub mod sources;
pub mod time;

use symtool_crashes::fingerprint::{Assessor, Symbols};
use symtool_grouping::rules::Rules;
use symtool_store::{Catalog, Reader};

pub use add::{AddCrashes, AddEvent, AddSummary};
pub use error::Error;
pub use import::Import;
pub use reprocess::{Reprocess, Reprocessed, RunStatus, ShardDone};
pub use resolve::{Frame, resolve};

/// What says what crashes are grouped by, under the symbols of `reader` and `rules`.
///
/// # Errors
/// If the store cannot be read.
pub fn assessor<'s>(
    reader: &'s Reader,
    catalog: &'s Catalog<'s>,
    rules: &'s Rules,
) -> Result<Assessor<'s>, Error> {
    let dumps = dump::StoreDumps::new(reader, catalog);
    Ok(Assessor::new(Symbols::new(reader, catalog)?, rules).with_dumps(Box::new(dumps)))
}
