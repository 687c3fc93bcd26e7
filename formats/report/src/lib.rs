#![doc = include_str!("../README.md")]
//!
//! # Steps
//!
//! Crash reports as neutral values: one [`CrashEvent`] for each report.
//!
//! ```text
//! stream ─ Reports ─> one report's bytes ─ all ─> what it is ─> its reader ─> CrashEvent ─ annotate ─> the report, resolved
//!          reports/                      parse/  detect.rs     readers/      event/        annotate/
//! live log ─ LogReader ─> frames, line by line                 readers/lines/
//! ```
//!
//! Folders use each other in one direction: `event` (the values) <- `scan` (text, JSON, protobuf,
//! times) <- `readers` <- `parse` <- `reports`, and `annotate` uses the first three.
//!
//! A report may tell of several crashes ([`split`]), and of one crash several times
//! ([`ReportedCrash`]). Formats are told by their content, never by a name; a format of its own
//! gets a reader, a line in `detect.rs`, and one in `all`. What is read of each is in
//! `docs/crash-formats.md`.

#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod annotate;
mod event;
pub mod limits;
pub mod packed;
mod parse;
mod readers;
mod reports;
mod scan;

pub use annotate::{
    ExceptionName, JavaFrame, Resolution, ResolvedFrame, annotate, annotate_all,
    annotate_exceptions, annotate_line,
};
pub use event::error::{CrashError, Place};
pub use event::frame::{At, Frame, FrameKind, Relative, Space, Span, Trust};
pub use event::image::{Image, ImageId, ImageKind, file_name};
pub use event::lookup::Lookup;
pub use event::{
    App, CrashEvent, DropCounts, Exception, Format, Os, Process, Reason, Relation, Thread,
};
pub use parse::{
    Attached, ReportedCrash, all, attached_dumps, event_facts, is_binary, is_list, parse, split,
};
pub use readers::lines::{LineFrame, LogReader};
pub use reports::{EnvelopeRead, Envelopes, Report, Reports};
