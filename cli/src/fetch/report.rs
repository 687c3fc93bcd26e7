//! The output of `symtool missing --fetch`: lines or JSON objects.

use std::io::{self, Write};

use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::fetch::{
    Bound, FetchStatus, FetchSummary, Fetched, FetchedFile, FileKind, Problem, WantedModule,
};

use crate::advice;
use crate::context::Context;
use crate::output;
use crate::terminal::clean;

/// What came of one module.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ModuleLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    id: &'a str,
    status: Status,
    files: Vec<FileLine<'a>>,
    problems: Vec<String>,
}

/// What came of one module, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Fetched,
    /// No source has it.
    NotFound,
    /// No source had it lately, and none was asked again.
    NotAsked,
    Failed,
    /// More bytes would have come than were to.
    MaxBytes,
    /// It would have taken longer than it was to.
    MaxTime,
    /// No source has files like it.
    NoSource,
}

/// A file that is in the store now.
#[derive(Debug, JsonSchema, Serialize)]
struct FileLine<'a> {
    kind: Kind,
    from: &'a str,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Executable,
    Debug,
    /// A Breakpad symbol file.
    Symbols,
}

impl<'a> ModuleLine<'a> {
    /// What is printed of `module`.
    pub fn of(module: &'a WantedModule, fetched: &'a Fetched) -> Self {
        let status = match fetched.status {
            FetchStatus::Fetched => Status::Fetched,
            FetchStatus::Absent => Status::NotFound,
            FetchStatus::Remembered => Status::NotAsked,
            FetchStatus::Failed => Status::Failed,
            FetchStatus::Bounded(Bound::Bytes) => Status::MaxBytes,
            FetchStatus::Bounded(Bound::Time) => Status::MaxTime,
            FetchStatus::Unserved => Status::NoSource,
        };
        let file = |FetchedFile { kind, from, bytes }: &'a FetchedFile| {
            let kind = match kind {
                FileKind::Executable => Kind::Executable,
                FileKind::Debug => Kind::Debug,
                FileKind::Symbols => Kind::Symbols,
            };
            FileLine { kind, from, bytes: *bytes }
        };
        Self {
            name: module.name.as_deref(),
            id: &module.id,
            status,
            files: fetched.files.iter().map(file).collect(),
            problems: fetched.problems.iter().map(told).collect(),
        }
    }

    /// Writes it to `out`, and what went wrong to stderr.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(&self, context: &Context, out: &mut impl Write) -> io::Result<()> {
        for problem in &self.problems {
            if self.status == Status::Fetched {
                warn!("{}", clean(problem));
            } else {
                say!("{}", clean(problem));
            }
        }
        if context.json {
            writeln!(out, "{}", output::json(self)?)?;
        } else if !context.quiet {
            let (name, id) = (clean(self.name.unwrap_or("?")), clean(self.id));
            writeln!(out, "{name} {id}: {}", self.what())?;
        }
        out.flush()
    }

    fn what(&self) -> String {
        match self.status {
            Status::Fetched => {
                let file = |file: &FileLine<'_>| {
                    let kind = match file.kind {
                        Kind::Executable => "executable",
                        Kind::Debug => "debug file",
                        Kind::Symbols => "symbol file",
                    };
                    let size = match file.bytes {
                        0 => String::new(),
                        bytes => format!(" ({})", DecimalBytes(bytes)),
                    };
                    format!("{kind} from {}{size}", clean(file.from))
                };
                self.files.iter().map(file).collect::<Vec<_>>().join(", ")
            }
            Status::NotFound => "not found".to_owned(),
            Status::NotAsked => "not found lately".to_owned(),
            Status::Failed => "failed".to_owned(),
            Status::MaxBytes => "not fetched: it has more bytes than --max-bytes leaves".to_owned(),
            Status::MaxTime => "not fetched: the time of --max-time is over".to_owned(),
            Status::NoSource => "no source has files like it".to_owned(),
        }
    }
}

/// What is wrong, and what to do about it.
fn told(problem: &Problem) -> String {
    match problem {
        Problem::Import(failure) => advice::import(failure),
        Problem::Cabinet { .. } => format!("{problem}; expand it where it is kept"),
        Problem::NoFolder(_) => format!("{problem}; correct `path` of its [[source]]"),
        Problem::Refused { status: 401 | 403, .. } => {
            format!("{problem}; correct `url` of its [[source]]")
        }
        _ => problem.to_string(),
    }
}

/// What came of all modules.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TotalLine<'a> {
    modules: usize,
    fetched: u64,
    not_found: u64,
    not_asked: u64,
    failed: u64,
    over_limits: u64,
    no_source: u64,
    bytes: u64,
    unreachable: &'a [String],
}

impl<'a> TotalLine<'a> {
    /// What is printed of `summary`.
    pub fn of(summary: &'a FetchSummary, modules: usize) -> Self {
        Self {
            modules,
            fetched: summary.fetched,
            not_found: summary.absent,
            not_asked: summary.remembered,
            failed: summary.failed,
            over_limits: summary.bounded,
            no_source: summary.unserved,
            bytes: summary.bytes,
            unreachable: &summary.given_up,
        }
    }

    /// Says it on stderr.
    pub fn say(&self) {
        for source in self.unreachable {
            warn!("{source}: cannot be reached, and was not asked any more");
        }
        let Self { modules, fetched, bytes, .. } = self;
        let counted = [
            (self.not_found, "not found"),
            (self.not_asked, "not found lately (--retry-misses asks again)"),
            (self.failed, "failed"),
            (self.over_limits, "beyond --max-bytes or --max-time"),
            (self.no_source, "that no source has files like"),
        ];
        let fetched_of = format!("{fetched} of {modules} modules fetched");
        let mut parts = vec![format!("{fetched_of} ({})", DecimalBytes(*bytes))];
        let some = counted.into_iter().filter(|(count, _)| *count > 0);
        parts.extend(some.map(|(count, what)| format!("{count} {what}")));
        let next =
            if *fetched > 0 { "; `symtool reprocess` groups their crashes anew" } else { "" };
        note!("{}{next}", parts.join(", "));
    }
}
