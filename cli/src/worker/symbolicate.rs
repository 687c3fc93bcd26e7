//! `symtool worker symbolicate`: a report a line, with its frames resolved.

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use symtool_crashes::fingerprint::Symbols;
use symtool_report::{self as crash, CrashEvent};
use symtool_store::Mappings;

use super::lines;
use super::task::Task;
use crate::context::Context;
use crate::symbolicate::known::Known;

/// An answer.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Symbolicated {
    status: Status,
    /// As it came with the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Value>,
    /// What is wrong with the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The report: an object if the line was one, else a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// It is a report, and what is known of its frames is in it.
    Ok,
    /// It is no report.
    Malformed,
}

/// Answers all lines of stdin. Returns how many there were.
pub fn run(context: &Context) -> Result<u64> {
    let store = context.open_store()?;
    let reader = store.read()?;
    let (catalog, mappings) = (reader.catalog(), Mappings::new(&reader));
    let symbols = Symbols::new(&reader, &catalog)?;
    let known = Known { symbols, mappings: &mappings, catalog: &catalog, mapping: None };
    lines::answer_all(|line| answer(&known, line))
}

/// The answer to a line, with its end.
fn answer(known: &Known<'_>, line: Option<&[u8]>) -> Result<Vec<u8>> {
    let (key, resolved) = match Task::parse(line) {
        Ok(task) => {
            let resolved = resolved(known, &task.report)?;
            if let (Ok(report), true) = (&resolved, task.is_line) {
                return Ok(spliced(report));
            }
            (task.key, resolved)
        }
        Err(error) => (None, Err(error)),
    };
    let answer = match resolved {
        Ok(report) => {
            let report = Value::String(String::from_utf8_lossy(&report).into_owned());
            Symbolicated { status: Status::Ok, key, error: None, report: Some(report) }
        }
        Err(error) => {
            Symbolicated { status: Status::Malformed, key, error: Some(error), report: None }
        }
    };
    Ok((serde_json::to_string(&answer)? + "\n").into_bytes())
}

/// The answer whose report is a JSON object, byte for byte as it was written back.
fn spliced(report: &[u8]) -> Vec<u8> {
    [br#"{"status":"ok","report":"#, report.trim_ascii(), b"}\n"].concat()
}

/// `report` with its frames resolved, or why it is none.
fn resolved(known: &Known<'_>, report: &[u8]) -> Result<Result<Vec<u8>, String>> {
    let mut events: Vec<CrashEvent> = Vec::new();
    let mut error = None;
    for told in crash::all(report) {
        match told.event {
            Ok(event) => events.push(event),
            Err(cause) => error = error.or(Some(cause.to_string())),
        }
        events.extend(told.again);
    }
    match error.filter(|_| events.is_empty()) {
        Some(error) => Ok(Err(error)),
        None => Ok(Ok(known.resolved(report, &events)?)),
    }
}
