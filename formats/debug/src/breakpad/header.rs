//! Reads what a Breakpad symbol file says about itself: [`Header`], its `MODULE` and `INFO` lines.

use symtool_module::{ModuleId, ModuleKind, first_16, swapped_guid};

use super::parts::Release;
use super::record::{Record, hexadecimal};
use crate::limits::MAX_NAME_BYTES;

/// Bytes at the beginning in which `MODULE` and `INFO` are looked for.
const MAX_HEAD_BYTES: usize = 256 << 10;
/// Bytes that are looked through at a time.
const STRETCH_BYTES: usize = 4 << 20;
/// Bytes of a build-id.
const MAX_ID_BYTES: usize = 64;

/// What the file says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: ModuleKind,
    /// As LLVM names it.
    pub arch: &'static str,
    /// Absent if the file has none but zeros.
    pub id: Option<ModuleId>,
    /// Time stamp and size of an image of Windows, by which it goes without a PDB.
    pub code_id: Option<ModuleId>,
    /// What the module is called.
    pub name: String,
}

/// The id that the user gives for a file without a `MODULE` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenId(String);

impl GivenId {
    /// The id written as `text`: a build-id, a UUID, or a GUID and an age, with or without dashes.
    /// `None` if it is none of them.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.replace('-', "").to_ascii_lowercase();
        let is_id = (8..=2 * MAX_ID_BYTES).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            && (digits.len().is_multiple_of(2) || digits.len() > 32);
        is_id.then_some(Self(digits))
    }
}

/// The first lines of `bytes`, as far as they are looked at.
pub fn head(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let head = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

impl Header {
    /// Reads the header of `bytes`; `None` if there is no `MODULE` line with an id.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let first = head(bytes).next()?.strip_prefix(b"MODULE ")?;
        let mut words = first.splitn(4, |byte| *byte == b' ');
        let (os, arch, id) = (words.next()?, words.next()?, words.next()?);
        let kind = kind(os);
        let debug_id = DebugId::parse(id)?;
        let code_id = code_id(bytes);
        let name = words.next().map(String::from_utf8_lossy).unwrap_or_default();
        let name = name.trim().rsplit(['/', '\\']).next().unwrap_or_default();
        Some(Self {
            kind,
            arch: arch_name(kind, arch),
            id: debug_id.module_id(kind, code_id.as_deref()),
            code_id: code_id.filter(|_| kind == ModuleKind::Pe).and_then(|id| stamp_and_size(&id)),
            name: if name.len() > MAX_NAME_BYTES { String::new() } else { name.to_owned() },
        })
    }

    /// What a file of `bytes` without `MODULE` line is, if its id is `given`: of Windows if its
    /// records are, else ELF. Its registers tell the architecture.
    pub fn given(given: &GivenId, bytes: &[u8], release: Release<'_>) -> Self {
        let is_windows = head(bytes).any(|line| {
            let path = match Record::parse(line) {
                Some(Record::File(file)) => file.name,
                Some(Record::StackWin(_)) => return true,
                _ => b"",
            };
            matches!(path, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
        });
        let kind = if is_windows { ModuleKind::Pe } else { ModuleKind::Elf };
        let digits = given.0.as_bytes();
        let is_debug_id = is_windows || !digits.len().is_multiple_of(2);
        let id = match DebugId::parse(digits).filter(|_| is_debug_id) {
            Some(debug_id) => debug_id.module_id(kind, None),
            None => hex_bytes(digits).map(|bytes| ModuleId { bytes, made_up: false }),
        };
        Self {
            kind,
            arch: arch_of_registers(bytes, release),
            id,
            code_id: None,
            name: String::new(),
        }
    }
}

/// A GUID in the order in which it is printed, and an age.
struct DebugId {
    guid: [u8; 16],
    age: u32,
}

impl DebugId {
    /// That of 32 digits and more: what follows the GUID is the age.
    fn parse(digits: &[u8]) -> Option<Self> {
        let (guid, age) = digits.split_at_checked(32)?;
        let guid = hex_bytes(guid)?.try_into().ok()?;
        let age = if age.is_empty() { 0 } else { u32::try_from(hexadecimal(age)?).ok()? };
        Some(Self { guid, age })
    }

    /// The id of the module. Of ELF files the GUID is the first 16 bytes of the build-id, the first
    /// three fields of which are little-endian, with zeros behind a shorter one; `code_id` is the
    /// whole of it (Breakpad, `common/linux/file_id.cc`).
    fn module_id(&self, kind: ModuleKind, code_id: Option<&[u8]>) -> Option<ModuleId> {
        let Self { guid, age } = *self;
        if guid == [0; 16] {
            return None;
        }
        if kind == ModuleKind::Pe {
            return Some(ModuleId::windows(guid, age));
        }
        let mut bytes = guid.to_vec();
        if kind == ModuleKind::Elf {
            let guid = swapped_guid(guid);
            let build_id =
                code_id.and_then(hex_bytes).filter(|build_id| first_16(build_id) == guid);
            // The build-id of `--build-id=fast` has 8 bytes.
            let own = if guid[8..] == [0; 8] { &guid[..8] } else { &guid[..] };
            bytes = build_id.unwrap_or_else(|| own.to_vec());
        }
        Some(ModuleId { bytes, made_up: false })
    }
}

/// The digits of `INFO CODE_ID`.
fn code_id(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut infos = head(bytes).skip(1).map_while(|line| line.strip_prefix(b"INFO "));
    let code_id = infos.find_map(|info| info.strip_prefix(b"CODE_ID "))?;
    let digits = code_id.split(|byte| *byte == b' ').next()?;
    (digits.len() <= 2 * MAX_ID_BYTES).then(|| digits.to_ascii_lowercase())
}

/// 8 digits of a time stamp, and a size without leading zeros.
fn stamp_and_size(digits: &[u8]) -> Option<ModuleId> {
    let (stamp, size) =
        digits.split_at_checked(8).filter(|(_, size)| (1..=8).contains(&size.len()))?;
    let size = u32::try_from(hexadecimal(size)?).ok()?;
    let bytes = [hex_bytes(stamp)?, size.to_be_bytes().to_vec()].concat();
    Some(ModuleId { bytes, made_up: false })
}

fn hex_bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let is_whole = !digits.is_empty() && digits.len().is_multiple_of(2);
    let byte = |pair: &[u8]| u8::try_from(hexadecimal(pair)?).ok();
    digits.chunks(2).map(byte).collect::<Option<_>>().filter(|_| is_whole)
}

