//! `symtool missing`: modules without symbols, those that most groups wait for first. `fetch/` brings
//! their files.

use std::io::Write;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_crashes::fingerprint::Modules;
use symtool_crashes::{Crashes, Missing};
use symtool_module::Arch;

use crate::context::Context;
use crate::exit::Exit;
use crate::fetch::{self, FetchArgs};
use crate::output;
use crate::table::{Column, Fit, Table};
use crate::terminal::clean;

const MISSING: &str = "Examples:
  symtool missing
  symtool missing --all --json
  symtool missing --fetch --limit 50 --max-bytes 2GB

--fetch asks the servers and folders that symtool.toml lists under [[source]], and needs at least one.";

#[derive(Debug, clap::Args)]
#[command(after_help = MISSING)]
pub struct MissingArgs {
    /// Also list modules that no group waits for
    #[arg(long)]
    pub all: bool,
    /// List at most N modules
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// A module without symbols.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    crashes: u64,
    waiting: u64,
    /// Minidumps whose stack needs its unwind data.
    #[serde(skip_serializing_if = "Option::is_none")]
    dumps: Option<u64>,
    lacks: Vec<Lack>,
    groups: Vec<String>,
}

/// Something that is missing of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Lack {
    Names,
    /// Unwind data, which only minidumps need.
    Unwind,
}

/// What is missing of a module; on a terminal; and in words where nothing else says it.
fn lacks(module: &Missing) -> (Vec<Lack>, &'static str, &'static str) {
    match (module.lacks_names, module.lacks_unwind()) {
        (true, true) => {
            (vec![Lack::Names, Lack::Unwind], "names, unwind", "  (names and unwind data)")
        }
        (false, true) => (vec![Lack::Unwind], "unwind", "  (unwind data)"),
        (true, false) => (vec![Lack::Names], "names", ""),
        (false, false) => (Vec::new(), "", ""),
    }
}

/// The list on a terminal.
const COLUMNS: &[Column] = &[
    Column::new("GROUPS", Fit::Number),
    Column::new("WAITING", Fit::Number),
    Column::new("CRASHES", Fit::Number),
    Column::new("LACKS", Fit::Optional(0)),
    Column::new("ID", Fit::Id),
    Column::new("MODULE", Fit::Text),
];

/// Runs the command.
pub fn run(context: &Context, args: &MissingArgs) -> Result<Exit> {
    if args.fetch.fetch {
        return fetch::run(context, &args.fetch, args.all, args.limit);
    }
    let store = context.open_store()?;
    let (reader, stored) = (store.read()?, Crashes::open(&store)?);
    let catalog = reader.catalog();
    let mut missing = stored.missing(&Modules::of(catalog.modules()?))?;
    if !args.all {
        missing.retain(|module| module.waiting > 0 || module.lacks_unwind());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut table = Table::for_stdout(COLUMNS, context);
    for module in missing.iter().take(args.limit.unwrap_or(usize::MAX)) {
        let Missing { name, path, id, arch, crashes, waiting, groups, dumps, .. } = module;
        let (lacks, cell, in_words) = lacks(module);
        if context.json {
            let groups = stored.groups_waiting_for(module)?;
            let groups = groups.iter().map(ToString::to_string).collect();
            let (name, path) = (name.as_deref(), path.as_deref());
            let arch = arch.as_ref().map(Arch::as_str);
            writeln!(
                out,
                "{}",
                output::json(&Line {
                    name,
                    id,
                    arch,
                    path,
                    crashes: *crashes,
                    waiting: *waiting,
                    dumps: Some(*dumps).filter(|dumps| *dumps > 0),
                    lacks,
                    groups
                })?
            )?;
            continue;
        }
        let (id, name) = (clean(id), clean(name.as_deref().unwrap_or("?")));
        if let Some(table) = &mut table {
            let mut cells: Vec<String> = [groups, waiting, crashes].map(ToString::to_string).into();
            cells.extend([cell.to_owned(), id.into_owned(), name.into_owned()]);
            table.row(&mut out, cells)?;
            continue;
        }
        writeln!(
            out,
            "{groups:>6} groups  {waiting:>7} waiting  {crashes:>7} crashes  {id}  {name}{in_words}"
        )?;
    }
    table.map_or(Ok(()), |table| table.finish(&mut out))?;
    out.flush()?;
    Ok(Exit::Done)
}
