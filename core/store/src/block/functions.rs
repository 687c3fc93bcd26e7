//! Blocks of functions: each function's name, the places in it that ranges refer to, and the calls
//! inlined into it.
//!
//! A *site* is a place in a function's source: a file, a line, a column. A *call* is one inlined
//! function at one site. A function that was inlined a thousand times has its sites and calls here
//! once, and ranges name them by small numbers.
//!
//! ```text
//! column  block of functions, format 2
//! 0, 1    names: lengths, bytes
//! 2       per function: number of sites, number of calls
//! 3       per site: file + 1 (0 for none), as the difference to the site before
//! 4       per site: line, as the difference to the site before
//! 5       per site: column
//! 6       per call: site, as the difference to the call before
//! 7       per call: callee, as the difference to the function after the callee before
//! 8       per site: discriminator
//! 9       per function: file that declares it + 1 (0 for none), as the difference to the first site's
//! 10      per function: line there, as the difference to the first site's
//! 11, 12  what debug data calls functions: lengths + 1 (0 where that is their name), bytes
//! ```

use symtool_debug::{FileId, Function as Declared};

use super::bytes::{Column, join, put, put_signed, split};
use super::strings::StringBlock;

/// A place in the source, as a function's block keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Site {
    /// The file's number plus one; 0 for none.
    pub file: u32,
    /// 1-based, 0 for none.
    pub line: u32,
    /// 1-based, 0 for none.
    pub column: u32,
    /// 0 for none.
    pub discriminator: u32,
}

/// A function inlined at a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Call {
    /// Which site of the caller.
    pub site: u32,
    /// The number of the function called.
    pub callee: u32,
}

/// One function's part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function<'a> {
    /// Its names, and where it is declared.
    pub declared: Declared<'a>,
    /// In the order in which ranges first use them.
    pub sites: &'a [Site],
    /// In the order in which ranges first use them.
    pub calls: &'a [Call],
}

const COLUMNS: usize = 13;

/// Takes functions one by one.
#[derive(Debug, Default)]
pub struct Encoder {
    columns: [Vec<u8>; COLUMNS],
    /// The first site of the last function that has any.
    first: Site,
    /// The callee of the last call.
    callee: u32,
}

impl Encoder {
    /// Appends `function`.
    pub fn push(&mut self, function: Function<'_>) {
        let columns = &mut self.columns;
        let Declared { name, own, file, line } = function.declared;
        put(&mut columns[0], name.len() as u64);
        columns[1].extend_from_slice(name);
        put(&mut columns[2], function.sites.len() as u64);
        put(&mut columns[2], function.calls.len() as u64);
        let mut before = self.first;
        for site in function.sites {
            put_signed(&mut columns[3], i64::from(site.file) - i64::from(before.file));
            put_signed(&mut columns[4], i64::from(site.line) - i64::from(before.line));
            put(&mut columns[5], u64::from(site.column));
            put(&mut columns[8], u64::from(site.discriminator));
            before = *site;
        }
        let here = function.sites.first().copied().unwrap_or_default();
        put_signed(
            &mut columns[9],
            i64::from(file.map_or(0, |file| file.index() + 1)) - i64::from(here.file),
        );
        put_signed(&mut columns[10], i64::from(line) - i64::from(here.line));
        put(&mut columns[11], own.map_or(0, |own| own.len() as u64 + 1));
        columns[12].extend_from_slice(own.unwrap_or_default());
        self.first = function.sites.first().copied().unwrap_or(self.first);
        let mut site_before = 0;
        for call in function.calls {
            put_signed(&mut columns[6], i64::from(call.site) - i64::from(site_before));
            put_signed(&mut columns[7], i64::from(call.callee) - i64::from(self.callee) - 1);
            site_before = call.site;
            self.callee = call.callee;
        }
    }

    /// The columns.
    pub fn finish(self) -> Vec<u8> {
        join(&self.columns)
    }
}

