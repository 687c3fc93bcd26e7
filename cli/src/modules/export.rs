//! `symtool modules export`: writes modules to files, for other stores (segments) and for symbol
//! servers. `symtool_core::export` makes those.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::DecimalBytes;
use schemars::JsonSchema;
use serde::Serialize;
use symtool_core::export::{
    BreakpadError, Layout, Placed, PlacedFile, breakpad_path, place, replace, write_module,
};
use symtool_module::BuildId;
use symtool_store::{Catalog, Module, Reader};

use super::args::Export;
use crate::context::Context;
use crate::demangle::{Demangler, Spelling, is_32_bit_windows};
use crate::exit::{Exit, Usage};
use crate::find;
use crate::output;
use crate::terminal::clean;

/// A file that was written.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Exported<'a> {
    name: &'a str,
    id: &'a BuildId,
    file: &'a str,
    bytes: u64,
}

/// What is to be written, and where.
enum Job<'a> {
    /// The module as it is stored.
    Segment { module: &'a OsStr, file: &'a Path },
    /// A Breakpad symbol file; on stdout, if no file is named.
    Breakpad { module: &'a OsStr, file: Option<&'a Path> },
    /// Breakpad symbol files of modules, of all if none is named.
    BreakpadLayout { modules: &'a [OsString], folder: &'a Path },
    /// Original files.
    FileLayout { layout: Layout, files: Vec<PathBuf>, folder: &'a Path },
}

impl<'a> Job<'a> {
    fn of(args: &'a Export) -> Result<Self, Usage> {
        if let Some([layout, folder]) = args.layout.as_deref() {
            let folder = Path::new(folder);
            let layout = match layout.to_str().and_then(Layout::named) {
                Some(Layout::Breakpad) => {
                    return Ok(Self::BreakpadLayout { modules: &args.modules, folder });
                }
                Some(layout) => layout,
                None => {
                    let layout = layout.to_string_lossy();
                    let known = "breakpad, debuginfod, gdb, lldb or ssqp";
                    return Err(Usage(format!("{layout}: no layout; pass {known}")));
                }
            };
            if args.modules.is_empty() {
                let reason = "name the files or folders to lay out: these servers hand out original files, which the store does not keep";
                return Err(Usage(reason.to_owned()));
            }
            let files = args.modules.iter().map(PathBuf::from).collect();
            return Ok(Self::FileLayout { layout, files, folder });
        }
        let [module] = &args.modules[..] else {
            return Err(Usage("name one module; --layout writes several".to_owned()));
        };
        match &args.output {
            file if args.breakpad => Ok(Self::Breakpad { module, file: file.as_deref() }),
            Some(file) => Ok(Self::Segment { module, file }),
            None => Err(Usage("name the file to write: -o FILE".to_owned())),
        }
    }
}

/// Runs the command; `reader` opens the store.
pub fn run(
    context: &Context,
    args: &Export,
    reader: impl FnOnce() -> Result<Reader>,
) -> Result<Exit> {
    match Job::of(args)? {
        Job::FileLayout { layout, files, folder } => lay_out(context, layout, &files, folder),
        job => {
            let reader = reader()?;
            let export = ModuleExport { context, args, reader: &reader };
            match job {
                Job::Segment { module, file } => export.segment(module, file),
                Job::Breakpad { module, file } => export.breakpad(module, file),
                Job::BreakpadLayout { modules, folder } => export.breakpad_layout(modules, folder),
                Job::FileLayout { .. } => Ok(Exit::Done),
            }
        }
    }
}

/// Modules of the store on their way out.
struct ModuleExport<'a> {
    context: &'a Context,
    args: &'a Export,
    reader: &'a Reader,
}

