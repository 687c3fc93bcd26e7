//! Encodes what rows hold, compressed where there is much of it, and decodes it.

use std::cell::RefCell;
use std::io;

use serde::Serialize;
use zstd::bulk::{Compressor, Decompressor};

use crate::limits::MAX_ROW_BYTES;

/// How rows of many kilobytes are compressed: on reports, which repeat each other, levels 2 and 3
/// take 5 to 45 % longer and save nothing.
const ZSTD_LEVEL: i32 = 1;

/// How minidumps are compressed: stacks of deep recursion, cut into parts, take an eighth of what
/// they take with level 3.
const DUMP_ZSTD_LEVEL: i32 = 6;

thread_local! {
    /// Making one costs as much as compressing some 100 KB with it.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DUMP_COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes of `value`.
pub fn encode<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(io::Error::other)
}

/// `bytes`, compressed.
pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| compress(kept, ZSTD_LEVEL, bytes))
}

/// `bytes` of minidumps, compressed.
pub fn pack_dumps(bytes: &[u8]) -> io::Result<Vec<u8>> {
    DUMP_COMPRESSOR.with_borrow_mut(|kept| compress(kept, DUMP_ZSTD_LEVEL, bytes))
}

fn compress(
    kept: &mut Option<Compressor<'static>>,
    level: i32,
    bytes: &[u8],
) -> io::Result<Vec<u8>> {
    let compressor = match kept {
        Some(compressor) => compressor,
        None => kept.insert(Compressor::new(level)?),
    };
    compressor.compress(bytes)
}

/// The bytes of `value`, compressed.
pub fn encode_packed<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    pack(&encode(value)?)
}

/// What [`pack`] has compressed.
pub fn expand(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // What a frame says it holds, as far as that is allowed.
    let said = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let size = said
        .and_then(|bytes| usize::try_from(bytes).ok())
        .map_or(0, |bytes| bytes.min(MAX_ROW_BYTES));
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new()?),
        };
        decompressor.decompress(bytes, size)
    })
}
