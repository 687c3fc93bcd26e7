//! The symbols that distributions leave in stripped files: in, an object; out, the object file within its
//! `.gnu_debugdata` section, expanded from xz (gdb, "Debugging information in a special section").

use std::io::Read;

use lzma_rust2::XzReader;
use object::{Object, ObjectSection};

use crate::limits::{MAX_EXPANSION, MAX_XZ_KIB};

/// The bytes of the file within, if `object` has one that can be read; its symbols are names only, and a file
/// without them is as good as one from which they were stripped.
///
/// # Errors
/// If it is damaged or expands past [`MAX_EXPANSION`].
pub fn expand(object: &object::File<'_>) -> Result<Option<Vec<u8>>, String> {
    let Some(section) = object.section_by_name(".gnu_debugdata") else { return Ok(None) };
    let in_section = |reason: String| format!("section .gnu_debugdata: {reason}");
    let data = section.data().map_err(|error| in_section(error.to_string()))?;
    let limit = MAX_EXPANSION * data.len() as u64;
    let mut expanded = Vec::new();
    let mut reader = XzReader::new_mem_limit(data, true, MAX_XZ_KIB).take(limit + 1);
    reader.read_to_end(&mut expanded).map_err(|error| in_section(error.to_string()))?;
    if expanded.len() as u64 > limit {
        return Err(in_section(format!("expands to more than the limit of {limit} bytes")));
    }
    Ok(Some(expanded))
}
