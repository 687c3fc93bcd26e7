#![doc = include_str!("../README.md")]
//!
//! # Steps
//!
//! `ProGuard`'s and R8's mappings: one row a class, and traces with the names that the source has.
//!
//! ```text
//! mapping.txt ─ MappingReader ─> ClassRow, one a class ─ encode ─> bytes, stored by the class's obfuscated name
//!               reader.rs, line.rs, note.rs, build.rs     codec/
//!           └─> MappingFacts: header, ids, source files, what was left out
//! trace ─ Retrace ─> names of classes ─ Classes ─> the rows that it names, and no others ─> the trace, retraced
//!         retrace/
//! ```
//!
//! How traces are retraced, and where that differs from R8 and `ProGuard`, is in `docs/retrace.md`.

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod build;
mod codec;
mod head;
mod id;
mod json;
pub mod limits;
mod line;
mod map_id;
mod names;
mod note;
mod reader;
mod rejected;
mod retrace;
mod row;
mod skipped;
mod source;

pub use codec::RowError;
pub use head::{Header, is_mapping};
pub use id::{ContentId, Identity, uuid};
pub use map_id::{MapId, hex_bytes};
pub use reader::{MappingFacts, MappingReader};
pub use rejected::Rejected;
pub use retrace::{
    Alternative, Classes, Context, MAX_LINE, OriginalMethod, Pattern, PatternError, Query, Retrace,
    RetraceStyle, RetracedFrame, is_frame,
};
pub use row::ClassRow;
pub use skipped::{SkipCount, SkipReason, Skipped};
pub use source::Sources;
