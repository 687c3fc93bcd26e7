//! Reads everything that is written line by line: tombstones, logcat, sanitizers, Java traces and
//! plain frames, in any mixture, become the events that they tell of, or each frame as its line
//! comes.
//!
//! ```text
//! text ─ log.rs ─> lines by who wrote them ─ TextReader ─> tellings ─ crashes.rs ─> crashes, each told once or several times
//!        logcat/                             reader.rs
//! live log ─ live.rs ─> frames, line by line
//! ```
//!
//! One reader does all of it, as these do not come alone: tombstones stand in logcat, Java traces
//! beside them. What a line is, it says itself (`native/`, `java.rs`, `tombstone.rs`, `anr.rs`,
//! `crashlytics.rs`, `unity.rs`, `javascript.rs`); which stack a frame belongs to, the lines before
//! it say (`stacks.rs`). A format of Android's gets a file with a function `field`, which says
//! whether a line is one of its headings, and is called in `reader.rs`. Where lines mean something
//! in their own format only, that has a reader of its own (`Dialect`), which is given each line
//! first.

mod anr;
mod bare;
mod beginning;
mod crashes;
mod crashlytics;
mod html;
mod java;
mod line;
mod live;
mod log;
mod logcat;
mod maps;
mod native;
mod prefix;
mod reader;
mod stacks;
mod state;
mod tombstone;
mod unity;

pub use bare::{is_long_header, message, unprefixed};
pub use beginning::{beginning, begins_report};
pub use crashes::{Crash, crashes};
pub use live::{LineFrame, LogReader};
pub use native::method;
