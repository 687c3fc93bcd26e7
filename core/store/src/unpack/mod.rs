//! Unpacks a stored module into [`ModuleSymbols`], from which [`crate::pack`] makes the same blocks
//! again.
//!
//! Every frame of a block becomes a chain of its own: what pack saw as one chain comes back as
//! several where ranges leave and enter it again, which says the same.

mod contents;

use symtool_debug::{
    ChainId, CodeMark, DropCounts, File, FileId, Files, Function, FunctionId, Functions,
    InlineChain, ModuleInfo, ModuleSymbols, Range, Source, SourceLocation,
};
use symtool_module::{BuildId, ModuleId};

use crate::block::functions::Site;
use crate::block::ranges::{NO_FRAME, RangeBlock};
use crate::block::{Compressed, Damage, Kind};
use crate::module::ModuleRecord;
use crate::pack::Layers;
pub use contents::{Contents, Fault, Problem};

/// Unpacks the module of `record` from `blocks`, all of its blocks in key order. With the symbols
/// comes which source answers where. What was dropped and warned of stays in the record.
///
/// # Errors
/// The first block that is damaged, or contradicts another.
pub fn unpack(
    record: &ModuleRecord,
    blocks: &[Compressed],
) -> Result<(ModuleSymbols, Layers), Problem> {
    let mut contents = Contents::read(record, blocks);
    if !contents.problems.is_empty() {
        return Err(contents.problems.swap_remove(0));
    }
    let damaged = || Problem { kind: Kind::Record, last: u64::MAX, fault: Damage::Contents.into() };
    let mut symbols = ModuleSymbols {
        info: info(record).ok_or_else(damaged)?,
        functions: functions((0..record.functions).map(|function| contents.declared(function))),
        files: files((0..record.files).map(|file| contents.file(file))),
        chains: Vec::new(),
        ranges: Vec::new(),
        dropped: DropCounts::default(),
        aliases: std::mem::take(&mut contents.aliases),
        unwind: std::mem::take(&mut contents.unwind),
        warnings: Vec::new(),
    };
    let layers = Layers {
        ranges: std::mem::take(&mut contents.layers),
        unwind: std::mem::take(&mut contents.unwind_layers),
    };
    for block in &contents.ranges {
        unpack_ranges(record, &contents, block, &mut symbols).ok_or_else(damaged)?;
    }
    Ok((symbols, layers))
}

/// What a module says about itself, from its record; `None` if it was written by a version that
/// knows more.
fn info(record: &ModuleRecord) -> Option<ModuleInfo> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?);
    let id = |id: &BuildId| {
        Some(ModuleId {
            bytes: id.as_str().as_bytes().chunks(2).map(pair).collect::<Option<_>>()?,
            made_up: record.id_made_up,
        })
    };
    Some(ModuleInfo {
        name: record.name.clone(),
        id: id(&record.id)?,
        other_ids: record.other_ids.iter().map(id).collect::<Option<_>>()?,
        code: CodeMark::default(),
        kind: record.kind.known()?,
        arch: record.arch.clone(),
        detail: record.detail.known()?,
        image_base: record.image_base,
        fingerprint: 0,
    })
}

fn files<'a>(all: impl Iterator<Item = File<'a>>) -> Files {
    let mut files = Files::default();
    all.for_each(|file| {
        files.push(file);
    });
    files
}

fn functions<'a>(all: impl Iterator<Item = Function<'a>>) -> Functions {
    let mut functions = Functions::default();
    all.for_each(|function| {
        functions.push(function);
    });
    functions
}

/// Appends the ranges and frames of one block.
fn unpack_ranges(
    record: &ModuleRecord,
    contents: &Contents,
    block: &RangeBlock,
    symbols: &mut ModuleSymbols,
) -> Option<()> {
    // The function with this number stands for none.
    let unnamed = record.functions;
    let source = record.source();
    let location = |function: u32, site: u32| {
        let Site { file, line, column, discriminator } = contents.site(function, site)?;
        Some(SourceLocation {
            file: file.checked_sub(1).map(FileId::new),
            line,
            column,
            discriminator,
        })
    };
    let first_chain = u32::try_from(symbols.chains.len()).ok()?;
    let chain = |frame: u32| first_chain.checked_add(frame).map(ChainId::new);
    for frame in block.frames() {
        let caller = match frame.caller {
            NO_FRAME => None,
            caller => {
                Some((chain(caller)?, location(block.frame(caller)?.function, frame.call_site)?))
            }
        };
        symbols.chains.push(InlineChain {
            function: (frame.function != unnamed).then_some(FunctionId::new(frame.function)),
            caller,
            start: frame.start,
            source: if frame.symtab { Source::Symtab } else { source },
        });
    }
    for (start, end, spot) in block.ranges() {
        let function = block.frame(spot.frame)?.function;
        symbols.ranges.push(Range {
            start,
            end,
            chain: chain(spot.frame)?,
            location: location(function, spot.site)?,
        });
    }
    Some(())
}
