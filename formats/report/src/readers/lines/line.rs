//! One line of a report on its way to a reader: [`Text`], and what it is if it is a frame of
//! machine code: [`NativeLine`].

use crate::event::frame::{Frame, Span};
use crate::event::image::Image;

/// One line without prefix and indentation.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// What is left.
    pub line: &'a str,
    /// Bytes of blanks before it.
    pub indent: usize,
    /// Where it stands in the report.
    pub span: Span,
}

/// A frame and what its line says besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NativeLine {
    /// The frame, without place and image.
    pub frame: Frame,
    /// Its number, if it has one.
    pub number: Option<usize>,
    /// The image that it lies in, without an index.
    pub image: Option<Image>,
    /// Whether [`Frame::at`] is for the stack to say: the first frame is the instruction itself,
    /// others are return addresses.
    pub is_plain: bool,
}

impl<'a> Text<'a> {
    /// `message`, a part of `line`, which stands at `span`.
    pub fn new(message: &'a str, line: &str, span: Span) -> Self {
        let trimmed = message.trim_start();
        let before = trimmed.as_ptr().addr().saturating_sub(line.as_ptr().addr());
        let text = trimmed.trim_end().trim_end_matches("\u{1b}[0m").trim_end();
        let start = span.range().start + before;
        Self {
            line: text,
            indent: message.len() - trimmed.len(),
            span: Span::new(start, start + text.len()),
        }
    }
}
