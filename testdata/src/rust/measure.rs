//! The trait of the heap's items.

pub trait Measure {
    fn measure(&self) -> u64;
}

impl Measure for u64 {
    #[inline]
    fn measure(&self) -> u64 {
        self.rotate_left(7) ^ self.count_ones() as u64
    }
}

#[derive(Clone, Copy)]
pub struct Weight<'a> {
    pub name: &'a str,
    pub grams: u32,
}

impl Measure for Weight<'_> {
    fn measure(&self) -> u64 {
        let letters = self.name.bytes().map(u64::from);
        letters.fold(self.grams.into(), |sum, letter| sum.saturating_add(letter))
    }
}
