//! Completes a stored module with another file of the same id.
//!
//! Every address is answered by the first file, in the order of [`Source::rank`], that knows
//! anything of it. A range of another file fills a gap from its own beginning on, up to where a
//! better file begins: a file that knows where something begins also knows where it ends, and a
//! symbol without size reaches too far in a file with few symbols. So it makes no difference which
//! file came first:
//!
//! ```text
//! libx.so.debug (debug)    [main][a main][main]                          [helper]
//! libx.so (exports)        [main                 ]  [memcpy@plt]  [start         ]
//! together                 [main][a main][main]     [memcpy@plt]  [start][helper]
//! spans                                        [1]  [1         ]  [1    ]       [1]
//! ```
//!
//! What was left blank belongs to its file all the same (a span without a range): were it
//! forgotten, a third file would fill it or not, depending on when it came.
//!
//! Two rules leave a file out: a damaged one gives way to an intact one that tells as much, and one
//! that was linked to another address than the first speaks of other addresses (unless it counts
//! them from the image: align.rs). It is remembered all the same, so that it is known when it comes
//! again.

mod align;
mod joined;
mod overlay;
mod unwind;

use crate::block::Compressed;
use crate::module::{ModuleRecord, Source};
use crate::pack::{Layers, Packed, pack_layered};
use crate::unpack::Problem;
use crate::unpack::unpack;
use align::{Aligned, align};
use joined::Joined;
use overlay::{overlay, pieces};
use unwind::UnwindSide;

/// What to do with a file of a module that is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    /// All files of the module, in the order of their rank.
    sources: Vec<Source>,
    /// By index of an old source: its index in `sources`, if its answers are still used.
    old: Vec<Option<usize>>,
    /// The index of the new source.
    new: usize,
    /// Whether its answers are used.
    uses_new: bool,
    /// Whether some of what is in the store is used no longer.
    takes_out: bool,
}

/// Why files could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A block of the module in the store, or of the new one.
    #[error("{0}")]
    Damaged(Problem),
    /// The blocks of the module in the store cannot be read at all.
    #[error("{0}")]
    Unreadable(Box<dyn std::error::Error + Send + Sync>),
    /// Packing failed.
    #[error("{0}")]
    Pack(#[from] std::io::Error),
}

impl Plan {
    /// What the file of `new` brings to the module of `old`; `None` if that is nothing. With
    /// `replace`, the file takes the place of what was known from it.
    fn of(old: &ModuleRecord, new: &ModuleRecord, replace: bool) -> Option<Self> {
        let [new] = &new.sources[..] else { return None };
        let before = &old.sources;
        let same = before.iter().position(|source| source.is_same_file(new));
        // An intact file that is read again says the same: what is known from it may stay.
        let takes_place =
            same.map(|at| &before[at]).is_some_and(|known| replace || known.lacks() > 0);
        if let Some(known) = same.map(|at| &before[at]).filter(|_| !replace) {
            let is_better = new.lacks() < known.lacks()
                || (new.lacks() == known.lacks()
                    && (known.incomplete || known.unwind_addresses.is_none()));
            if !is_better {
                return None;
            }
        }
        let others = before
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != same)
            .map(|(at, source)| (Some(at), source.clone()));
        let mut ranked: Vec<(Option<usize>, Source)> =
            others.chain([(None, new.clone())]).collect();
        ranked.sort_by(|(_, a), (_, b)| a.rank().cmp(&b.rank()));
        let (origins, mut sources): (Vec<_>, Vec<_>) = ranked.into_iter().unzip();
        let used = in_use(&sources);
        let was_used = in_use(before);
        let place = |at: usize| {
            origins.iter().position(|origin| *origin == at.into()).filter(|place| used[*place])
        };
        let new_at = origins.iter().position(Option::is_none)?;
        let uses_new = used[new_at];
        let stays = Some(new_at).filter(|_| uses_new && !takes_place);
        let old_at: Vec<Option<usize>> =
            (0..before.len()).map(|at| if Some(at) == same { stays } else { place(at) }).collect();
        let retired = (0..before.len()).filter(|at| was_used[*at] && old_at[*at].is_none());
        let highest_retired = retired.map(|at| before[at].rank()).min();
        for (at, source) in before.iter().enumerate() {
            let Some(place) = place(at) else { continue };
            let was_hidden = highest_retired.as_ref().is_some_and(|rank| source.rank() > *rank);
            sources[place].incomplete |= was_hidden || !was_used[at];
        }
        let takes_out = highest_retired.is_some();
        Some(Self { sources, old: old_at, new: new_at, uses_new, takes_out })
    }
}

/// Which of `sources`, in the order of their rank, are used.
fn in_use(sources: &[Source]) -> Vec<bool> {
    let is_used = |source: &Source| {
        let is_elsewhere =
            sources.first().is_some_and(|first| first.image_base != source.image_base);
        !is_elsewhere && !sources.iter().any(|other| source.gives_way_to(other))
    };
    sources.iter().map(is_used).collect()
}

