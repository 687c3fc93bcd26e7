//! Removes modules and prints a line or a JSON object for each.

use std::io::Write;

use anyhow::Result;
use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_module::BuildId;
use symtool_store::{Module, Store};

use crate::context::Context;
use crate::output;
use crate::terminal::clean;

/// A module that was removed.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Removed<'a> {
    name: &'a str,
    id: &'a BuildId,
    status: Status,
    bytes_stored: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Removed,
    WouldBeRemoved,
}

/// Removes `modules` from `store` and tells of each; in a dry run only tells.
pub fn remove(
    context: &Context,
    store: &Store,
    modules: &[Module],
    is_dry_run: bool,
) -> Result<()> {
    if !is_dry_run && !modules.is_empty() {
        store.remove(&modules.iter().map(|module| module.generation.module).collect::<Vec<_>>())?;
    }
    let (word, status) = if is_dry_run {
        ("would be removed", Status::WouldBeRemoved)
    } else {
        ("removed", Status::Removed)
    };
    let mut out = std::io::stdout().lock();
    for Module { record, .. } in modules {
        if context.json {
            let report = Removed {
                name: &record.name,
                id: &record.id,
                status,
                bytes_stored: record.bytes_stored,
            };
            writeln!(out, "{}", output::json(&report)?)?;
        } else if !context.quiet {
            writeln!(
                out,
                "{}: {word} ({}, {})",
                clean(&record.name),
                record.short_id(),
                DecimalBytes(record.bytes_stored)
            )?;
        }
    }
    Ok(out.flush()?)
}
