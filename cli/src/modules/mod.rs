//! `symtool modules`: lists, shows, verifies, removes and repairs modules.
//!
//! `list.rs` fits the list to the terminal. `gc.rs` chooses what is removed, `upkeep.rs` repairs and
//! compacts, `export.rs` writes modules for others. `verify/` checks blocks and, with `check.rs` (which addresses),
//! `reference.rs` (another reader of the file) and `compare.rs` (where the two may differ), answers.

mod args;
mod check;
mod compare;
pub mod export;
mod folded;
mod gc;
pub mod list;
mod reference;
pub mod removed;
pub mod upkeep;
pub mod verify;

use std::io::Write;

use anyhow::Result;
use symtool_store::module::MappingHead;
use symtool_store::{Catalog, Module, ModuleRecord};

use crate::context::Context;
use crate::exit::Exit;
use crate::find;
use crate::moment::moment;
use crate::output;
use crate::terminal::clean;
pub use args::Modules;
use args::Named;

/// Runs the command.
pub fn run(context: &Context, args: &Modules) -> Result<Exit> {
    #[cfg(feature = "bucket")]
    if let Some(cache) = crate::bucket::of(context)? {
        return crate::bucket::modules(context, &cache, args);
    }
    let store = context.open_store()?;
    // These may have to do with a store that cannot be read, or have to be alone.
    match args {
        Modules::Repair => return upkeep::repair(context, &store),
        Modules::Compact => return upkeep::compact(context, &store),
        Modules::Verify(args) => return verify::run(context, args, &store),
        Modules::Export(args) => return export::run(context, args, || Ok(store.read()?)),
        _ => {}
    }
    let reader = store.read()?;
    match args {
        Modules::List(args) => list::run(context, &reader.catalog(), args),
        Modules::Show(named) => show(context, &reader.catalog(), named),
        Modules::Remove(named) => {
            let (gone, exit) = chosen(&reader.catalog(), named)?;
            // While it is open, what is removed stays on disk.
            drop(reader);
            removed::remove(context, &store, &gone, false)?;
            Ok(exit)
        }
        Modules::Gc(args) => {
            let gone = gc::chosen(reader.catalog().modules()?, args);
            drop(reader);
            removed::remove(context, &store, &gone, args.dry_run)?;
            Ok(Exit::Done)
        }
        Modules::Repair | Modules::Compact | Modules::Verify(_) | Modules::Export(_) => {
            Ok(Exit::Done)
        }
    }
}

/// Describes the modules that are `named`.
pub fn show(context: &Context, catalog: &Catalog<'_>, named: &Named) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let mut failed = false;
    for name in &named.modules {
        match find::module(catalog, name, named.latest) {
            Ok(module) if context.json => {
                writeln!(out, "{}", output::json(&list::Listed::of(&module.record))?)?;
            }
            Ok(module) => describe(&mut out, &module.record)?,
            Err(error) => {
                say!("{}", error.reason()?);
                failed = true;
            }
        }
    }
    out.flush()?;
    Ok(Exit::failed_if(failed))
}

/// The modules that are `named`, each once, and how the command ends.
fn chosen(catalog: &Catalog<'_>, named: &Named) -> Result<(Vec<Module>, Exit)> {
    let mut gone: Vec<Module> = Vec::new();
    let mut failed = false;
    for name in &named.modules {
        match find::module(catalog, name, named.latest) {
            Ok(module) if gone.iter().any(|known| known.generation == module.generation) => {}
            Ok(module) => gone.push(module.clone()),
            Err(error) => {
                say!("{}", error.reason()?);
                failed = true;
            }
        }
    }
    Ok((gone, Exit::failed_if(failed)))
}

/// What a mapping says of itself.
fn describe_head(out: &mut impl Write, head: &MappingHead) -> Result<()> {
    let compiler: Vec<&str> = [&head.compiler, &head.compiler_version]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let compiler = (!compiler.is_empty()).then(|| compiler.join(" "));
    let facts = [
        ("compiler", &compiler),
        ("min_api", &head.min_api),
        ("pg_map_id", &head.pg_map_id),
        ("pg_map_hash", &head.pg_map_hash),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            writeln!(out, "{name:<11} {}", clean(fact))?;
        }
    }
    Ok(())
}

fn describe(out: &mut impl Write, record: &ModuleRecord) -> Result<()> {
    let made_up =
        if record.id_made_up { " (made up from the contents: the file has none)" } else { "" };
    writeln!(out, "name        {}", clean(&record.name))?;
    for name in &record.other_names {
        writeln!(out, "also        {}", clean(name))?;
    }
    for label in &record.labels {
        writeln!(out, "label       {}", clean(label))?;
    }
    writeln!(out, "id          {}{made_up}", record.id)?;
    record.debug_id().map_or(Ok(()), |id| writeln!(out, "debug id    {id}"))?;
    writeln!(out, "kind        {} {}", record.kind, record.arch)?;
    if record.is_mapping() {
        record.other_ids.iter().try_for_each(|id| writeln!(out, "also id     {id}"))?;
        record.mapping.as_ref().map_or(Ok(()), |head| describe_head(out, head))?;
        writeln!(out, "classes     {}", record.classes)?;
        writeln!(out, "lines       {}", record.ranges)?;
    } else {
        writeln!(out, "image base  {:#x}", record.image_base)?;
        writeln!(out, "known from  {}", clean(record.detail.as_str()))?;
        writeln!(out, "functions   {}", record.functions)?;
        writeln!(out, "files       {}", record.files)?;
        writeln!(out, "ranges      {}", record.ranges)?;
        writeln!(out, "unwind      {}", unwind(record))?;
    }
    writeln!(out, "file        {} bytes", record.bytes_in)?;
    writeln!(out, "stored      {} bytes", record.bytes_stored)?;
    writeln!(out, "imported    {} UTC", moment(record.imported, true))?;
    for (reason, count) in &record.dropped {
        writeln!(out, "dropped     {count} {reason}")?;
    }
    for source in record.sources.iter().filter(|_| !record.is_mapping()) {
        let addresses = match (source.addresses, source.unwind_addresses.unwrap_or(0)) {
            (0, 0) => "nothing used".to_owned(),
            (0, unwound) => format!("unwinds {unwound} addresses"),
            (answered, 0) => format!("answers {answered} addresses"),
            (answered, unwound) => format!("answers {answered} addresses, unwinds {unwound}"),
        };
        let lacks = if source.incomplete { ", import it again to complete it" } else { "" };
        let dropped: Vec<String> =
            source.dropped.iter().map(|(reason, count)| format!(", {count} {reason}")).collect();
        let (name, detail) = (clean(&source.name), clean(source.detail.as_str()));
        writeln!(
            out,
            "source      {name}: {detail}, {} bytes, {addresses}{}{lacks}",
            source.bytes,
            dropped.concat()
        )?;
    }
    for warning in &record.warnings {
        writeln!(out, "warning     {}", clean(warning))?;
    }
    Ok(())
}

/// What is known of how stacks are walked.
fn unwind(record: &ModuleRecord) -> String {
    let is_read = record.sources.iter().any(|source| source.unwind_addresses.is_some());
    match (record.unwind_rows, record.unwind_rules) {
        (0, _) if !is_read => {
            "not read yet: imported by an earlier version; import the file again".to_owned()
        }
        (0, _) => "no rows; import the file with the code too".to_owned(),
        (rows, rules) => format!("{rows} rows, {rules} rules"),
    }
}