/// The kind of file that `os` loads. Those that are not listed have ELF files.
fn kind(os: &[u8]) -> ModuleKind {
    match os.to_ascii_lowercase().as_slice() {
        b"windows" => ModuleKind::Pe,
        b"mac" | b"macos" | b"ios" | b"tvos" | b"watchos" | b"visionos" => ModuleKind::MachO,
        _ => ModuleKind::Elf,
    }
}

/// Architectures as Breakpad and `dump_syms` name them, and as LLVM does.
pub const ARCHES: [(&str, &str); 32] = [
    ("x86", "i386"),
    ("i386", "i386"),
    ("x86_64", "x86_64"),
    ("x86_64h", "x86_64h"),
    ("amd64", "x86_64"),
    ("arm", "arm"),
    ("armv4t", "armv4t"),
    ("armv5e", "armv5e"),
    ("armv6", "armv6"),
    ("armv6m", "armv6m"),
    ("armv7", "armv7"),
    ("armv7k", "armv7k"),
    ("armv7s", "armv7s"),
    ("arm64", "aarch64"),
    ("aarch64", "aarch64"),
    ("arm64e", "arm64e"),
    ("mips", "mips"),
    ("mips64", "mips64"),
    ("ppc", "ppc"),
    ("ppc64", "ppc64"),
    ("riscv", "riscv32"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("loongarch64", "loongarch64"),
    // Those that Breakpad does not know, as symtool writes them.
    ("x86_64_x32", "x86_64_x32"),
    ("aarch64_32", "aarch64_32"),
    ("arm64_32", "arm64_32"),
    ("armv7em", "armv7em"),
    ("armv7m", "armv7m"),
    ("loongarch32", "loongarch32"),
    ("sparcv9", "sparcv9"),
    ("xscale", "xscale"),
];

fn arch_name(kind: ModuleKind, arch: &[u8]) -> &'static str {
    let known = ARCHES.iter().find(|(name, _)| name.as_bytes() == arch).map(|(_, arch)| *arch);
    match (kind, known) {
        // Apple calls it otherwise; only Apple has kinds of it.
        (ModuleKind::MachO, Some("aarch64")) => "arm64",
        (ModuleKind::Elf | ModuleKind::Pe, Some(arch)) if arch.starts_with("armv") => "arm",
        (_, arch) => arch.unwrap_or("unknown"),
    }
}

