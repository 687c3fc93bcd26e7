//! `symtool stats`: what the store holds and how well it is packed, by kind of module and of block.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_store::ModuleRecord;
use symtool_store::database::KindUsage;
use walkdir::WalkDir;

use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::table::{Column, Fit, Table};
use crate::terminal::Paint;

const STATS: &str = "Examples:
  symtool stats
  symtool stats --json | jq .disk_bytes";

#[derive(Debug, clap::Args)]
#[command(after_help = STATS)]
pub struct Stats {}

/// Runs the command.
pub fn run(context: &Context) -> Result<Exit> {
    let store = context.open_store()?;
    let reader = store.read()?;
    let catalog = reader.catalog();
    let usage = reader.usage(&catalog)?;
    let mut stats = StoreStats {
        store: store.path().to_string_lossy().into_owned(),
        disk_bytes: disk_bytes(store.path()),
        ..StoreStats::default()
    };
    for module in catalog.modules()? {
        stats.total.add(&module.record);
        stats.modules.entry(module.record.kind.to_string()).or_default().add(&module.record);
    }
    stats.blocks =
        usage.kinds.iter().map(|(kind, usage)| (key(kind.name()), Taken::from(*usage))).collect();
    stats.others = Taken::from(usage.others);
    let mut out = io::stdout().lock();
    if context.json {
        writeln!(out, "{}", output::json(&stats)?)?;
    } else {
        stats.write(context, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// All of it.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct StoreStats {
    store: String,
    /// Bytes of all files in the store's folder.
    disk_bytes: u64,
    total: ModuleTotals,
    /// By kind of module.
    modules: BTreeMap<String, ModuleTotals>,
    /// By kind of block.
    blocks: BTreeMap<String, Taken>,
    /// Taken of no module that is listed.
    others: Taken,
}

/// What modules hold.
#[derive(Debug, Default, JsonSchema, Serialize)]
struct ModuleTotals {
    modules: u64,
    functions: u64,
    files: u64,
    ranges: u64,
    bytes_in: u64,
    bytes_stored: u64,
}

/// What blocks take.
#[derive(Clone, Copy, Debug, Default, JsonSchema, Serialize)]
struct Taken {
    blocks: u64,
    bytes_stored: u64,
    bytes_expanded: u64,
}

impl From<KindUsage> for Taken {
    fn from(usage: KindUsage) -> Self {
        Self {
            blocks: usage.blocks,
            bytes_stored: usage.stored_bytes,
            bytes_expanded: usage.expanded_bytes,
        }
    }
}

impl ModuleTotals {
    fn add(&mut self, record: &ModuleRecord) {
        self.modules += 1;
        self.functions += u64::from(record.functions);
        self.files += u64::from(record.files);
        self.ranges += record.ranges;
        self.bytes_in += record.sources.iter().map(|source| source.bytes).sum::<u64>();
        self.bytes_stored += record.bytes_stored;
    }
}

/// Modules by kind on a terminal.
const MODULES: &[Column] = &[
    Column::new("MODULES", Fit::Whole),
    Column::new("COUNT", Fit::Number),
    Column::new("RANGES", Fit::Number),
    Column::new("SOURCE", Fit::OptionalNumber(1)),
    Column::new("STORED", Fit::Number),
    Column::new("RATIO", Fit::OptionalNumber(0)),
];

/// Blocks by kind on a terminal.
const BLOCKS: &[Column] = &[
    Column::new("BLOCKS", Fit::Whole),
    Column::new("COUNT", Fit::Number),
    Column::new("EXPANDED", Fit::OptionalNumber(1)),
    Column::new("STORED", Fit::Number),
    Column::new("RATIO", Fit::OptionalNumber(0)),
    Column::new("SHARE", Fit::Number),
];

/// The cells of a row.
type Cells = [String; 6];

impl StoreStats {
    /// Two tables, which fit a terminal; elsewhere, of 60 columns at most.
    fn write(&self, context: &Context, out: &mut impl Write) -> io::Result<()> {
        let Paint { bold, reset, .. } = context.paint(&io::stdout());
        let (modules, blocks) = (self.module_rows(), self.block_rows());
        for (columns, rows) in [(MODULES, &modules), (BLOCKS, &blocks)] {
            let headings: Cells = std::array::from_fn(|at| columns[at].heading.to_owned());
            let wide = std::ptr::eq(columns, BLOCKS);
            if wide {
                writeln!(out)?;
            }
            if let Some(mut table) = Table::for_stdout(columns, context) {
                rows.iter().try_for_each(|row| table.row(out, row.to_vec()))?;
                table.finish(out)?;
                continue;
            }
            writeln!(out, "{bold}{}{reset}", fixed(&headings, wide))?;
            rows.iter().try_for_each(|row| writeln!(out, "{}", fixed(row, wide)))?;
        }
        Ok(())
    }

    fn module_rows(&self) -> Vec<Cells> {
        let by_kind = self.modules.iter().map(|(kind, modules)| (kind.as_str(), modules));
        let row = |(kind, modules): (&str, &ModuleTotals)| {
            let ModuleTotals { modules: count, ranges, bytes_in, bytes_stored, .. } = modules;
            [
                kind.to_owned(),
                count.to_string(),
                ranges.to_string(),
                DecimalBytes(*bytes_in).to_string(),
                DecimalBytes(*bytes_stored).to_string(),
                ratio(*bytes_in, *bytes_stored),
            ]
        };
        by_kind.chain([("all", &self.total)]).map(row).collect()
    }

    fn block_rows(&self) -> Vec<Cells> {
        let stored: u64 =
            self.blocks.values().chain([&self.others]).map(|blocks| blocks.bytes_stored).sum();
        let others = Some(("others", &self.others)).filter(|(_, others)| others.blocks > 0);
        let by_kind = self.blocks.iter().map(|(kind, blocks)| (kind.as_str(), blocks));
        let row = |(kind, taken): (&str, &Taken)| {
            let Taken { blocks, bytes_stored, bytes_expanded } = *taken;
            [
                kind.replace('_', " "),
                blocks.to_string(),
                DecimalBytes(bytes_expanded).to_string(),
                DecimalBytes(bytes_stored).to_string(),
                ratio(bytes_expanded, bytes_stored),
                format!("{} %", (bytes_stored * 100 + stored / 2) / stored.max(1)),
            ]
        };
        let mut rows: Vec<Cells> = by_kind.chain(others).map(row).collect();
        let disk = DecimalBytes(self.disk_bytes).to_string();
        let none = String::new;
        rows.push(["on disk".to_owned(), none(), none(), disk, none(), none()]);
        rows
    }
}

/// A row of one of the two tables as scripts know it: that of blocks is `wide` first.
fn fixed([kind, count, from, stored, other, last]: &Cells, wide: bool) -> String {
    let line = if wide {
        format!("{kind:12} {count:>6} {from:>11} {stored:>10} {other:>6} {last:>6}")
    } else {
        format!("{kind:8} {count:>7} {from:>10} {stored:>10} {other:>10} {last:>6}")
    };
    line.trim_end().to_owned()
}

/// A name as the key of a JSON object.
fn key(name: &str) -> String {
    name.replace(' ', "_")
}

/// How many times smaller `to` is than `from`.
fn ratio(from: u64, to: u64) -> String {
    let tenths = (from.saturating_mul(10) + to / 2) / to.max(1);
    if to == 0 { String::new() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// Bytes of all files in `folder`. What cannot be looked at counts nothing.
fn disk_bytes(folder: &Path) -> u64 {
    let files =
        WalkDir::new(folder).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios() {
        assert_eq!(
            (ratio(100, 10), ratio(105, 100), ratio(5, 0), ratio(0, 5)),
            ("10.0".into(), "1.1".into(), String::new(), "0.0".into())
        );
    }
}
