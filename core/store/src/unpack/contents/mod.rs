//! Opens all blocks of a module and checks them against each other; [`Contents`] has every block
//! that is not as it should be.
//!
//! One problem is told of a block, the first. What depends on a damaged block is not called damaged
//! for it.

mod problem;
mod unwind;

use symtool_debug::{Alias, File, Function as Declared};
use symtool_unwind::UnwindTable;

use crate::block::aliases::AliasBlock;
use crate::block::classes::{self, ClassBlock};
use crate::block::files::FileBlock;
use crate::block::functions::{Call, FunctionBlock, Site};
use crate::block::layers::{self, Span};
use crate::block::ranges::RangeBlock;
use crate::block::{Compressed, Damage, Expanded, Kind};
use crate::limits::{FILES_PER_BLOCK, FUNCTIONS_PER_BLOCK};
use crate::module::ModuleRecord;
pub use problem::{Fault, Problem};

/// A module's blocks, decoded.
#[derive(Debug, Default)]
pub struct Contents {
    /// By number of the block; `None` where it is damaged.
    functions: Vec<Option<FunctionBlock>>,
    files: Vec<Option<FileBlock>>,
    /// Blocks of ranges that could be decoded, in address order.
    pub ranges: Vec<RangeBlock>,
    /// Which source answers where; empty for a module of one source.
    pub layers: Vec<Span>,
    /// Functions that were folded into others, by address.
    pub aliases: Vec<Alias>,
    /// How stacks are walked.
    pub unwind: UnwindTable,
    /// Which source each unwind row is from; empty for a module of one source.
    pub unwind_layers: Vec<Span>,
    /// What is wrong, in the order of keys within each kind.
    pub problems: Vec<Problem>,
    /// Blocks of ranges that were left unread because functions that they need are damaged.
    pub ranges_unread: usize,
}

impl Contents {
    /// Opens and checks `blocks`, all of a module but its record, in key order.
    pub fn read(record: &ModuleRecord, blocks: &[Compressed]) -> Self {
        let mut contents = Self::default();
        if record.is_mapping() {
            contents.read_mapping(record, blocks);
            return contents;
        }
        let of_kind = |kind: Kind| blocks.iter().filter(move |block| block.kind == kind);
        let functions =
            contents.read_functions(u64::from(record.functions) + 1, of_kind(Kind::Functions));
        let files = contents.read_files(u64::from(record.files), of_kind(Kind::Files));
        contents.check_references(
            u64::from(record.functions) + 1,
            u64::from(record.files),
            of_kind(Kind::Functions),
        );
        let ranges = contents.read_ranges(of_kind(Kind::Ranges));
        contents.read_layers(record.sources.len(), of_kind(Kind::Layers));
        contents.read_unwind(record, blocks);
        contents.read_aliases(record.aliases, of_kind(Kind::Aliases));
        contents.count("functions", u64::from(record.functions), functions.saturating_sub(1));
        contents.count("files", u64::from(record.files), files);
        if let Some(ranges) = ranges {
            contents.count("ranges", record.ranges, ranges);
        }
        contents.count_bytes(record, blocks);
        contents
    }

    /// Checks the blocks of a mapping, which are all blocks of classes.
    fn read_mapping(&mut self, record: &ModuleRecord, blocks: &[Compressed]) {
        let (mut classes, mut lines, mut earliest) = (0, 0, 0);
        for block in blocks {
            match class_block(block, earliest) {
                Ok((in_block, of_methods)) => {
                    classes += in_block;
                    lines += of_methods;
                }
                Err(fault) => self.found(block, fault),
            }
            earliest = block.last.saturating_add(1);
        }
        if self.problems.is_empty() {
            self.count("classes", record.classes, classes);
            self.count("ranges", record.ranges, lines);
        }
        self.count_bytes(record, blocks);
    }

    /// Of a block that cannot be had, nobody knows how large it was.
    fn count_bytes(&mut self, record: &ModuleRecord, blocks: &[Compressed]) {
        if blocks.iter().all(|block| block.damage().is_none()) {
            self.count(
                "bytes_stored",
                record.bytes_stored,
                blocks.iter().map(Compressed::stored_bytes).sum(),
            );
        }
    }

