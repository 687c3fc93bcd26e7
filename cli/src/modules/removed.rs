//! Modules that went: in, the modules; out, a line or a JSON object each.

use std::io::Write;

use anyhow::Result;
use indicatif::DecimalBytes;
use serde::Serialize;
use symtool_core::store::Module;

use crate::args::Global;
use crate::terminal::clean;

/// A module that was removed: the JSON object that the documentation describes.
#[derive(Debug, Serialize)]
struct Removed<'a> {
    name: &'a str,
    id: &'a str,
    status: &'static str,
    bytes_stored: u64,
}

/// Tells what became of `modules`.
pub fn tell(global: &Global, modules: &[&Module], status: &'static str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for Module { footer, .. } in modules {
        if global.json {
            let status = if status == "removed" { status } else { "would_be_removed" };
            let report = Removed { name: &footer.name, id: &footer.id, status, bytes_stored: footer.bytes_stored };
            writeln!(out, "{}", serde_json::to_string(&report)?)?;
        } else if !global.quiet {
            writeln!(out, "{}: {status} ({}, {})", clean(&footer.name), footer.short_id(), DecimalBytes(footer.bytes_stored))?;
        }
    }
    Ok(out.flush()?)
}
