//! Gives the bytes of files: mapped, in memory, or expanded from a section. Tells what they seem to
//! be, and what is wrong with a file.

mod error;
#[cfg(unix)]
mod guard;
mod kind;
pub mod leb128;
mod mapped;
mod os_path;
pub mod section_bytes;

pub use error::{Companion, Error, PdbKind};
pub use kind::{Format, Kind, MAGIC_BYTES, PORTABLE_PDB, is_breakpad, is_pdb, may_be_mapping};
pub use mapped::{Mapped, trim_heap};
pub use os_path::os_path;
pub use section_bytes::SectionBytes;
