//! `symtool modules list`: a line or a JSON object for each module.
//!
//! On a terminal it is a table that fits. Elsewhere all of it is written.

use std::cmp::Reverse;
use std::io::{BufWriter, Write};

use anyhow::{Error, Result};
use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_store::{Catalog, Module, ModuleRecord};

use super::args::{List, Sort};
use crate::context::Context;
use crate::exit::Exit;
use crate::find;
use crate::moment::moment;
use crate::output;
use crate::table::{Column, Fit, Table};
use crate::terminal::{clean, columns_of};

/// Runs the command.
pub fn run(context: &Context, catalog: &Catalog<'_>, args: &List) -> Result<Exit> {
    let after = match args.after.as_ref().map(|name| find::module(catalog, name, false)) {
        None => None,
        Some(Ok(module)) => Some(module),
        Some(Err(error)) => {
            say!("{}", error.reason()?);
            return Ok(Exit::failed_if(true));
        }
    };
    let records = chosen(catalog, after, args)?;
    let records: Records<'_> = Box::new(records.take(args.limit.unwrap_or(usize::MAX)));
    let mut out = BufWriter::new(std::io::stdout().lock());
    if context.json {
        for record in records {
            writeln!(out, "{}", output::json(&Listed::of(&record?))?)?;
        }
    } else {
        write_rows(context, &mut out, records)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The JSON object of a module.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Listed<'r> {
    #[serde(flatten)]
    record: &'r ModuleRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    debug_id: Option<String>,
}

impl<'r> Listed<'r> {
    /// That of `record`.
    pub fn of(record: &'r ModuleRecord) -> Self {
        Self { record, debug_id: record.debug_id() }
    }
}

/// Writes a line for each of `records`.
fn write_rows(context: &Context, out: &mut impl Write, records: Records<'_>) -> Result<()> {
    if let Some(mut table) = Table::for_stdout(COLUMNS, context) {
        for record in records {
            table.row(out, cells(&record?, true).to_vec())?;
        }
        return Ok(table.finish(out)?);
    }
    // For scripts, lines are modules.
    let rows: Vec<Cells> =
        records.map(|record| Ok(cells(&record?, false))).collect::<Result<_>>()?;
    let wide = |cell: usize| rows.iter().map(|row| columns_of(&row[cell])).max().unwrap_or(0);
    let widths: [usize; CELLS] = std::array::from_fn(wide);
    rows.iter().try_for_each(|row| Ok(writeln!(out, "{}", padded(row, &widths))?))
}

/// Records in the order in which they are listed.
type Records<'c> = Box<dyn Iterator<Item = Result<ModuleRecord>> + 'c>;

/// The modules that `args` asks for, in its order. By name, each is read when its turn comes.
fn chosen<'c>(
    catalog: &'c Catalog<'_>,
    after: Option<&'c Module>,
    args: &'c List,
) -> Result<Records<'c>> {
    let is_meant = |record: &ModuleRecord| is_meant(record, args);
    let key: fn(&ModuleRecord) -> Reverse<u64> = match args.sort {
        Sort::Name => {
            let modules = catalog.listing(after, args.reverse)?;
            return Ok(Box::new(
                modules
                    .map(|module| module.map(|module| module.record).map_err(Error::from))
                    .filter(move |record| record.as_ref().map_or(true, is_meant)),
            ));
        }
        Sort::Imported => |record| Reverse(record.imported_ms),
        Sort::Stored => |record| Reverse(record.bytes_stored),
    };
    let mut modules: Vec<&Module> = catalog.modules()?.iter().collect();
    modules.sort_by_key(|module| key(&module.record));
    if args.reverse {
        modules.reverse();
    }
    let is_after =
        |module: &&Module| after.is_some_and(|after| after.generation == module.generation);
    let skipped = modules.iter().position(is_after).map_or(0, |at| at + 1);
    let records = modules.into_iter().skip(skipped).map(|module| &module.record);
    Ok(Box::new(records.filter(move |record| is_meant(record)).map(|record| Ok(record.clone()))))
}

fn is_meant(record: &ModuleRecord, args: &List) -> bool {
    let is_named = |word: &String| {
        let names = record.other_names.iter().chain(&record.labels).chain([&record.name]);
        names.into_iter().any(|name| name.contains(word.as_str()))
            || record.id.as_str().starts_with(&word.to_ascii_lowercase().replace('-', ""))
    };
    (args.words.is_empty() || args.words.iter().any(is_named))
        && args.arch.as_ref().is_none_or(|arch| record.arch.is_same(arch))
}

/// Cells of a line.
const CELLS: usize = 7;

/// The list on a terminal.
const COLUMNS: &[Column; CELLS] = &[
    Column::new("NAME", Fit::Text),
    Column::new("ID", Fit::Whole),
    Column::new("ARCH", Fit::Optional(2)),
    Column::new("RANGES", Fit::OptionalNumber(3)),
    Column::new("STORED", Fit::Number),
    Column::new("IMPORTED (UTC)", Fit::Optional(0)),
    Column::new("LABELS", Fit::Optional(1)),
];

/// Name, id, architecture, ranges, size in the store, time of the import, labels.
type Cells = [String; CELLS];

fn cells(record: &ModuleRecord, is_short: bool) -> Cells {
    let id = if is_short { record.short_id() } else { record.id.as_str() };
    [
        clean(&record.name).into_owned(),
        id.to_owned(),
        record.arch.to_string(),
        record.ranges.to_string(),
        DecimalBytes(record.bytes_stored).to_string(),
        moment(record.imported, false),
        clean(&record.labels.join(",")).into_owned(),
    ]
}

/// A line whose cells have these widths; empty columns are left out.
fn padded(row: &Cells, widths: &[usize; CELLS]) -> String {
    let mut line = String::new();
    for ((text, column), width) in
        row.iter().zip(COLUMNS).zip(widths).filter(|(_, width)| **width > 0)
    {
        if !line.is_empty() {
            line.push_str("  ");
        }
        let pad = " ".repeat(width.saturating_sub(columns_of(text)));
        match column.fit {
            Fit::Number | Fit::OptionalNumber(_) => line.extend([pad.as_str(), text]),
            _ => line.extend([text, pad.as_str()]),
        }
    }
    line.trim_end().to_owned()
}
