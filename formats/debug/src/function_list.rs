//! The functions of a module, wherever their names are: [`FunctionList`].

use crate::bytes::Mapped;
use crate::module::{Function, Functions, NamesInFile};

/// The functions of a module, by number.
#[derive(Clone, Copy, Debug)]
pub struct FunctionList<'p>(Names<'p>);

#[derive(Clone, Copy, Debug)]
enum Names<'p> {
    InMemory(&'p Functions),
    InFile(&'p NamesInFile<'p>, &'p Mapped),
}

impl<'p> From<&'p Functions> for FunctionList<'p> {
    fn from(functions: &'p Functions) -> Self {
        Self(Names::InMemory(functions))
    }
}

impl<'p> FunctionList<'p> {
    pub(crate) fn in_file(names: &'p NamesInFile<'p>, file: &'p Mapped) -> Self {
        Self(Names::InFile(names, file))
    }

    /// The function numbered `index`, if there is one.
    pub fn get(self, index: usize) -> Option<Function<'p>> {
        match self.0 {
            Names::InMemory(functions) => functions.get(index),
            Names::InFile(names, _) => names.get(index),
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        match self.0 {
            Names::InMemory(functions) => functions.len(),
            Names::InFile(names, _) => names.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Lets names that have been read leave memory, if they are in a file; they stay readable.
    pub fn release(self) {
        if let Names::InFile(_, file) = self.0 {
            file.release(file.bytes());
        }
    }
}
