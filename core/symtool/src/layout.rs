//! Where symbol servers keep files: [`Layout::key`], for those that are written and those that are
//! fetched.

use symtool_debug::breakpad_id;
use symtool_module::{ModuleId, ModuleKind};

/// How a symbol server arranges its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `NAME/ID/NAME.sym`, for minidump-stackwalk (Breakpad).
    Breakpad,
    /// `buildid/ID/executable` and `buildid/ID/debuginfo`, for gdb and others (elfutils,
    /// `debuginfod(8)`).
    Debuginfod,
    /// `.build-id/XX/XXXX` and `.build-id/XX/XXXX.debug` (GDB manual, "Separate Debug Files").
    Gdb,
    /// `XXXX/XXXX/XXXX/XXXX/XXXX/XXXXXXXXXXXX` for a dSYM's file, and the same with `.app` for what
    /// it belongs to (LLDB, "File Mapped UUID Directories"; Symbolicator has the second).
    Lldb,
    /// `NAME/ID/NAME`, as Microsoft's Simple Symbol Query Protocol has it (dotnet/symstore,
    /// `SSQP_Key_Conventions.md`).
    Ssqp,
}

/// What kind of file of a module is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// What is loaded and runs.
    Executable,
    /// What has the debug data: a file that was split from it, or a PDB.
    Debug,
    /// A Breakpad symbol file, which has what both tell.
    Symbols,
}

/// What says which file is meant.
#[derive(Clone, Copy, Debug)]
pub struct FileOf<'a> {
    /// What kind of module it belongs to.
    pub kind: ModuleKind,
    /// The module's id, or for [`FileKind::Symbols`] of ELF files its first 16 bytes.
    pub id: &'a [u8],
    /// Whether it was made up from the file, which only symbol files may say.
    pub made_up: bool,
    /// The file's name; of symbols, that of the file that they were made from.
    pub name: &'a str,
    /// Of an image of Windows, the time stamp and size by which it is found: `4F2596DA6000`.
    pub code_id: Option<&'a str>,
}

/// Bytes of a build-id in a key of SSQP; shorter ones have zeros behind them.
const SSQP_BUILD_ID_BYTES: usize = 20;

/// Bytes of a UUID.
const UUID_BYTES: usize = 16;

impl Layout {
    /// All of them, by the names that people use.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("breakpad", Self::Breakpad),
        ("debuginfod", Self::Debuginfod),
        ("gdb", Self::Gdb),
        ("lldb", Self::Lldb),
        ("ssqp", Self::Ssqp),
    ];

    /// The layout called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, layout)| *layout)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, layout)| *layout == self).map_or("", |(name, _)| name)
    }

    /// Where the file is, with `/` between folders; absent if a server of this layout has none like
    /// it.
    pub fn key(self, kind: FileKind, of: &FileOf<'_>) -> Option<String> {
        match self {
            Self::Breakpad if kind == FileKind::Symbols => breakpad(of),
            Self::Debuginfod if of.kind == ModuleKind::Elf => debuginfod(kind, of.id),
            Self::Gdb if of.kind == ModuleKind::Elf => gdb(kind, of.id),
            Self::Lldb if of.kind == ModuleKind::MachO => lldb(kind, of.id),
            Self::Ssqp => ssqp(kind, of),
            Self::Breakpad | Self::Debuginfod | Self::Gdb | Self::Lldb => None,
        }
    }
}

fn breakpad(of: &FileOf<'_>) -> Option<String> {
    if of.kind == ModuleKind::Proguard {
        return None;
    }
    let name = file_name(of.name);
    let stem = without_extension(&name, "pdb").unwrap_or(&name);
    let id = breakpad_id(of.kind, &ModuleId { bytes: of.id.to_vec(), made_up: of.made_up });
    Some(format!("{name}/{id}/{stem}.sym"))
}

fn debuginfod(kind: FileKind, id: &[u8]) -> Option<String> {
    let what = match kind {
        FileKind::Executable => "executable",
        FileKind::Debug => "debuginfo",
        FileKind::Symbols => return None,
    };
    Some(format!("buildid/{}/{what}", hex::encode(id)))
}

