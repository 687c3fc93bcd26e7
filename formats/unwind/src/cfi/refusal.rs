//! Why an entry is left out.

use crate::drops::UnwindDropReason;

/// What a reader does not go on for: why the entry is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub UnwindDropReason);

impl From<gimli::Error> for Refusal {
    fn from(_: gimli::Error) -> Self {
        BAD_ENTRY
    }
}

impl From<UnwindDropReason> for Refusal {
    fn from(reason: UnwindDropReason) -> Self {
        Self(reason)
    }
}

/// The entry does not say what an entry has to.
pub const BAD_ENTRY: Refusal = Refusal(UnwindDropReason::BadEntry);

/// The entry says what no [`crate::Rule`] can.
pub const NOT_SUPPORTED: Refusal = Refusal(UnwindDropReason::NotSupported);
