//! Collects what the records of all functions refer to: source files, and functions that were
//! inlined ([`Tables`]).

use rayon::prelude::*;

use super::parts::{Lines, Release};
use super::record::{Named, Record};
use crate::limits::MAX_NAME_BYTES;

/// Things with numbers, by number.
#[derive(Debug, Default)]
pub struct Table<'d>(Vec<Named<'d>>);

impl<'d> Table<'d> {
    /// Of several with one number the first counts.
    fn of(mut all: Vec<Named<'d>>) -> Self {
        all.sort_by_key(|named| named.number);
        all.dedup_by_key(|named| named.number);
        Self(all)
    }

    /// The name of number `number`.
    pub fn get(&self, number: u32) -> Option<&'d [u8]> {
        // Most files count from 0 without gaps.
        let guess = usize::try_from(number).ok().and_then(|at| self.0.get(at));
        if let Some(named) = guess.filter(|named| named.number == number) {
            return Some(named.name);
        }
        let at = self.0.binary_search_by_key(&number, |named| named.number).ok()?;
        Some(self.0[at].name)
    }
}

/// What records refer to by number.
#[derive(Debug, Default)]
pub struct Tables<'d> {
    /// Paths.
    pub files: Table<'d>,
    /// Functions that were inlined.
    pub origins: Table<'d>,
}

impl<'d> Tables<'d> {
    /// Reads those among `parts`.
    pub fn read(parts: &[&'d [u8]], release: Release<'_>) -> Self {
        let read = |part: &&'d [u8]| {
            let (mut files, mut origins) = (Vec::new(), Vec::new());
            for line in Lines::of(part, release) {
                // Most lines begin with a digit.
                match line.first() {
                    Some(b'F') if line.starts_with(b"FILE ") => {}
                    Some(b'I') if line.starts_with(b"INLINE_ORIGIN ") => {}
                    _ => continue,
                }
                match Record::parse(line) {
                    Some(Record::File(file)) if file.name.len() <= MAX_NAME_BYTES => {
                        files.push(file);
                    }
                    Some(Record::Origin(origin)) if origin.name.len() <= MAX_NAME_BYTES => {
                        origins.push(origin);
                    }
                    _ => {}
                }
            }
            release(part);
            (files, origins)
        };
        let read: Vec<_> = parts.par_iter().with_max_len(1).map(read).collect();
        let (files, origins): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        Self { files: Table::of(files.concat()), origins: Table::of(origins.concat()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_have_gaps_and_any_order() {
        let parts: [&[u8]; 2] = [
            b"FILE 7 seven.c\nFILE 0 zero.c\n",
            b"FILE 7 other.c\nINLINE_ORIGIN 2 f(int)\nFILE x\n",
        ];
        let tables = Tables::read(&parts, &|_| {});
        let files = [0, 1, 7, 8].map(|number| tables.files.get(number));
        assert_eq!(files, [Some(&b"zero.c"[..]), None, Some(b"seven.c"), None]);
        assert_eq!(tables.origins.get(2), Some(&b"f(int)"[..]));
    }
}
