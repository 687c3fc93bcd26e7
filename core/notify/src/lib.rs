#![doc = include_str!("../README.md")]
#![deny(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod command;
mod limits;
mod notice;
mod receiver;
mod signature;
mod style;

pub use notice::{Counts, Event, EventKind, Notice};
pub use receiver::{Receiver, SendError, Webhook};
pub use signature::Secret;
pub use style::{Signed, Style};