/// Functions of a decoded block, by position.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FunctionBlock {
    names: StringBlock,
    declared: Vec<Declaration>,
    owns: Vec<u8>,
    site_ends: Vec<u32>,
    sites: Vec<Site>,
    call_ends: Vec<u32>,
    calls: Vec<Call>,
}

/// What is known of a function beside its raw name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Declaration {
    /// Plus one, 0 for none.
    file: u32,
    line: u32,
    has_own: bool,
    own_end: u32,
}

/// The columns that sites are decoded from.
struct SiteColumns<'a> {
    files: Column<'a>,
    lines: Column<'a>,
    places: Column<'a>,
    discriminators: Column<'a>,
}

impl SiteColumns<'_> {
    #[inline]
    fn next(&mut self, before: Site) -> Option<Site> {
        Some(Site {
            file: step(&mut self.files, before.file)?,
            line: step(&mut self.lines, before.line)?,
            column: self.places.number32()?,
            discriminator: self.discriminators.number32()?,
        })
    }

    fn is_empty(&self) -> bool {
        [self.files, self.lines, self.places, self.discriminators].iter().all(Column::is_empty)
    }
}

/// The columns that calls are decoded from.
struct CallColumns<'a> {
    sites: Column<'a>,
    callees: Column<'a>,
}

impl CallColumns<'_> {
    #[inline]
    fn next(&mut self, before: Call) -> Option<Call> {
        let site = step(&mut self.sites, before.site)?;
        let callee =
            i64::from(before.callee).checked_add(self.callees.signed()?)?.checked_add(1)?;
        Some(Call { site, callee: u32::try_from(callee).ok()? })
    }

    fn is_empty(&self) -> bool {
        [self.sites, self.callees].iter().all(Column::is_empty)
    }
}

impl FunctionBlock {
    /// Decodes what an [`Encoder`] made; `None` if it is damaged.
    pub fn decode(raw: &[u8]) -> Option<Self> {
        let [lengths, bytes, mut counts, files, lines, places, call_sites, callees, rest @ ..] =
            split::<COLUMNS>(raw)?;
        let [discriminators, mut declaring_files, mut declaring_lines, mut own_lengths, owns] =
            rest;
        let mut site_columns = SiteColumns { files, lines, places, discriminators };
        let mut call_columns = CallColumns { sites: call_sites, callees };
        let mut block = Self {
            names: StringBlock::from_columns(lengths, bytes)?,
            owns: owns.0.to_vec(),
            ..Self::default()
        };
        let mut own_end = 0;
        let (mut first, mut callee_before) = (Site::default(), 0);
        for _ in 0..block.names.count() {
            let (sites, calls) = (counts.number32()?, counts.number32()?);
            let mut before = first;
            for at in 0..sites {
                before = site_columns.next(before)?;
                block.sites.push(before);
                if at == 0 {
                    first = before;
                }
            }
            let here = if sites == 0 { Site::default() } else { first };
            let own = own_lengths.number32()?;
            own_end = own.saturating_sub(1).checked_add(own_end)?;
            block.declared.push(Declaration {
                file: step(&mut declaring_files, here.file)?,
                line: step(&mut declaring_lines, here.line)?,
                has_own: own > 0,
                own_end,
            });
            let mut before = Call { site: 0, callee: callee_before };
            for _ in 0..calls {
                before = call_columns.next(before)?;
                block.calls.push(before);
            }
            callee_before = before.callee;
            block.site_ends.push(u32::try_from(block.sites.len()).ok()?);
            block.call_ends.push(u32::try_from(block.calls.len()).ok()?);
        }
        let columns = [counts, declaring_files, declaring_lines, own_lengths];
        let is_read = columns.iter().all(Column::is_empty)
            && site_columns.is_empty()
            && call_columns.is_empty();
        (is_read && own_end as usize == block.owns.len()).then_some(block)
    }

    /// The name of the function at `index`; empty where none is known.
    #[inline]
    pub fn name(&self, index: usize) -> Option<&[u8]> {
        self.names.get(index)
    }