/// The module of `record` and `stored`, its blocks, with what `new` tells besides, one file of the
/// same id; `None` if that is nothing. With `replace`, the file takes the place of what was known
/// from it.
///
/// # Errors
/// If a block is damaged or cannot be read, or packing fails.
pub fn complete(
    record: &ModuleRecord,
    stored: impl Fn() -> Result<Vec<Compressed>, Error>,
    new: &Packed,
    replace: bool,
) -> Result<Option<Packed>, Error> {
    let aligned = align(record, &stored, new)?;
    let (record, moved, new) = match aligned {
        Aligned::Neither => (record, None, new),
        Aligned::New(ref new) => (record, None, &**new),
        Aligned::Old(ref record, ref blocks) => (&**record, Some(blocks), new),
    };
    let Some(plan) = Plan::of(record, &new.record, replace) else { return Ok(None) };
    let blocks = || moved.map_or_else(stored, |blocks| Ok(blocks.clone()));
    carry_out(plan, record, blocks, new).map(Some)
}

/// Puts the module of `record` and `blocks`, and `new`, a file of the same id, together as `plan`
/// says.
fn carry_out(
    plan: Plan,
    record: &ModuleRecord,
    blocks: impl FnOnce() -> Result<Vec<Compressed>, Error>,
    new: &Packed,
) -> Result<Packed, Error> {
    let is_alone = plan.uses_new && plan.old.iter().all(Option::is_none);
    if !is_alone && (plan.uses_new || plan.takes_out) {
        return join(plan, record, &blocks()?, new);
    }
    let (record, blocks) = if is_alone {
        (new.record.clone(), new.blocks.clone())
    } else {
        (record.clone(), blocks()?)
    };
    let mut sources = plan.sources;
    let silent = |at: usize| (at == plan.new) != is_alone;
    sources
        .iter_mut()
        .enumerate()
        .filter(|(at, _)| silent(*at))
        .for_each(|(_, source)| source.silence());
    Ok(Packed { record: tell(record, sources, &new.record), key: new.key, blocks })
}

fn join(
    plan: Plan,
    record: &ModuleRecord,
    blocks: &[Compressed],
    new: &Packed,
) -> Result<Packed, Error> {
    let (old_symbols, layers) = unpack(record, blocks).map_err(Error::Damaged)?;
    let (new_symbols, _) = unpack(&new.record, &new.blocks).map_err(Error::Damaged)?;
    let new_ranks = [Some(plan.new).filter(|_| plan.uses_new)];
    let old_pieces = pieces(&old_symbols, &layers.ranges, &plan.old);
    let new_pieces = pieces(&new_symbols, &[], &new_ranks);
    let mut joined = Joined::new(&old_symbols, &new_symbols, plan.sources.len());
    overlay(&old_pieces, &new_pieces, |start, end, side, piece| {
        joined.push(start, end, side, piece);
    });
    let unwind = unwind::join(
        &UnwindSide { table: &old_symbols.unwind, spans: &layers.unwind, ranks: &plan.old },
        &UnwindSide { table: &new_symbols.unwind, spans: &[], ranks: &new_ranks },
        plan.sources.len(),
    );
    let mut sources = plan.sources;
    for ((source, addresses), unwound) in
        sources.iter_mut().zip(&joined.addresses).zip(&unwind.addresses)
    {
        source.addresses = *addresses;
        // Absent stays absent: nobody has looked for rows there yet.
        source.unwind_addresses = source.unwind_addresses.map(|_| *unwound);
    }
    let (mut symbols, ranges) =
        joined.finish(if plan.new == 0 { &new_symbols } else { &old_symbols });
    symbols.unwind = unwind.table;
    let packed = pack_layered(&symbols, &Layers { ranges, unwind: unwind.spans }, 0)?;
    Ok(Packed {
        record: tell(packed.record, sources, &new.record),
        key: new.key,
        blocks: packed.blocks,
    })
}

/// `record` with what it says of its files as `sources` have it, as of the import of `new`.
fn tell(mut record: ModuleRecord, sources: Vec<Source>, new: &ModuleRecord) -> ModuleRecord {
    let used = || {
        sources
            .iter()
            .enumerate()
            .filter(|(at, source)| *at == 0 || source.tells_something())
            .map(|(_, source)| source)
    };
    record.dropped.clear();
    record.warnings.clear();
    for source in used() {
        source.dropped.iter().for_each(|(reason, count)| {
            *record.dropped.entry(reason.clone()).or_default() += count;
        });
        // What a poorer file lacks is no concern beside a richer one.
        let is_rich = source.detail == sources[0].detail;
        let told = source
            .warnings
            .iter()
            .filter(|warning| is_rich && !record.warnings.contains(warning))
            .cloned()
            .collect::<Vec<_>>();
        record.warnings.extend(told);
    }
    if let Some(first) = sources.first() {
        record.name.clone_from(&first.name);
        record.detail.clone_from(&first.detail);
        record.bytes_in = first.bytes;
        record.image_base = first.image_base;
    }
    record.imported = new.imported;
    record.sources = sources;
    record
}
