//! Spells the paths of a line program's files as llvm-symbolizer prints them (DWARF 5, section
//! 6.2.4).

use gimli::{AttributeValue, EndianSlice, Endianity, LineProgramHeader};

use super::units::{Unit, Units};
use crate::limits::{MAX_NAME_BYTES, STEPS_PER_PATH_BYTE};
use crate::module::Folder;

type Slice<'d, E> = EndianSlice<'d, E>;

/// The path of file `index`; `None` if the table has no such file, or its name cannot be read.
///
/// File indices are 1-based before DWARF 5 and 0-based from 5. A relative path is joined to its
/// directory, a relative directory to the compilation directory; nothing is normalised. With it
/// comes which part of it is that.
pub fn path<E: Endianity>(
    units: &Units<'_, E>,
    unit: &Unit<'_, E>,
    header: &LineProgramHeader<Slice<'_, E>>,
    index: u64,
) -> Option<(Vec<u8>, Folder)> {
    let from_five = header.version() >= 5;
    let position = usize::try_from(if from_five { index } else { index.checked_sub(1)? }).ok()?;
    let file = header.file_names().get(position)?;
    let text = |value: AttributeValue<Slice<'_, E>>| {
        units.dwarf.attr_string(unit, value).ok().map(|slice| units.shown(slice.slice()).to_vec())
    };
    let name = text(file.path_name())?;
    if is_absolute(&name) {
        return bounded(name, Folder::default());
    }
    let directory_index = usize::try_from(file.directory_index()).ok()?;
    let directory_position =
        if from_five { Some(directory_index) } else { directory_index.checked_sub(1) };
    let directory = directory_position
        .and_then(|position| header.include_directories().get(position).copied())
        .and_then(text)
        .unwrap_or_default();
    let mut path = Vec::new();
    // Version 5's directory 0 is the compilation directory itself.
    let is_entry_0 = from_five && directory_index == 0;
    if is_entry_0 {
        join(&mut path, &directory);
    } else if !is_absolute(&directory) {
        join(&mut path, unit.comp_dir.map_or(&[][..], |directory| units.shown(directory.slice())));
    }
    let mut relative = Vec::new();
    if !is_entry_0 {
        join(&mut relative, &directory);
    }
    join(&mut relative, &name);
    join(&mut path, &relative);
    // Files can share the names of folders, however long.
    units.work.spend(path.len() as u64 * STEPS_PER_PATH_BYTE).ok()?;
    let bytes = u32::try_from(path.len().saturating_sub(relative.len())).ok()?;
    bounded(path, Folder { bytes, is_entry_0 })
}

fn bounded(path: Vec<u8>, folder: Folder) -> Option<(Vec<u8>, Folder)> {
    (path.len() <= MAX_NAME_BYTES).then_some((path, folder))
}

/// Whether a path is absolute on POSIX or on Windows.
fn is_absolute(path: &[u8]) -> bool {
    let separator = |byte: Option<&u8>| matches!(byte, Some(b'/' | b'\\'));
    match path {
        [b'/', ..] => true,
        [drive, b':', rest @ ..] => drive.is_ascii_alphabetic() && separator(rest.first()),
        [b'\\', b'\\', rest @ ..] => {
            !separator(rest.first()) && rest.iter().any(|byte| separator(Some(byte)))
        }
        _ => false,
    }
}

/// Appends `component` with exactly one separator between.
fn join(path: &mut Vec<u8>, component: &[u8]) {
    if component.is_empty() {
        return;
    }
    if path.last() == Some(&b'/') {
        let start = component.iter().position(|&byte| byte != b'/').unwrap_or(component.len());
        path.extend_from_slice(&component[start..]);
        return;
    }
    if component[0] != b'/' && !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(component);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths() {
        for path in [&b"/a"[..], b"C:/a", b"c:\\a", b"\\\\host\\share"] {
            assert!(is_absolute(path), "{path:?}");
        }
        for path in [&b""[..], b"a/b", b"C:a", b"\\a", b"./a"] {
            assert!(!is_absolute(path), "{path:?}");
        }
    }

    #[test]
    fn one_separator_between_components() {
        for (components, want) in [
            (&["/a", "b", "c.c"][..], "/a/b/c.c"),
            (&["/a/", "/b/", "c.c"][..], "/a/b/c.c"),
            (&["", "b", "c.c"][..], "b/c.c"),
            (&["/a", ".", "../c.c"][..], "/a/./../c.c"),
        ] {
            let mut path = Vec::new();
            components.iter().for_each(|component| join(&mut path, component.as_bytes()));
            assert_eq!(path, want.as_bytes());
        }
    }
}