    /// All that is known of the function at `index`.
    pub fn declared(&self, index: usize) -> Option<Declared<'_>> {
        let Declaration { file, line, has_own, own_end } = *self.declared.get(index)?;
        let own_start = index.checked_sub(1).map_or(0, |before| self.declared[before].own_end);
        let own = self.owns.get(own_start as usize..own_end as usize).filter(|_| has_own);
        Some(Declared {
            name: self.names.get(index)?,
            own,
            file: file.checked_sub(1).map(FileId::new),
            line,
        })
    }

    /// How many functions there are.
    pub fn count(&self) -> usize {
        self.names.count()
    }

    /// The sites of the function at `index`, in order.
    pub fn sites(&self, index: usize) -> impl Iterator<Item = Site> + '_ {
        (0..).map_while(move |site| self.site(index, site))
    }

    /// The calls of the function at `index`, in order.
    pub fn calls(&self, index: usize) -> impl Iterator<Item = Call> + '_ {
        (0..).map_while(move |call| self.call(index, call))
    }

    /// Site `site` of the function at `index`.
    #[inline]
    pub fn site(&self, index: usize, site: u32) -> Option<Site> {
        nth(&self.sites, &self.site_ends, index, site)
    }

    /// Call `call` of the function at `index`.
    #[inline]
    pub fn call(&self, index: usize, call: u32) -> Option<Call> {
        nth(&self.calls, &self.call_ends, index, call)
    }

    /// What it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.names.memory_bytes()
            + self.owns.len()
            + size_of_val(&*self.declared)
            + size_of_val(&*self.sites)
            + size_of_val(&*self.calls)
            + 4 * (self.site_ends.len() + self.call_ends.len())
    }
}

fn step(column: &mut Column<'_>, before: u32) -> Option<u32> {
    u32::try_from(i64::from(before).checked_add(column.signed()?)?).ok()
}

#[inline]
fn nth<T: Copy>(items: &[T], ends: &[u32], index: usize, nth: u32) -> Option<T> {
    let end = *ends.get(index)?;
    let start = if index == 0 { 0 } else { ends[index - 1] };
    let at = start.checked_add(nth).filter(|at| *at < end)?;
    items.get(at as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(file: u32, line: u32, column: u32) -> Site {
        Site { file, line, column, discriminator: column / 2 }
    }

    #[test]
    fn functions_come_back() {
        let first = [site(1, 10, 3), site(1, 12, 0), site(9, 4_000_000_000, 70_000)];
        let third = [site(0, 0, 0)];
        let calls = [
            Call { site: 1, callee: 2 },
            Call { site: 0, callee: u32::MAX },
            Call { site: 2, callee: 0 },
        ];
        let functions = [
            Function {
                declared: Declared {
                    name: b"_Z1av",
                    own: None,
                    file: Some(FileId::new(3)),
                    line: 7,
                },
                sites: &first,
                calls: &calls,
            },
            Function { declared: Declared::symbol(b""), sites: &[], calls: &[] },
            Function {
                declared: Declared { name: b"main.cold", own: Some(b"main"), file: None, line: 9 },
                sites: &third,
                calls: &calls[..1],
            },
        ];
        let mut encoder = Encoder::default();
        functions.iter().for_each(|function| encoder.push(*function));
        let raw = encoder.finish();
        let block = FunctionBlock::decode(&raw).unwrap();
        for (at, function) in functions.iter().enumerate() {
            assert_eq!(
                (block.name(at), block.declared(at)),
                (Some(function.declared.name), Some(function.declared))
            );
            let sites: Vec<_> = (0..).map_while(|site| block.site(at, site)).collect();
            assert_eq!(sites, function.sites);
            let calls: Vec<_> = (0..).map_while(|call| block.call(at, call)).collect();
            assert_eq!(calls, function.calls);
        }
        assert_eq!(block.name(3), None);
        (0..raw.len())
            .for_each(|end| assert_eq!(FunctionBlock::decode(&raw[..end]), None, "{end}"));
    }
}
