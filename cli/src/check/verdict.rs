//! Decides what a file lacks, given all other files, and names the next step for each problem.

use schemars::JsonSchema;
use serde::Serialize;
use symtool_mapping::SkipReason;
use symtool_module::{Detail, ModuleKind};
use symtool_store::ModuleRecord;

use super::args::Require;
use symtool_core::import::{Looked, LookedMapping, Object};

/// Why an object is not good to upload.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Problem {
    /// What scripts may tell problems apart by.
    pub problem: Kind,
    /// The fact and the next step.
    pub message: String,
}

/// Kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It cannot be read as an object.
    Unreadable,
    /// It has no build-id or UUID.
    NoId,
    /// Neither it nor a file of its build has lines and inlined calls.
    NoDebug,
    /// Only exported names are left.
    NoSymbols,
    /// Its debug file is where it should be, and of another build.
    OtherBuild,
    /// Its debug data is in the object files that it was linked from.
    DebugMap,
    /// Files of split DWARF were not found, or are of another build.
    MissingSplit,
    /// The file of names that it shares with others (dwz) was not found.
    MissingShared,
    /// Some of its debug data cannot be read.
    BadUnits,
    /// None of its debug data can be read.
    Damaged,
    /// A mapping whose contents are not those that its `pg_map_hash` is of.
    Changed,
    /// A mapping without a single class.
    NoClasses,
    /// Some lines of a mapping cannot be read.
    BadLines,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Unreadable,
        Self::NoId,
        Self::NoDebug,
        Self::NoSymbols,
        Self::OtherBuild,
        Self::DebugMap,
        Self::MissingSplit,
        Self::MissingShared,
        Self::BadUnits,
        Self::Damaged,
        Self::Changed,
        Self::NoClasses,
        Self::BadLines,
    ];

    /// The name that scripts know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NoId => "no_id",
            Self::NoDebug => "no_debug",
            Self::NoSymbols => "no_symbols",
            Self::OtherBuild => "other_build",
            Self::DebugMap => "debug_map",
            Self::MissingSplit => "missing_split",
            Self::MissingShared => "missing_shared",
            Self::BadUnits => "bad_units",
            Self::Damaged => "damaged",
            Self::Changed => "changed",
            Self::NoClasses => "no_classes",
            Self::BadLines => "bad_lines",
        }
    }

    /// What it means, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Unreadable => "The file cannot be read",
            Self::NoId => "No build-id or UUID",
            Self::NoDebug => "No debug data",
            Self::NoSymbols => "Only exported names",
            Self::OtherBuild => "The debug file is of another build",
            Self::DebugMap => "The debug data is in object files",
            Self::MissingSplit => "Split debug data is missing",
            Self::MissingShared => "Shared debug data is missing",
            Self::BadUnits => "Some debug data cannot be read",
            Self::Damaged => "The debug data cannot be read",
            Self::Changed => "The mapping is not what R8 wrote",
            Self::NoClasses => "The mapping has no classes",
            Self::BadLines => "Some lines of the mapping cannot be read",
        }
    }
}

/// What is wrong with `looked`, of all that were given; nothing if it is good to upload.
pub fn problems(looked: &Looked, given: &[Looked], require: Require) -> Vec<Problem> {
    let object = match looked {
        Looked::Object(object) => object,
        Looked::Mapping(mapping) => return of_mapping(mapping),
        Looked::Module(module) => return of_module(&module.record, require),
        Looked::Unreadable(unreadable) => {
            return vec![Problem { problem: Kind::Unreadable, message: unreadable.reason.clone() }];
        }
    };
    let mut problems = Vec::new();
    let mut found = |problem: Kind, message: String| problems.push(Problem { problem, message });
    if object.info.id.made_up {
        found(Kind::NoId, no_id(object));
    }
    match (detail(object, given), require) {
        (Detail::Debug | Detail::Breakpad | Detail::Gopclntab, _) | (Detail::Symbols | Detail::DebugMap, Require::Symbols) => {}
        (Detail::DebugMap, Require::Debug) => found(
            Kind::DebugMap,
            "its debug data is in the object files that it was linked from; make a dSYM with dsymutil and pass that".to_owned(),
        ),
        (has, require) => {
            let (problem, message) = no_detail(object, given, has, require);
            found(problem, message);
        }
    }
    if require == Require::Debug {
        incomplete(object, &mut found);
    }
    problems
}

/// What is wrong with `mapping`.
fn of_mapping(mapping: &LookedMapping) -> Vec<Problem> {
    let facts = &mapping.facts;
    let mut problems = Vec::new();
    let mut found = |problem: Kind, message: String| problems.push(Problem { problem, message });
    match (facts.is_whole, &facts.header.pg_map_hash) {
        (Some(false), _) => found(
            Kind::Changed,
            "its contents are not those that R8 wrote (pg_map_hash): it was cut off or changed; copy it again from the build".to_owned(),
        ),
        (None, Some(hash)) => found(
            Kind::Changed,
            format!("its pg_map_hash, {hash}, is no SHA-256, so it cannot be told to be whole; copy it again from the build"),
        ),
        _ => {}
    }
    if facts.classes == 0 {
        let message = "no classes: nothing can be retraced with it; pass the mapping of a build that is minified";
        found(Kind::NoClasses, message.to_owned());
    }
    // Notes of later versions are left out, and the rest of the mapping is as good as ever.
    let is_note = |reason: &SkipReason| {
        matches!(reason, SkipReason::Note | SkipReason::UnknownNote | SkipReason::UnknownRule)
    };
    let bad: Vec<_> = facts.skipped.iter().filter(|(reason, _)| !is_note(reason)).collect();
    let lines: u64 = bad.iter().map(|(_, count)| count.lines).sum();
    if let Some((reason, count)) = bad.iter().min_by_key(|(_, count)| count.first_line) {
        found(
            Kind::BadLines,
            format!(
                "{lines} of its lines cannot be read; the first is line {} ({}); was it copied whole?",
                count.first_line,
                reason.text()
            ),
        );
    }
    problems
}

