//! What the records of all functions refer to: source files, and functions that were inlined
//! ([`Tables`]).

use super::record::Named;

/// Things with numbers, by number.
#[derive(Debug, Default)]
pub struct Table<'d>(Vec<Named<'d>>);

impl<'d> Table<'d> {
    /// Of several with one number the first counts.
    pub fn of(mut all: Vec<Named<'d>>) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_have_gaps_and_any_order() {
        let named = |number, name: &'static str| Named { number, name: name.as_bytes() };
        let files = Table::of(vec![named(7, "seven.c"), named(0, "zero.c"), named(7, "other.c")]);
        let found = [0, 1, 7, 8].map(|number| files.get(number));
        assert_eq!(found, [Some(&b"zero.c"[..]), None, Some(b"seven.c"), None]);
    }
}
