//! Crash reports as neutral values: in, bytes that people bring; out, one [`CrashEvent`] a report.
//!
//! ```text
//! stream ─ Reports ─> one report's bytes ─ parse ─> what it is ─> its reader ─> CrashEvent
//!          reports.rs                               detect.rs     sentry/, …    event.rs, frame.rs, image.rs
//! live log ─ LogReader ─> frames, line by line                    android/
//! ```
//!
//! Formats are told by their content, never by a name. What is read of each is in `docs/crash-formats.md`.

mod apple;
mod error;
mod event;
mod fields;
mod frame;
mod image;
mod ips;
mod json;
mod kscrash;
pub mod limits;
mod lines;
mod lookup;
mod room;
mod sentry;
mod text;
mod time;

pub use error::{CrashError, Place};
pub use event::{App, CrashEvent, Dropped, Exception, Format, Os, Process, Reason, Relation, Thread};
pub use frame::{At, Frame, FrameKind, Relative, Space, Span, Trust};
pub use image::{Image, ImageId, ImageKind};
pub use lines::{LineFrame, LogReader};
pub use lookup::Lookup;

/// Temp
pub fn parse(bytes: &[u8]) -> Result<CrashEvent, CrashError> {
    let text = text::same_offsets(bytes);
    let mut json = json::Json::new(&text);
    match sentry::read(&mut json) {
        Ok(Some(event)) => Ok(event),
        Ok(None) => Err(CrashError::NotACrash { found: "" }),
        Err(error) => Err(CrashError::Malformed { format: Format::Sentry, place: Place::Byte(error.at), fact: error.fact }),
    }
}
