//! A mapping -> blocks, with a row for each class in the order of the hashes of names.
//!
//! ```text
//! bytes -> rows    in the order of the mapping (symtool_mapping)
//!       -> runs    some megabytes of rows each, sorted, compressed
//!       -> merged  row by row, each with the source files that stand elsewhere in the mapping
//!       -> blocks  some at a time, on all threads
//! ```
//!
//! So memory is that of one run, and of all runs compressed: some 5 % of the mapping.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufRead, BufReader, Read, Write};

use rayon::prelude::*;
use symtool_debug::{CodeMark, ModuleInfo};
use symtool_mapping::{ClassRow, Identity, MappingFacts, MappingReader, Sources};
use symtool_module::{Detail, ModuleKind};

use super::Packed;
use crate::block::classes::{self, Entry};
use crate::block::{Compressed, Kind, compress, link};
use crate::limits::{CLASSES_BLOCK_BYTES, CLASSES_RUN_BYTES};
use crate::module::{ModuleKey, ModuleRecord};

/// What is known of the mapping called `name` before it is read.
pub fn mapping_info(name: &str, identity: &Identity) -> ModuleInfo {
    ModuleInfo {
        name: name.to_owned(),
        id: identity.id.clone(),
        kind: ModuleKind::Proguard,
        arch: "java".into(),
        detail: Detail::Mapping,
        image_base: 0,
        other_ids: Vec::new(),
        code: CodeMark::default(),
        fingerprint: identity.fingerprint,
    }
}

/// Packs the mapping that `reader` has, of `bytes_in` bytes, which is known as `info` and by the
/// ids of `identity`.
///
/// # Errors
/// Those of `reader`, or if zstd fails.
pub fn pack_mapping(
    reader: impl BufRead,
    info: &ModuleInfo,
    identity: &Identity,
    bytes_in: u64,
) -> io::Result<Packed> {
    let mut mapping = MappingReader::new(reader);
    let (mut sorter, mut lines) = (Sorter::default(), 0);
    for row in &mut mapping {
        let row = row?;
        lines += row.len() as u64;
        sorter.push(&row)?;
    }
    let facts = mapping.into_facts();
    let mut blocks = sorter.into_blocks(&facts.sources)?;
    link(&mut blocks);
    let bytes_stored = blocks.iter().map(Compressed::stored_bytes).sum();
    let counts = (facts.classes, lines);
    let mut record = ModuleRecord::of_mapping(
        info,
        &identity.others,
        counts,
        (bytes_in, bytes_stored),
        (dropped(&facts), warnings(&facts)),
    );
    record.mapping = Some(facts.header.into());
    Ok(Packed { record, key: ModuleKey::of(info), blocks })
}

fn dropped(facts: &MappingFacts) -> std::collections::BTreeMap<String, u64> {
    facts.skipped.iter().map(|(reason, count)| (reason.name().to_owned(), count.lines)).collect()
}

fn warnings(facts: &MappingFacts) -> Vec<String> {
    let mut warnings = Vec::new();
    if facts.is_whole == Some(false) {
        warnings.push("its contents are not those that R8 wrote (pg_map_hash): it was cut off or changed; copy it again".to_owned());
    }
    if let Some(version) = facts.header.version.as_ref().filter(|_| facts.header.is_later_version())
    {
        warnings.push(format!("its notes are of version {version}, later than what symtool knows; some may have been left out"));
    }
    warnings.extend(facts.skipped.iter().map(|(reason, count)| {
        let lines = if count.lines == 1 { "line" } else { "lines" };
        format!(
            "{} {lines} left out: {}; the first is line {}",
            count.lines,
            reason.text(),
            count.first_line
        )
    }));
    warnings
}

/// A row on its way: the hash that it is sorted by, its number, and the row.
type Row = (u64, u64, Vec<u8>);

/// Rows, sorted in runs.
#[derive(Default)]
struct Sorter {
    /// The run that is being filled.
    rows: Vec<Row>,
    bytes: usize,
    count: u64,
    /// Rows of full runs, each as its hash, number, length and bytes, compressed.
    runs: Vec<Vec<u8>>,
}

impl Sorter {
    fn push(&mut self, row: &ClassRow) -> io::Result<()> {
        let mut bytes = Vec::new();
        row.encode(&mut bytes);
        self.bytes += bytes.len();
        self.rows.push((classes::hash(row.obfuscated()), self.count, bytes));
        self.count += 1;
        if self.bytes < CLASSES_RUN_BYTES { Ok(()) } else { self.end_run() }
    }