/// What is wrong with a module that a store has exported, given what is required of it.
fn of_module(record: &ModuleRecord, require: Require) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut found = |problem: Kind, message: &str| {
        problems.push(Problem { problem, message: message.to_owned() });
    };
    if record.id_made_up && !record.is_mapping() {
        found(Kind::NoId, "its file had no id, so crashes cannot be matched with its symbols");
    }
    match (record.detail.known(), require) {
        (Some(Detail::Exports), Require::Symbols) => found(
            Kind::NoSymbols,
            "only exported names are left; import the unstripped file too, and export it again",
        ),
        (Some(Detail::Exports | Detail::Symbols), Require::Debug) => found(
            Kind::NoDebug,
            "no lines and no inlined calls; import the debug file too, and export it again",
        ),
        _ => {}
    }
    problems
}

/// What is wrong with debug data that is there.
fn incomplete(object: &Object, found: &mut impl FnMut(Kind, String)) {
    let inspection = &object.inspection;
    if let Some(damage) = &inspection.damage {
        found(
            Kind::Damaged,
            format!("its debug data cannot be read ({damage}); was it copied whole?"),
        );
    }
    if inspection.bad_units > 0 {
        let (bad, units) = (inspection.bad_units, inspection.units);
        found(
            Kind::BadUnits,
            format!(
                "{bad} of {units} units of its debug data cannot be read; was it copied whole?"
            ),
        );
    }
    if let [first, others @ ..] = &inspection.missing_split[..] {
        let more =
            if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        let first = first.display();
        let message = format!(
            "functions are in {first}{more}, which was not found, or is of another build; keep .dwo files, or make a .dwp package of them with dwp"
        );
        found(Kind::MissingSplit, message);
    }
    if let Some(shared) = inspection.shared.as_ref().filter(|shared| !shared.is_found) {
        let message = format!(
            "names are in {}, which was not found; pass its folder as --debug-dir, and upload it too",
            shared.name
        );
        found(Kind::MissingShared, message);
    }
}

/// The other given object that has the debug data of `looked`.
pub fn partner<'g>(looked: &Looked, given: &'g [Looked]) -> Option<&'g Object> {
    let object = looked.object().filter(|object| object.info.detail < Detail::Debug)?;
    given
        .iter()
        .filter_map(Looked::object)
        .find(|other| other.info.detail == Detail::Debug && object.is_build_of(other))
}

/// Whether `looked`, or a given file of its build, says how stacks are walked.
pub fn has_unwind(looked: &Looked, given: &[Looked]) -> bool {
    let Some(object) = looked.object() else { return false };
    let of_build =
        given.iter().filter_map(Looked::object).filter(|other| object.is_build_of(other));
    of_build.chain([object]).any(|object| object.inspection.has_unwind)
}

/// How much all files of the build of `object` can tell.
fn detail(object: &Object, given: &[Looked]) -> Detail {
    let of_build =
        given.iter().filter_map(Looked::object).filter(|other| object.is_build_of(other));
    of_build
        .map(|other| other.info.detail)
        .chain([object.info.detail])
        .max()
        .unwrap_or(object.info.detail)
}

fn no_id(object: &Object) -> String {
    match object.info.kind {
        ModuleKind::Elf => {
            "no build-id, so crashes cannot be matched with its symbols; link with -Wl,--build-id"
        }
        ModuleKind::Pe => {
            "no id of its PDB, so crashes cannot be matched with its symbols; link with /DEBUG"
        }
        ModuleKind::MachO | ModuleKind::Proguard => {
            "no UUID, so crashes cannot be matched with its symbols; link without -no_uuid"
        }
    }
    .to_owned()
}

/// Why a build that has no more than `has` does not meet `require`.
fn no_detail(object: &Object, given: &[Looked], has: Detail, require: Require) -> (Kind, String) {
    let inspection = &object.inspection;
    let kind = if require == Require::Debug { Kind::NoDebug } else { Kind::NoSymbols };
    let is_linked_file = |other: &&Object| {
        inspection.debug_link.as_ref().is_some_and(|link| *link == other.info.name)
    };
    let given_other = given
        .iter()
        .filter_map(Looked::object)
        .find(is_linked_file)
        .map(|other| other.path.clone());
    if let Some(other) = given_other.or_else(|| inspection.other_build.clone()) {
        return (
            Kind::OtherBuild,
            format!("{} is of another build; pass the debug file of this build", other.display()),
        );
    }
    let is_macho = object.info.kind == ModuleKind::MachO;
    let message = match (&inspection.debug_link, has) {
        (Some(link), _) => format!("its debug data is in {link}, which was not found; pass that file too, or its folder as --debug-dir"),
        (None, _) if object.info.kind == ModuleKind::Pe => "no lines and no inlined calls: those are in its PDB; pass that file too".to_owned(),
        (None, Detail::Exports) if is_macho => {
            "stripped: only exported names are left; pass its dSYM, which dsymutil makes before it is stripped".to_owned()
        }
        (None, Detail::Exports) => {
            "stripped: only exported names are left; pass the unstripped file, or its debug file (objcopy --only-keep-debug)".to_owned()
        }
        (None, _) => "symbols only: no lines and no inlined calls; compile with -g, and check before debug data is stripped".to_owned(),
    };
    (kind, message)
}
