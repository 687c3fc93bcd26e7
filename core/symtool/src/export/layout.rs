//! Where symbol servers keep original files: [`Layout`].

use std::path::PathBuf;

use symtool_debug::{DebugFile, ModuleInfo};
use symtool_module::ModuleKind;

/// How a symbol server arranges its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `buildid/ID/executable` and `buildid/ID/debuginfo`, for gdb and others (elfutils,
    /// `debuginfod(8)`).
    Debuginfod,
    /// `NAME/ID/NAME`, as Microsoft's Simple Symbol Query Protocol has it (dotnet/symstore,
    /// `SSQP_Key_Conventions.md`).
    Ssqp,
}

/// Bytes of a build-id in a key of SSQP; shorter ones have zeros behind them.
const SSQP_BUILD_ID_BYTES: usize = 20;

impl Layout {
    /// Where `file` is looked for: in several places, if it has both code and debug data.
    ///
    /// # Errors
    /// Why it is not looked for anywhere.
    pub fn paths(self, file: &DebugFile<'_>) -> Result<Vec<PathBuf>, &'static str> {
        let (info, role) = (file.info(), file.server_role());
        if info.id.made_up {
            return Err("no id by which a server could find it");
        }
        let keys = match self {
            Self::Debuginfod if info.kind != ModuleKind::Elf => {
                return Err("no ELF file, and debuginfod serves no others");
            }
            Self::Debuginfod => {
                let key = |what: &str| ["buildid", &info.id.to_string(), what].iter().collect();
                let roles = [(role.has_code, "executable"), (role.has_debug_data, "debuginfo")];
                roles.into_iter().filter(|(has, _)| *has).map(|(_, what)| key(what)).collect()
            }
            Self::Ssqp => ssqp(info, role.has_code, role.has_debug_data, role.code_id.as_deref()),
        };
        if keys.is_empty() {
            Err("neither code nor debug data that a server hands out")
        } else {
            Ok(keys)
        }
    }
}

fn ssqp(info: &ModuleInfo, has_code: bool, has_debug: bool, code_id: Option<&str>) -> Vec<PathBuf> {
    let name = file_name(&info.name).to_lowercase();
    let key = |name: &str, id: String| [name, &id, name].iter().collect();
    let id = info.id.to_string();
    match info.kind {
        ModuleKind::Pe => match code_id {
            // The case of its digits is part of the convention.
            Some(code_id) => vec![key(&name, code_id.to_owned())],
            None => {
                let (guid, age) = id.split_at(id.len().min(32));
                let age = age.trim_start_matches('0');
                vec![key(&name, format!("{guid}{}", if age.is_empty() { "0" } else { age }))]
            }
        },
        ModuleKind::Elf => {
            let id = format!("{id:0<width$}", width = 2 * SSQP_BUILD_ID_BYTES);
            let code = has_code.then(|| key(&name, format!("elf-buildid-{id}")));
            let debug = has_debug.then(|| key("_.debug", format!("elf-buildid-sym-{id}")));
            code.into_iter().chain(debug).collect()
        }
        ModuleKind::MachO => {
            let code = has_code.then(|| key(&name, format!("mach-uuid-{id}")));
            let debug = has_debug.then(|| key("_.dwarf", format!("mach-uuid-sym-{id}")));
            code.into_iter().chain(debug).collect()
        }
        ModuleKind::Proguard => Vec::new(),
    }
}

/// `name`, which comes from a file, as the name of a file: one component, without control
/// characters.
pub fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean: String = last.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    match clean.as_str() {
        "" | "." | ".." => "unknown".to_owned(),
        _ => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use symtool_debug::{CodeMark, Mapped};
    use symtool_module::{Detail, ModuleId};

    fn info(kind: ModuleKind, name: &str, id: &str) -> ModuleInfo {
        ModuleInfo {
            name: name.to_owned(),
            id: ModuleId { bytes: hex::decode(id).unwrap(), made_up: false },
            other_ids: Vec::new(),
            code: CodeMark::default(),
            kind,
            arch: "x86_64".into(),
            detail: Detail::Debug,
            image_base: 0,
            fingerprint: 0,
        }
    }

    fn keys(info: &ModuleInfo, code: bool, debug: bool, code_id: Option<&str>) -> Vec<String> {
        let paths = ssqp(info, code, debug, code_id);
        paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    /// The examples of the convention.
    #[test]
    fn keys_of_ssqp() {
        let guid = "497b72f6390a44fc878e5a2d63b6cc4b";
        let pdb = info(ModuleKind::Pe, "Foo.pdb", &format!("{guid}00000001"));
        assert_eq!(keys(&pdb, false, true, None), [format!("foo.pdb/{guid}1/foo.pdb")]);
        let image = info(ModuleKind::Pe, "Foo.exe", &format!("{guid}00000001"));
        let want = ["foo.exe/542D574232000/foo.exe"];
        assert_eq!(keys(&image, true, false, Some("542D574232000")), want);
        let build_id = "180a373d6afbabf0eb1f09be1bc45bd796a71085";
        let elf = info(ModuleKind::Elf, "foo.so", build_id);
        let want = [
            format!("foo.so/elf-buildid-{build_id}/foo.so"),
            format!("_.debug/elf-buildid-sym-{build_id}/_.debug"),
        ];
        assert_eq!(keys(&elf, true, true, None), want);
        let short = info(ModuleKind::Elf, "bar.so.dbg", &build_id[..32]);
        let want = format!("_.debug/elf-buildid-sym-{}00000000/_.debug", &build_id[..32]);
        assert_eq!(keys(&short, false, true, None), [want]);
        let macho = info(ModuleKind::MachO, "foo.dylib", guid);
        let want = [
            format!("foo.dylib/mach-uuid-{guid}/foo.dylib"),
            format!("_.dwarf/mach-uuid-sym-{guid}/_.dwarf"),
        ];
        assert_eq!(keys(&macho, true, true, None), want);
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

    #[test]
    fn debuginfod_serves_elf_files() {
        let path = |name: &str| format!("{}/../../testdata/{name}", env!("CARGO_MANIFEST_DIR"));
        let places = |name: &str| {
            let mapped = Mapped::open(std::path::Path::new(&path(name))).unwrap();
            let places = Layout::Debuginfod.paths(&DebugFile::parse(&mapped).unwrap());
            places.map(|paths| {
                let last =
                    |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
                paths.iter().map(last).collect::<Vec<_>>().join(" ")
            })
        };
        assert_eq!(places("objects/c-gcc-O2-dwarf5.so").as_deref(), Ok("executable debuginfo"));
        assert_eq!(places("objects/c-gcc-O2-stripped").as_deref(), Ok("executable"));
        assert!(places("windows/shop64.dll").is_err());
        assert!(places("objects/c-gcc-O2-dwarf5.o").is_err());
    }
}
