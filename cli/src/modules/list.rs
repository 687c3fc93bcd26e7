//! `symtool modules list`: a line or a JSON object for each module.
//!
//! On a terminal, a line fits: what tells least is left out first, then names are cut in the
//! middle. Elsewhere all of it is written.

use std::cmp::Reverse;
use std::io::{BufWriter, Write};

use anyhow::{Error, Result};
use indicatif::DecimalBytes;
use serde::Serialize;
use symtool_module::is_same_arch;
use symtool_store::{Catalog, Module, ModuleRecord};

use super::args::{List, Sort};
use crate::context::Context;
use crate::exit::Exit;
use crate::find;
use crate::moment::moment;
use crate::output;
use crate::terminal::{clean, columns_of, elide, stdout_columns};

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
#[derive(Debug, Serialize)]
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
    let columns = stdout_columns();
    let rows: Vec<Row> = records
        .map(|record| record.map(|record| Row::of(&record, columns.is_some())))
        .collect::<Result<_>>()?;
    // Nothing has no list; for scripts, lines are modules.
    if rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<Row> = columns.map(|_| Row::head()).into_iter().chain(rows).collect();
    let paint = context.paint(&std::io::stdout());
    let widths = Widths::of(&rows, columns);
    for (at, row) in rows.iter().enumerate() {
        let (start, reset) =
            if at == 0 && columns.is_some() { (paint.bold, paint.reset) } else { ("", "") };
        writeln!(out, "{start}{}{reset}", widths.line(row))?;
    }
    Ok(())
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
            || record.id.starts_with(&word.to_ascii_lowercase().replace('-', ""))
    };
    (args.words.is_empty() || args.words.iter().any(is_named))
        && args.arch.as_ref().is_none_or(|arch| is_same_arch(&record.arch, arch))
}

/// Columns between two cells.
const GAP: usize = 2;

/// The fewest columns for a name.
const MIN_NAME: usize = 12;

/// Cells are left out in this order, as long as a line does not fit: ranges, time, labels,
/// architecture, size.
const LEFT_OUT: [usize; 5] = [3, 5, 6, 2, 4];

/// The cells of a line: name, id, architecture, ranges, size in the store, time of the import,
/// labels.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row([String; 7]);

impl Row {
    fn head() -> Self {
        Self(
            ["NAME", "ID", "ARCH", "RANGES", "STORED", "IMPORTED (UTC)", "LABELS"]
                .map(str::to_owned),
        )
    }

    fn of(record: &ModuleRecord, is_short: bool) -> Self {
        let id = if is_short { record.short_id() } else { &record.id };
        Self([
            clean(&record.name).into_owned(),
            id.to_owned(),
            record.arch.clone(),
            record.ranges.to_string(),
            DecimalBytes(record.bytes_stored).to_string(),
            moment(record.imported, false),
            clean(&record.labels.join(",")).into_owned(),
        ])
    }
}

/// The columns of each cell; 0 for one that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Widths([usize; 7]);

impl Widths {
    /// Widths for `rows` on a terminal of `columns`; without one, as wide as need be.
    fn of(rows: &[Row], columns: Option<usize>) -> Self {
        let widest =
            |cell: usize| rows.iter().map(|row| columns_of(&row.0[cell])).max().unwrap_or(0);
        let mut widths = Self(std::array::from_fn(widest));
        let Some(columns) = columns else { return widths };
        for cell in LEFT_OUT {
            if widths.others() + widths.0[0].min(MIN_NAME.max(columns / 3)) <= columns {
                break;
            }
            widths.0[cell] = 0;
        }
        widths.0[0] = widths.0[0].min(columns.saturating_sub(widths.others()).max(MIN_NAME));
        widths
    }

    /// Columns of all cells but the name, with the gaps.
    fn others(&self) -> usize {
        self.0[1..].iter().filter(|width| **width > 0).map(|width| width + GAP).sum()
    }

    fn line(&self, row: &Row) -> String {
        let mut line = String::new();
        for (cell, (text, &width)) in
            row.0.iter().zip(&self.0).enumerate().filter(|(_, (_, width))| **width > 0)
        {
            let text = elide(text, width);
            let pad = " ".repeat(width.saturating_sub(columns_of(&text)));
            let is_number = matches!(cell, 3 | 4);
            let gap = " ".repeat(if cell == 0 { 0 } else { GAP });
            line.push_str(&gap);
            line.push_str(&if is_number { pad + &text } else { text.into_owned() + &pad });
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        let row = |name: &str| {
            Row([
                name,
                "4a575717325c",
                "x86_64",
                "1007330",
                "4.44 MB",
                "2026-11-22 08:04",
                "shop@1.4.0",
            ]
            .map(str::to_owned))
        };
        let rows = [
            Row::head(),
            row("librgw.so.2.0.0.debug"),
            row("NativeScript.framework with a long name"),
        ];
        for columns in 28..200 {
            let widths = Widths::of(&rows, Some(columns));
            for row in &rows {
                let line = widths.line(row);
                assert!(columns_of(&line) <= columns, "{columns}: {line}");
            }
        }
        let line = |columns| Widths::of(&rows, columns).line(&rows[1]);
        assert_eq!(
            line(Some(60)).split_whitespace().collect::<Vec<_>>(),
            ["librgw.so.2.0.0.debug", "4a575717325c", "x86_64", "4.44", "MB"]
        );
        let whole = "librgw.so.2.0.0.debug                    4a575717325c  x86_64  1007330  4.44 MB  2026-11-22 08:04  shop@1.4.0";
        assert_eq!((line(Some(120)), line(None)), (whole.to_owned(), whole.to_owned()));
    }
}
