//! What to do about what went wrong, in this program's own commands and options. Libraries tell facts; the next step is told here.

use symtool_core::import::Failure;

/// Why nothing came of a file, with the next step.
pub fn import(failure: &Failure) -> String {
    match failure {
        Failure::SecondMapping(path) => {
            format!("{}: --id applies to one mapping, and there are several; import them one by one", path.display())
        }
        Failure::Contradiction { id, .. } => {
            format!("{failure}; give it an id of its own, or take the other one out with `modules remove {id}`")
        }
        _ => failure.to_string(),
    }
}
