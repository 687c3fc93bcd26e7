//! What a process had loaded: [`Image`], whose id compares with a module's.

use serde::{Deserialize, Serialize};

use crate::limits::MAX_ID_BYTES;
use symtool_module::{Arch, CodeId, DebugId, ModuleKind, first_16, swapped_guid};

/// One image that was loaded, or one that symbols are needed of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// What kind of file it is.
    pub kind: ImageKind,
    /// Its id, in the bytes of a module's. [`Image::identified`] computes it from
    /// [`Image::debug_id`] and [`Image::code_id`], the surer one of which wins.
    pub id: Option<ImageId>,
    /// The debug id, UUID or build-id as the report spells it.
    pub debug_id: Option<DebugId>,
    /// The code id as the report spells it, where it has one besides.
    pub code_id: Option<CodeId>,
    /// Its name: given, or computed as the last component of [`Image::path`] (of what follows a `!`
    /// in it).
    pub name: Option<String>,
    /// Its path. A library within a package has the package's path, `!` and its own name.
    pub path: Option<String>,
    /// Where it begins in the package that it was loaded from without being unpacked, in bytes.
    pub package_offset: Option<u64>,
    /// Its architecture, as the report names it, or computed from the numbers of its CPU type.
    pub arch: Option<Arch>,
    /// Its version, where the report has one.
    pub version: Option<String>,
    /// The address at which its first page was loaded.
    pub load_address: Option<u64>,
    /// Its size in memory, in bytes; absent or 0 if unknown.
    pub size: Option<u64>,
    /// The address that the file itself gives its first page.
    pub vmaddr: Option<u64>,
}

impl Image {
    /// The image with the id that its kind, debug id and code id stand for.
    ///
    /// Sentry's debug id of an ELF file is the first 16 bytes of the build-id, the first three
    /// fields of which are little-endian; its code id is the whole build-id.
    #[must_use]
    pub fn identified(self) -> Self {
        let uuid = || first_uuid(self.debug_id.as_ref()?.as_str());
        let code_id = self.code_id.as_ref().map(CodeId::as_str);
        let code_bytes = || code_id.and_then(hex_bytes);
        let id = match self.kind {
            ImageKind::Elf => match code_bytes() {
                Some(build_id) => Some(ImageId::Whole(build_id)),
                None => uuid().map(swapped_guid).map(ImageId::Prefix),
            },
            ImageKind::MachO => uuid().map(Vec::from).or_else(code_bytes).map(ImageId::Whole),
            ImageKind::Pe => {
                uuid().map(Vec::from).or_else(|| stamp_and_size(code_id?)).map(ImageId::Whole)
            }
            ImageKind::Proguard | ImageKind::Other => uuid().map(Vec::from).map(ImageId::Whole),
            ImageKind::Unknown => match code_bytes() {
                Some(build_id) => Some(ImageId::Whole(build_id)),
                None => uuid().map(ImageId::Either),
            },
        };
        Self { id, ..self }
    }

    /// The id to name it by, as the report spells it: of an ELF file the whole build-id, if it has
    /// that.
    pub fn spelled_id(&self) -> Option<&str> {
        let code_id = self.code_id.as_ref().map(CodeId::as_str);
        let debug_id = self.debug_id.as_ref().map(DebugId::as_str);
        match self.kind {
            ImageKind::Elf => code_id.or(debug_id),
            _ => debug_id.or(code_id),
        }
    }
}

/// What kind of file an image is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ImageKind {
    /// The report does not say.
    #[default]
    Unknown,
    /// An ELF file.
    Elf,
    /// A Mach-O file.
    MachO,
    /// A Windows image.
    Pe,
    /// A `ProGuard` or R8 mapping.
    Proguard,
    /// Something else that has an id: a source map, WebAssembly, …
    Other,
}

impl ImageKind {
    /// Whether machine code can lie in it.
    pub fn is_native(self) -> bool {
        !matches!(self, Self::Proguard | Self::Other)
    }
}

/// Which build an image is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ImageId {
    /// The whole id: an ELF build-id, a Mach-O or `ProGuard` UUID, a PE's GUID in the order in
    /// which it is printed.
    Whole(Vec<u8>),
    /// The first 16 bytes of an ELF build-id, with zeros behind a shorter one.
    Prefix([u8; 16]),
    /// The 16 bytes of a debug id that is either a Mach-O UUID or an ELF file's: the report does
    /// not say.
    Either([u8; 16]),
}

impl ImageId {
    /// Whether a module with this kind and these bytes of id is the image's build.
    pub fn is_of(&self, kind: ModuleKind, id: &[u8]) -> bool {
        match (self, kind) {
            // Reports rarely tell the age of a PDB apart, which stands behind its GUID.
            (Self::Whole(bytes), ModuleKind::Pe) => {
                bytes == id || (bytes.len() == 16 && id.len() == 20 && id.starts_with(bytes))
            }
            // A Breakpad symbol file can know no more of a build-id than its first 16 bytes.
            (Self::Whole(bytes), ModuleKind::Elf) => {
                bytes == id || (bytes.len() > 16 && id == &bytes[..16])
            }
            (Self::Whole(bytes), _) => bytes == id,
            (Self::Prefix(prefix), ModuleKind::Elf) => *prefix == first_16(id),
            (Self::Prefix(_), ModuleKind::MachO | ModuleKind::Pe | ModuleKind::Proguard) => false,
            (Self::Either(bytes), ModuleKind::Elf) => swapped_guid(*bytes) == first_16(id),
            (Self::Either(bytes), ModuleKind::MachO | ModuleKind::Proguard) => bytes == id,
            (Self::Either(bytes), ModuleKind::Pe) => id.len() == 20 && id.starts_with(bytes),
        }
    }

