//! What a process died of.

use minidump_common::format::MINIDUMP_EXCEPTION_STREAM;

use super::reader::{FileRange, Reader};
use super::reason::{ACCESS_VIOLATION, IN_PAGE_ERROR};
use super::system::{Cpu, DumpOs, SystemInfo};
use super::threads;
use crate::bytes::faults::DumpPart;

/// What `ExceptionStream` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpException {
    /// The thread that crashed.
    pub thread: u32,
    /// A code of Windows, a signal, or an exception of Mach.
    pub code: u32,
    /// On Linux the signal's code; on macOS the exception's.
    pub flags: u32,
    /// An address: of the instruction on Windows, of the access elsewhere.
    pub address: u64,
    /// What Windows and Mach say besides, in as many words as the record counts.
    pub parameters: Vec<u64>,
    /// The registers at the crash. Those of the thread itself are those of the handler.
    pub context: FileRange,
}

/// Reads `ExceptionStream`.
pub fn read(reader: &mut Reader<'_>, stream: FileRange, cpu: Option<Cpu>) -> Option<DumpException> {
    let raw: MINIDUMP_EXCEPTION_STREAM = reader.record(DumpPart::Exception, stream.offset)?;
    let record = raw.exception_record;
    let context = raw.thread_context.into();
    threads::check_context(reader, context, cpu);
    let given = usize::try_from(record.number_parameters).unwrap_or(usize::MAX);
    Some(DumpException {
        thread: raw.thread_id,
        code: record.exception_code,
        flags: record.exception_flags,
        address: record.exception_address,
        parameters: record.exception_information.into_iter().take(given).collect(),
        context,
    })
}

impl DumpException {
    /// The address whose access failed, or what [`DumpException::address`] says.
    pub fn crash_address(&self, system: &SystemInfo) -> u64 {
        let access = [ACCESS_VIOLATION, IN_PAGE_ERROR].contains(&self.code);
        let address = match self.parameters.get(1) {
            Some(address) if access && system.os == DumpOs::Windows => *address,
            _ => self.address,
        };
        match system.cpu.word_bytes() {
            4 => address & 0xffff_ffff,
            _ => address,
        }
    }
}
