//! Why bytes are no minidump.

/// Why bytes are no minidump that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MinidumpError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The bytes begin like no minidump.
    #[error("not a minidump: the file does not begin with MDMP")]
    NotAMinidump,
    /// A dump of another kind, named by what it is.
    #[error("{0}, not a minidump")]
    OtherDump(&'static str),
    /// The file ends within the header.
    #[error("cut off within the header: {0} of 32 bytes")]
    HeaderCutOff(u64),
    /// The header has another version.
    #[error("the header has version {0:#06x}; minidumps have 0xa793")]
    Version(u16),
    /// The header counts no streams.
    #[error("the header counts no streams")]
    NoStreams,
    /// The list of streams lies past the end of the file, or in the header.
    #[error(
        "the list of {count} streams at offset {offset} is not in the file ({file_bytes} bytes)"
    )]
    NoDirectory {
        /// How many streams the header counts.
        count: u32,
        /// Where their list begins.
        offset: u32,
        /// How long the file is.
        file_bytes: u64,
    },
    /// None of the streams is one that a minidump needs.
    #[error("the file has {0} streams, and none of threads, modules, memory or the system")]
    NothingKnown(usize),
}

impl MinidumpError {
    /// Whether the file ends before what its header says.
    pub fn is_cut_off(&self) -> bool {
        match self {
            Self::HeaderCutOff(_) => true,
            Self::NoDirectory { offset, .. } => *offset >= 32,
            _ => false,
        }
    }
}
