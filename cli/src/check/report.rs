//! The output of `symtool check`: lines or JSON objects.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use symtool_debug::debug_id;
use symtool_module::{Arch, BuildId, Detail, ModuleKind, Named};
use symtool_store::ModuleRecord;

use super::mapping::FoundMapping;
use super::verdict::Problem;
use crate::terminal::{Paint, clean};
use symtool_core::import::{Looked, Object};

/// What was found of one file.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Report {
    path: String,
    good: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    found: Option<Found>,
    problems: Vec<Problem>,
}

/// What there is in a file that can be read.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(untagged)]
enum Found {
    Object(FoundObject),
    Mapping(FoundMapping),
    Module(FoundModule),
}

/// Of a module that a store has exported.
#[derive(Debug, JsonSchema, Serialize)]
struct FoundModule {
    module: ModuleName,
    #[schemars(with = "Detail")]
    has: Named<Detail>,
    unwind: bool,
}

#[derive(Debug, JsonSchema, Serialize)]
struct FoundObject {
    module: ModuleName,
    /// How much the file has itself.
    #[schemars(with = "Detail")]
    has: Named<Detail>,
    code: bool,
    /// The file of the same build with its debug data.
    #[serde(skip_serializing_if = "Option::is_none")]
    debug_file: Option<String>,
    units: u64,
    compressed: Vec<String>,
    split_files: u64,
    /// Whether a file of the same build says how stacks are walked.
    unwind: bool,
}

/// What the module of a file is.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ModuleName {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<BuildId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_id: Option<String>,
    #[schemars(with = "ModuleKind")]
    pub kind: Named<ModuleKind>,
    pub arch: Arch,
}

impl Report {
    /// Of `looked`, which has `problems`, and whose debug data is in `partner` if that was given.
    /// `has_unwind` says whether a given file of its build tells how stacks are walked.
    pub fn of(
        looked: &Looked,
        problems: Vec<Problem>,
        partner: Option<&Object>,
        has_unwind: bool,
    ) -> Self {
        let found = match looked {
            Looked::Object(object) => {
                Some(Found::Object(FoundObject::of(object, partner, has_unwind)))
            }
            Looked::Mapping(mapping) => Some(Found::Mapping(FoundMapping::of(mapping))),
            Looked::Module(module) => Some(Found::Module(FoundModule::of(&module.record))),
            Looked::Unreadable(_) => None,
        };
        Self {
            path: looked.path().to_string_lossy().into_owned(),
            good: problems.is_empty(),
            found,
            problems,
        }
    }

    /// The file, with the name of its member.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.good
    }

    /// One line, and one more for each problem.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let (start, verdict) =
            if self.good { (paint.bold, "good") } else { (paint.red, "not good") };
        write!(out, "{}: {start}{verdict}{}", clean(&self.path), paint.reset)?;
        match &self.found {
            Some(Found::Object(object)) => write!(out, ", {}", object.line())?,
            Some(Found::Mapping(mapping)) => write!(out, ", {}", mapping.line())?,
            Some(Found::Module(module)) => write!(out, ", {}", module.line())?,
            None => {}
        }
        writeln!(out)?;
        for problem in &self.problems {
            writeln!(out, "  {}", clean(&problem.message))?;
        }
        Ok(())
    }
}

impl ModuleName {
    /// Its id, architecture and debug id, and what its file has.
    fn line(&self, has: &Named<Detail>) -> String {
        let id = self.id.as_ref().map_or("no id", BuildId::short);
        let has = match has.known() {
            Some(Detail::Debug) => "debug data",
            Some(Detail::Mapping) => "a mapping",
            Some(Detail::Gopclntab) => "Go's table of lines",
            Some(Detail::Breakpad) => "Breakpad's records",
            Some(Detail::DebugMap) => "a debug map",
            Some(Detail::Symbols) => "symbols",
            Some(Detail::Exports) | None => "exports",
        };
        let debug_id =
            self.debug_id.as_ref().map_or_else(String::new, |id| format!("; debug id {id}"));
        format!("{id} {}, {has}{debug_id}", self.arch)
    }
}

impl FoundModule {
    fn of(record: &ModuleRecord) -> Self {
        Self {
            module: ModuleName {
                name: record.name.clone(),
                id: (!record.id_made_up || record.is_mapping()).then(|| record.id.clone()),
                debug_id: record.debug_id(),
                kind: record.kind.clone(),
                arch: record.arch.clone(),
            },
            has: record.detail.clone(),
            unwind: record.unwind_rows > 0,
        }
    }

    fn line(&self) -> String {
        format!("{}; exported from a store", self.module.line(&self.has))
    }
}

impl FoundObject {
    fn of(object: &Object, partner: Option<&Object>, has_unwind: bool) -> Self {
        let info = &object.info;
        let debug_file =
            object.debug_file.as_ref().or_else(|| partner.map(|partner| &partner.path));
        let inspection = &object.inspection;
        Self {
            module: ModuleName {
                name: info.name.clone(),
                id: (!info.id.made_up).then(|| BuildId::from(&info.id)),
                debug_id: debug_id(info.kind, &info.id),
                kind: info.kind.into(),
                arch: info.arch.clone(),
            },
            has: object.own.into(),
            code: inspection.has_code,
            debug_file: debug_file.map(|path| path.to_string_lossy().into_owned()),
            units: inspection.units,
            compressed: inspection.compressed.clone(),
            split_files: inspection.split_files,
            unwind: has_unwind,
        }
    }

    fn line(&self) -> String {
        let first = self.module.line(&self.has);
        let debug_file =
            self.debug_file.as_ref().map(|file| format!("debug data in {}", clean(file)));
        let compressed = (!self.compressed.is_empty()).then(|| "compressed".to_owned());
        let split = Some(self.split_files)
            .filter(|files| *files > 0)
            .map(|files| format!("with {files} .dwo or .dwp files"));
        let unwind = (!self.unwind).then(|| format!("no unwind data: {}", self.unwind_step()));
        [Some(first), debug_file, compressed, split, unwind]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// How stacks can be walked all the same.
    fn unwind_step(&self) -> String {
        match self.module.kind.known() {
            Some(ModuleKind::Pe) if !self.code => "import its .dll or .exe too".to_owned(),
            Some(ModuleKind::Pe) => "import its .pdb too".to_owned(),
            _ if !self.code => "import the file with the code too".to_owned(),
            _ => "minidumps of it are walked by frame pointers".to_owned(),
        }
    }
}

/// The last JSON object.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct Summary {
    pub good: u64,
    pub not_good: u64,
    /// Files that are neither objects, mappings nor archives, and objects that are not linked yet, in folders
    /// and archives.
    pub skipped: u64,
}

impl Summary {
    /// Counts `report`.
    pub fn count(&mut self, report: &Report) {
        *if report.good { &mut self.good } else { &mut self.not_good } += 1;
    }

    /// Says on stderr how many of many are good.
    pub fn say(&self) {
        let Self { good, not_good, skipped } = self;
        if good + not_good > 1 {
            let passed_over = if *skipped > 0 {
                format!("; {skipped} other files skipped")
            } else {
                String::new()
            };
            note!("{good} good, {not_good} not good{passed_over}");
        }
    }
}
