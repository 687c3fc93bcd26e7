//! Numbers of things in lists.

/// The number of the item at `index`: lists are numbered by 32 bits, in memory and in stores.
///
/// # Panics
/// If there are 2³² items or more. What is read is bounded far below that by its reader, so that
/// two items never share a number.
#[must_use]
#[expect(clippy::expect_used, reason = "readers bound what they number")]
pub fn number_of(index: usize) -> u32 {
    u32::try_from(index).expect("a list has less than 2^32 items")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_is_the_largest_of_32_bits() {
        assert_eq!(number_of(u32::MAX as usize), u32::MAX);
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    #[should_panic(expected = "2^32")]
    fn no_two_items_share_a_number() {
        let _ = number_of(1 << 32);
    }
}
