//! Names in what is stored, which later versions may add to.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of values that have names.
pub trait Name: Copy + Sized {
    /// The name.
    fn name(self) -> &'static str;

    /// The value that [`Name::name`] calls `name`, if this version knows it.
    fn named(name: &str) -> Option<Self>;
}

/// A value by its name, or a name that this version does not know. What is read and written again
/// keeps its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Named<T> {
    /// One that this version knows.
    Known(T),
    /// The name of one that it does not know.
    Unknown(String),
}

impl<T: Name> Named<T> {
    /// The value, if this version knows it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown(_) => None,
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(value) => value.name(),
            Self::Unknown(name) => name,
        }
    }
}

impl<T: Name> From<T> for Named<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: Name + PartialEq> PartialEq<T> for Named<T> {
    fn eq(&self, value: &T) -> bool {
        self.known().as_ref() == Some(value)
    }
}

impl<T: Name> fmt::Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<T: Name> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Name> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(T::named(&name).map_or(Self::Unknown(name), Self::Known))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Detail, ModuleKind, Named};

    #[test]
    fn names_of_later_versions_are_kept() {
        for (text, known) in [("\"elf\"", Some(ModuleKind::Elf)), ("\"wasm\"", None)] {
            let kind: Named<ModuleKind> = serde_json::from_str(text).unwrap();
            assert_eq!(kind.known(), known, "{text}");
            assert_eq!(serde_json::to_string(&kind).unwrap(), text);
        }
        let detail = Named::from(Detail::DebugMap);
        assert!(detail == Detail::DebugMap && detail != Detail::Debug);
        assert_eq!(format!("{detail:>10}"), " debug_map");
    }
}
