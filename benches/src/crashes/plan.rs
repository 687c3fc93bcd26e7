//! Writes `plan.json`: what a person wants to know about a generated folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::bugs::Bug;
use super::build::Builds;
use super::module::Module;
use super::options::Options;

/// Writes it.
///
/// # Errors
/// If the file cannot be written; names it.
pub fn write(
    path: &Path,
    options: &Options,
    builds: &[Builds],
    bugs: &[Bug],
    counts: &[usize],
) -> Result<()> {
    let modules: Vec<Value> = builds
        .iter()
        .flat_map(|of| {
            of.builds.iter().enumerate().flat_map(move |(build, modules)| {
                modules.iter().map(move |module| (of, build, module))
            })
        })
        .map(module)
        .collect();
    let bugs: Vec<Value> = bugs
        .iter()
        .zip(counts)
        .enumerate()
        .map(|(number, (bug, count))| self::bug(number, bug, *count))
        .collect();
    let plan = json!({
        "seed": options.seed,
        "crashes": options.crashes,
        "builds": options.builds,
        "withheld_percent": options.withheld,
        "modules": modules,
        "bugs": bugs,
    });
    fs::write(path, format!("{plan:#}\n")).with_context(|| path.display().to_string())
}

fn module((of, build, linked): (&Builds, usize, &super::build::Linked)) -> Value {
    let Module { id, base, functions, .. } = &linked.module;
    let debug_id = super::event::debug_id(id, !of.platform.is_apple());
    let name = linked.debug.file_name().unwrap_or_default().to_string_lossy();
    json!({
        "platform": of.platform.name(), "build": build, "name": name, "late": linked.is_late, "functions": functions.len(),
        "id": super::event::hex(id), "debug_id": debug_id, "base": base,
    })
}

fn bug(number: usize, bug: &Bug, crashes: usize) -> Value {
    let platforms: Vec<&str> = bug.platforms.iter().map(|platform| platform.name()).collect();
    json!({ "number": number, "crashes": crashes, "platforms": platforms, "top": format!("{:?}", bug.top), "recurs": bug.recurs, "functions": bug.decisive })
}
