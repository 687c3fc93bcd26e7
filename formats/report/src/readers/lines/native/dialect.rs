//! What a format with a reader of its own is: a [`Dialect`], which takes the lines of its reports.

use std::fmt;

use crate::event::Format;
use crate::readers::lines::line::{NativeLine, Text};
use crate::readers::lines::stacks::Stacks;

/// What a line is to a reader of one format.
#[derive(Debug)]
pub enum Said {
    /// A frame.
    Frame(Box<NativeLine>),
    /// A line of the report that is no frame. What it says is in the event.
    Own,
    /// Nothing that this format knows. It is read as it would be in any text.
    Other,
}

/// A reader of the reports of one format, from the line with which one begins.
pub trait Dialect: fmt::Debug {
    /// What the report is.
    fn format(&self) -> Format;

    /// Reads a line. The first one is that with which the report begins.
    fn line(&mut self, text: Text<'_>, stacks: &mut Stacks) -> Said;

    /// Whether a report without any frame tells of a crash.
    fn may_lack_frames(&self) -> bool {
        false
    }

    /// Settles what only the whole report tells.
    fn finish(&mut self, _stacks: &mut Stacks) {}
}
