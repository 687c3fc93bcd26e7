//! `symtool symbolicate` of a minidump: walks its threads by the unwind rows of the store, and
//! prints its stacks.

mod facts;
pub mod json;
mod text;

use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;
use symtool_core::dump::{
    DumpLosses, DumpModules, Lacking, StoreWalk, code_id, debug_id, dump_error, file_name,
};
use symtool_minidump::Minidump;
use symtool_store::{Catalog, Reader};

use self::facts::DumpReport;

/// How a dump's report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DumpStyle {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What is needed to print dumps.
#[derive(Clone, Copy)]
pub struct DumpPrinter<'s> {
    pub reader: &'s Reader,
    pub catalog: &'s Catalog<'s>,
    pub style: DumpStyle,
}

impl DumpPrinter<'_> {
    /// Prints the report of the dump `bytes`, called `name`. Returns whether something of it is
    /// missing.
    pub fn print(&self, name: &str, bytes: &[u8], out: &mut impl Write) -> Result<bool> {
        let dump = match Minidump::read(bytes) {
            Ok(dump) => dump,
            Err(error) => {
                say!("{name}: {}", dump_error(&error));
                return Ok(true);
            }
        };
        let extent = dump.extent();
        if extent.is_cut_off() {
            say!("{name}: {extent}; upload it again");
        }
        let modules = DumpModules::find(self.reader, self.catalog, &dump)?;
        let StoreWalk { walk, damaged, .. } = modules.walk(&dump);
        let report = DumpReport { dump: &dump, extent: &extent, modules: &modules, walk: &walk };
        for (number, error) in &damaged {
            let module = dump.modules.get(*number).and_then(|module| module.name.as_deref());
            say!("{name}: unwind data of {}: {}", file_name(module), crate::advice::store(error));
        }
        let mut functions = modules.functions(&dump, &walk);
        match self.style {
            DumpStyle::Text => text::write(&report, &mut functions, out)?,
            DumpStyle::Json => json::write(&report, &mut functions, out)?,
        }
        out.flush()?;
        if functions.damaged() > 0 {
            say!(
                "{name}: names of some frames are damaged in the store; `symtool modules verify` names the modules"
            );
        }
        tell_faults(name, &report);
        for lacking in modules.lacking(&walk) {
            tell_lacking(name, &report, lacking);
        }
        let is_whole = !extent.is_cut_off() && !tell_zeros(name, &report);
        Ok(!is_whole || !damaged.is_empty() || functions.damaged() > 0)
    }
}

/// Tells where a dump has zeros instead of something else. Returns whether something was lost.
fn tell_zeros(name: &str, report: &DumpReport<'_>) -> bool {
    let losses = DumpLosses::of(report.extent, report.walk);
    losses.perhaps.iter().for_each(|zeros| warn!("{name}: {zeros}"));
    losses.lost.iter().for_each(|zeros| say!("{name}: {zeros}"));
    !losses.lost.is_empty()
}

/// Tells what cannot be read of a dump, unless it was cut off.
fn tell_faults(name: &str, report: &DumpReport<'_>) {
    if report.extent.is_cut_off() {
        return;
    }
    for faults in [&report.dump.faults, &report.walk.faults] {
        if !faults.is_empty() {
            warn!("{name}: parts of it are left out: {faults}");
        }
    }
}

/// Names a module that the walk needed and the store lacks.
fn tell_lacking(name: &str, report: &DumpReport<'_>, lacking: Lacking) {
    let Some(module) = report.dump.modules.get(lacking.module) else { return };
    let code_id = || code_id(module, report.dump.os()).map(String::from);
    let id = debug_id(module).map(String::from).or_else(code_id);
    let id = id.map(|id| format!(" ({id})")).unwrap_or_default();
    let (what, file) = match (lacking.names, lacking.unwind) {
        (true, true) => ("no names and no unwind data", "the file itself and its debug file"),
        (true, false) => ("no names", "its debug file"),
        (false, _) => ("no unwind data", "the file itself, or its Breakpad symbol file"),
    };
    let path = module.name.as_deref();
    warn!("{name}: {}{id}: {what}; import {file}", file_name(path));
}