fn gdb(kind: FileKind, id: &[u8]) -> Option<String> {
    let end = match kind {
        FileKind::Executable => "",
        FileKind::Debug => ".debug",
        FileKind::Symbols => return None,
    };
    let (first, rest) = id.split_first().filter(|(_, rest)| !rest.is_empty())?;
    Some(format!(".build-id/{first:02x}/{}{end}", hex::encode(rest)))
}

fn lldb(kind: FileKind, id: &[u8]) -> Option<String> {
    let end = match kind {
        FileKind::Executable => ".app",
        FileKind::Debug => "",
        FileKind::Symbols => return None,
    };
    let digits = (id.len() == UUID_BYTES).then(|| hex::encode_upper(id))?;
    let folders = [0, 4, 8, 12, 16].map(|at| &digits[at..at + 4]);
    Some(format!("{}/{}{end}", folders.join("/"), &digits[20..]))
}

fn ssqp(kind: FileKind, of: &FileOf<'_>) -> Option<String> {
    let name = file_name(of.name).to_lowercase();
    let id = hex::encode(of.id);
    let padded = || format!("{id:0<width$}", width = 2 * SSQP_BUILD_ID_BYTES);
    Some(match (of.kind, kind) {
        // The case of its digits is part of the convention.
        (ModuleKind::Pe, FileKind::Executable) => format!("{name}/{}/{name}", of.code_id?),
        (ModuleKind::Pe, FileKind::Debug) => {
            let (guid, age) = id.split_at_checked(2 * UUID_BYTES)?;
            let age = age.trim_start_matches('0');
            format!("{name}/{guid}{}/{name}", if age.is_empty() { "0" } else { age })
        }
        (ModuleKind::Elf, FileKind::Executable) => {
            format!("{name}/elf-buildid-{}/{name}", padded())
        }
        (ModuleKind::Elf, FileKind::Debug) => {
            format!("_.debug/elf-buildid-sym-{}/_.debug", padded())
        }
        (ModuleKind::MachO, FileKind::Executable) => format!("{name}/mach-uuid-{id}/{name}"),
        (ModuleKind::MachO, FileKind::Debug) => format!("_.dwarf/mach-uuid-sym-{id}/_.dwarf"),
        (_, FileKind::Symbols) | (ModuleKind::Proguard, _) => return None,
    })
}

/// `name`, which comes from a file or a report, as the name of a file: one component, without
/// control characters.
pub fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean: String = last.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    match clean.as_str() {
        "" | "." | ".." => "unknown".to_owned(),
        _ => clean,
    }
}

