//! Finds and opens the files that belong to an object file and lie elsewhere, and reads what only
//! they have.
//!
//! Where to look is gdb's convention ("Debugging Information in Separate Files"), which
//! distributions follow, and Apple's:
//!
//! ```text
//! search.rs         folders to search, and telling of each place
//! debug_files.rs    the debug file that was split from the object; dsym.rs knows Apple's
//! image.rs          the image of Windows that a PDB belongs to
//! shared_names.rs   the file of names that it shares with others (dwz)
//! split.rs          .dwo files and .dwp packages
//! symbol_map.rs     .bcsymbolmap files
//! debug_map/        the object files that an image of Apple's was linked from
//! ```

pub mod debug_files;
pub mod debug_map;
mod dsym;
pub mod image;
mod search;
pub mod shared_names;
pub mod split;
pub mod symbol_map;

pub use search::{Search, SearchedPlace};