    /// All that is known of `function`.
    pub fn declared(&self, function: u32) -> Declared<'_> {
        self.function(function)
            .and_then(|(block, index)| block.declared(index))
            .unwrap_or_else(|| Declared::symbol(b""))
    }

    /// The raw name of `function`; empty where none is known.
    pub fn name(&self, function: u32) -> &[u8] {
        self.function(function).and_then(|(block, index)| block.name(index)).unwrap_or_default()
    }

    /// Site `site` of `function`.
    pub fn site(&self, function: u32, site: u32) -> Option<Site> {
        self.function(function).and_then(|(block, index)| block.site(index, site))
    }

    /// Source file `file`.
    pub fn file(&self, file: u32) -> File<'_> {
        let block = self.files.get(file as usize / FILES_PER_BLOCK).and_then(Option::as_ref);
        block.and_then(|block| block.get(file as usize % FILES_PER_BLOCK)).unwrap_or_default()
    }

    fn function(&self, function: u32) -> Option<(&FunctionBlock, usize)> {
        let block = self.functions.get(function as usize / FUNCTIONS_PER_BLOCK)?.as_ref()?;
        Some((block, function as usize % FUNCTIONS_PER_BLOCK))
    }

    /// Returns how many functions there are by the numbers under which blocks are filed.
    fn read_functions<'a>(
        &mut self,
        total: u64,
        blocks: impl Iterator<Item = &'a Compressed>,
    ) -> u64 {
        let mut expected = 0;
        for block in blocks {
            let decode =
                |raw: &[u8]| FunctionBlock::decode(raw).map(|block| (block.count(), block));
            let read = numbered(block, expected, total, FUNCTIONS_PER_BLOCK, decode);
            self.keep(block, read, FUNCTIONS_PER_BLOCK, total, |contents| &mut contents.functions);
            expected = block.last.saturating_add(1);
        }
        expected
    }

    fn read_files<'a>(&mut self, total: u64, blocks: impl Iterator<Item = &'a Compressed>) -> u64 {
        let mut expected = 0;
        for block in blocks {
            let decode = |raw: &[u8]| FileBlock::decode(raw).map(|block| (block.count(), block));
            let read = numbered(block, expected, total, FILES_PER_BLOCK, decode);
            self.keep(block, read, FILES_PER_BLOCK, total, |contents| &mut contents.files);
            expected = block.last.saturating_add(1);
        }
        expected
    }

    /// Keeps a block of numbered things in its place, or what is wrong with it.
    fn keep<T>(
        &mut self,
        block: &Compressed,
        read: Result<T, Fault>,
        size: usize,
        total: u64,
        place: impl FnOnce(&mut Self) -> &mut Vec<Option<T>>,
    ) {
        let read = read.map_err(|fault| self.found(block, fault)).ok();
        let Some(number) =
            usize::try_from(block.last).ok().filter(|_| block.last < total).map(|last| last / size)
        else {
            return;
        };
        let blocks = place(self);
        blocks.resize_with(blocks.len().max(number + 1), || None);
        blocks[number] = read;
    }

    /// Checks that every site and call of every function refers to what is there.
    fn check_references<'a>(
        &mut self,
        functions: u64,
        files: u64,
        blocks: impl Iterator<Item = &'a Compressed>,
    ) {
        for block in blocks {
            let number = usize::try_from(block.last).unwrap_or(usize::MAX) / FUNCTIONS_PER_BLOCK;
            let Some(Some(decoded)) = self.functions.get(number) else { continue };
            let fault = (0..decoded.count()).find_map(|index| {
                let declared = decoded.declared(index).and_then(|function| function.file);
                let used = decoded
                    .sites(index)
                    .map(|site| site.file)
                    .chain(declared.map(|file| file.index() + 1));
                let bad_file = used
                    .map(u64::from)
                    .find(|file| *file > files)
                    .map(|number| Fault::Reference { what: "file", number });
                let bad_call = || {
                    decoded.calls(index).find_map(|call| match call {
                        Call { callee, .. } if u64::from(callee) >= functions => {
                            Some(Fault::Reference { what: "function", number: u64::from(callee) })
                        }
                        Call { site, .. } if decoded.site(index, site).is_none() => {
                            Some(Fault::Reference { what: "site", number: u64::from(site) })
                        }
                        Call { .. } => None,
                    })
                };
                bad_file.or_else(bad_call)
            });
            if let Some(fault) = fault {
                self.found(block, fault);
                self.functions[number] = None;
            }
        }
    }

    /// Returns how many ranges there are, unless a block could not be read.
    fn read_ranges<'a>(&mut self, blocks: impl Iterator<Item = &'a Compressed>) -> Option<u64> {
        let (mut ranges, mut all_read, mut earliest) = (0, true, 0);
        for block in blocks {
            match self.range_block(block, earliest) {
                Ok(Some(decoded)) => {
                    ranges += decoded.ranges().count() as u64;
                    self.ranges.push(decoded);
                }
                Ok(None) => {
                    self.ranges_unread += 1;
                    all_read = false;
                }
                Err(fault) => {
                    self.found(block, fault);
                    all_read = false;
                }
            }
            earliest = block.last.saturating_add(1);
        }
        all_read.then_some(ranges)
    }

    /// `None` if functions that it needs are damaged.
    fn range_block(&self, block: &Compressed, earliest: u64) -> Result<Option<RangeBlock>, Fault> {
        let opened = block.expand()?;
        let is_known = |function: u32| {
            !matches!(self.functions.get(function as usize / FUNCTIONS_PER_BLOCK), Some(None))
        };
        let decoded = RangeBlock::decode(&opened.raw, |function, call| {
            let found = self.function(function).and_then(|(block, index)| block.call(index, call));
            if found.is_none() && !is_known(function) { Err(()) } else { Ok(found) }
        });
        let Ok(decoded) = decoded else { return Ok(None) };
        let decoded = decoded.ok_or(Damage::Contents)?;
        if opened.first < earliest {
            return Err(Fault::Order { first: opened.first, expected: earliest });
        }
        let mut end = opened.first;
        for (at, (start, range_end, spot)) in decoded.ranges().enumerate() {
            if start < end || start >= range_end || (at == 0 && start != end) {
                return Err(Fault::Range { start });
            }
            end = range_end;
            let function = decoded.frame(spot.frame).map_or(u32::MAX, |frame| frame.function);
            if self.site(function, spot.site).is_none() {
                if !is_known(function) {
                    return Ok(None);
                }
                let what = if self.function(function).is_some() { "site" } else { "function" };
                let number = u64::from(if what == "site" { spot.site } else { function });
                return Err(Fault::Reference { what, number });
            }
        }
        let last = end.checked_sub(1).filter(|_| end > opened.first).ok_or(Damage::Contents)?;
        if last == block.last { Ok(Some(decoded)) } else { Err(Fault::Extent { found: last }) }
    }

    fn read_layers<'a>(&mut self, sources: usize, blocks: impl Iterator<Item = &'a Compressed>) {
        for block in blocks {
            match block
                .expand()
                .and_then(|opened| layers::decode(&opened.raw, sources).ok_or(Damage::Contents))
            {
                Ok(spans) => self.layers = spans,
                Err(damage) => self.found(block, damage.into()),
            }
        }
    }

    fn read_aliases<'a>(&mut self, count: u64, blocks: impl Iterator<Item = &'a Compressed>) {
        let (mut earliest, problems) = (0, self.problems.len());
        for block in blocks {
            match alias_block(block, earliest) {
                Ok(decoded) => self.aliases.extend(
                    decoded.iter().map(|(address, name)| Alias { address, name: name.to_vec() }),
                ),
                Err(fault) => self.found(block, fault),
            }
            earliest = block.last.saturating_add(1);
        }
        if self.problems.len() == problems {
            self.count("aliases", count, self.aliases.len() as u64);
        }
    }

    fn found(&mut self, block: &Compressed, fault: Fault) {
        self.problems.push(Problem { kind: block.kind, last: block.last, fault });
    }

    fn count(&mut self, what: &'static str, expected: u64, found: u64) {
        if expected != found {
            self.problems.push(Problem {
                kind: Kind::Record,
                last: u64::MAX,
                fault: Fault::Count { what, expected, found },
            });
        }
    }
}

