//! What a stored minidump says of an image of Windows that servers have its files by.

use symtool_crashes::StoredDump;
use symtool_minidump::{CodeView, DumpOs, Minidump};
use symtool_report::ImageId;

use super::crash::Fetched;
use super::{dump_image_id, file_name};

/// By what the files of an image are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowsFiles {
    /// The time stamp and the size of the image: `4F2596DA6000`.
    pub code_id: String,
    /// What its PDB is called, if it has one.
    pub pdb: Option<String>,
}

/// What `dump` says of the image with `id`, if it can be read and has it.
pub fn windows_files(dump: &StoredDump<'_>, id: &ImageId) -> Option<WindowsFiles> {
    let source = Fetched(dump);
    let dump = Minidump::open(&source).ok()?;
    let os = dump.os().filter(|os| *os == DumpOs::Windows);
    let is_it = |module: &&symtool_minidump::DumpModule| {
        os.is_some() && dump_image_id(module, os).as_ref() == Some(id)
    };
    let module = dump.modules.iter().find(is_it)?;
    let pdb = match &module.code_view {
        CodeView::Pdb70 { file, .. } if !file.is_empty() => Some(file_name(Some(file)).to_owned()),
        _ => None,
    };
    Some(WindowsFiles { code_id: format!("{:08X}{:x}", module.time_stamp, module.size), pdb })
}
