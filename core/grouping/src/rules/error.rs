//! What is wrong with a text of rules: one [`RuleError`] for each line that cannot be read.

use thiserror::Error;

/// One line that is no rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{source_name}:{line}:{column}: {fact}; {advice}")]
pub struct RuleError {
    /// The text's name, as it was given.
    pub source_name: String,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong.
    pub fact: String,
    /// What to write instead.
    pub advice: String,
}