/// Opens a block of classes whose hashes are `earliest` at the earliest; how many it has, and how
/// many lines of methods.
fn class_block(block: &Compressed, earliest: u64) -> Result<(u64, u64), Fault> {
    let opened = block.expand()?;
    let decoded = ClassBlock::decode(&opened.raw)
        .filter(|_| block.kind == Kind::Classes)
        .ok_or(Damage::Contents)?;
    if opened.first < earliest {
        return Err(Fault::Order { first: opened.first, expected: earliest });
    }
    let (mut lines, mut last) = (0, opened.first);
    for index in 0..decoded.count() {
        let row = decoded.row(index).ok_or(Damage::Contents)?;
        let hash = classes::hash(row.obfuscated());
        if hash < last || (index == 0 && hash != opened.first) {
            return Err(Fault::Order { first: hash, expected: last });
        }
        last = hash;
        lines += row.len() as u64;
    }
    if decoded.count() > 0 && last == block.last {
        Ok((decoded.count() as u64, lines))
    } else {
        Err(Fault::Extent { found: last })
    }
}

/// Opens a block of aliases whose addresses are `earliest` at the earliest.
fn alias_block(block: &Compressed, earliest: u64) -> Result<AliasBlock, Fault> {
    let opened = block.expand()?;
    let decoded = AliasBlock::decode(opened.first, &opened.raw).ok_or(Damage::Contents)?;
    if opened.first < earliest {
        return Err(Fault::Order { first: opened.first, expected: earliest });
    }
    match decoded.last() {
        Some(last) if last == block.last => Ok(decoded),
        last => Err(Fault::Extent { found: last.unwrap_or(opened.first) }),
    }
}

/// Opens a block of things numbered from `expected` on, of which there are `total`, `size` in a
/// block but the last.
fn numbered<T>(
    block: &Compressed,
    expected: u64,
    total: u64,
    size: usize,
    decode: impl FnOnce(&[u8]) -> Option<(usize, T)>,
) -> Result<T, Fault> {
    let Expanded { first, raw } = block.expand()?;
    if first != expected || !first.is_multiple_of(size as u64) {
        return Err(Fault::Order { first, expected });
    }
    let (count, decoded) = decode(&raw).ok_or(Damage::Contents)?;
    let end = first.saturating_add(count as u64);
    let is_whole = count == size || (count < size && end == total);
    if count > 0 && is_whole && end - 1 == block.last {
        Ok(decoded)
    } else {
        Err(Fault::Extent { found: end.saturating_sub(1) })
    }
}
