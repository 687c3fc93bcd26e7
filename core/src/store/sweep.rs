//! Walking over many keys of a database of which parts may be damaged: in, a stretch of keys; out, every entry that can be read, and
//! where there are some that cannot.
//!
//! RocksDB stops at a block whose checksum is wrong, and does not say where the next one begins. That is found by halving: a seek
//! to a key that the damaged block covers fails, a seek past it does not.

use rocksdb::{DB, DBRawIterator, ErrorKind};

use super::key::KEY_BYTES;
use super::reader::{iterator, read_options};

/// A key of the store.
pub type Key = [u8; KEY_BYTES];

/// What stands at a place.
pub enum Entry<'a> {
    /// A key and its value.
    Intact(&'a [u8], &'a [u8]),
    /// Something that cannot be read, up to this key at most.
    Damaged(Key),
}

/// Visits all entries from `first` up to, but not at, `after`.
///
/// # Errors
/// If the database cannot be read, other than by damage to single blocks.
pub fn sweep(db: &DB, first: Key, after: Key, mut visit: impl FnMut(Entry<'_>)) -> Result<(), rocksdb::Error> {
    let mut read = read_options();
    read.set_iterate_upper_bound(after);
    let Some(mut iterator) = iterator(db, read) else { return Ok(()) };
    let mut from = first;
    iterator.seek(from);
    loop {
        while let Some((key, value)) = iterator.item() {
            visit(Entry::Intact(key, value));
            if let Ok(key) = Key::try_from(key) {
                from = successor(key);
            }
            iterator.next();
        }
        match iterator.status() {
            Ok(()) => return Ok(()),
            Err(error) if is_damage(&error) => {
                let next = step_over(&mut iterator, from, after).ok_or(error)?;
                visit(Entry::Damaged(predecessor(next)));
                from = next;
                iterator.seek(from);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a part of the database is damaged or missing, and not all of it out of reach.
pub fn is_damage(error: &rocksdb::Error) -> bool {
    error.kind() == ErrorKind::Corruption || error.as_ref().contains("No such file")
}

/// The first key from which on `iterator` can be read again, if a seek to `bad` fails; `None` if that is not before `after`, or not
/// there either.
pub fn step_over(iterator: &mut DBRawIterator<'_>, bad: Key, after: Key) -> Option<Key> {
    let mut is_good = |key: Key| {
        iterator.seek(key);
        iterator.status().is_ok()
    };
    let (mut bad, mut good) = (bad, after);
    if !is_good(good) {
        return None;
    }
    while successor(bad) < good {
        let middle = middle(bad, good);
        *if is_good(middle) { &mut good } else { &mut bad } = middle;
    }
    Some(good)
}

fn successor(mut key: Key) -> Key {
    for byte in key.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    key
}

fn predecessor(mut key: Key) -> Key {
    for byte in key.iter_mut().rev() {
        *byte = byte.wrapping_sub(1);
        if *byte != u8::MAX {
            break;
        }
    }
    key
}

/// Half the sum of both, as numbers.
fn middle(a: Key, b: Key) -> Key {
    let mut sum = [0u16; KEY_BYTES];
    let mut carry = 0;
    for at in (0..KEY_BYTES).rev() {
        let byte = u16::from(a[at]) + u16::from(b[at]) + carry;
        (sum[at], carry) = (byte & 0xff, byte >> 8);
    }
    std::array::from_fn(|at| {
        let above = if at == 0 { carry } else { sum[at - 1] & 1 };
        u8::try_from((above << 8 | sum[at]) >> 1).unwrap_or(u8::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbers() {
        let key = |high: u8, low: u8| {
            let mut key = [0; KEY_BYTES];
            (key[0], key[KEY_BYTES - 1]) = (high, low);
            key
        };
        assert_eq!(middle(key(0, 4), key(0, 9)), key(0, 6));
        assert_eq!(middle(key(2, 0), key(4, 2)), key(3, 1));
        let mut half = key(1, 0);
        half[1] = 0x80;
        assert_eq!(middle(key(1, 0), key(2, 0)), half);
        assert_eq!(middle([255; KEY_BYTES], [255; KEY_BYTES]), [255; KEY_BYTES]);
        assert_eq!(predecessor(successor(key(1, 255))), key(1, 255));
        assert!(successor(key(1, 255)) > key(1, 255));
    }
}
