//! Keeps names by number that stand in a file: [`NamesInFile`]. They take 12 bytes each; their text
//! need not be in memory.

use super::Function;

/// The names of functions of which no more is known, as parts of the bytes of a file.
#[derive(Clone, Debug)]
pub struct NamesInFile<'d> {
    bytes: &'d [u8],
    places: Vec<Place>,
}

/// Where a name is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The upper and the lower half of the offset.
    offset: [u32; 2],
    /// Twice its length; plus 1 if only a symbol has it.
    length: u32,
}

impl<'d> NamesInFile<'d> {
    /// None yet, in `bytes`.
    pub fn new(bytes: &'d [u8]) -> Self {
        Self { bytes, places: Vec::new() }
    }

    /// Appends `name`, a part of the file, and returns its number. Another one counts as empty.
    pub fn push(&mut self, name: &[u8], is_symbol: bool) -> usize {
        let place = self.place(name, is_symbol).unwrap_or(Place { offset: [0; 2], length: 1 });
        self.places.push(place);
        self.places.len() - 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "an offset in two halves")]
    fn place(&self, name: &[u8], is_symbol: bool) -> Option<Place> {
        let offset = name.as_ptr().addr().checked_sub(self.bytes.as_ptr().addr())?;
        let in_file = self.bytes.get(offset..)?.get(..name.len())?;
        let length = u32::try_from(name.len()).ok()?.checked_mul(2)? + u32::from(is_symbol);
        let offset = offset as u64;
        (in_file.as_ptr() == name.as_ptr())
            .then_some(Place { offset: [(offset >> 32) as u32, offset as u32], length })
    }

    /// The function numbered `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Function<'d>> {
        let Place { offset: [high, low], length } = *self.places.get(index)?;
        let start = usize::try_from(u64::from(high) << 32 | u64::from(low)).ok()?;
        let name = self.bytes.get(start..start + (length / 2) as usize)?;
        let own = (length & 1 == 1).then_some(&b""[..]);
        Some(Function { name, own, file: None, line: 0 })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_where_they_are() {
        let bytes = b"FUNC 0 1 0 main\nPUBLIC 2 0 start";
        let mut names = NamesInFile::new(bytes);
        assert_eq!(names.push(&bytes[11..15], false), 0);
        assert_eq!(names.push(&bytes[27..], true), 1);
        assert_eq!(names.push(b"elsewhere", false), 2);
        let main = Function { name: b"main", own: None, file: None, line: 0 };
        assert_eq!(names.get(0), Some(main));
        assert_eq!(names.get(1), Some(Function::symbol(b"start")));
        assert_eq!(names.get(2), Some(Function::symbol(b"")));
        assert_eq!((names.get(3), names.len()), (None, 3));
    }
}
