//! The modules that a process had loaded, and those that it had unloaded.

use minidump_common::format::{
    CvSignature, GUID, MINIDUMP_MODULE, MINIDUMP_UNLOADED_MODULE, VS_FFI_SIGNATURE,
    VS_FIXEDFILEINFO,
};
use num_traits::FromPrimitive;
use symtool_module::ModuleId;

use super::reader::{FileRange, Reader};
use super::system::DumpOs;
use crate::bytes::faults::{DumpPart, FaultKind};
use crate::bytes::text;
use crate::limits;

/// A loaded module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpModule {
    /// The address at which it begins.
    pub base: u64,
    /// How many bytes of addresses it has.
    pub size: u64,
    /// Its path, if it can be read.
    pub name: Option<String>,
    /// When it was linked, as a PE file says.
    pub time_stamp: u32,
    /// The checksum that a PE file has.
    pub checksum: u32,
    /// The four parts of its version, if it has one.
    pub version: Option<[u16; 4]>,
    /// Which build it is.
    pub code_view: CodeView,
}

/// What says which build a module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeView {
    /// Nothing.
    None,
    /// A PDB with a GUID (`RSDS`), also a Mach-O UUID, and by old writers the first 16 bytes of a
    /// build-id.
    Pdb70 {
        /// The GUID in the order in which it is printed.
        guid: [u8; 16],
        /// How often the PDB was written.
        age: u32,
        /// The path of the PDB, or the name of the module.
        file: String,
    },
    /// An older PDB (`NB10`).
    Pdb20 {
        /// When it was written first.
        signature: u32,
        /// How often it was written.
        age: u32,
        /// Its path.
        file: String,
    },
    /// An ELF file's build-id (`BpEL` of Breakpad).
    Elf(Vec<u8>),
    /// Another record: its first four bytes, in the order of the dump's integers.
    Other(u32),
}

impl DumpModule {
    /// Whether `address` is in it.
    pub fn has(&self, address: u64) -> bool {
        address.checked_sub(self.base).is_some_and(|offset| offset < self.size)
    }

    /// The id of its build, as debug files of its kind have it. Of an ELF file, a GUID is no whole
    /// id: [`CodeView::Pdb70`] then has the first 16 bytes of it, the first three fields of which
    /// are swapped.
    pub fn id(&self, os: DumpOs) -> Option<ModuleId> {
        match &self.code_view {
            CodeView::Elf(bytes) => Some(ModuleId { bytes: bytes.clone(), made_up: false }),
            CodeView::Pdb70 { guid, .. } if os.is_apple() => {
                Some(ModuleId { bytes: guid.to_vec(), made_up: false })
            }
            CodeView::Pdb70 { guid, age, .. } if os == DumpOs::Windows => {
                Some(ModuleId::windows(*guid, *age))
            }
            CodeView::None if os == DumpOs::Windows && self.time_stamp != 0 => {
                let size = u32::try_from(self.size).ok()?;
                let bytes = [self.time_stamp.to_be_bytes(), size.to_be_bytes()].concat();
                Some(ModuleId { bytes, made_up: false })
            }
            _ => None,
        }
    }
}

/// A module that was unloaded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnloadedModule {
    /// The address at which it began.
    pub base: u64,
    /// How many bytes of addresses it had.
    pub size: u64,
    /// Its path, if it can be read.
    pub name: Option<String>,
    /// When it was linked, as a PE file says.
    pub time_stamp: u32,
    /// The checksum that a PE file has.
    pub checksum: u32,
}

