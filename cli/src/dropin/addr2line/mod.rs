//! `addr2line`, byte for byte as in binutils 2.40 (`binutils/addr2line.c`, `bfd/dwarf2.c`).
//!
//! What debug data says comes from the module; where it knows no function, the object's own symbol
//! table is asked for the nearest one. An address outside of all sections that are in memory is
//! nowhere.

mod args;
mod request;
mod session;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::Result;
use object::File;
use symtool_debug::Error;
use symtool_debug::container::{self, Kind};
use symtool_store::resolve::{Origin, Resolver};

use crate::demangle::{Demangler, Spelling};
use crate::dropin::{Call, stream, symbols, words};
use args::{Asked, Options};
use session::Session;
use symtool_core::objects::Object;

/// Bytes of the buffer that it reads lines into.
const LINE_BYTES: usize = 100;

/// Formats of objects, and ways to spell names, that binutils knows and symtool does not.
const OTHER_TARGETS: [&str; 10] =
    ["pe", "pei", "pdb", "srec", "symbolsrec", "verilog", "tekhex", "binary", "ihex", "plugin"];
const OTHER_STYLES: [&str; 3] = ["java", "gnat", "dlang"];

/// Runs the tool.
///
/// # Errors
/// If stdin cannot be read or stdout not be written.
pub fn run(call: &Call) -> Result<ExitCode> {
    let mut options = match args::parse(words::expand(call.words.clone())) {
        Asked::Answers(options) => *options,
        Asked::Help => {
            io::stdout().write_all(args::usage(&call.program).as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Asked::Version => {
            writeln!(
                io::stdout(),
                "symtool {} (compatible with GNU addr2line (GNU Binutils) 2.40)",
                env!("CARGO_PKG_VERSION")
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        Asked::Usage(reason) => {
            call.say(&reason);
            io::stderr().write_all(args::usage(&call.program).as_bytes())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    match options.style.as_deref().map(String::from_utf8_lossy).as_deref() {
        None | Some("auto" | "gnu-v3" | "rust") => {}
        Some("none") => options.demangle = false,
        Some(style) if OTHER_STYLES.contains(&style) => {
            return Ok(call.unsupported(&format!("--demangle={style}")));
        }
        Some(style) => {
            call.say(&format!("unknown demangling style `{style}'"));
            return Ok(ExitCode::FAILURE);
        }
    }
    let path = options.file.clone().unwrap_or_else(|| "a.out".into());
    if let Some(refused) = refuse(call, &path, options.target.as_deref()) {
        return Ok(refused);
    }
    let object = match call.objects(&[], None).open(Path::new(&path)) {
        Ok(object) => object,
        Err(error) => {
            call.say(&reason(&path, &error));
            return Ok(ExitCode::FAILURE);
        }
    };
    answer_all(call, &options, &path, &object)
}

/// Files that are not looked into, and why.
fn refuse(call: &Call, path: &OsStr, target: Option<&[u8]>) -> Option<ExitCode> {
    let shown = path.to_string_lossy();
    let file = container::split(Path::new(path)).map_or_else(|| path.into(), |(file, _)| file);
    match fs::metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            call.say(&format!("'{shown}': No such file"));
        }
        Err(error) => {
            call.say(&format!("Warning: could not locate '{shown}'.  reason: {}", cause(&error)));
        }
        Ok(metadata) if metadata.is_dir() && !container::is_bundle(&file) => {
            call.say(&format!("Warning: '{shown}' is a directory"));
        }
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            call.say(&format!("Warning: '{shown}' is not an ordinary file"));
        }
        Ok(metadata) if metadata.len() == 0 => {}
        Ok(_) => {
            let target = target.map(String::from_utf8_lossy)?;
            let family = target.split('-').next().unwrap_or_default();
            if ["elf32", "elf64", "default", "mach"].contains(&family) {
                return None;
            }
            if OTHER_TARGETS.contains(&family) {
                return Some(call.unsupported(&format!("--target={target}")));
            }
            call.say(&format!("{shown}: invalid bfd target"));
        }
    }
    Some(ExitCode::FAILURE)
}

fn reason(path: &OsStr, error: &Error) -> String {
    let is_archive =
        matches!(Kind::of_file(Path::new(path)), Ok(Kind::Archive(container::Format::Ar)));
    let path = path.to_string_lossy();
    match error {
        Error::Io { cause, .. } => format!("{path}: {}", self::cause(cause)),
        _ if is_archive => format!("{path}: cannot get addresses from archive"),
        _ => format!("{path}: file format not recognized"),
    }
}

/// What the operating system says, without its number.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn answer_all(call: &Call, options: &Options, path: &OsStr, object: &Object) -> Result<ExitCode> {
    let Ok(file) = File::parse(object.file.bytes()) else {
        call.say(&format!("{}: file format not recognized", path.to_string_lossy()));
        return Ok(ExitCode::FAILURE);
    };
    let debug = object.debug.as_ref().and_then(|debug| File::parse(debug.bytes()).ok());
    let sections = symbols::sections(&file);
    let section = match &options.section {
        None => None,
        Some(name) => match sections.iter().find(|section| section.name == *name) {
            Some(section) => Some(section),
            None => {
                call.say(&format!(
                    "{}: cannot find section {}",
                    path.to_string_lossy(),
                    String::from_utf8_lossy(name)
                ));
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let mut resolver = Resolver::default();
    let module = object.held.clone().map(|held| resolver.add(Origin::Memory(held)));
    let functions = module
        .and_then(|module| resolver.module(module))
        .map_or(0, |module| module.record.functions);
    let names = options.demangle.then(|| Demangler::new(functions as usize, Spelling::Gnu, false));
    let session = Session {
        call,
        options,
        file,
        debug,
        sections: &sections,
        section,
        resolver,
        module,
        names,
        nearest: OnceLock::new(),
    };
    if options.addresses_given.is_empty() {
        stream::each_run(io::stdin(), |run, out| {
            session.answer(stream::requests(run, LINE_BYTES), out);
        })?;
    } else {
        let mut out = Vec::new();
        session.answer(options.addresses_given.iter().map(|word| word.as_bytes()), &mut out);
        io::stdout().write_all(&out)?;
    }
    Ok(ExitCode::SUCCESS)
}
