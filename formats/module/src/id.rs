//! The id of a build.

use std::fmt;

/// What says which build a module is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId {
    /// The build-id's bytes (GNU build-id: usually 20; a Mach-O UUID: 16; on Windows a GUID as it
    /// is printed and its age, 20, or a time stamp and a size, 8), or 16 bytes made up from the
    /// file.
    pub bytes: Vec<u8>,
    /// Whether the file carried no id, so that [`ModuleId::bytes`] are a hash of its contents.
    pub made_up: bool,
}

impl ModuleId {
    /// The id of an image of Windows and its PDB: the GUID in the order in which it is printed, and
    /// its age.
    pub fn windows(guid: [u8; 16], age: u32) -> Self {
        Self { bytes: [&guid[..], &age.to_be_bytes()].concat(), made_up: false }
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