impl ModuleExport<'_> {
    fn find<'c>(&self, catalog: &'c Catalog<'_>, name: &OsStr) -> Result<Option<&'c Module>> {
        match find::module(catalog, name, self.args.latest) {
            Ok(module) => Ok(Some(module)),
            Err(error) => {
                say!("{}", error.reason()?);
                Ok(None)
            }
        }
    }

    fn segment(&self, module: &OsStr, file: &Path) -> Result<Exit> {
        let catalog = self.reader.catalog();
        let Some(module) = self.find(&catalog, module)? else { return Ok(Exit::SomeFailed) };
        self.reader.export(module, file)?;
        self.written(module, file, "`symtool import` reads it into another store")?;
        Ok(Exit::Done)
    }

    fn breakpad(&self, module: &OsStr, file: Option<&Path>) -> Result<Exit> {
        let catalog = self.reader.catalog();
        let Some(module) = self.find(&catalog, module)? else { return Ok(Exit::SomeFailed) };
        let written = match file {
            Some(file) => replace(file, |out| self.write(module, out)),
            None => {
                let mut out = io::BufWriter::new(io::stdout().lock());
                self.write(module, &mut out).and_then(|()| Ok(out.flush()?))
            }
        };
        match (written, file) {
            (Ok(()), Some(file)) => {
                self.written(module, file, "a Breakpad symbol file")?;
                Ok(Exit::Done)
            }
            (Ok(()), None) => Ok(Exit::Done),
            (Err(error), _) => not_written(module, error).map(|()| Exit::SomeFailed),
        }
    }

    fn breakpad_layout(&self, names: &[OsString], folder: &Path) -> Result<Exit> {
        let catalog = self.reader.catalog();
        let (mut chosen, mut failed) = (Vec::new(), false);
        for name in names {
            match self.find(&catalog, name)? {
                Some(module) => chosen.push(module),
                None => failed = true,
            }
        }
        if names.is_empty() {
            let modules = catalog.modules()?.iter();
            chosen = modules.filter(|module| !module.record.is_mapping()).collect();
        }
        let mut done = HashSet::new();
        for module in chosen {
            let file = folder.join(breakpad_path(&module.record));
            if !done.insert(file.clone()) {
                continue;
            }
            match replace(&file, |out| self.write(module, out)) {
                Ok(()) => self.written(module, &file, "a Breakpad symbol file")?,
                Err(error) => {
                    not_written(module, error)?;
                    failed = true;
                }
            }
        }
        Ok(Exit::failed_if(failed))
    }

    /// Writes the symbol file of `module`.
    fn write(&self, module: &Module, out: &mut dyn Write) -> Result<(), BreakpadError> {
        let names = Demangler::new(0, Spelling::Symtool, is_32_bit_windows(&module.record));
        let spell = |raw: &[u8]| {
            if self.args.no_demangle { None } else { names.other_name(raw) }
        };
        let left_out = write_module(self.reader, module, &spell, out)?;
        if left_out > 0 {
            let name = clean(&module.record.name);
            warn!(
                "{name}: {left_out} unwind rows have rules that STACK CFI cannot say; they were left out"
            );
        }
        Ok(())
    }

    fn written(&self, module: &Module, file: &Path, what: &str) -> Result<()> {
        let record = &module.record;
        let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        let (name, id) = (&record.name, &record.id);
        tell(self.context, &Exported { name, id, file: &file.to_string_lossy(), bytes }, what)
    }
}

/// Tells that a file was written.
fn tell(context: &Context, exported: &Exported<'_>, what: &str) -> Result<()> {
    if context.json {
        writeln!(io::stdout(), "{}", output::json(exported)?)?;
    } else {
        let Exported { name, id, file, bytes } = exported;
        let (name, id) = (clean(name), id.short());
        note!("{file}: {name} ({id}), {}; {what}", DecimalBytes(*bytes));
    }
    Ok(())
}

/// Says why `module` was not written.
///
/// # Errors
/// If it is the store's fault, or nobody reads the output.
fn not_written(module: &Module, error: BreakpadError) -> Result<()> {
    match error {
        BreakpadError::Store(error) => Err(error.into()),
        BreakpadError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(error.into()),
        error => {
            let damage = if matches!(error, BreakpadError::Damaged(_)) {
                "; import its file again with --force"
            } else {
                ""
            };
            say!("{}: {error}{damage}", clean(&module.record.name));
            Ok(())
        }
    }
}

/// Puts original files where a server looks for them.
fn lay_out(context: &Context, layout: Layout, files: &[PathBuf], folder: &Path) -> Result<Exit> {
    let (mut failed, mut any, mut passed_over) = (false, false, 0);
    let mut told = Ok(());
    place(files, layout, folder, |placed| {
        match placed {
            Placed::Done(PlacedFile { name, id, path, bytes }) => {
                any = true;
                let (id, file) = (BuildId::from(&id), path.to_string_lossy());
                let exported = Exported { name: &name, id: &id, file: &file, bytes };
                told = tell(context, &exported, "in its place");
            }
            Placed::Failed { reason, .. } => {
                say!("{reason}");
                failed = true;
            }
            Placed::PassedOver => passed_over += 1,
        }
        if told.is_err() { Err(io::Error::other("stopped")) } else { Ok(()) }
    })
    .or_else(|error| told.and(Err(error.into())))?;
    if passed_over > 0 {
        note!("{passed_over} files passed over: these servers do not hand them out");
    }
    if !any && !failed {
        say!("no file to lay out; pass images, debug files or folders with them");
    }
    Ok(Exit::failed_if(failed || !any))
}
