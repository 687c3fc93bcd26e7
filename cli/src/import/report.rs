//! The output of `symtool import`: lines or JSON objects.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::import::{self, ExpectedModule, Outcome, Summary};
use symtool_module::{Arch, BuildId, ModuleKind, Named};
use symtool_store::ModuleRecord;

use crate::advice;
use crate::context::Context;
use crate::output;
use crate::terminal::{clean, elide, stdout_columns};

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Imported,
    Unchanged,
    #[serde(rename = "would_be_imported")]
    Expected,
    Failed,
}

/// What became of one file.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Report {
    path: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    module: Option<Imported>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
}

/// Of a file that is not read.
#[derive(Debug, JsonSchema, Serialize)]
struct Expected {
    module: ModuleName,
}

#[derive(Debug, JsonSchema, Serialize)]
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

#[derive(Debug, JsonSchema, Serialize)]
struct ModuleName {
    name: String,
    id: BuildId,
    #[schemars(with = "ModuleKind")]
    kind: Named<ModuleKind>,
    arch: Arch,
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
            Outcome::Expected(module) => {
                let ExpectedModule { name, id, kind, arch } = *module;
                let expected = Some(Expected { module: ModuleName { name, id, kind, arch } });
                Self { path, status: Status::Expected, error: None, module: None, expected }
            }
            Outcome::Failed(failure) => Self {
                path,
                status: Status::Failed,
                error: Some(advice::import(&failure)),
                module: None,
                expected: None,
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
        Self { path, status, error: None, module: Some(module), expected: None }
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
        } else if let Some(what) = self.what().filter(|_| !context.quiet) {
            writeln!(out, "{}", self.line(&what))?;
        }
        out.flush()
    }

    /// What came of the file; nothing if it failed.
    fn what(&self) -> Option<String> {
        if let Some(Expected { module }) = &self.expected {
            return Some(format!("would be imported, {}", module.id.short()));
        }
        let module = self.module.as_ref()?;
        let id = module.module.id.short();
        Some(match self.status {
            Status::Unchanged => format!("unchanged, {id}"),
            _ => {
                let (from, to) = (DecimalBytes(module.bytes_in), DecimalBytes(module.bytes_stored));
                format!("imported, {id} ({from} -> {to}, {:.2} s)", module.seconds)
            }
        })
    }

    /// The line that says `what` of a file; on a terminal, in one line, if that leaves some of the
    /// path.
    fn line(&self, what: &str) -> String {
        let room = stdout_columns()
            .map_or(usize::MAX, |columns| columns.saturating_sub(what.len() + 2).max(MIN_PATH));
        format!("{}: {what}", elide(&clean(&self.path), room))
    }
}

/// The fewest columns for a path.
const MIN_PATH: usize = 20;

/// The last JSON object of an import.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Total {
    imported: u64,
    #[serde(skip_serializing_if = "is_zero")]
    would_be_imported: u64,
    unchanged: u64,
    failed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    known_failures: u64,
    skipped: u64,
    bytes_in: u64,
    bytes_stored: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Total {
    /// Of the import that ended with `summary`, and so many failures that were reported before.
    pub fn of(summary: &Summary, known_failures: u64) -> Self {
        let Summary {
            imported, expected, unchanged, failed, skipped, bytes_in, bytes_stored, ..
        } = *summary;
        let would_be_imported = expected;
        Self {
            imported,
            would_be_imported,
            unchanged,
            failed,
            known_failures,
            skipped,
            bytes_in,
            bytes_stored,
        }
    }

    /// Says on stderr what became of many files.
    pub fn say(&self) {
        let Self { imported, would_be_imported, unchanged, failed, .. } = self;
        let files = imported + would_be_imported + unchanged + failed;
        if files + self.known_failures <= 1 {
            return;
        }
        let came = if *would_be_imported > 0 {
            format!("{would_be_imported} would be imported")
        } else {
            format!("{imported} imported")
        };
        let others = |count: u64, what: &str| {
            if count > 0 { format!("; {count} {what}") } else { String::new() }
        };
        let known = others(self.known_failures, "failed as before");
        let passed_over = others(self.skipped, "other files skipped");
        note!("{came}, {unchanged} unchanged, {failed} failed{known}{passed_over}");
    }
}
