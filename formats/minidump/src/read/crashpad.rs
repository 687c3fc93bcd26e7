//! What Crashpad adds to a dump: the report's id, and annotations of the process and of modules.
//!
//! Layouts: `minidump/minidump_extensions.h` of Crashpad.

use minidump_common::format::{
    GUID, MINIDUMP_ANNOTATION, MINIDUMP_CRASHPAD_INFO, MINIDUMP_MODULE_CRASHPAD_INFO,
    MINIDUMP_MODULE_CRASHPAD_INFO_LINK, MINIDUMP_SIMPLE_STRING_DICTIONARY_ENTRY,
};

use super::modules::printed;
use super::reader::{FileRange, Reader, Records};
use crate::bytes::faults::{DumpPart, FaultKind};
use crate::bytes::text;
use crate::limits;

const PART: DumpPart = DumpPart::Crashpad;

/// What `CrashpadInfoStream` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashpadInfo {
    /// Identifies the report; `None` if there is none. Sentry takes it for the event's id.
    pub report_id: Option<[u8; 16]>,
    /// Identifies the installation of the program; `None` if there is none.
    pub client_id: Option<[u8; 16]>,
    /// Keys and values of the process, such as `prod`, `ver` and `ptype`.
    pub annotations: Vec<(String, String)>,
    /// Annotations of modules.
    pub modules: Vec<ModuleAnnotations>,
}

/// What Crashpad found in a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleAnnotations {
    /// The number of the module in the dump's list.
    pub module: u32,
    /// Messages, such as what `abort` was called for.
    pub messages: Vec<String>,
    /// Keys and values.
    pub annotations: Vec<(String, String)>,
    /// Annotations that are no strings: the name, the type's number, the bytes.
    pub objects: Vec<(String, u16, Vec<u8>)>,
}

impl CrashpadInfo {
    /// The value of `key` that the process says, else one that a module says.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations
            .iter()
            .chain(self.modules.iter().flat_map(|module| &module.annotations))
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    /// The name of the product.
    pub fn product(&self) -> Option<&str> {
        ["prod", "product", "_productName", "ProductName"]
            .iter()
            .find_map(|key| self.annotation(key))
    }

    /// The version of the product.
    pub fn version(&self) -> Option<&str> {
        ["ver", "version", "_version", "Version"].iter().find_map(|key| self.annotation(key))
    }

    /// What kind of process of the product it is, such as `renderer`.
    pub fn process_type(&self) -> Option<&str> {
        ["ptype", "process_type", "ProcessType"].iter().find_map(|key| self.annotation(key))
    }
}

/// Reads `CrashpadInfoStream`.
pub fn read(reader: &mut Reader<'_>, stream: FileRange) -> Option<CrashpadInfo> {
    let raw: MINIDUMP_CRASHPAD_INFO = reader.record(PART, stream.offset)?;
    let id = |guid: &GUID| Some(printed(guid)).filter(|id| *id != [0; 16]);
    let annotations = dictionary(reader, raw.simple_annotations.into());
    let links = list(reader, raw.module_list.into(), 12);
    let mut modules = Vec::new();
    for offset in links.offsets() {
        let link: Option<MINIDUMP_MODULE_CRASHPAD_INFO_LINK> = reader.record(PART, offset);
        let Some(link) = link else { break };
        let range = FileRange::from(link.location);
        if reader.is_inside(PART, range)
            && let Some(raw) = reader.record::<MINIDUMP_MODULE_CRASHPAD_INFO>(PART, range.offset)
        {
            modules.push(module(reader, link.minidump_module_list_index, &raw));
        }
    }
    Some(CrashpadInfo {
        report_id: id(&raw.report_id),
        client_id: id(&raw.client_id),
        annotations,
        modules,
    })
}

fn module(
    reader: &mut Reader<'_>,
    number: u32,
    raw: &MINIDUMP_MODULE_CRASHPAD_INFO,
) -> ModuleAnnotations {
    let mut found = ModuleAnnotations {
        module: number,
        annotations: dictionary(reader, raw.simple_annotations.into()),
        ..ModuleAnnotations::default()
    };
    for offset in list(reader, raw.list_annotations.into(), 4).offsets() {
        let Some(text) = reader.bytes.u32(offset) else { break };
        found.messages.extend(reader.utf8(PART, text.into()));
    }
    for offset in list(reader, raw.annotation_objects.into(), 12).offsets() {
        let Some(raw) = reader.record::<MINIDUMP_ANNOTATION>(PART, offset) else { break };
        let name = reader.utf8(PART, raw.name.into());
        let value = reader.text(PART, raw.value.into());
        let (Some(name), Some(value)) = (name, value) else { continue };
        match raw.ty {
            MINIDUMP_ANNOTATION::TYPE_STRING => found.annotations.push((name, text::utf8(&value))),
            MINIDUMP_ANNOTATION::TYPE_INVALID => reader.faults.count(PART, FaultKind::Malformed),
            other => found.objects.push((name, other, value.into_owned())),
        }
    }
    found
}

/// Keys and values (`MinidumpSimpleStringDictionary`).
fn dictionary(reader: &mut Reader<'_>, range: FileRange) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for offset in list(reader, range, 8).offsets() {
        let raw: Option<MINIDUMP_SIMPLE_STRING_DICTIONARY_ENTRY> = reader.record(PART, offset);
        let Some(raw) = raw else { break };
        let key = reader.utf8(PART, raw.key.into());
        let value = reader.utf8(PART, raw.value.into());
        if let (Some(key), Some(value)) = (key, value) {
            pairs.push((key, value));
        }
    }
    pairs
}

/// The records of a list that a descriptor points at; an empty one stands for no records.
fn list(reader: &mut Reader<'_>, range: FileRange, each: u64) -> Records {
    if range.is_empty() {
        return Records::none();
    }
    reader.is_inside(PART, range);
    let records = reader.list(PART, range, each, limits::MAX_ANNOTATIONS);
    records.at_most(reader.take_annotations(records.count))
}
