//! Walks the threads of minidumps with the unwind rows of a store, and names their frames.
//!
//! ```text
//! modules of the dump -> modules of the store   by build-id or debug id   modules.rs
//! threads             -> frames                 by unwind rows            rows.rs
//! frames              -> functions              a batch at a time         functions.rs
//! the crashed thread  -> a crash to be stored   without names             crash.rs
//! ```

mod crash;
mod damage;
mod file;
mod functions;
pub mod limits;
mod modules;
mod rows;
mod spelling;
mod windows_files;

use symtool_minidump::{DumpWalk, Minidump};
use symtool_report::ImageId;
use symtool_store::{Catalog, Error, Module, Reader};

pub use crash::{BareDumps, StoreDumps};
pub use damage::{DumpLosses, dump_error};
pub use file::DumpFile;
pub use functions::{DumpFunction, FrameFunctions, instruction_address};
pub use modules::{Lacking, dump_image_id};
use modules::{arch_names, find};
use rows::{OpenedRows, StoreRows};
pub use spelling::{code_id, debug_file, debug_id, file_name, version};
pub(crate) use windows_files::{WindowsFiles, windows_files};

/// A dump's modules, as far as a store has them.
pub struct DumpModules<'s> {
    reader: &'s Reader,
    /// By the number of the module in the dump.
    modules: Vec<Option<&'s Module>>,
}

/// The walks of a dump's threads.
#[derive(Debug)]
pub struct StoreWalk {
    /// The threads.
    pub walk: DumpWalk,
    /// Modules, by their number in the dump, whose unwind rows are damaged, and why they cannot be
    /// read.
    pub damaged: Vec<(usize, Error)>,
}

impl<'s> DumpModules<'s> {
    /// Looks for the modules of `dump` in `catalog`, which `reader` has.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn find(
        reader: &'s Reader,
        catalog: &'s Catalog<'s>,
        dump: &Minidump<'_>,
    ) -> Result<Self, Error> {
        let archs = arch_names(dump.cpu());
        Self::find_by(reader, dump, |id| find(catalog, &id, archs))
    }

    /// Takes the modules of `dump` that `find` finds, which `reader` has.
    fn find_by(
        reader: &'s Reader,
        dump: &Minidump<'_>,
        find: impl Fn(ImageId) -> Result<Option<&'s Module>, Error>,
    ) -> Result<Self, Error> {
        let ids = dump.modules.iter().map(|module| dump_image_id(module, dump.os()));
        let modules = ids.map(|id| id.map_or(Ok(None), &find)).collect::<Result<_, Error>>()?;
        Ok(Self { reader, modules })
    }

    /// The store's module of the dump's module with this number.
    pub fn get(&self, number: usize) -> Option<&'s Module> {
        self.modules.get(number).copied().flatten()
    }

    /// Walks all threads of `dump`, whose modules these are.
    pub fn walk(&self, dump: &Minidump<'_>) -> StoreWalk {
        let mut rows = StoreRows::new(self.reader, &self.modules, OpenedRows::default());
        let walk = dump.walk(&mut rows);
        StoreWalk { walk, damaged: rows.into_asked().damaged }
    }

    /// The functions at the frames of `walk`.
    pub fn functions<'w>(
        &self,
        dump: &'w Minidump<'_>,
        walk: &'w DumpWalk,
    ) -> FrameFunctions<'s, 'w> {
        FrameFunctions::new(self.reader, &self.modules, dump, walk)
    }

    /// The modules of which the walk needed something that the store lacks: names of functions for
    /// the frames in them, or unwind data. In the order of the dump.
    pub fn lacking(&self, walk: &DumpWalk) -> Vec<Lacking> {
        let used = walk.modules.iter().enumerate();
        used.filter_map(|(number, used)| Lacking::of(number, *used, self.get(number))).collect()
    }
}
