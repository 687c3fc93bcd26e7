//! What llvm-symbolizer's words mean: the module, the style, where objects are found.

use super::args::{Id, Words};
use super::request::{self as request, Module};
use super::say;
use crate::dropin::Call;
use crate::fetch::llvm_client;
use crate::style::llvm::{Format, Inlines, Names, Paths, Printer};
use crate::style::text;
use anyhow::Result;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use symtool_core::objects::Objects;
use symtool_module::Arch;

/// What the command line says.
pub(super) struct Options {
    pub(super) printer: Printer,
    pub(super) demangle: bool,
    pub(super) adjust_vma: u64,
    /// What all requests are about.
    pub(super) module: Option<Named>,
    pub(super) objects: Objects,
}

/// An object, by what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named {
    Path(Vec<u8>),
    BuildId(Vec<u8>),
}

impl Named {
    pub(super) fn of(module: Module<'_>) -> Self {
        match module {
            Module::Path(path) => Self::Path(path.to_vec()),
            Module::BuildId(id) => Self::BuildId(request::build_id(id).unwrap_or_default()),
        }
    }

    /// What answers call it.
    pub(super) fn shown(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Path(path) => Cow::Borrowed(path),
            Self::BuildId(id) => Cow::Owned(text::hex(id).to_ascii_uppercase().into_bytes()),
        }
    }
}

impl Options {
    pub(super) fn of(call: &Call, words: &Words) -> Result<Self, ExitCode> {
        let adjust_vma = integer(words, Id::AdjustVma, "--adjust-vma=")?;
        integer(words, Id::CacheSize, "--cache-size=")?;
        if integer(words, Id::SourceContext, "--print-source-context-lines=")? != 0 {
            return Err(call.unsupported("--print-source-context-lines"));
        }
        if let Some(name) = words.first_of(&[Id::Dwp, Id::FilterMarkup]) {
            return Err(call.unsupported(name));
        }
        if words.has(Id::Dia) {
            say("warning: DIA not available; using native PDB reader\n");
        }
        let mut debug_dirs: Vec<PathBuf> =
            words.values(Id::DebugFileDirectory).map(PathBuf::from).collect();
        debug_dirs.extend(words.values(Id::FallbackDebugPath).map(PathBuf::from));
        for hint in words.values(Id::DsymHint) {
            if Path::new(hint).extension() == Some(OsStr::new("dSYM")) {
                debug_dirs.push(PathBuf::from(hint));
            } else {
                say(&format!(
                    "Warning: invalid dSYM hint: \"{}\" (must have the '.dSYM' extension).\n",
                    hint.to_string_lossy()
                ));
            }
        }
        let text = |id| words.value(id).map(|(_, value)| value.to_string_lossy().into_owned());
        let default_arch = text(Id::DefaultArch).filter(|arch| !arch.is_empty());
        Ok(Self {
            printer: printer(words),
            demangle: words.flag(Id::Demangle, Id::NoDemangle, true),
            adjust_vma,
            module: module(words)?,
            objects: Objects {
                // LLVM asks as soon as $DEBUGINFOD_URLS is set; this program only if it is told to.
                debuginfod: words
                    .flag(Id::Debuginfod, Id::NoDebuginfod, false)
                    .then(llvm_client)
                    .flatten(),
                ..call.objects(&debug_dirs, default_arch.map(Arch::from))
            },
        })
    }
}

pub(super) fn integer(words: &Words, id: Id, name: &str) -> Result<u64, ExitCode> {
    let Some((_, value)) = words.value(id) else { return Ok(0) };
    request::number(value.as_bytes()).ok_or_else(|| {
        say(&format!(
            "{name}: expected a non-negative integer, but got '{}'",
            value.to_string_lossy()
        ));
        ExitCode::FAILURE
    })
}

pub(super) fn module(words: &Words) -> Result<Option<Named>, ExitCode> {
    match (words.value(Id::Obj), words.value(Id::Build)) {
        (Some(_), Some(_)) => {
            say("error: cannot specify both --build-id and --obj\n");
            Err(ExitCode::FAILURE)
        }
        (Some((_, path)), None) => Ok(Some(Named::Path(path.as_bytes().to_vec()))),
        (None, Some((_, id))) => match request::build_id(id.as_bytes()) {
            Some(id) => Ok(Some(Named::BuildId(id))),
            None => {
                say(&format!(
                    "--build-id=: expected a build ID, but got '{}'\n",
                    id.to_string_lossy()
                ));
                Err(ExitCode::FAILURE)
            }
        },
        (None, None) => Ok(None),
    }
}

pub(super) fn printer(words: &Words) -> Printer {
    let text = |id| words.value(id).map(|(_, value)| value.as_bytes());
    let format = match text(Id::OutputStyle) {
        Some(b"GNU") => Format::Gnu,
        Some(b"JSON") => Format::Json,
        _ => Format::Llvm,
    };
    let names = match text(Id::FunctionsAs).filter(|_| !words.has(Id::Functions)) {
        Some(b"none") => Names::None,
        Some(b"short") => Names::Short,
        _ => Names::Linkage,
    };
    let paths = match words.last(&[Id::BaseNames, Id::RelativeNames]) {
        Some(Id::BaseNames) => Paths::Base,
        Some(_) => Paths::Relative,
        None => Paths::Whole,
    };
    let inlines = match words.flag(Id::Inlines, Id::NoInlines, true) {
        true => Inlines::All,
        false if format == Format::Gnu => Inlines::Innermost,
        false => Inlines::Merged,
    };
    let (pretty, verbose, addresses) =
        (words.has(Id::PrettyPrint), words.has(Id::Verbose), words.has(Id::Addresses));
    Printer { format, names, paths, inlines, pretty, verbose, addresses }
}
