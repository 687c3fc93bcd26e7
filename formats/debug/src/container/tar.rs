//! Lists the members of tar archives (POSIX, `pax`; GNU tar; Unix 7). Members stay where they are.

use std::io::Cursor;

use tar::{Archive, Entry, EntryType};

use super::{Listing, Member, last_component, member_path, stored, text};
use crate::bytes::{Error, Mapped};

/// Bytes of a header, and what members are padded to.
const RECORD_BYTES: usize = 512;

/// Lists the members of `archive`. One that ends without a record of zeros has lost its end.
pub fn list(archive: &Mapped) -> Listing {
    let mut listing = Listing::default();
    let damaged = |reason: &str| Error::DamagedArchive {
        path: archive.path().to_owned(),
        reason: reason.to_owned(),
    };
    let mut tar = Archive::new(Cursor::new(archive.bytes()));
    let entries = match tar.entries_with_seek() {
        Ok(entries) => entries,
        Err(error) => {
            listing.members.push(Err(damaged(&error.to_string())));
            return listing;
        }
    };
    let mut end = 0usize;
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // What follows cannot be found.
                listing.members.push(Err(damaged(&error.to_string())));
                return listing;
            }
        };
        let taken = entry.raw_file_position().saturating_add(entry.size());
        end = usize::try_from(taken).unwrap_or(usize::MAX);
        let is_file = is_file(entry.header().entry_type());
        match member(archive, entry).transpose() {
            Some(member) => listing.members.push(member),
            None => listing.passed_over += u64::from(is_file),
        }
    }
    let end = end.checked_next_multiple_of(RECORD_BYTES).unwrap_or(usize::MAX);
    let mark = archive.bytes().get(end..).and_then(|rest| rest.get(..RECORD_BYTES));
    if mark.is_none_or(|mark| mark.iter().any(|byte| *byte != 0)) {
        listing.members.push(Err(damaged("it ends without the mark of its end")));
    }
    listing
}

/// Whether an entry is a file, and no folder or link.
fn is_file(what: EntryType) -> bool {
    what.is_file() || what.is_contiguous() || what.is_gnu_sparse()
}

/// The member that `entry` is, if it is an object, an archive or a mapping.
fn member(archive: &Mapped, mut entry: Entry<'_, Cursor<&[u8]>>) -> Result<Option<Member>, Error> {
    let what = entry.header().entry_type();
    if !is_file(what) {
        return Ok(None);
    }
    let name = text(&entry.path_bytes());
    let path = member_path(archive.path(), "!", &name, "");
    if what.is_gnu_sparse() || has_sparse_key(&mut entry) {
        return Err(Error::Packing { path, method: "GNU sparse".to_owned() });
    }
    let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
    let range = start..start.saturating_add(usize::try_from(entry.size()).unwrap_or(usize::MAX));
    let name = last_component(&name);
    stored(archive, range, path, name)
}

/// Whether the extended header of `entry` says that holes were left out (GNU tar, "PAX Format").
fn has_sparse_key(entry: &mut Entry<'_, Cursor<&[u8]>>) -> bool {
    let extensions = entry.pax_extensions().ok().flatten();
    extensions.is_some_and(|mut extensions| {
        extensions.any(|extension| {
            extension.is_ok_and(|extension| extension.key_bytes().starts_with(b"GNU.sparse."))
        })
    })
}
