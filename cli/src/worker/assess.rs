//! `symtool worker assess`: a report a line, and what its crash is grouped by.
//!
//! An answer counts one crash, as the lines do that `groups plan` adds up.

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use symtool_crashes::fingerprint::{AssessedBefore, AssessedReport, Assessor, ReportResult};
use symtool_crashes::groups::CountedCrashes;

use super::args::WorkerAssess;
use super::lines;
use super::task::Task;
use crate::context::Context;
use crate::rules;

/// An answer.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AssessedLine {
    status: Status,
    /// As it came with the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Value>,
    /// What is wrong with the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The crash's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    crash: Option<String>,
    /// Orders reports of one crash: that with the greatest rank counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<String>,
    /// Of what the answer comes from: the same digest gives the same answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// Frames that symbols have named.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<u32>,
    #[serde(flatten)]
    counted: Option<CountedCrashes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// The crash was assessed.
    Ok,
    /// It has what it had: its digest is the same.
    Unchanged,
    /// It keeps what it had: fewer of its frames would be named, as a module has gone.
    Kept,
    /// The line is no report.
    Malformed,
}

/// Answers all lines of stdin. Returns how many there were.
pub fn run(context: &Context, args: &WorkerAssess) -> Result<u64> {
    let rules = rules::load(context, args.rules.as_deref())?;
    let store = context.open_store()?;
    let reader = store.read()?;
    let catalog = reader.catalog();
    let assessor = symtool_core::assessor(&reader, &catalog, &rules)?;
    lines::answer_all(|line| {
        let answer = answer(&assessor, line)?;
        Ok((serde_json::to_string(&answer)? + "\n").into_bytes())
    })
}

fn answer(assessor: &Assessor<'_>, line: Option<&[u8]>) -> Result<AssessedLine> {
    let malformed = |key, error| AssessedLine {
        status: Status::Malformed,
        key,
        error: Some(error),
        crash: None,
        rank: None,
        digest: None,
        resolved: None,
        counted: None,
    };
    let task = match Task::parse(line) {
        Ok(task) => task,
        Err(error) => return Ok(malformed(None, error)),
    };
    Ok(match assessor.assess_report(&task.report, task.was)? {
        Ok(assessed) => AssessedLine::of(assessed, task.was, task.key),
        Err(error) => malformed(task.key, error.to_string()),
    })
}

impl AssessedLine {
    fn of(assessed: AssessedReport, was: Option<AssessedBefore>, key: Option<Value>) -> Self {
        let AssessedReport { crash, rank, time_ms, release, digest, result } = assessed;
        let (first_ms, last_ms) = (time_ms, time_ms);
        let mut counted =
            CountedCrashes { release, crashes: 1, first_ms, last_ms, ..CountedCrashes::default() };
        let before = was.map(|was| was.fingerprint.to_string());
        let (status, resolved) = match result {
            ReportResult::Assessed(fingerprint, resolved) => {
                counted.fingerprint = fingerprint.id.to_string();
                counted.from = before.filter(|before| *before != counted.fingerprint);
                counted.kind = Some(fingerprint.kind);
                counted.title = Some(fingerprint.title);
                counted.frames = Some(fingerprint.frames);
                (Status::Ok, Some(resolved))
            }
            same => {
                counted.fingerprint = before.unwrap_or_default();
                let is_kept = same == ReportResult::Kept;
                let status = if is_kept { Status::Kept } else { Status::Unchanged };
                (status, was.map(|was| was.resolved))
            }
        };
        Self {
            status,
            key,
            error: None,
            crash: Some(crash.to_string()),
            rank: Some(rank),
            digest: Some(format!("{digest:016x}")),
            resolved,
            counted: Some(counted),
        }
    }
}