    fn end_run(&mut self) -> io::Result<()> {
        self.rows.sort_unstable();
        let mut run = zstd::stream::Encoder::new(Vec::new(), 1)?;
        for (hash, number, bytes) in self.rows.drain(..) {
            run.write_all(&hash.to_le_bytes())?;
            run.write_all(&number.to_le_bytes())?;
            run.write_all(&(bytes.len() as u64).to_le_bytes())?;
            run.write_all(&bytes)?;
        }
        self.bytes = 0;
        self.runs.push(run.finish()?);
        Ok(())
    }

    /// All rows in blocks, with the source files of other classes. A mapping without classes has no
    /// block.
    fn into_blocks(mut self, sources: &Sources) -> io::Result<Vec<Compressed>> {
        self.end_run()?;
        let mut merged = Merged::of(&self.runs)?;
        let mut blocks = Vec::new();
        let (mut waiting, mut block, mut bytes): (Vec<Vec<Row>>, Vec<Row>, usize) =
            Default::default();
        let at_once = 4 * rayon::current_num_threads();
        while let Some(row) = merged.next()? {
            // Rows of one hash belong into one block, as blocks are found by it.
            if bytes >= CLASSES_BLOCK_BYTES && block.last().is_some_and(|(hash, ..)| *hash != row.0)
            {
                waiting.push(std::mem::take(&mut block));
                bytes = 0;
                if waiting.len() >= at_once {
                    compress_all(&mut waiting, sources, &mut blocks)?;
                }
            }
            bytes += row.2.len();
            block.push(row);
        }
        waiting.extend((!block.is_empty()).then_some(block));
        compress_all(&mut waiting, sources, &mut blocks)?;
        Ok(blocks)
    }
}

fn compress_all(
    waiting: &mut Vec<Vec<Row>>,
    sources: &Sources,
    blocks: &mut Vec<Compressed>,
) -> io::Result<()> {
    let compressed: Vec<io::Result<Compressed>> =
        waiting.par_iter().map(|rows| compress_block(rows, sources)).collect();
    waiting.clear();
    compressed.into_iter().try_for_each(|block| {
        blocks.push(block?);
        Ok(())
    })
}

fn compress_block(rows: &[Row], sources: &Sources) -> io::Result<Compressed> {
    let entry = |(_, _, bytes): &Row| {
        let mut row = ClassRow::decode(bytes).map_err(io::Error::other)?;
        row.name_sources(sources);
        let mut named = Vec::with_capacity(bytes.len() + 64);
        row.encode(&mut named);
        Ok(Entry { name: row.obfuscated().to_owned(), row: named })
    };
    let entries = rows.iter().map(entry).collect::<io::Result<Vec<Entry>>>()?;
    let hash = |row: Option<&Row>| row.map_or(0, |(hash, ..)| *hash);
    compress(Kind::Classes, hash(rows.first()), hash(rows.last()), &classes::encode(&entries))
}

/// A run that is being read.
type Run<'r> = BufReader<zstd::stream::Decoder<'r, BufReader<&'r [u8]>>>;

/// The rows of all runs, in order.
struct Merged<'r> {
    runs: Vec<Run<'r>>,
    next: BinaryHeap<Reverse<(Row, usize)>>,
}

impl<'r> Merged<'r> {
    fn of(runs: &'r [Vec<u8>]) -> io::Result<Self> {
        let open = |run: &'r Vec<u8>| Ok(BufReader::new(zstd::stream::Decoder::new(&run[..])?));
        let mut merged = Self {
            runs: runs.iter().map(open).collect::<io::Result<_>>()?,
            next: BinaryHeap::new(),
        };
        (0..runs.len()).try_for_each(|run| merged.read(run))?;
        Ok(merged)
    }

    /// Takes the next row of run `run`.
    fn read(&mut self, run: usize) -> io::Result<()> {
        let reader = &mut self.runs[run];
        if reader.fill_buf()?.is_empty() {
            return Ok(());
        }
        let mut numbers = [[0; 8]; 3];
        numbers.iter_mut().try_for_each(|number| reader.read_exact(number))?;
        let [hash, number, length] = numbers.map(u64::from_le_bytes);
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        reader.read_exact(&mut bytes)?;
        self.next.push(Reverse(((hash, number, bytes), run)));
        Ok(())
    }

    fn next(&mut self) -> io::Result<Option<Row>> {
        let Some(Reverse((row, run))) = self.next.pop() else { return Ok(None) };
        self.read(run)?;
        Ok(Some(row))
    }
}
