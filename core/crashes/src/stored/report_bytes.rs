//! The bytes of one report: in memory, or in a file if they are many.

use std::fmt;
use std::ops::Deref;

use symtool_debug::Mapped;

/// The bytes of one report.
#[derive(Clone)]
pub enum ReportBytes {
    /// In memory.
    Memory(Vec<u8>),
    /// In a file.
    Mapped(Mapped),
}

impl Deref for ReportBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(mapped) => mapped.bytes(),
        }
    }
}

/// Bytes that are gone through at once.
const PIECE_BYTES: usize = 8 << 20;

impl ReportBytes {
    /// Calls `each` with all of them, some at a time. Of a file, no more than these stay in memory.
    pub fn each_piece(&self, each: impl FnMut(&[u8])) {
        self.each_piece_of(self, each);
    }

    /// The same of `some` of them.
    pub fn each_piece_of(&self, some: &[u8], mut each: impl FnMut(&[u8])) {
        for piece in some.chunks(PIECE_BYTES) {
            each(piece);
            self.release(piece);
        }
    }

    /// Gives `piece` of them back to the file that has it: what is read of it again is read from
    /// there.
    pub fn release(&self, piece: &[u8]) {
        if let Self::Mapped(mapped) = self {
            mapped.release(piece);
        }
    }

    /// That nobody has changed them since they were opened.
    ///
    /// # Errors
    /// What to say if somebody has.
    pub fn unchanged(&self) -> Result<(), String> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Mapped(mapped) => mapped.unchanged().map_err(|error| error.to_string()),
        }
    }
}

impl From<Vec<u8>> for ReportBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Memory(bytes)
    }
}

impl PartialEq for ReportBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ReportBytes {}

impl fmt::Debug for ReportBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}
