//! Knows what is special about Mach-O files: their identity, symbols and stubs.
//!
//! Layouts and constants are those of Apple's `mach-o/loader.h`, `mach-o/nlist.h` and
//! `mach/machine.h`.

mod arch;
mod exports;
pub mod symbol_map;
pub mod symbols;
pub mod synthetic;

pub use arch::name as arch_name;

use object::macho;
use object::read::macho::{MachHeader, MachOFile, Nlist};
use object::{Object, ObjectSegment};

use super::go_table;
use symtool_module::Detail;

/// Evaluates an expression for a Mach-O file of either width.
macro_rules! with_macho {
    ($object:expr, $file:ident => $body:expr) => {
        match $object {
            object::File::MachO32($file) => Some($body),
            object::File::MachO64($file) => Some($body),
            _ => None,
        }
    };
}
pub(crate) use with_macho;

/// How much `object` can tell. Symbols that are not exported are gone from what users get; imported
/// ones tell nothing.
pub fn detail(object: &object::File<'_>) -> Detail {
    let has_local_symbols = with_macho!(object, file => has_local_symbols(file)).unwrap_or(false);
    if object.section_by_name(".debug_info").is_some() {
        Detail::Debug
    } else if go_table::has_table(object) {
        Detail::Gopclntab
    } else if has_local_symbols {
        Detail::Symbols
    } else {
        Detail::Exports
    }
}

fn has_local_symbols<M: MachHeader>(file: &MachOFile<'_, M>) -> bool {
    file.macho_symbol_table()
        .iter()
        .any(|symbol| symbol.is_definition() && !symbol.n_type().contains(macho::N_EXT))
}

/// The address of the segment that begins with the file's header; what comes before it is not
/// mapped.
pub fn image_base(object: &object::File<'_>) -> u64 {
    let text =
        object.segments().find(|segment| matches!(segment.name_bytes(), Ok(Some(b"__TEXT"))));
    text.map_or_else(
        || object.segments().map(|segment| segment.address()).min().unwrap_or(0),
        |text| text.address(),
    )
}

/// The architecture, as LLVM names it.
pub fn arch(object: &object::File<'_>) -> &'static str {
    with_macho!(object, file => {
        let (header, endian) = (file.macho_header(), file.endian());
        arch::name(header.cputype(endian), header.cpusubtype(endian))
    })
    .unwrap_or("unknown")
}

/// Whether `object` was split from an image: it has that one's section headers without their
/// contents.
pub fn is_dsym(object: &object::File<'_>) -> bool {
    with_macho!(object, file => file.macho_header().filetype(file.endian()) == macho::MH_DSYM)
        .unwrap_or(false)
}
