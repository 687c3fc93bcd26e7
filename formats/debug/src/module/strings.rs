//! Keeps byte strings, files and functions by number, each kind end to end.

use super::ids::FileId;

/// Byte strings, stored end to end and found by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    /// Appends `string` and returns its number.
    pub fn push(&mut self, string: &[u8]) -> usize {
        self.bytes.extend_from_slice(string);
        self.ends.push(self.bytes.len());
        self.ends.len() - 1
    }

    /// Gives back memory that was set aside for more.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The string numbered `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.bytes.get(start..end)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// Which part of a path is the folder in which the compiler ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Folder {
    /// So many of its first bytes, the separator included, were put before the path as the file
    /// table has it. They are `DW_AT_comp_dir`, or directory 0 of DWARF 5.
    pub bytes: u32,
    /// Whether the file table (of DWARF 5) says so itself, by directory 0.
    pub is_entry_0: bool,
}

/// A source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct File<'a> {
    /// As llvm-symbolizer prints it.
    pub path: &'a [u8],
    /// Which part of that is the folder in which the compiler ran.
    pub folder: Folder,
}

/// Source files, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    paths: Strings,
    folders: Vec<Folder>,
}

impl Files {
    /// Appends `file` and returns its number.
    pub fn push(&mut self, file: File<'_>) -> usize {
        self.folders.push(file.folder);
        self.paths.push(file.path)
    }

    /// The file numbered `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<File<'_>> {
        Some(File { path: self.paths.get(index)?, folder: *self.folders.get(index)? })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.folders.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }
}

/// A function, as debug data and symbol tables tell of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function<'a> {
    /// The raw linkage name. Bytes, because compilers do not promise UTF-8.
    pub name: &'a [u8],
    /// What debug data calls it (`DW_AT_linkage_name`, else `DW_AT_name`) where a symbol has given
    /// it another name; empty if debug data knows no function there.
    pub own: Option<&'a [u8]>,
    /// The file that declares it (`DW_AT_decl_file`).
    pub file: Option<FileId>,
    /// The line there (`DW_AT_decl_line`); 0 for none.
    pub line: u32,
}

impl<'a> Function<'a> {
    /// A function of which only symbol tables know, or nothing does.
    pub fn symbol(name: &'a [u8]) -> Self {
        Self { name, own: Some(b""), file: None, line: 0 }
    }

    /// The same, named `name` by a symbol.
    #[must_use]
    pub fn named(self, name: &'a [u8]) -> Self {
        let own = self.own.unwrap_or(self.name);
        Self { name, own: (own != name).then_some(own), ..self }
    }
}

/// Functions, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Functions {
    names: Strings,
    owns: Strings,
    rest: Vec<(bool, Option<FileId>, u32)>,
}

impl Functions {
    /// Appends `function` and returns its number.
    pub fn push(&mut self, function: Function<'_>) -> usize {
        self.names.push(function.name);
        self.owns.push(function.own.unwrap_or_default());
        self.rest.push((function.own.is_some(), function.file, function.line));
        self.rest.len() - 1
    }

    /// Gives back memory that was set aside for more.
    pub fn shrink_to_fit(&mut self) {
        self.names.shrink_to_fit();
        self.owns.shrink_to_fit();
        self.rest.shrink_to_fit();
    }

    /// The function numbered `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Function<'_>> {
        let &(has_own, file, line) = self.rest.get(index)?;
        let own = self.owns.get(index).filter(|_| has_own);
        Some(Function { name: self.names.get(index)?, own, file, line })
    }

    /// The raw name of the function numbered `index`; empty if there is none.
    pub fn name(&self, index: usize) -> &[u8] {
        self.names.get(index).unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All functions in order.
    pub fn iter(&self) -> impl Iterator<Item = Function<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_by_number() {
        let mut strings = Strings::default();
        assert_eq!(strings.push(b"one"), 0);
        assert_eq!(strings.push(b""), 1);
        assert_eq!(strings.push(b"three"), 2);
        assert_eq!(strings.get(0), Some(&b"one"[..]));
        assert_eq!(strings.get(1), Some(&b""[..]));
        assert_eq!(strings.get(2), Some(&b"three"[..]));
        assert_eq!(strings.get(3), None);
    }

    #[test]
    fn functions_by_number() {
        let mut functions = Functions::default();
        let all = [
            Function { name: b"_Z1av", own: None, file: Some(FileId::new(3)), line: 7 },
            Function::symbol(b"start"),
            Function { name: b"f.cold", own: Some(b"f"), file: None, line: 0 },
        ];
        all.iter().enumerate().for_each(|(at, function)| assert_eq!(functions.push(*function), at));
        assert_eq!(functions.iter().collect::<Vec<_>>(), all);
        assert_eq!(functions.get(3), None);
    }

    #[test]
    fn symbols_name_functions() {
        let declared = Function { name: b"f", own: None, file: None, line: 3 };
        assert_eq!(declared.named(b"f"), declared);
        assert_eq!(
            declared.named(b"f.cold"),
            Function { name: b"f.cold", own: Some(b"f"), ..declared }
        );
        assert_eq!(declared.named(b"f.cold").named(b"f"), declared);
        assert_eq!(Function::symbol(b"start").named(b"begin").own, Some(&b""[..]));
    }

    #[test]
    fn files_by_number() {
        let mut files = Files::default();
        let all = [
            File { path: b"/a/b.c", folder: Folder { bytes: 3, is_entry_0: true } },
            File::default(),
        ];
        all.iter().enumerate().for_each(|(at, file)| assert_eq!(files.push(*file), at));
        assert_eq!(
            (files.get(0), files.get(1), files.get(2), files.len()),
            (Some(all[0]), Some(all[1]), None, 2)
        );
    }
}
