//! Ids and names that are stored and printed as text, each a type of its own.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ModuleId, is_same_arch};

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(Self(text.to_owned()))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.0 == text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.0 == *text
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                String::inline_schema()
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                String::schema_name()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                String::json_schema(generator)
            }
        }
    };
}

text! {
    /// The id of a build as it is stored and printed: a [`ModuleId`] in hexadecimal, in small
    /// letters. What a store holds is kept as it is.
    BuildId
}

text! {
    /// The name of an architecture, as LLVM spells it where this project names it (`x86_64`,
    /// `arm64e`), else as its source does. Any name is kept; [`Arch::is_same`] knows the aliases.
    Arch
}

text! {
    /// A debug id as a crash report, a dump or Sentry spells it: a GUID or a UUID with or without
    /// dashes, an age behind it on Windows, or a build-id.
    DebugId
}

text! {
    /// A code id as a crash report, a dump or Sentry spells it: a whole build-id, or time stamp and
    /// size of an image of Windows.
    CodeId
}

impl From<&ModuleId> for BuildId {
    fn from(id: &ModuleId) -> Self {
        Self(id.to_string())
    }
}

impl BuildId {
    /// The first 12 characters, enough to name the build in a message; all, if there are fewer.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl Arch {
    /// Whether `other` names the same architecture, as [`is_same_arch`] has it.
    pub fn is_same(&self, other: &Self) -> bool {
        is_same_arch(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_that_of_the_text() {
        for text in ["x86_64", "an \"unknown\" one", ""] {
            let json = serde_json::to_string(text).unwrap();
            let arch: Arch = serde_json::from_str(&json).unwrap();
            let id: BuildId = serde_json::from_str(&json).unwrap();
            assert_eq!((arch.as_str(), id.as_str()), (text, text));
            assert_eq!(serde_json::to_string(&arch).unwrap(), json);
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
        }
    }

    #[test]
    fn architectures_are_equal_by_name_and_the_same_by_alias() {
        let [debian, llvm, later] = ["amd64", "x86_64", "riscv128"].map(Arch::from);
        assert!(debian != llvm && debian.is_same(&llvm) && !llvm.is_same(&later));
        assert_eq!(format!("{later:>10}"), "  riscv128");
        assert_eq!("riscv128".parse(), Ok(later));
    }

    #[test]
    fn an_id_is_written_in_small_letters() {
        let id = ModuleId { bytes: vec![0xAB, 0x01], made_up: false };
        assert_eq!(BuildId::from(&id), "ab01");
        assert_eq!(BuildId::from(&id).short(), "ab01");
        assert_eq!(BuildId::from("0123456789abcdef").short(), "0123456789ab");
    }
}
