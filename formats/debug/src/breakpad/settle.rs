//! Decides which public symbols answer where no function does: [`publics`].

use super::index::FunctionText;
use super::owners::{Claim, Owners};
use super::record::Record;
use super::{NO_NAME, parts::Lines};
use crate::limits::MAX_NAME_BYTES;
use crate::object::symbols::{Symbol, SymbolEntry, Twin, spans_and_twins};

/// Public symbols where none of `functions` of `bytes` is, all of which have addresses: each reaches
/// to the next one, or to the next function. And further names of the beginnings of functions and
/// public symbols.
pub fn publics<'d>(
    publics: Vec<(u64, &'d [u8])>,
    functions: &[FunctionText],
    bytes: &'d [u8],
) -> (Vec<Symbol<'d>>, Vec<Twin<'d>>) {
    // The first in the file counts.
    let entry =
        |(address, name): (u64, &'d [u8])| SymbolEntry { address, size: 0, name, file: None };
    let entries: Vec<_> = publics.into_iter().rev().map(entry).collect();
    let (mut symbols, twins) = spans_and_twins(entries);
    let named_at = |address: u64| {
        let at = functions.binary_search_by_key(&address, |function| function.start).ok()?;
        name(&bytes[functions[at].text.clone()])
    };
    let mut aliases = Vec::new();
    let mut extents = extents(functions).peekable();
    symbols.retain_mut(|symbol| {
        if let Some(function) = named_at(symbol.start) {
            aliases.extend(Some((symbol.start, symbol.name)).filter(|(_, name)| *name != function));
        }
        while extents.next_if(|(_, end)| *end <= symbol.start).is_some() {}
        match extents.peek() {
            Some((start, _)) if *start <= symbol.start => return false,
            Some((start, _)) => symbol.end = symbol.end.min(*start),
            None => {}
        }
        true
    });
    aliases.extend(twins.into_iter().filter(|(start, name)| named_at(*start) != Some(*name)));
    (symbols, aliases)
}

/// The addresses of `functions`.
fn extents(functions: &[FunctionText]) -> impl Iterator<Item = (u64, u64)> {
    let mut owners = Owners::default();
    functions.iter().filter_map(move |function| match owners.claim(function.start, function.end) {
        Claim::Extent(start, end) => Some((start, end)),
        Claim::Alias | Claim::Nothing => None,
    })
}

/// The name of the function of which `text` tells.
fn name(text: &[u8]) -> Option<&[u8]> {
    match Record::parse(Lines::of(text, &|_| {}).next()?) {
        Some(Record::Function(function)) => {
            let is_name =
                |name: &&[u8]| !name.is_empty() && name.len() <= MAX_NAME_BYTES && *name != NO_NAME;
            Some(function.name).filter(is_name)
        }
        _ => None,
    }
}
