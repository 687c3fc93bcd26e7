//! What may be used up: [`Bound`].

/// What is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The bytes.
    Bytes,
    /// The time.
    Time,
}