/// Reads `ModuleListStream`.
pub fn read(reader: &mut Reader<'_>, stream: FileRange) -> Vec<DumpModule> {
    let records = reader.list(DumpPart::Modules, stream, 108, limits::MAX_MODULES);
    let mut modules = Vec::with_capacity(records.offsets().len());
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_MODULE>(DumpPart::Modules, offset) else { break };
        if raw.base_of_image == 0 && raw.size_of_image == 0 && raw.module_name_rva == 0 {
            reader.faults.count(DumpPart::Modules, FaultKind::Zeroed);
        }
        let misc = FileRange::from(raw.misc_record);
        if !misc.is_empty() {
            reader.claim(DumpPart::Misc, misc);
        }
        // Records stay in their places: Crashpad's annotations point at them by number.
        modules.push(DumpModule {
            base: raw.base_of_image,
            size: raw.size_of_image.into(),
            name: reader.utf16(DumpPart::ModuleName, raw.module_name_rva.into()),
            time_stamp: raw.time_date_stamp,
            checksum: raw.checksum,
            version: version(&raw.version_info),
            code_view: code_view(reader, raw.cv_record.into()),
        });
    }
    modules
}

fn version(info: &VS_FIXEDFILEINFO) -> Option<[u16; 4]> {
    let half = |word: u32, shift: u32| u16::try_from((word >> shift) & 0xffff).unwrap_or_default();
    let (high, low) = (info.file_version_hi, info.file_version_lo);
    (info.signature == VS_FFI_SIGNATURE)
        .then(|| [half(high, 16), half(high, 0), half(low, 16), half(low, 0)])
}

/// Reads a `CodeView` record.
fn code_view(reader: &mut Reader<'_>, range: FileRange) -> CodeView {
    const PART: DumpPart = DumpPart::CodeView;
    if range.is_empty() {
        return CodeView::None;
    }
    let Some(bytes) = reader.bounded(PART, range) else { return CodeView::None };
    let read = (|| {
        let signature = reader.bytes.u32(range.offset).filter(|_| range.size >= 4)?;
        Some(match CvSignature::from_u32(signature) {
            Some(CvSignature::Elf) if bytes.len() <= 4 + limits::MAX_ID_BYTES => {
                CodeView::Elf(bytes[4..].to_vec())
            }
            Some(CvSignature::Pdb70) if range.size >= 24 => CodeView::Pdb70 {
                guid: printed(&reader.bytes.record::<GUID>(range.offset + 4)?),
                age: reader.bytes.u32(range.offset + 20)?,
                file: text::utf8(&bytes[24..]),
            },
            Some(CvSignature::Pdb20) if range.size >= 16 => CodeView::Pdb20 {
                signature: reader.bytes.u32(range.offset + 8)?,
                age: reader.bytes.u32(range.offset + 12)?,
                file: text::utf8(&bytes[16..]),
            },
            Some(CvSignature::Elf | CvSignature::Pdb70 | CvSignature::Pdb20) => return None,
            _ => CodeView::Other(signature),
        })
    })();
    read.unwrap_or_else(|| {
        reader.faults.count(PART, FaultKind::Malformed);
        CodeView::None
    })
}

/// A GUID in the order in which it is printed.
pub fn printed(guid: &GUID) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&guid.data1.to_be_bytes());
    bytes[4..6].copy_from_slice(&guid.data2.to_be_bytes());
    bytes[6..8].copy_from_slice(&guid.data3.to_be_bytes());
    bytes[8..].copy_from_slice(&guid.data4);
    bytes
}

/// Reads `UnloadedModuleListStream`, which says how large its header and its records are.
pub fn read_unloaded(reader: &mut Reader<'_>, stream: FileRange) -> Vec<UnloadedModule> {
    const PART: DumpPart = DumpPart::UnloadedModules;
    let field = |at: u64| reader.bytes.u32(stream.offset + at).filter(|_| stream.size >= 12);
    let (Some(header), Some(each), Some(count)) = (field(0), field(4), field(8)) else {
        reader.faults.count(PART, FaultKind::Malformed);
        return Vec::new();
    };
    let each = if each < 24 { 0 } else { each };
    let records =
        reader.records(PART, stream, header.into(), each.into(), count.into(), limits::MAX_MODULES);
    let mut modules = Vec::with_capacity(records.offsets().len());
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_UNLOADED_MODULE>(PART, offset) else { break };
        modules.push(UnloadedModule {
            base: raw.base_of_image,
            size: raw.size_of_image.into(),
            name: reader.utf16(PART, raw.module_name_rva.into()),
            time_stamp: raw.time_date_stamp,
            checksum: raw.checksum,
        });
    }
    modules
}
