//! Says what the user should know about a file that was read: what is damaged, or elsewhere and was
//! not found.

use std::path::PathBuf;

use object::{Object, ObjectSection};
use symtool_module::Detail;

use crate::debug_object::DebugObject;
use crate::module::{DropCounts, DropReason};
use crate::object::macho::symbol_map::is_hidden;
use crate::object::symbols::Symbol;
use crate::object::{links, pe};

/// That names are hidden, if any of `symbols` is.
pub fn hidden_names(symbols: &[Symbol<'_>]) -> Option<String> {
    symbols.iter().any(|symbol| is_hidden(symbol.name)).then(|| {
        "names are hidden (`__hidden#…_`); pass the folder with its .bcsymbolmap file, of the .xcarchive, as --bcsymbolmap \
         and import again with --force"
            .to_owned()
    })
}

impl DebugObject<'_> {
    /// That only unwind data is left in the file, unless another warning names the file with the
    /// rest.
    pub(crate) fn no_names(&self) -> Option<String> {
        let object = &self.own.object;
        let is_named = pe::pdb_name(object).is_some()
            || object.gnu_debuglink().is_ok_and(|link| link.is_some());
        (!is_named).then(|| {
            "it has unwind data, and neither debug data nor function symbols; import the unstripped file or its \
             debug file too, in any order"
                .to_owned()
        })
    }

    /// What is damaged, or known to be elsewhere and was not found: the file of shared names unless
    /// `has_shared`, and the files `missing` of split DWARF.
    pub(crate) fn warnings(
        &self,
        dropped: &DropCounts,
        has_shared: bool,
        missing: &[PathBuf],
    ) -> Vec<String> {
        let mut warnings = self.damage_warnings(dropped);
        if let (Some((file, _)), false) =
            (links::shared_names_link(&self.data().object), has_shared)
        {
            let file = String::from_utf8_lossy(file);
            warnings.push(format!(
                "names shared with other files are in {file}, which was not found: some functions have no name; \
                 pass its folder as --debug-dir and import again"
            ));
        }
        if let [first, others @ ..] = missing {
            let more = if others.is_empty() {
                String::new()
            } else {
                format!(" and {} more", others.len())
            };
            warnings.push(format!(
                "functions and inlined calls are in {}{more}, which was not found: symbols answer instead; \
                 pass the folder with the .dwo files or .dwp package as --debug-dir and import again",
                first.display()
            ));
        }
        if let (Some(file), true) =
            (pe::pdb_name(&self.own.object), self.own.info.detail < Detail::Debug)
        {
            warnings.push(format!(
                "its functions and lines are in {file}; import that file too, in any order"
            ));
        }
        if let (Ok(Some((file, _))), true) =
            (self.own.object.gnu_debuglink(), self.own.info.detail < Detail::Debug)
        {
            let file = String::from_utf8_lossy(file);
            warnings
                .push(format!("its debug data is in {file}; import that file too, in any order"));
        }
        warnings
    }

    fn damage_warnings(&self, dropped: &DropCounts) -> Vec<String> {
        let object = &self.own.object;
        let mut warnings = Vec::new();
        let has_name = |section: object::Section<'_, '_>| {
            section.name_bytes().is_ok_and(|name| !name.is_empty())
        };
        if object.sections().next().is_some() && !object.sections().any(has_name) {
            let reason = "its sections have no names, so its debug data cannot be found";
            warnings.push(format!("{reason}: symbols answer instead; was it copied whole?"));
        }
        if dropped.iter().any(|(reason, _)| reason.is_damage()) {
            warnings
                .push("some of its debug data is damaged and was left out; was it copied whole? `modules show` has the counts".to_owned());
        }
        if dropped.has(DropReason::TooMuchWork) {
            let reason = "its debug data refers to itself so often that reading it takes too much work, as no compiler writes it";
            warnings.push(format!("{reason}: it was left out, symbols answer instead; make the file anew from its sources"));
        }
        warnings
    }
}
