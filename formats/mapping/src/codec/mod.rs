//! Encodes a [`ClassRow`](super::row::ClassRow) as bytes, and decodes it.
//!
//! Numbers are LEB128, signed ones in zigzag. An absent number is 0, any other is one more.
//!
//! ```text
//! version      1
//! class        obfuscated, original, source file?, synthesized
//! names        count, length of each, all their bytes
//! holders      count, then name, source file?
//! signatures   count, then holder?, name, returns, arguments
//! methods      count, then name, members
//! members      count, then lines, flags (1 synthesized, 2 outline), residual signature?
//! lines        count, then flags, what they announce: see `LINE_*`
//! extras       count, then rules (count, then throws, remove), callsite (count, then pairs)
//! ```
//!
//! Version history: 1, the first.

mod decode;
mod encode;

use super::row::LineRange;

const VERSION: u8 = 1;

const MEMBER_SYNTHESIZED: u32 = 1;
const MEMBER_OUTLINE: u32 = 2;

/// A range of obfuscated lines: its first, as difference to the range before, and if [`LINE_WIDE`],
/// how much wider than one line.
const LINE_RANGE: u32 = 1;
const LINE_WIDE: u32 = 2;
/// The range of the line before.
const LINE_SAME_RANGE: u32 = 4;
/// Original lines: the first, as difference to the one before. One of [`LINE_ONE`], [`LINE_LINES`],
/// the latter with its width unless it has that of the range ([`LINE_SAME_WIDTH`]).
const LINE_ONE: u32 = 8;
const LINE_LINES: u32 = 16;
const LINE_SAME_WIDTH: u32 = 32;
/// The signature of the line before.
const LINE_SAME_SIGNATURE: u32 = 64;
/// An index into the extras.
const LINE_EXTRA: u32 = 128;

/// Bytes that are no row, or one of a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damaged row of a mapping ({0}); import the mapping again")]
pub struct RowError(&'static str);

/// What lines are differences to.
#[derive(Default)]
struct Before {
    range: Option<LineRange>,
    first: u32,
    original: u32,
    signature: u32,
}
