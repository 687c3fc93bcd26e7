//! The header of a dump, and the list of its streams.

use minidump_common::format::{
    MINIDUMP_DIRECTORY, MINIDUMP_HEADER, MINIDUMP_STREAM_TYPE as StreamType, MINIDUMP_VERSION,
};
use scroll::Endian;

use super::reader::{FileRange, Reader};
use crate::bytes::faults::{DumpPart, FaultKind};
use crate::bytes::{Bytes, Data};
use crate::error::MinidumpError;
use crate::limits;

/// Whether bytes begin like a minidump.
pub fn is_minidump(bytes: &[u8]) -> bool {
    matches!(bytes.get(..4), Some(b"MDMP" | b"PMDM"))
}

/// Bytes at the beginning by which files of other kinds are told.
const HEAD_BYTES: u64 = 4096;

/// A stream of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpStream {
    /// Its type, one of `MINIDUMP_STREAM_TYPE`.
    pub kind: u32,
    /// Its bytes.
    pub range: FileRange,
}

/// The streams of a dump, in the order of the directory. Entries that are not used are left out.
#[derive(Clone, Debug)]
pub struct Directory {
    pub streams: Vec<DumpStream>,
    /// When the dump was written, in seconds since 1970; 0 if it does not say.
    pub time: u32,
    /// What was asked to be written (`MINIDUMP_TYPE`).
    pub flags: u64,
}

impl Directory {
    /// The first stream of a kind, if it has any bytes.
    pub fn find(&self, kind: StreamType) -> Option<FileRange> {
        let kind = u32::from(kind);
        self.streams.iter().find(|stream| stream.kind == kind).map(|stream| stream.range)
    }
}

/// Reads the header of `data`, and the list of streams.
pub fn read(data: Data<'_>) -> Result<(Reader<'_>, Directory), MinidumpError> {
    let head = Bytes::new(data, Endian::Little).some(0, HEAD_BYTES);
    let mut reader = Reader::new(Bytes::new(data, endian(&head)?));
    let Some(header) = reader.bytes.record::<MINIDUMP_HEADER>(0) else {
        return Err(MinidumpError::HeaderCutOff(reader.bytes.len()));
    };
    let version = u16::try_from(header.version & 0xffff).unwrap_or_default();
    // The high half is the writer's own.
    if u32::from(version) != MINIDUMP_VERSION {
        return Err(MinidumpError::Version(version));
    }
    if header.stream_count == 0 {
        return Err(MinidumpError::NoStreams);
    }
    let list = FileRange {
        offset: header.stream_directory_rva.into(),
        size: u64::from(header.stream_count) * 12,
    };
    if list.offset < 32 || list.offset + 12 > reader.bytes.len() {
        return Err(MinidumpError::NoDirectory {
            count: header.stream_count,
            offset: header.stream_directory_rva,
            file_bytes: reader.bytes.len(),
        });
    }
    let streams = streams(&mut reader, list, header.stream_count.into());
    let time = header.time_date_stamp;
    Ok((reader, Directory { streams, time, flags: header.flags }))
}

fn streams(reader: &mut Reader<'_>, list: FileRange, count: u64) -> Vec<DumpStream> {
    const PART: DumpPart = DumpPart::Directory;
    if count > limits::MAX_STREAMS {
        // Nobody writes so many: the number is wrong, and says nothing of the file's length.
        reader.faults.add(PART, FaultKind::TooMany, count - limits::MAX_STREAMS);
    } else if !reader.claim(PART, list) {
        reader.reach.may_be_further = true;
    }
    let size = list.size.min(limits::MAX_STREAMS * 12);
    let records = reader.records(
        PART,
        FileRange { size, ..list },
        0,
        12,
        count.min(limits::MAX_STREAMS),
        limits::MAX_STREAMS,
    );
    let mut streams: Vec<DumpStream> = Vec::with_capacity(records.offsets().len());
    for offset in records.offsets() {
        let Some(raw) = reader.record::<MINIDUMP_DIRECTORY>(PART, offset) else { break };
        let stream = DumpStream { kind: raw.stream_type, range: raw.location.into() };
        if stream.kind == u32::from(StreamType::UnusedStream) {
            continue;
        }
        if streams.iter().any(|known| known.kind == stream.kind) {
            reader.faults.count(PART, FaultKind::Duplicate);
        }
        reader.claim(DumpPart::Stream, stream.range);
        streams.push(stream);
    }
    streams
}

/// The order of the dump's integers, by its first four bytes; what else they are if it is no dump.
fn endian(data: &[u8]) -> Result<Endian, MinidumpError> {
    match data {
        [] => Err(MinidumpError::Empty),
        [b'M', b'D', b'M', b'P', ..] => Ok(Endian::Little),
        [b'P', b'M', b'D', b'M', ..] => Ok(Endian::Big),
        _ => Err(other_dump(data)),
    }
}

fn other_dump(data: &[u8]) -> MinidumpError {
    // `CORE` is the type of ELF files (e_type) and of Mach-O files (filetype) that is 4.
    let kind = match data {
        [b'P', b'A', b'G', b'E', ..] => "a dump of the Windows kernel (PAGE)",
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, _, _, _, _, _, _, _, _, 4, 0, 0, 0, ..] => {
            "a core file of macOS"
        }
        [0x7f, b'E', b'L', b'F', _, 1, _, _, _, _, _, _, _, _, _, _, 4, 0, ..]
        | [0x7f, b'E', b'L', b'F', _, 2, _, _, _, _, _, _, _, _, _, _, 0, 4, ..] => {
            "a core file of ELF"
        }
        _ if is_microdump(data) => "a microdump of Breakpad",
        _ => return MinidumpError::NotAMinidump,
    };
    MinidumpError::OtherDump(kind)
}

/// Breakpad writes microdumps into Android's log, behind the log's own columns.
fn is_microdump(data: &[u8]) -> bool {
    data.windows(27).any(|text| text == b"-----BEGIN BREAKPAD MICRODU")
}
