//! Decides which function has an address that several could have: [`Owners`].

/// Gives addresses to functions, in the order of their beginnings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Where the last one that has addresses begins.
    first: Option<u64>,
    /// The first address that none has.
    free: u64,
}

/// What a function gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The first address, and the one after the last.
    Extent(u64, u64),
    /// It is another name of the one that begins there.
    Alias,
    /// Nothing is left of it.
    Nothing,
}

impl Owners {
    /// What the function at `start..end` gets. Of several that begin at one address the first has
    /// it; one that begins within another begins where that ends.
    pub fn claim(&mut self, start: u64, end: u64) -> Claim {
        if self.first == Some(start) {
            return Claim::Alias;
        }
        let from = start.max(self.free);
        if from >= end {
            return Claim::Nothing;
        }
        *self = Self { first: Some(start), free: end };
        Claim::Extent(from, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_has_it() {
        let mut owners = Owners::default();
        for (start, end, want) in [
            (0, 0, Claim::Nothing),
            (0, 16, Claim::Extent(0, 16)),
            (0, 32, Claim::Alias),
            (4, 16, Claim::Nothing),
            (8, 24, Claim::Extent(16, 24)),
            (24, u64::MAX, Claim::Extent(24, u64::MAX)),
            (32, u64::MAX, Claim::Nothing),
        ] {
            assert_eq!(owners.claim(start, end), want, "{start:#x}");
        }
    }
}
