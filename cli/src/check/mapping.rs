//! What `symtool check` says of a mapping: its id, the compiler, its classes, and whether it is whole.

use schemars::JsonSchema;
use serde::Serialize;
use symtool_debug::debug_id;
use symtool_module::{BuildId, Detail, ModuleId, ModuleKind, Named};

use super::report::ModuleName;
use crate::terminal::clean;
use symtool_core::import::LookedMapping;

/// Of a mapping, the keys of the JSON object.
#[derive(Debug, JsonSchema, Serialize)]
pub struct FoundMapping {
    module: ModuleName,
    #[schemars(with = "Detail")]
    has: Named<Detail>,
    classes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiler: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiler_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pg_map_id: Option<String>,
    hash: Hash,
}

/// What `pg_map_hash` says of the contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum Hash {
    /// They are those that R8 wrote.
    Verified,
    /// They are others.
    Wrong,
    /// It is of a kind that is not known.
    Unknown,
    /// There is none.
    None,
}

impl FoundMapping {
    /// That of `mapping`.
    pub fn of(mapping: &LookedMapping) -> Self {
        let (identity, facts) = (&mapping.identity, &mapping.facts);
        let header = &facts.header;
        let uuid = ModuleId { bytes: facts.uuid.to_vec(), made_up: false };
        Self {
            module: ModuleName {
                name: mapping.name.clone(),
                id: Some(BuildId::from(&identity.id)),
                debug_id: debug_id(ModuleKind::Proguard, &uuid),
                kind: ModuleKind::Proguard.into(),
                arch: "java".into(),
            },
            has: Detail::Mapping.into(),
            classes: facts.classes,
            compiler: header.compiler.clone(),
            compiler_version: header.compiler_version.clone(),
            pg_map_id: header.pg_map_id.clone(),
            hash: match (facts.is_whole, &header.pg_map_hash) {
                (Some(true), _) => Hash::Verified,
                (Some(false), _) => Hash::Wrong,
                (None, Some(_)) => Hash::Unknown,
                (None, None) => Hash::None,
            },
        }
    }

    /// What stands behind the verdict, on one line.
    pub fn line(&self) -> String {
        let id = self.module.id.as_ref().map_or("", BuildId::as_str);
        let id = id.get(..12).unwrap_or(id);
        let compiler = self.compiler.as_ref().map(|compiler| {
            let version = self.compiler_version.as_ref();
            let text = version.map_or_else(String::new, |text| format!(" {text}"));
            clean(&format!("of {compiler}{text}")).into_owned()
        });
        let classes = if self.classes == 1 {
            "1 class".to_owned()
        } else {
            format!("{} classes", self.classes)
        };
        let debug_id = self.module.debug_id.as_ref().map(|id| format!("debug id {id}"));
        let hash = match self.hash {
            Hash::Verified => Some("hash verified".to_owned()),
            Hash::None => Some("no hash".to_owned()),
            // Problems, which have their own lines.
            Hash::Wrong | Hash::Unknown => None,
        };
        let first = [Some(format!("{id} a mapping")), compiler].into_iter().flatten();
        let first = first.collect::<Vec<_>>().join(" ");
        [Some(first), debug_id, Some(classes), hash]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    }
}
