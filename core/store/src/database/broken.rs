//! Entries of damaged blocks of a table: one flipped bit makes the checksum of a block of many rows
//! wrong, and hits one of them.
//!
//! Each row has a checksum or seal of its own, which tells whether it is intact. Where one is not,
//! the next may begin at any byte: every place is tried at which a whole key can stand. Tables
//! whose rows lie in one block have no keys that lean on the key before (`crash/open.rs`), so all
//! others are found.

use super::tables::TableEntry;

/// Calls `each` with every entry that `bytes`, at `start` of the file, may hold, until it has found
/// all that are intact.
pub fn each(bytes: &[u8], start: u64, each: &mut impl FnMut(TableEntry<'_>) -> bool) {
    let (mut key, mut at, mut follows) = (Vec::new(), 0, true);
    while at < bytes.len() {
        if !follows {
            key.clear();
        }
        let (is_intact, end) = match TableEntry::at(bytes, at, &mut key, start) {
            // A deletion has nothing that tells whether it is intact.
            Some((Some(entry), end))
                if entry.value.is_some() || follows && end as u64 + start == entry.value_at =>
            {
                (each(entry), end)
            }
            _ => (false, at),
        };
        follows = is_intact;
        at = if is_intact { end } else { at + 1 };
    }
}
