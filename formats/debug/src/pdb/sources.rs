//! Reads source files that were put into a PDB (LLVM's "The PDB File Format", `/src/headerblock`;
//! `SrcHeaderBlockEntry` in LLVM's `RawTypes.h`).
//!
//! ```text
//! /src/headerblock    64 bytes of head, then a hash table: a key of 32 bits, then
//!                     0 size, 4 version, 8 CRC, 12 bytes of the file, 16 its path, 20 object, 24 its name in its stream's (in /names)
//!                     28 how it is packed, 29 whether it is virtual, 30 padding, 32 reserved, 40 end
//! /src/files/…        its bytes
//! ```

use super::fields::Fields;
use super::header::{named_streams, skip_places};
use super::streams::{Stream, Streams, bytes};
use super::{INFO, strings, text_at};
use crate::bytes::{Error, Mapped};
use crate::dwarf::Work;
use crate::limits::{MAX_SOURCE_BYTES, MAX_SOURCE_FILES};
use crate::sources::SourceText;

const HEAD_BYTES: usize = 64;

/// An entry of the table.
struct Entry<'a> {
    path: &'a [u8],
    name: &'a [u8],
    bytes: u32,
    packing: u8,
}

impl<'a> Entry<'a> {
    fn read(fields: &mut Fields<'_>, strings: &'a [u8]) -> Option<Self> {
        let _key = fields.u32()?;
        let mut entry = fields.part(40)?;
        entry.skip(12)?;
        let (bytes, path, _object, name) = (entry.u32()?, entry.u32()?, entry.u32()?, entry.u32()?);
        let packing = entry.u8()?;
        let text = |at| text_at(strings, at).unwrap_or_default();
        Some(Self { path: text(path), name: text(name), bytes, packing })
    }
}

/// The source files in the PDB `mapped`. Those that are packed are left out.
///
/// # Errors
/// [`Error::Damaged`] if its streams cannot be read.
pub fn sources(mapped: &Mapped) -> Result<Vec<SourceText>, Error> {
    let damaged = |reason| Error::Damaged { path: mapped.path().to_owned(), reason };
    let work = Work::for_bytes(mapped.bytes().len() as u64);
    let streams = Streams::open(mapped, &work).map_err(damaged)?;
    let info = streams.get(INFO).map_err(damaged)?;
    let named = named_streams(bytes(info.as_ref()));
    let open = |name: &[u8]| -> Result<Option<Stream>, Error> {
        named.get(name).map_or(Ok(None), |number| streams.get(*number).map_err(damaged))
    };
    let (head, texts) = (open(b"/src/headerblock")?, open(b"/names")?);
    let strings = strings(bytes(texts.as_ref()));
    let mut fields = Fields(bytes(head.as_ref()).get(HEAD_BYTES..).unwrap_or_default());
    let count = skip_places(&mut fields).unwrap_or(0);
    let mut found = Vec::new();
    for _ in 0..count {
        let Some(entry) = Entry::read(&mut fields, strings) else { break };
        let is_small = u64::from(entry.bytes) <= MAX_SOURCE_BYTES;
        if entry.packing != 0 || !is_small || entry.path.is_empty() {
            continue;
        }
        if found.len() == MAX_SOURCE_FILES {
            break;
        }
        // lld writes the name as it is, and calls the stream by small letters.
        let name = [b"/src/files/", entry.name].concat();
        let name = if named.contains_key(&*name) { name } else { name.to_ascii_lowercase() };
        let Some(stream) = open(&name)? else { continue };
        let text = bytes(Some(&stream));
        let length = usize::try_from(entry.bytes).map_or(text.len(), |most| text.len().min(most));
        found.push(SourceText { path: entry.path.to_vec(), text: text[..length].to_vec() });
    }
    Ok(found)
}
