//! Walks the two levels of tables of `__unwind_info`, whose numbers are little-endian.

use crate::budget::Budget;
use crate::drops::UnwindDropReason;

const VERSION: u32 = 1;
/// Offsets of fields of the header: the offset and the number of what all pages share, then those
/// of the first level.
const COMMON_ENCODINGS: usize = 4;
const INDEX: usize = 20;
/// Bytes of an entry of the first level.
const INDEX_ENTRY_BYTES: usize = 12;
/// Kinds of pages of the second level.
const REGULAR: u32 = 2;
const COMPRESSED: u32 = 3;

const BAD_ENTRY: UnwindDropReason = UnwindDropReason::BadEntry;

/// A function and its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its first byte, counted from the start of the image.
    pub start: u32,
    /// Where the next one begins.
    pub end: u32,
    pub encoding: u32,
}

/// Takes a function, or why it cannot be read, and says whether to go on.
type Take<'t> = &'t mut dyn FnMut(
    Result<Function, UnwindDropReason>,
    &mut Budget,
) -> Result<(), UnwindDropReason>;

/// Tells `take` each function of a section.
///
/// # Errors
/// The first error of `take`; or [`UnwindDropReason::BadEntry`] if the header is not one.
pub fn functions(
    bytes: &[u8],
    budget: &mut Budget,
    take: Take<'_>,
) -> Result<(), UnwindDropReason> {
    let section = Words(bytes);
    if section.word(0) != Some(VERSION) {
        return Err(BAD_ENTRY);
    }
    let common = section.array(COMMON_ENCODINGS).ok_or(BAD_ENTRY)?;
    let index = section.offset(INDEX).ok_or(BAD_ENTRY)?;
    let count = section.offset(INDEX + 4).ok_or(BAD_ENTRY)?;
    for number in 0..count {
        budget.spend(1)?;
        let Some(entry) =
            number.checked_mul(INDEX_ENTRY_BYTES).and_then(|at| index.checked_add(at))
        else {
            return Err(BAD_ENTRY);
        };
        let (Some(base), Some(page)) = (section.word(entry), section.offset(entry + 4)) else {
            return Err(BAD_ENTRY);
        };
        // The last entry has no page, and begins where the last function ends.
        if page == 0 {
            continue;
        }
        let end = section.word(entry + INDEX_ENTRY_BYTES).filter(|_| number + 1 < count);
        let page = Page { section, at: page, base, end: end.unwrap_or(base), common };
        page.functions(budget, take)?;
    }
    Ok(())
}

/// Bytes with little-endian numbers at any offset.
#[derive(Clone, Copy, Debug)]
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn word(self, at: usize) -> Option<u32> {
        let bytes = self.0.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn half(self, at: usize) -> Option<usize> {
        let bytes = self.0.get(at..at.checked_add(2)?)?;
        Some(u16::from_le_bytes(bytes.try_into().ok()?).into())
    }

    fn offset(self, at: usize) -> Option<usize> {
        usize::try_from(self.word(at)?).ok()
    }

    /// The offset and number of words of an array, whose header is at `at`.
    fn array(self, at: usize) -> Option<Array> {
        Some(Array { offset: self.offset(at)?, count: self.offset(at.checked_add(4)?)? })
    }
}

/// Words one after the other.
#[derive(Clone, Copy, Debug)]
struct Array {
    offset: usize,
    count: usize,
}

impl Array {
    fn get(self, section: Words<'_>, number: usize) -> Option<u32> {
        let at = self.offset.checked_add(number.checked_mul(4)?)?;
        section.word(at).filter(|_| number < self.count)
    }
}

/// A page of the second level.
#[derive(Clone, Copy, Debug)]
struct Page<'a> {
    section: Words<'a>,
    /// Where it is in the section.
    at: usize,
    /// What functions of compressed pages count from.
    base: u32,
    /// Where the page's last function ends.
    end: u32,
    common: Array,
}

impl Page<'_> {
    fn functions(&self, budget: &mut Budget, take: Take<'_>) -> Result<(), UnwindDropReason> {
        let section = self.section;
        let half = |offset: usize| section.half(self.at.checked_add(offset)?);
        let (Some(kind @ (REGULAR | COMPRESSED)), Some(entries), Some(count)) =
            (section.word(self.at), half(4), half(6))
        else {
            return take(Err(BAD_ENTRY), budget);
        };
        let own = match (half(8), half(10)) {
            (Some(offset), Some(count)) => Array { offset: self.at + offset, count },
            _ => Array { offset: 0, count: 0 },
        };
        let entries = self.at + entries;
        let read = |number: usize| match kind {
            REGULAR => {
                let at = entries + number * 8;
                Some((section.word(at)?, section.word(at + 4)))
            }
            COMPRESSED => {
                let entry = section.word(entries + number * 4)?;
                let which = usize::try_from(entry >> 24).ok()?;
                let encoding = if which < self.common.count {
                    self.common.get(section, which)
                } else {
                    own.get(section, which - self.common.count)
                };
                Some((self.base.saturating_add(entry & 0x00ff_ffff), encoding))
            }
            _ => None,
        };
        let mut next = read(0);
        for number in 1..=count {
            budget.spend(1)?;
            let Some((start, encoding)) = next else {
                return take(Err(BAD_ENTRY), budget);
            };
            next = if number < count { read(number) } else { None };
            let end = next.map_or(self.end, |(start, _)| start);
            let function = encoding.map(|encoding| Function { start, end, encoding });
            take(function.ok_or(BAD_ENTRY), budget)?;
        }
        Ok(())
    }
}
