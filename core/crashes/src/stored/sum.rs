//! The sum of rows: one number for a set of rows, which each change of a row changes by a
//! difference.
//!
//! Each row counts as the keyed BLAKE3 hash of its key and its plain value, taken as a number of
//! 256 bits; the sum is that of all of them, modulo 2^256. So it does not depend on the order of
//! changes, and a row that was left out, altered, repeated or rolled back changes it. In a sealed
//! store nobody without its key can make rows that add up.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use symtool_store::seal::Ring;

/// A sum of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSum(pub [u64; 4]);

/// The key of a database's sums.
#[derive(Clone)]
pub struct SumKey([u8; 32]);

impl std::fmt::Debug for SumKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SumKey")
    }
}

impl Drop for SumKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl SumKey {
    /// That of a store with `ring`. Without one the sums find damage, and keep nobody from making
    /// rows that add up.
    pub fn of(ring: Option<&Ring>) -> Self {
        Self(ring.map_or([0; 32], |ring| *ring.index_key("sum of crash rows")))
    }

    /// The row `value` at `key`.
    pub fn row(&self, key: &[u8], value: &[u8]) -> RowSum {
        let length = (key.len() as u64).to_le_bytes();
        let hash = if length.len() + key.len() + value.len() <= blake3::CHUNK_LEN {
            // The state of a hasher has room for 54 levels, and costs more than hashing a small row.
            blake3::keyed_hash(&self.0, &[&length, key, value].concat())
        } else {
            let mut hash = blake3::Hasher::new_keyed(&self.0);
            hash.update(&length).update(key).update(value);
            hash.finalize()
        };
        let (words, _) = hash.as_bytes().as_chunks::<8>();
        RowSum(std::array::from_fn(|at| words.get(at).copied().map_or(0, u64::from_le_bytes)))
    }
}

impl RowSum {
    /// With `other` besides.
    pub fn add(&mut self, other: Self) {
        let mut carry = false;
        for (word, more) in self.0.iter_mut().zip(other.0) {
            let (sum, over) = word.overflowing_add(more);
            let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, over || over_by_carry);
        }
    }

    /// Without `other`.
    pub fn subtract(&mut self, other: Self) {
        let mut borrow = false;
        for (word, less) in self.0.iter_mut().zip(other.0) {
            let (rest, under) = word.overflowing_sub(less);
            let (rest, under_by_borrow) = rest.overflowing_sub(u64::from(borrow));
            (*word, borrow) = (rest, under || under_by_borrow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_order_and_go_back() {
        let key = SumKey::of(None);
        let rows = [(&b"a"[..], &b"bc"[..]), (b"ab", b"c"), (b"a", b"bd"), (b"", b"")]
            .map(|(at, value)| key.row(at, value));
        let sum = |rows: &[RowSum]| {
            let mut sum = RowSum::default();
            rows.iter().for_each(|row| sum.add(*row));
            sum
        };
        let mut all = sum(&rows);
        assert_eq!(all, sum(&[rows[2], rows[0], rows[3], rows[1]]));
        assert_ne!(all, sum(&[rows[2], rows[0], rows[3], rows[0]]));
        rows.iter().for_each(|row| all.subtract(*row));
        assert_eq!(all, RowSum::default());
    }

    #[test]
    fn small_and_large_rows_are_hashed_alike() {
        let key = SumKey([7; 32]);
        for bytes in [0, 1, 1000, 1011, 1012, 1013, 1014, 5000] {
            let value = vec![3; bytes];
            let mut hash = blake3::Hasher::new_keyed(&key.0);
            hash.update(&4u64.to_le_bytes()).update(b"rows").update(&value);
            let hash = hash.finalize();
            let sum = key.row(b"rows", &value).0.map(u64::to_le_bytes).concat();
            assert_eq!(sum, hash.as_bytes(), "{bytes}");
        }
    }

    #[test]
    fn carries_go_through_all_words() {
        let (mut sum, one) = (RowSum([u64::MAX, u64::MAX, u64::MAX, 5]), RowSum([1, 0, 0, 0]));
        sum.add(one);
        assert_eq!(sum, RowSum([0, 0, 0, 6]));
        sum.subtract(one);
        assert_eq!(sum, RowSum([u64::MAX, u64::MAX, u64::MAX, 5]));
        let mut none = RowSum::default();
        none.subtract(one);
        assert_eq!(none, RowSum([u64::MAX; 4]));
    }
}
