//! Compares sampled answers of a stored module with its file.

use std::collections::BTreeMap;

use symtool_store::block::layers::source_at;
use symtool_store::resolve::{Answer, Extras, Origin, Request, Resolver, View};
use symtool_store::unpack::Contents;
use symtool_store::{Module, Reader};

use super::compare::{Gap, Reason, Verdict, compare};
use super::reference::{Frame, ReferenceReader, STACK_BYTES};

/// Addresses for which the other reader keeps what it parsed: with 2,000, verifying librgw takes
/// some 640 MB, most of them pages of the file.
const SESSION_ADDRESSES: usize = 2_000;

/// Differences that are shown.
const MAX_SHOWN: usize = 5;

/// The count of each verdict.
#[derive(Debug, Default)]
pub struct Checked {
    /// All that were compared.
    pub addresses: usize,
    /// Addresses with the same frames.
    pub equal: u64,
    /// Addresses where the difference is known.
    pub explained: BTreeMap<Reason, u64>,
    /// Addresses that cannot be compared.
    pub skipped: BTreeMap<Gap, u64>,
    /// Addresses with other frames.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// An address with two answers.
#[derive(Debug)]
pub struct Difference {
    /// Where.
    pub address: u64,
    /// The store's frames, innermost first.
    pub store: Vec<Frame>,
    /// Those of the file.
    pub file: Vec<Frame>,
}

/// Some `count` addresses that `source` answers, the same ones each time: half of them at the edges
/// of ranges and in the gaps after them, half of them evenly over all that is covered. With 0, the
/// start of every range.
pub fn sample(contents: &Contents, source: usize, count: usize) -> Vec<u64> {
    let ranges: Vec<(u64, u64)> = contents
        .ranges
        .iter()
        .flat_map(|block| block.ranges().map(|(start, end, _)| (start, end)))
        .collect();
    let is_answered = |address: &u64| source_at(&contents.layers, *address) == source;
    if count == 0 {
        return ranges.iter().map(|(start, _)| *start).filter(is_answered).collect();
    }
    let nexts = ranges.iter().skip(1).map(|(start, _)| *start).chain([u64::MAX]);
    let edges: Vec<u64> = ranges
        .iter()
        .zip(nexts)
        .flat_map(|(&(start, end), next)| {
            [Some(start), Some(end - 1), (end < next && source == 0).then_some(end)]
        })
        .flatten()
        .filter(is_answered)
        .collect();
    let mut addresses: Vec<u64> =
        edges.iter().copied().step_by(edges.len().div_ceil((count / 2).max(1)).max(1)).collect();
    // What a symbol without size covers past everything else is no more than one address.
    let even: Vec<(u64, u64)> = ranges
        .iter()
        .map(|&(start, end)| (start, if end == u64::MAX { start + 1 } else { end }))
        .collect();
    let covered: u64 = even.iter().map(|(start, end)| end - start).sum();
    let step = covered.div_ceil((count - count / 2) as u64).max(1);
    let mut ahead = 0;
    for &(start, end) in &even {
        let mut address = start.saturating_add(ahead);
        while address < end {
            addresses.push(address);
            address = address.saturating_add(step);
        }
        ahead = address - end;
    }
    addresses.retain(is_answered);
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Compares the store's answers at `addresses`, which rise, with those worked out from the file of
/// `bytes`. `told` how many are done from time to time.
///
/// # Errors
/// If the file cannot be read at all.
pub fn check(
    reader: &Reader,
    module: &Module,
    bytes: &[u8],
    addresses: &[u64],
    told: impl Fn(usize) + Sync,
) -> Result<Checked, String> {
    std::thread::scope(|scope| {
        let work = || {
            let witness = ReferenceReader::open(bytes)?;
            let mut checked = Checked::default();
            for part in addresses.chunks(SESSION_ADDRESSES) {
                check_part(&stored(reader, module, part), &witness, part, &mut checked)?;
                told(checked.addresses);
            }
            Ok(checked)
        };
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| error.to_string())?;
        thread.join().unwrap_or_else(|_| Err("the second reader failed on it".to_owned()))
    })
}

fn check_part(
    stored: &[Vec<Frame>],
    witness: &ReferenceReader<'_>,
    addresses: &[u64],
    checked: &mut Checked,
) -> Result<(), String> {
    let session = witness.session().map_err(|error| error.to_string())?;
    for (&address, store) in addresses.iter().zip(stored) {
        let file = session.frames(address);
        let symbol = witness.symbol(address);
        let verdict = match &file {
            Ok(file) => match compare(store, file, symbol) {
                Verdict::Different if witness.is_folded(address, store, file) => {
                    Verdict::Explained(Reason::Folded)
                }
                verdict => verdict,
            },
            Err(_) => Verdict::Skipped(Gap::Unreadable),
        };
        checked.addresses += 1;
        match verdict {
            Verdict::Equal => checked.equal += 1,
            Verdict::Explained(reason) => *checked.explained.entry(reason).or_default() += 1,
            Verdict::Skipped(gap) => *checked.skipped.entry(gap).or_default() += 1,
            Verdict::Different => {
                checked.different += 1;
                if checked.differences.len() < MAX_SHOWN {
                    checked.differences.push(Difference {
                        address,
                        store: store.clone(),
                        file: file.unwrap_or_default(),
                    });
                }
            }
        }
    }
    Ok(())
}

/// The store's frames at each of `addresses`; none where it has none, or where it is damaged.
fn stored(reader: &Reader, module: &Module, addresses: &[u64]) -> Vec<Vec<Frame>> {
    let mut resolver = Resolver::default();
    let module = resolver.add(Origin::Store(reader, module));
    let request = |(number, &address): (usize, &u64)| Request { module, address, number };
    let mut requests: Vec<Request> = addresses.iter().enumerate().map(request).collect();
    // Names and paths end in a zero byte, which neither can have.
    let rendered = resolver.batch(&mut requests, |_, answer, out| {
        let Answer::Frames(mut frames) = answer else { return };
        let before = out.len();
        let written = frames.each(View { extras: Extras::Hidden, declarations: false }, |frame| {
            for text in [frame.name, frame.file] {
                out.extend_from_slice(text);
                out.push(0);
            }
            out.extend_from_slice(&frame.line.to_le_bytes());
            out.extend_from_slice(&frame.column.to_le_bytes());
        });
        if written.is_err() {
            out.truncate(before);
        }
    });
    (0..addresses.len())
        .map(|number| rendered.get(number).map_or_else(Vec::new, |(text, ())| parse(text)))
        .collect()
}

fn parse(mut text: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !text.is_empty() {
        let mut string = || {
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            let (string, rest) = text.split_at(end);
            text = rest.get(1..).unwrap_or_default();
            string.to_vec()
        };
        let (function, file) = (string(), string());
        let mut number = || {
            let (number, rest) = text.split_first_chunk().unwrap_or((&[0; 4], &[]));
            text = rest;
            u32::from_le_bytes(*number)
        };
        let (line, column) = (number(), number());
        frames.push(Frame { function, file, line, column });
    }
    frames
}
