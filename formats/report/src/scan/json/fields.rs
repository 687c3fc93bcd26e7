//! Fields of JSON objects in reports, in the form that an event keeps.

use super::scalar::Scalar;
use super::{Json, JsonError, Read};
use crate::scan::text::kept;

impl Json<'_> {
    /// A string or number to keep as it is, if there is anything in it.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn text(&mut self) -> Read<Option<String>> {
        Ok(self
            .scalar()?
            .filter(|scalar| !scalar.text().is_empty())
            .map(|scalar| kept(scalar.text())))
    }

    /// An address, size or number.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn unsigned(&mut self) -> Read<Option<u64>> {
        Ok(self.scalar()?.and_then(|scalar| scalar.unsigned()))
    }

    /// A line, column or index.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn small(&mut self) -> Read<Option<u32>> {
        Ok(self.unsigned()?.and_then(|number| u32::try_from(number).ok()))
    }

    /// A number that may be negative.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn signed(&mut self) -> Read<Option<i64>> {
        Ok(self.scalar()?.and_then(|scalar| scalar.signed()))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn flag(&mut self) -> Read<Option<bool>> {
        Ok(match self.scalar()? {
            Some(Scalar::Bool(flag)) => Some(flag),
            _ => None,
        })
    }

    /// Whether the value is `true`.
    ///
    /// # Errors
    /// The document ends early or is wrong.
    pub fn is_true(&mut self) -> Read<bool> {
        Ok(self.flag()? == Some(true))
    }
}

/// Sets `slot`: an arm of a reader that matches keys.
///
/// # Errors
/// Never: the type is that of the other arms.
#[expect(clippy::unnecessary_wraps, reason = "an arm among others that can fail")]
pub fn set<T>(slot: &mut T, value: T) -> Result<(), JsonError> {
    *slot = value;
    Ok(())
}
