//! Opens the crashes of a store for changing, and tells if they were counted first because an
//! earlier version of symtool kept no counts.

use symtool_crashes::CrashWriter;
use symtool_store::{Error, Store};

/// Opens the crashes of `store` for changing.
///
/// # Errors
/// If the store cannot be used.
pub fn open_writer(store: &Store) -> Result<CrashWriter, Error> {
    let writer = CrashWriter::open(store)?;
    note(store, writer.newly_counted());
    Ok(writer)
}

/// Tells how many crashes were counted, if any were.
pub fn note(store: &Store, crashes: Option<u64>) {
    if let Some(crashes) = crashes {
        note!(
            "{}: counted {crashes} crashes once; from now on their counts are kept, and earlier \
             versions of symtool no longer open them",
            store.path().display()
        );
    }
}
