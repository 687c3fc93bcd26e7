//! Tells whether two names are names of the same function, by the symbol tables of a file.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol};
use symbolic_common::ByteView;

/// Where each name is defined. A local symbol's name may be so at several addresses.
#[derive(Debug, Default)]
pub struct Aliases {
    addresses: HashMap<String, Vec<u64>>,
}

impl Aliases {
    /// Reads the symbol tables of the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read; names it.
    pub fn read(path: &Path) -> Result<Self> {
        let named = || path.display().to_string();
        let data = ByteView::open(path).with_context(named)?;
        let file = object::File::parse(&*data).with_context(named)?;
        let mut aliases = Self::default();
        let underscore = if file.format() == object::BinaryFormat::MachO { "_" } else { "" };
        for symbol in
            file.symbols().chain(file.dynamic_symbols()).filter(ObjectSymbol::is_definition)
        {
            if let Ok(name) = symbol.name() {
                aliases.add(name.strip_prefix(underscore).unwrap_or(name), symbol.address());
            }
        }
        Ok(aliases)
    }

    fn add(&mut self, name: &str, address: u64) {
        self.addresses.entry(name.to_owned()).or_default().push(address);
    }

    /// Whether `one` and `other` are the same name, or are defined at the same address, or would be
    /// if they did not name the cold half of a function.
    pub fn are_same(&self, one: &str, other: &str) -> bool {
        let (one, other) = (whole(one), whole(other));
        let addresses = |name: &str| self.addresses.get(name).map_or(&[][..], Vec::as_slice);
        one == other || addresses(one).iter().any(|address| addresses(other).contains(address))
    }
}

/// The function of which `name` may be the cold half: GCC says `f.cold`, clang `f.cold.1`.
fn whole(name: &str) -> &str {
    match name.rsplit_once(".cold") {
        Some((whole, "")) => whole,
        Some((whole, part)) if part.starts_with('.') => whole,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_one_address_are_the_same() {
        let mut aliases = Aliases::default();
        for (name, address) in [("C1", 16), ("C2", 16), ("init", 32), ("init", 48), ("start", 48)] {
            aliases.add(name, address);
        }
        assert!(aliases.are_same("C1", "C2"));
        assert!(aliases.are_same("start", "init"));
        assert!(aliases.are_same("inlined", "inlined"));
        assert!(!aliases.are_same("C1", "init"));
        assert!(!aliases.are_same("C1", "inlined"));
        assert!(!aliases.are_same("", "C1"));
    }

    #[test]
    fn a_cold_half_belongs_to_its_function() {
        let aliases = Aliases {
            addresses: HashMap::from([("D1".to_owned(), vec![16]), ("D2".to_owned(), vec![16])]),
        };
        for (one, other) in [
            ("run", "run.cold"),
            ("run.cold.1", "run"),
            ("run.part.0.cold", "run.part.0"),
            ("D1.cold", "D2"),
        ] {
            assert!(aliases.are_same(one, other), "{one} {other}");
        }
        for (one, other) in [("run", "run.colder"), ("run", "run.part.0"), ("D1.cold", "run.cold")]
        {
            assert!(!aliases.are_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn destructors_of_a_fixture_are_the_same() -> Result<()> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/objects/cpp-gcc-O2-dwarf5.so");
        let aliases = Aliases::read(&file)?;
        assert!(aliases.are_same("_ZN5AdderD1Ev", "_ZN5AdderD2Ev"));
        assert!(!aliases.are_same("_ZN5AdderD1Ev", "_ZN5Adder3runEj"));
        Ok(())
    }
}
