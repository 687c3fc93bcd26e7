//! The output of `symtool import`: lines or JSON objects.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::DecimalBytes;
use serde::Serialize;
use symtool_core::import::{self, Outcome, Summary};
use symtool_store::ModuleRecord;

use crate::advice;
use crate::context::Context;
use crate::output;
use crate::terminal::{clean, elide, stdout_columns};

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Imported,
    Unchanged,
    Failed,
}

/// What became of one file: the JSON object that contract and README document.
#[derive(Debug, Serialize)]
pub struct Report {
    path: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    module: Option<Imported>,
}

#[derive(Debug, Serialize)]
struct Imported {
    module: ModuleName,
    functions: u32,
    ranges: u64,
    files: u32,
    bytes_in: u64,
    bytes_stored: u64,
    seconds: f64,
    dropped: BTreeMap<String, u64>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ModuleName {
    name: String,
    id: String,
    kind: String,
    arch: String,
}

impl Report {
    /// What is printed of `report`.
    pub fn of(report: import::Report) -> Self {
        let path = report.path.to_string_lossy().into_owned();
        match report.outcome {
            Outcome::Imported { module, took } => {
                Self::stored(path, Status::Imported, *module, took)
            }
            Outcome::Unchanged { module, took } => {
                Self::stored(path, Status::Unchanged, *module, took)
            }
            Outcome::Failed(failure) => Self {
                path,
                status: Status::Failed,
                error: Some(advice::import(&failure)),
                module: None,
            },
        }
    }

    fn stored(path: String, status: Status, record: ModuleRecord, took: Duration) -> Self {
        let module = Imported {
            module: ModuleName {
                name: record.name,
                id: record.id,
                kind: record.kind,
                arch: record.arch,
            },
            functions: record.functions,
            ranges: record.ranges,
            files: record.files,
            bytes_in: record.bytes_in,
            bytes_stored: record.bytes_stored,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            dropped: record.dropped,
            warnings: record.warnings,
        };
        Self { path, status, error: None, module: Some(module) }
    }

    /// Writes it to `out`, and what the user should know to stderr.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(&self, context: &Context, out: &mut impl Write) -> io::Result<()> {
        if let Some(error) = &self.error {
            say!("{error}");
        }
        if let Some(module) = &self.module {
            module.warnings.iter().for_each(|warning| warn!("{}: {warning}", self.path));
        }
        if context.json {
            writeln!(out, "{}", output::json(self)?)?;
        } else if let Some(module) = self.module.as_ref().filter(|_| !context.quiet) {
            writeln!(out, "{}", self.line(module))?;
        }
        out.flush()
    }

    /// The line for a module; on a terminal, in one line, if that leaves some of the path.
    fn line(&self, module: &Imported) -> String {
        let id = module.module.id.get(..12).unwrap_or(&module.module.id);
        let what = match self.status {
            Status::Unchanged => format!("unchanged, {id}"),
            _ => {
                let (from, to) = (DecimalBytes(module.bytes_in), DecimalBytes(module.bytes_stored));
                format!("imported, {id} ({from} -> {to}, {:.2} s)", module.seconds)
            }
        };
        let room = stdout_columns()
            .map_or(usize::MAX, |columns| columns.saturating_sub(what.len() + 2).max(MIN_PATH));
        format!("{}: {what}", elide(&clean(&self.path), room))
    }
}

/// The fewest columns for a path.
const MIN_PATH: usize = 20;

/// The last JSON object of an import.
#[derive(Debug, Serialize)]
pub struct Total {
    imported: u64,
    unchanged: u64,
    failed: u64,
    skipped: u64,
    bytes_in: u64,
    bytes_stored: u64,
}

impl Total {
    /// Of the import that ended with `summary`.
    pub fn of(summary: &Summary) -> Self {
        let Summary { imported, unchanged, failed, skipped, bytes_in, bytes_stored, .. } = *summary;
        Self { imported, unchanged, failed, skipped, bytes_in, bytes_stored }
    }

    /// Says on stderr what became of many files.
    pub fn say(&self) {
        let Self { imported, unchanged, failed, skipped, .. } = self;
        if imported + unchanged + failed > 1 {
            let passed_over = if *skipped > 0 {
                format!("; {skipped} other files skipped")
            } else {
                String::new()
            };
            note!("{imported} imported, {unchanged} unchanged, {failed} failed{passed_over}");
        }
    }
}
