//! Source files that lie in files with debug data: [`embedded_sources`].

use crate::bytes::{Error, Mapped, is_pdb};
use crate::object::ObjectFile;
use crate::object::layout::Layout;
use crate::object::sections;
use crate::{dwarf, pdb};
use object::Object;

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Its path, as locations have it; of a PDB it may be the end of that.
    pub path: Vec<u8>,
    /// What is in it.
    pub text: Vec<u8>,
}

/// The source files that lie in the object file or PDB `mapped`: those in line programs
/// (`DW_LNCT_LLVM_source`), or in the streams of a PDB (`/src/files`).
///
/// # Errors
/// [`Error::NotAnObject`] or [`Error::Damaged`]. Damage within debug data costs the files in it.
pub fn embedded_sources(mapped: &Mapped) -> Result<Vec<SourceText>, Error> {
    if is_pdb(mapped.bytes()) {
        return pdb::sources(mapped);
    }
    let file = ObjectFile::parse(mapped)?;
    let layout = Layout::of(&file.object).map_err(|reason| file.damaged(reason))?;
    let sections = sections::load_units(&file.object, mapped, &layout)
        .map_err(|reason| file.damaged(reason))?;
    let found = dwarf::sources(&sections, file.object.is_little_endian());
    mapped.unchanged()?;
    Ok(found)
}
