//! `symtool modules`: in, a store; out, what it holds.

use std::io::Write;

use anyhow::Result;
use indicatif::DecimalBytes;
use symtool_core::store::{Catalog, Footer, Module};

use crate::args::{Global, Modules};
use crate::exit::Exit;
use crate::find;

/// Runs the command.
pub fn run(global: &Global, args: &Modules) -> Result<Exit> {
    let reader = global.open_store()?.read()?;
    let catalog = reader.catalog()?;
    match args {
        Modules::List => list(global, &catalog),
        Modules::Show { modules } => show(global, &catalog, modules),
    }
}

fn list(global: &Global, catalog: &Catalog) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    if global.json {
        for module in catalog.modules() {
            writeln!(out, "{}", serde_json::to_string(&module.footer)?)?;
        }
        return Ok(Exit::Done);
    }
    let width = catalog.modules().iter().map(|module| module.footer.name.chars().count()).max().unwrap_or(0);
    for Module { footer, .. } in catalog.modules() {
        let stored = DecimalBytes(footer.bytes_stored).to_string();
        writeln!(out, "{:width$}  {:40}  {:8}  {:>9} ranges  {stored:>9}", footer.name, footer.id, footer.arch, footer.ranges)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn show(global: &Global, catalog: &Catalog, names: &[String]) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let mut failed = false;
    for name in names {
        match find::module(catalog, name, false) {
            Ok(module) if global.json => writeln!(out, "{}", serde_json::to_string(&module.footer)?)?,
            Ok(module) => describe(&mut out, &module.footer)?,
            Err(error) => {
                say!("{}", error.reason());
                failed = true;
            }
        }
    }
    out.flush()?;
    Ok(Exit::failed_if(failed))
}

fn describe(out: &mut impl Write, footer: &Footer) -> Result<()> {
    let made_up = if footer.id_made_up { " (made up from the contents: the file has none)" } else { "" };
    writeln!(out, "name        {}", footer.name)?;
    writeln!(out, "id          {}{made_up}", footer.id)?;
    writeln!(out, "kind        {} {}", footer.kind, footer.arch)?;
    writeln!(out, "image base  {:#x}", footer.image_base)?;
    writeln!(out, "known from  {}", footer.detail)?;
    writeln!(out, "functions   {}", footer.functions)?;
    writeln!(out, "files       {}", footer.files)?;
    writeln!(out, "ranges      {}", footer.ranges)?;
    writeln!(out, "file        {} bytes", footer.bytes_in)?;
    writeln!(out, "stored      {} bytes", footer.bytes_stored)?;
    for (reason, count) in &footer.dropped {
        writeln!(out, "dropped     {count} {reason}")?;
    }
    for warning in &footer.warnings {
        writeln!(out, "warning     {warning}")?;
    }
    Ok(())
}
