//! Names in bulk: in, byte strings and functions; out, the same by number, each kept end to end with the others.

use crate::module::FileId;

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

/// A function, as debug data and symbol tables tell of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function<'a> {
    /// The raw linkage name. Bytes, because compilers do not promise UTF-8.
    pub name: &'a [u8],
    /// The name without scopes (`DW_AT_name`) where it cannot be told from the raw one: that is mangled, or is this
    /// one. Empty if debug data has no name for it.
    pub short: Option<&'a [u8]>,
    /// The file that declares it (`DW_AT_decl_file`).
    pub file: Option<FileId>,
    /// The line there (`DW_AT_decl_line`); 0 for none.
    pub line: u32,
}

impl<'a> Function<'a> {
    /// A function of which only symbol tables know, or nothing does.
    pub fn symbol(name: &'a [u8]) -> Self {
        Self { name, short: Some(b""), file: None, line: 0 }
    }

    /// `short`, unless the raw name `name` tells it.
    pub fn short_beside(name: &[u8], short: &'a [u8]) -> Option<&'a [u8]> {
        let is_mangled = [&b"_Z"[..], b"_R", b"__Z", b"__R", b"$s", b"_$s"].iter().any(|prefix| name.starts_with(prefix));
        (name != short && (!is_mangled || short.is_empty())).then_some(short)
    }
}

/// Functions, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Functions {
    names: Strings,
    shorts: Strings,
    rest: Vec<(bool, Option<FileId>, u32)>,
}

impl Functions {
    /// Appends `function` and returns its number.
    pub fn push(&mut self, function: Function<'_>) -> usize {
        self.names.push(function.name);
        self.shorts.push(function.short.unwrap_or_default());
        self.rest.push((function.short.is_some(), function.file, function.line));
        self.rest.len() - 1
    }

    /// Gives back memory that was set aside for more.
    pub fn shrink_to_fit(&mut self) {
        self.names.shrink_to_fit();
        self.shorts.shrink_to_fit();
        self.rest.shrink_to_fit();
    }

    /// The function numbered `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Function<'_>> {
        let &(has_short, file, line) = self.rest.get(index)?;
        let short = self.shorts.get(index).filter(|_| has_short);
        Some(Function { name: self.names.get(index)?, short, file, line })
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
            Function { name: b"_Z1av", short: None, file: Some(FileId::new(3)), line: 7 },
            Function::symbol(b"start"),
            Function { name: b"f.cold", short: Some(b"f"), file: None, line: 0 },
        ];
        all.iter().enumerate().for_each(|(at, function)| assert_eq!(functions.push(*function), at));
        assert_eq!(functions.iter().collect::<Vec<_>>(), all);
        assert_eq!(functions.get(3), None);
    }

    #[test]
    fn short_names_that_raw_ones_do_not_tell() {
        for (name, short, want) in [("_ZN1a1bEv", "b", None), ("main", "main", None), ("f.isra.0", "f", Some("f")), ("_Z1av", "", Some(""))]
        {
            assert_eq!(Function::short_beside(name.as_bytes(), short.as_bytes()), want.map(str::as_bytes), "{name}");
        }
    }
}
