//! The output of `symtool import`: lines or JSON objects.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use indicatif::DecimalBytes;
use serde::Serialize;
use symtool_store::Footer;

use crate::args::Global;
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
    /// Of a file that gave nothing.
    pub fn failed(path: &Path, error: String) -> Self {
        Self { path: path.to_string_lossy().into_owned(), status: Status::Failed, error: Some(error), module: None }
    }

    /// Of a file whose module is in the store, as `footer` has it.
    pub fn of(path: &Path, status: Status, footer: &Footer, took: Duration) -> Self {
        let footer = footer.clone();
        let module = Imported {
            module: ModuleName { name: footer.name, id: footer.id, kind: footer.kind, arch: footer.arch },
            functions: footer.functions,
            ranges: footer.ranges,
            files: footer.files,
            bytes_in: footer.bytes_in,
            bytes_stored: footer.bytes_stored,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            dropped: footer.dropped,
            warnings: footer.warnings,
        };
        Self { path: path.to_string_lossy().into_owned(), status, error: None, module: Some(module) }
    }

    /// Writes it to `out`, and what the user should know to stderr.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(&self, global: &Global, out: &mut impl Write) -> Result<()> {
        if let Some(error) = &self.error {
            say!("{error}");
        }
        if let Some(module) = &self.module {
            module.warnings.iter().for_each(|warning| warn!("{}: {warning}", self.path));
        }
        if global.json {
            writeln!(out, "{}", serde_json::to_string(self)?)?;
        } else if let Some(module) = self.module.as_ref().filter(|_| !global.quiet) {
            writeln!(out, "{}", self.line(module))?;
        }
        out.flush()?;
        Ok(())
    }

    /// What is said of a module; on a terminal, in one line, if that leaves some of the path.
    fn line(&self, module: &Imported) -> String {
        let id = module.module.id.get(..12).unwrap_or(&module.module.id);
        let what = match self.status {
            Status::Unchanged => format!("unchanged, {id}"),
            _ => {
                let (from, to) = (DecimalBytes(module.bytes_in), DecimalBytes(module.bytes_stored));
                format!("imported, {id} ({from} -> {to}, {:.2} s)", module.seconds)
            }
        };
        let room = stdout_columns().map_or(usize::MAX, |columns| columns.saturating_sub(what.len() + 2).max(MIN_PATH));
        format!("{}: {what}", elide(&clean(&self.path), room))
    }
}

/// The fewest columns for a path.
const MIN_PATH: usize = 20;

/// The last JSON object of an import.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub imported: u64,
    pub unchanged: u64,
    pub failed: u64,
    /// Files that are neither objects nor archives, in folders and archives.
    pub skipped: u64,
    /// Those of them that were named and are read with others.
    #[serde(skip)]
    pub companions: u64,
    /// Whether anything came of the folder or archive at hand so far.
    #[serde(skip)]
    pub any: bool,
    pub bytes_in: u64,
    pub bytes_stored: u64,
}

impl Summary {
    /// Counts `report`.
    pub fn count(&mut self, report: &Report) {
        match report.status {
            Status::Imported => self.imported += 1,
            Status::Unchanged => self.unchanged += 1,
            Status::Failed => self.failed += 1,
        }
        if let Some(module) = report.module.as_ref().filter(|_| report.status == Status::Imported) {
            self.bytes_in += module.bytes_in;
            self.bytes_stored += module.bytes_stored;
        }
    }

    /// Says on stderr what became of many files.
    pub fn say(&self) {
        let Self { imported, unchanged, failed, skipped, .. } = self;
        if imported + unchanged + failed > 1 {
            let passed_over = if *skipped > 0 { format!("; {skipped} other files skipped") } else { String::new() };
            note!("{imported} imported, {unchanged} unchanged, {failed} failed{passed_over}");
        }
    }
}