    /// Whether there is nothing but zeros in it, which stands for no id.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.iter().all(|byte| *byte == 0),
            Self::Prefix(bytes) | Self::Either(bytes) => *bytes == [0; 16],
        }
    }

    /// The first 16 bytes, with zeros behind a shorter id, of each module id that this can stand
    /// for: what an index of ids has as its key.
    pub fn keys(&self) -> impl Iterator<Item = [u8; 16]> {
        let (first, second) = match self {
            Self::Whole(bytes) => (first_16(bytes), None),
            Self::Prefix(prefix) => (*prefix, None),
            Self::Either(bytes) => (*bytes, Some(swapped_guid(*bytes))),
        };
        std::iter::once(first).chain(second)
    }
}

/// The code id of an image of Windows: 8 digits of its time stamp, and its size without leading
/// zeros.
fn stamp_and_size(text: &str) -> Option<Vec<u8>> {
    let (stamp, size) =
        text.split_at_checked(8).filter(|(_, size)| (1..=8).contains(&size.len()))?;
    hex_bytes(&format!("{stamp}{size:0>8}"))
}

/// The bytes of `text` written as hexadecimal digits, whatever dashes are between them. Absent
/// unless there is at least one byte, and at most [`MAX_ID_BYTES`], and nothing else.
pub fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let mut digits = text.bytes().filter(|byte| *byte != b'-').map(digit);
    let mut bytes = Vec::with_capacity((text.len() / 2).min(MAX_ID_BYTES));
    while let Some(high) = digits.next() {
        if bytes.len() == MAX_ID_BYTES {
            return None;
        }
        bytes.push(high? << 4 | digits.next()??);
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// The 16 bytes that `text` begins with as a UUID. What follows is a PE's age.
fn first_uuid(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let mut digits = text.bytes().filter(|byte| *byte != b'-').map(digit);
    for byte in &mut bytes {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What a path calls its file: the last component, of what follows the last `!`. Backslashes part
/// components too.
pub fn file_name(path: &str) -> &str {
    let within = path.rsplit_once('!').map_or(path, |(_, within)| within);
    within.rsplit(['/', '\\']).next().unwrap_or(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD_ID: [u8; 20] = [
        0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
        0, 1, 2, 3, 4,
    ];

    fn image_id(kind: ImageKind, debug_id: Option<&str>, code_id: Option<&str>) -> Option<ImageId> {
        let (debug_id, code_id) = (debug_id.map(DebugId::from), code_id.map(CodeId::from));
        Image { kind, debug_id, code_id, ..Image::default() }.identified().id
    }

    #[test]
    fn elf_ids() {
        let debug_id = Some("44332211-6655-8877-99aa-bbccddeeff00");
        let whole =
            image_id(ImageKind::Elf, debug_id, Some("112233445566778899aabbccddeeff0001020304"));
        assert_eq!(whole, Some(ImageId::Whole(BUILD_ID.to_vec())));
        let prefix = image_id(ImageKind::Elf, debug_id, None).unwrap();
        assert!(prefix.is_of(ModuleKind::Elf, &BUILD_ID));
        assert!(!prefix.is_of(ModuleKind::MachO, &BUILD_ID[..16]));
        assert!(!prefix.is_of(ModuleKind::Elf, &BUILD_ID[1..]));
        assert_eq!(
            prefix.keys().collect::<Vec<_>>(),
            [<[u8; 16]>::try_from(&BUILD_ID[..16]).unwrap()]
        );
        // A symbol file without CODE_ID.
        assert!(whole.unwrap().is_of(ModuleKind::Elf, &BUILD_ID[..16]));
        // A build-id of 8 bytes, as lld makes with --build-id=fast.
        let short =
            image_id(ImageKind::Elf, Some("44332211-6655-8877-0000-000000000000"), None).unwrap();
        assert!(short.is_of(ModuleKind::Elf, &BUILD_ID[..8]));
    }

    #[test]
    fn ids_of_other_files() {
        let uuid = "00112233-4455-6677-8899-AABBCCDDEEFF";
        let bytes = hex_bytes(uuid).unwrap();
        assert_eq!(
            image_id(ImageKind::MachO, Some(uuid), None),
            Some(ImageId::Whole(bytes.clone()))
        );
        assert_eq!(
            image_id(ImageKind::Proguard, Some(uuid), None),
            Some(ImageId::Whole(bytes.clone()))
        );
        // 33 digits: a GUID and an age.
        assert_eq!(
            image_id(ImageKind::Pe, Some("00112233445566778899aabbccddeeff1"), Some("5ab38077000")),
            Some(ImageId::Whole(bytes.clone()))
        );
        let either = image_id(ImageKind::Unknown, Some(uuid), None).unwrap();
        assert!(either.is_of(ModuleKind::MachO, &bytes));
        assert!(either.is_of(ModuleKind::Elf, &swapped_guid(bytes.try_into().unwrap())));
        assert_eq!(either.keys().count(), 2);
        assert_eq!(image_id(ImageKind::Elf, Some("nonsense"), Some("xyz")), None);
    }

    #[test]
    fn hexadecimal_bytes() {
        assert_eq!(hex_bytes("0aFF"), Some(vec![0x0a, 0xff]));
        for wrong in ["", "0", "0g", "é0", &"00".repeat(MAX_ID_BYTES + 1)] {
            assert_eq!(hex_bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_of_paths() {
        for (path, name) in [
            ("/data/app/a.apk!libx.so", "libx.so"),
            ("/data/app/a.apk!/lib/arm64/libx.so", "libx.so"),
            ("C:\\x\\y.dll", "y.dll"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(file_name(path), name);
        }
    }
}