/// The architecture whose registers the first `STACK` records name.
fn arch_of_registers(bytes: &[u8], release: Release<'_>) -> &'static str {
    // Where a stretch ends within the first record, the next one is as good.
    let record = bytes.chunks(STRETCH_BYTES).find_map(|stretch| {
        let at = memchr::memmem::find(stretch, b"\nSTACK ");
        let record = at.and_then(|at| head(&stretch[at + 1..]).next());
        release(stretch);
        record
    });
    let has = |word: &str| {
        record.is_some_and(|record| {
            record.split(|byte| *byte == b' ').any(|part| part == word.as_bytes())
        })
    };
    match () {
        () if has("$rsp") || has("$rbp") => "x86_64",
        () if has("$esp") || has("$ebp") || has("WIN") => "i386",
        () if has("x30") || has("x30:") || has("x29") => "aarch64",
        () if has("sp") && has("lr") || has("r13") || has("r11") || has("r7") => "arm",
        () => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &str) -> Header {
        Header::parse(head.as_bytes()).unwrap()
    }

    fn told(head: &str) -> (ModuleKind, &'static str, String) {
        let header = parsed(head);
        (header.kind, header.arch, header.id.map_or_else(String::new, |id| id.to_string()))
    }

    #[test]
    fn elf_files_go_by_their_build_id() {
        let module = "MODULE Linux x86_64 B8AC3F14EDB0C9F2EE67C2858418D0B00 victim\n";
        let code_id = "INFO CODE_ID 143FACB8B0EDF2C9EE67C2858418D0B04CE3FAF1\n";
        let whole = "143facb8b0edf2c9ee67c2858418d0b04ce3faf1";
        let both = format!("{module}{code_id}INFO GENERATOR mozilla/dump_syms 2.3.5\n");
        assert_eq!(told(&both), (ModuleKind::Elf, "x86_64", whole.to_owned()));
        assert_eq!(parsed(&both).name, "victim");
        assert_eq!(told(module).2, whole[..32]);
        // One of another build says nothing.
        assert_eq!(told(&format!("{module}INFO CODE_ID 00{}\n", &whole[2..])).2, whole[..32]);
        // Eight bytes, and eight zeros behind them.
        let fast = "MODULE Android arm64 B8AC3F14EDB0C9F200000000000000000 libx.so\r\n";
        assert_eq!(told(fast), (ModuleKind::Elf, "aarch64", "143facb8b0edf2c9".to_owned()));
        let none = "MODULE Linux arm 000000000000000000000000000000000 libx.so\n";
        assert_eq!(told(none), (ModuleKind::Elf, "arm", String::new()));
    }

    #[test]
    fn other_files_go_by_their_debug_id() {
        let mac = "MODULE mac arm64 B8AC3F14EDB0C9F2EE67C2858418D0B00 My App\n";
        assert_eq!(
            told(mac),
            (ModuleKind::MachO, "arm64", "b8ac3f14edb0c9f2ee67c2858418d0b0".to_owned())
        );
        assert_eq!(parsed(mac).name, "My App");
        let windows = "MODULE windows x86 3723F16866A99C534C4C44205044422E1a shop.pdb\n\
            INFO CODE_ID 4F2596DA6000 shop.dll\n";
        assert_eq!(
            told(windows),
            (ModuleKind::Pe, "i386", "3723f16866a99c534c4c44205044422e0000001a".to_owned())
        );
        assert_eq!(parsed(windows).code_id.unwrap().to_string(), "4f2596da00006000");
    }

    #[test]
    fn a_file_without_id_is_no_header() {
        for head in [
            "MODULE Linux x86_64\n",
            "MODULE Linux x86_64 B8AC3F14 victim\n",
            "MODULE Linux x86_64 B8AC3F14EDB0C9F2EE67C2858418D0B00123456789 victim\n",
            "FILE 0 a.c\n",
            "",
        ] {
            assert_eq!(Header::parse(head.as_bytes()), None, "{head}");
        }
    }

    #[test]
    fn ids_that_are_given() {
        let elf =
            "FILE 0 /src/a.c\nFUNC 10 4 0 f\nSTACK CFI INIT 10 4 .cfa: $rsp 8 + .ra: .cfa 8 - ^\n";
        let build_id = "143facb8b0edf2c9ee67c2858418d0b04ce3faf1";
        let header = |id: &str, text: &str| {
            let header = Header::given(&GivenId::parse(id).unwrap(), text.as_bytes(), &|_| {});
            (header.kind, header.arch, header.id.unwrap().to_string())
        };
        let want = (ModuleKind::Elf, "x86_64", build_id.to_owned());
        assert_eq!(header(build_id, elf), want);
        let debug_id = header("B8AC3F14EDB0C9F2EE67C2858418D0B00", elf);
        assert_eq!(debug_id.2, build_id[..32]);
        let windows = "FILE 0 c:\\src\\a.c\nSTACK WIN 4 1000 7b 4 0 c 0 0 0 1 $T0 .raSearch =\n";
        let want = (ModuleKind::Pe, "i386", "3723f16866a99c534c4c44205044422e00000001".to_owned());
        assert_eq!(header("3723f168-66a9-9c53-4c4c-44205044422e-1", windows), want);
        for wrong in ["", "12", "xyz", "12345678g", "123456789"] {
            assert_eq!(GivenId::parse(wrong), None, "{wrong}");
        }
    }
}
