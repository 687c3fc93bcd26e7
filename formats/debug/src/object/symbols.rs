//! Decides which symbol names which address: sorted, disjoint spans, each with the one symbol that
//! names it.
//!
//! As llvm-symbolizer has it: of several symbols at one address the largest wins, and of equally
//! large ones the last in the table; a symbol without size reaches to the next one, across sections
//! too. Data symbols matter as well: they are such limits. What counts as a symbol, and how large
//! it is, each format says for itself: `elf/symbols.rs`, `macho/symbols.rs`.

use crate::module::merge_sorted::Covers;

/// `start..end` is named `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'d> {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// The raw linkage name.
    pub name: &'d [u8],
    /// For a local symbol, the source file that the table gives for it (`STT_FILE`).
    pub file: Option<&'d [u8]>,
}

impl Covers for Symbol<'_> {
    #[inline]
    fn extent(&self) -> (u64, u64) {
        (self.start, self.end)
    }
}

/// A function that symbols do not tell of, or not well: a linkage stub, an export, a function
/// without a name. What symbols make of its addresses is kept beside it: that is what
/// llvm-symbolizer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticSymbol {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Its raw linkage name; for a stub that of the function it leads to, marked. Empty where it
    /// has none.
    pub name: Vec<u8>,
}

impl Covers for SyntheticSymbol {
    #[inline]
    fn extent(&self) -> (u64, u64) {
        (self.start, self.end)
    }
}

/// A symbol as its table has it.
#[derive(Clone, Copy, Debug)]
pub struct SymbolEntry<'d> {
    /// First address.
    pub address: u64,
    /// Bytes; 0 where the table does not say.
    pub size: u64,
    /// The raw linkage name.
    pub name: &'d [u8],
    /// As [`Symbol::file`].
    pub file: Option<&'d [u8]>,
}

/// A name at an address that another symbol of the same size names, by address.
pub type Twin<'d> = (u64, &'d [u8]);

/// The span of each of `entries`, which stand in the order of the table, as far as it wins; and
/// those that would win as well but for their place in the table.
pub fn spans_and_twins(entries: Vec<SymbolEntry<'_>>) -> (Vec<Symbol<'_>>, Vec<Twin<'_>>) {
    let mut sorted: Vec<&SymbolEntry<'_>> = entries.iter().collect();
    sorted.sort_by_key(|entry| (entry.address, entry.size));
    let mut twins = Vec::new();
    for alike in
        sorted.chunk_by(|one, other| one.address == other.address && one.size == other.size)
    {
        let Some((winner, others)) = alike.split_last() else { continue };
        twins.extend(
            others
                .iter()
                .filter(|other| other.name != winner.name)
                .map(|other| (other.address, other.name)),
        );
    }
    twins.sort_unstable();
    twins.dedup();
    (spans(entries), twins)
}

/// The span of each of `entries`, which stand in the order of the table, as far as it wins.
pub fn spans(mut entries: Vec<SymbolEntry<'_>>) -> Vec<Symbol<'_>> {
    entries.sort_by_key(|entry| (entry.address, entry.size));
    let next = entries.iter().skip(1).map(|entry| entry.address).chain([u64::MAX]);
    entries
        .iter()
        .zip(next)
        .map(|(entry, next)| {
            // A size that reaches past the end of the address space covers nothing.
            let end = if entry.size == 0 {
                next
            } else {
                entry.address.wrapping_add(entry.size).min(next)
            };
            Symbol { start: entry.address, end, name: entry.name, file: entry.file }
        })
        // Of several at one address the last one wins; the others end where they start.
        .filter(|symbol| symbol.start < symbol.end)
        .collect()
}