/// `name` without `extension`, if it ends so, in any case.
pub fn without_extension<'n>(name: &'n str, extension: &str) -> Option<&'n str> {
    let (stem, end) = name.rsplit_once('.')?;
    (end.eq_ignore_ascii_case(extension) && !stem.is_empty()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileKind::{Debug, Executable, Symbols};

    const BUILD_ID: &str = "180a373d6afbabf0eb1f09be1bc45bd796a71085";
    const GUID: &str = "497b72f6390a44fc878e5a2d63b6cc4b";

    fn key(
        layout: Layout,
        file: FileKind,
        kind: ModuleKind,
        name: &str,
        id: &str,
        code_id: Option<&str>,
    ) -> Option<String> {
        layout.key(
            file,
            &FileOf { kind, id: &hex::decode(id).unwrap(), made_up: false, name, code_id },
        )
    }

    /// The examples of the convention.
    #[test]
    fn keys_of_ssqp() {
        let key = |file, kind, name, id: &str, code_id| {
            key(Layout::Ssqp, file, kind, name, id, code_id).unwrap()
        };
        let pdb = key(Debug, ModuleKind::Pe, "Foo.pdb", &format!("{GUID}00000001"), None);
        assert_eq!(pdb, format!("foo.pdb/{GUID}1/foo.pdb"));
        let image = key(Executable, ModuleKind::Pe, "Foo.exe", GUID, Some("542D574232000"));
        assert_eq!(image, "foo.exe/542D574232000/foo.exe");
        let code = key(Executable, ModuleKind::Elf, "foo.so", BUILD_ID, None);
        assert_eq!(code, format!("foo.so/elf-buildid-{BUILD_ID}/foo.so"));
        let debug = key(Debug, ModuleKind::Elf, "foo.so", BUILD_ID, None);
        assert_eq!(debug, format!("_.debug/elf-buildid-sym-{BUILD_ID}/_.debug"));
        let short = key(Debug, ModuleKind::Elf, "bar.so.dbg", &BUILD_ID[..32], None);
        assert_eq!(short, format!("_.debug/elf-buildid-sym-{}00000000/_.debug", &BUILD_ID[..32]));
        let code = key(Executable, ModuleKind::MachO, "foo.dylib", GUID, None);
        assert_eq!(code, format!("foo.dylib/mach-uuid-{GUID}/foo.dylib"));
        let debug = key(Debug, ModuleKind::MachO, "foo.dylib", GUID, None);
        assert_eq!(debug, format!("_.dwarf/mach-uuid-sym-{GUID}/_.dwarf"));
    }

    #[test]
    fn keys_of_others() {
        let elf = |layout, file| key(layout, file, ModuleKind::Elf, "a/foo.so", BUILD_ID, None);
        let text = |text: String| Some(text);
        assert_eq!(elf(Layout::Debuginfod, Debug), text(format!("buildid/{BUILD_ID}/debuginfo")));
        let want = text(format!("buildid/{BUILD_ID}/executable"));
        assert_eq!(elf(Layout::Debuginfod, Executable), want);
        let rest = &BUILD_ID[2..];
        assert_eq!(elf(Layout::Gdb, Debug), text(format!(".build-id/18/{rest}.debug")));
        assert_eq!(elf(Layout::Gdb, Executable), text(format!(".build-id/18/{rest}")));
        // The first fields of a build-id change their byte order.
        let want = text("foo.so/3D370A18FB6AF0ABEB1F09BE1BC45BD70/foo.so.sym".to_owned());
        assert_eq!(elf(Layout::Breakpad, Symbols), want);
        assert_eq!((elf(Layout::Lldb, Debug), elf(Layout::Breakpad, Debug)), (None, None));
        let macho = |file| key(Layout::Lldb, file, ModuleKind::MachO, "foo", GUID, None);
        assert_eq!(macho(Debug).unwrap(), "497B/72F6/390A/44FC/878E/5A2D63B6CC4B");
        assert_eq!(macho(Executable).unwrap(), "497B/72F6/390A/44FC/878E/5A2D63B6CC4B.app");
        let id = format!("{GUID}0000000a");
        let pe = key(Layout::Breakpad, Symbols, ModuleKind::Pe, "Foo.PDB", &id, None).unwrap();
        assert_eq!(pe, format!("Foo.PDB/{}a/Foo.sym", GUID.to_uppercase()));
        // No id that the layout could say.
        assert_eq!(key(Layout::Gdb, Debug, ModuleKind::Elf, "a", "18", None), None);
        assert_eq!(key(Layout::Lldb, Debug, ModuleKind::MachO, "a", BUILD_ID, None), None);
        assert_eq!(key(Layout::Ssqp, Executable, ModuleKind::Pe, "a.dll", GUID, None), None);
        assert_eq!(Layout::NAMES.map(|(name, _)| Layout::named(name).unwrap().name()).len(), 5);
    }

    #[test]
    fn names_are_one_component() {
        for (name, want) in [
            ("libx.so", "libx.so"),
            ("C:\\a\\x.dll", "x.dll"),
            ("../../etc/passwd", "passwd"),
            ("..", "unknown"),
            ("a\nb", "a_b"),
            ("a/", "unknown"),
        ] {
            assert_eq!(file_name(name), want);
        }
    }
}
