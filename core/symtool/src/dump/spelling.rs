//! How files and ids of a dump's modules are spelled, as minidump-stackwalk does.

use std::fmt::Write as _;

use symtool_minidump::{CodeView, DumpModule, DumpOs};
use symtool_module::{CodeId, DebugId, first_16, swapped_guid};

/// The last component of a path of any system; `?` if there is none.
pub fn file_name(path: Option<&str>) -> &str {
    let path = path.unwrap_or("?");
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

/// The file with a module's debug data, as the dump names it.
pub fn debug_file(module: &DumpModule) -> &str {
    match &module.code_view {
        CodeView::Pdb70 { file, .. } | CodeView::Pdb20 { file, .. } if !file.is_empty() => {
            file_name(Some(file))
        }
        _ => file_name(module.name.as_deref()),
    }
}

/// The debug id of Breakpad: a GUID and an age. Of a build-id it is the first 16 bytes, the first
/// three fields of which are little-endian.
pub fn debug_id(module: &DumpModule) -> Option<DebugId> {
    let (guid, age) = match &module.code_view {
        CodeView::Pdb70 { guid, age, .. } => (*guid, *age),
        CodeView::Elf(id) => (swapped_guid(first_16(id)), 0),
        CodeView::Pdb20 { signature, age, .. } => {
            return Some(format!("{signature:08X}{age:x}").into());
        }
        CodeView::None | CodeView::Other(_) => return None,
    };
    let mut digits = hex::encode_upper(guid);
    let _ = write!(digits, "{age:x}");
    Some(digits.into())
}

/// The code id: a build-id, or of Windows the time stamp and the size.
pub fn code_id(module: &DumpModule, os: Option<DumpOs>) -> Option<CodeId> {
    match (&module.code_view, os) {
        (CodeView::Elf(id), _) => Some(hex::encode(id).into()),
        (CodeView::Pdb70 { guid, .. }, Some(os)) if os.is_apple() => Some(hex::encode(guid).into()),
        (_, Some(DumpOs::Windows)) => {
            Some(format!("{:08x}{:x}", module.time_stamp, module.size).into())
        }
        _ => None,
    }
}

/// The version of a module, if it has one.
pub fn version(module: &DumpModule) -> Option<String> {
    module.version.map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}"))
}
