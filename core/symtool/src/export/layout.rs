//! Where an original file is put for a symbol server: [`places`].

use std::path::PathBuf;

use symtool_debug::DebugFile;
use symtool_module::ModuleKind;

use crate::layout::{FileKind, FileOf, Layout};

/// Where a server of `layout` looks for `file`: in several places, if it has both code and debug
/// data.
///
/// # Errors
/// Why it is not looked for anywhere.
pub fn places(layout: Layout, file: &DebugFile<'_>) -> Result<Vec<PathBuf>, &'static str> {
    let (info, role) = (file.info(), file.server_role());
    if info.id.made_up {
        return Err("no id by which a server could find it");
    }
    let is_served = match layout {
        Layout::Debuginfod | Layout::Gdb => info.kind == ModuleKind::Elf,
        Layout::Lldb => info.kind == ModuleKind::MachO,
        Layout::Breakpad | Layout::Ssqp => true,
    };
    if !is_served {
        return Err(match layout {
            Layout::Debuginfod => "no ELF file, and debuginfod serves no others",
            Layout::Gdb => "no ELF file, and gdb looks for no others by build-id",
            _ => "no Mach-O file, and lldb looks for no others by UUID",
        });
    }
    let kinds = match (info.kind, &role.code_id) {
        // An image of Windows is found by its own id, whatever debug data is in it.
        (ModuleKind::Pe, Some(_)) => vec![FileKind::Executable],
        (ModuleKind::Pe, None) => vec![FileKind::Debug],
        _ => {
            let kinds =
                [(role.has_code, FileKind::Executable), (role.has_debug_data, FileKind::Debug)];
            kinds.into_iter().filter(|(has, _)| *has).map(|(_, kind)| kind).collect()
        }
    };
    let code_id = role.code_id.as_deref();
    let of =
        FileOf { kind: info.kind, id: &info.id.bytes, made_up: false, name: &info.name, code_id };
    let keys = kinds.into_iter().filter_map(|kind| layout.key(kind, &of));
    let places: Vec<PathBuf> = keys.map(PathBuf::from).collect();
    if places.is_empty() {
        Err("neither code nor debug data that a server hands out")
    } else {
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use symtool_debug::Mapped;

    fn places_of(layout: Layout, name: &str) -> Option<String> {
        let path = format!("{}/../../testdata/{name}", env!("CARGO_MANIFEST_DIR"));
        let mapped = Mapped::open(std::path::Path::new(&path)).unwrap();
        let places = places(layout, &DebugFile::parse(&mapped).unwrap()).ok()?;
        let last = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        Some(places.iter().map(last).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn by_what_the_files_have() {
        let elf = |name| places_of(Layout::Debuginfod, name);
        assert_eq!(elf("objects/c-gcc-O2-dwarf5.so").as_deref(), Some("executable debuginfo"));
        assert_eq!(elf("objects/c-gcc-O2-stripped").as_deref(), Some("executable"));
        assert_eq!((elf("windows/shop64.dll"), elf("objects/c-gcc-O2-dwarf5.o")), (None, None));
        assert_eq!(places_of(Layout::Gdb, "objects/c-gcc-O2-stripped").unwrap().len(), 38);
        let ssqp = |name| places_of(Layout::Ssqp, name);
        assert_eq!(ssqp("windows/shop64.dll").as_deref(), Some("shop64.dll"));
        assert_eq!(ssqp("windows/shop64.pdb").as_deref(), Some("shop64.pdb"));
        assert_eq!(places_of(Layout::Lldb, "windows/shop64.pdb"), None);
    }
}
