//! What the store knows of a module: the key that its rows are filed under, its record, and the
//! files that it is made from.

pub(crate) mod key;
mod partial;
mod record;
mod source;

pub use key::{Generation, ModuleKey};
pub(crate) use partial::{PartialModule, Whole, partial_key};
pub(crate) use record::FORMAT;
pub use record::{MappingHead, ModuleRecord, RangeCounts, now_ms};
pub use source::Source;
pub(crate) use source::addresses;
