//! Reads a file with debug data, whatever its format is: [`DebugFile`].

use std::path::Path;

use crate::breakpad::{BreakpadFile, GivenId, is_symbol_file};
use crate::bytes::{Error, Mapped};
use crate::companions::{self, Search};
use crate::debug_object::DebugObject;
use crate::inspect::{Inspection, ServerRole};
use crate::module::{ModuleInfo, ModuleSymbols};
use crate::object::ObjectFile;
use crate::pdb::{self, PdbFile};
use crate::progress::Progress;
use crate::symbol_parts::SymbolParts;
use crate::unwind;

/// A file whose headers were parsed: an object file with the files that its debug data is in, a
/// PDB, or a Breakpad symbol file.
#[derive(Debug)]
pub struct DebugFile<'d>(Format<'d>);

#[derive(Debug)]
enum Format<'d> {
    Object(Box<DebugObject<'d>>),
    Pdb(PdbFile<'d>),
    Breakpad(BreakpadFile<'d>),
}

impl<'d> DebugFile<'d> {
    /// Parses the headers of `mapped` and finds out what it is.
    ///
    /// # Errors
    /// [`Error::NotAnObject`], [`Error::OtherPdb`], [`Error::NoModuleLine`] or [`Error::Damaged`].
    pub fn parse(mapped: &'d Mapped) -> Result<Self, Error> {
        Self::parse_with_id(mapped, None)
    }

    /// The same; a Breakpad symbol file that does not say which build it is of is of the one that
    /// is `given`.
    ///
    /// # Errors
    /// Those of [`DebugFile::parse`].
    pub fn parse_with_id(mapped: &'d Mapped, given: Option<&GivenId>) -> Result<Self, Error> {
        Ok(Self(if pdb::is_pdb(mapped.bytes()) {
            Format::Pdb(PdbFile::parse(mapped)?)
        } else if is_symbol_file(mapped.bytes()) {
            Format::Breakpad(BreakpadFile::parse(mapped, given)?)
        } else {
            Format::Object(Box::new(DebugObject::parse(mapped)?))
        }))
    }

    /// What the file says about itself.
    pub fn info(&self) -> &ModuleInfo {
        match &self.0 {
            Format::Object(object) => object.info(),
            Format::Pdb(pdb) => &pdb.info,
            Format::Breakpad(file) => &file.info,
        }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        match &self.0 {
            Format::Object(object) => object.path(),
            Format::Pdb(pdb) => pdb.mapped.path(),
            Format::Breakpad(file) => file.mapped.path(),
        }
    }

    /// The path of the debug file that was split from this one, if [`DebugFile::with_debug_data`]
    /// was given it.
    pub fn debug_path(&self) -> Option<&Path> {
        match &self.0 {
            Format::Object(object) => object.debug_path(),
            Format::Pdb(_) | Format::Breakpad(_) => None,
        }
    }

    /// The debug file that was split from this one, if it is found and this one has no debug data
    /// itself.
    pub fn debug_file(&self, search: &Search) -> Option<Mapped> {
        match &self.0 {
            Format::Object(object) => object.debug_file(search),
            Format::Pdb(_) | Format::Breakpad(_) => None,
        }
    }

    /// The PDB of an image of Windows, if it is called as the image says and lies beside it. It is a
    /// file of its own: see [`DebugFile::parse`].
    pub fn pdb(&self, search: &Search) -> Option<Mapped> {
        match &self.0 {
            Format::Object(object) => object.pdb(search),
            Format::Pdb(_) | Format::Breakpad(_) => None,
        }
    }

    /// The same with the debug data of `debug`, which was split from it; else with that of the
    /// object files that it was linked from, where it says which (Mach-O). Symbols and code stay
    /// its own, as in llvm-symbolizer.
    #[must_use]
    pub fn with_debug_data(self, debug: Option<Self>, search: &Search) -> Self {
        let debug = debug.and_then(|debug| match debug.0 {
            Format::Object(object) => Some(*object),
            Format::Pdb(_) | Format::Breakpad(_) => None,
        });
        match self.0 {
            Format::Object(object) => {
                Self(Format::Object(Box::new(object.with_debug_data(debug, search))))
            }
            Format::Pdb(_) | Format::Breakpad(_) => self,
        }
    }

    /// The file's size in bytes.
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Format::Object(object) => object.bytes(),
            Format::Pdb(pdb) => pdb.mapped.bytes().len(),
            Format::Breakpad(file) => file.mapped.bytes().len(),
        }
    }

    /// Bytes of memory that [`DebugFile::read`] may take, roughly: a file's worth, and its sections
    /// expanded.
    pub fn working_bytes(&self) -> u64 {
        match &self.0 {
            Format::Object(object) => object.working_bytes(),
            // Streams whose pages are scattered are copied.
            Format::Pdb(pdb) => 2 * pdb.mapped.bytes().len() as u64,
            Format::Breakpad(file) => file.mapped.bytes().len() as u64,
        }
    }

    /// Reads all ranges, names and lines. Units are read in parallel on the current rayon pool; the
    /// result does not depend on how many threads there are. Files that belong to this one are
    /// looked for as `search` says.
    ///
    /// # Errors
    /// [`Error::NoSymbols`] if there is nothing to find addresses by, [`Error::Changed`] if another
    /// process wrote to one of the files meanwhile. Damage within a section costs the unit it is
    /// in, and is counted in `dropped`.
    pub fn read(&self, search: &Search, progress: &Progress) -> Result<ModuleSymbols, Error> {
        match &self.0 {
            Format::Object(object) => object.read(search, progress),
            Format::Pdb(pdb) => {
                let module = read_pdb(pdb, search, progress);
                pdb.mapped.unchanged()?;
                module
            }
            Format::Breakpad(file) => {
                let module = file.read(progress);
                file.mapped.unchanged()?;
                module
            }
        }
    }

    /// The same, one part of its ranges after the other where the format allows it.
    ///
    /// # Errors
    /// As [`DebugFile::read`].
    pub fn parts<'p>(
        &'p self,
        search: &Search,
        progress: &'p Progress,
    ) -> Result<SymbolParts<'p, 'd>, Error> {
        Ok(match &self.0 {
            Format::Breakpad(file) => SymbolParts::breakpad(file, progress),
            _ => SymbolParts::whole(self.read(search, progress)?),
        })
    }

    /// What a symbol server hands the file out as.
    pub fn server_role(&self) -> ServerRole {
        match &self.0 {
            Format::Object(object) => object.server_role(),
            Format::Pdb(_) => ServerRole { has_debug_data: true, ..ServerRole::default() },
            Format::Breakpad(_) => ServerRole::default(),
        }
    }

    /// Looks at headers, at the root of each unit, and at where files that belong to it should be.
    /// The debug file with which [`DebugFile::with_debug_data`] was called, or which is looked for
    /// as `search` says, counts as its own.
    pub fn inspect(&self, search: &Search) -> Inspection {
        match &self.0 {
            Format::Object(object) => object.inspect(search),
            Format::Pdb(pdb) => {
                Inspection { has_unwind: pdb.has_frame_data, ..Inspection::default() }
            }
            Format::Breakpad(file) => {
                Inspection { has_unwind: file.has_unwind(), ..Inspection::default() }
            }
        }
    }
}

/// Reads `pdb`, with the image that it belongs to if that says more about walking stacks.
fn read_pdb(
    pdb: &PdbFile<'_>,
    search: &Search,
    progress: &Progress,
) -> Result<ModuleSymbols, Error> {
    let image = pdb
        .has_frame_data
        .then(|| companions::image::find(pdb.mapped.path(), &pdb.info.id, search))
        .flatten();
    let file = image.as_ref().and_then(|image| ObjectFile::parse(image).ok());
    let code = file.as_ref().map(|file| unwind::pe_image(&file.object));
    let module = pdb.read(code.as_ref(), progress)?;
    image.as_ref().map_or(Ok(()), Mapped::unchanged)?;
    Ok(module)
}
