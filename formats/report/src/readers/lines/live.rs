//! A log as it comes, line by line: each frame is given as soon as its line is there.

use crate::event::frame::{Frame, Span};
use crate::event::image::Image;
use crate::limits::MAX_LINE_BYTES;
use crate::scan::text;

use super::bare::message;
use super::line::Text;
use super::log::Log;
use symtool_module::Arch;

/// Reads lines as they come: a filter on a live log.
///
/// Keeps what the lines so far said of images and the architecture, for each that writes into the
/// log, and forgets each frame once it is given. Memory stays below some MiB for a log without end.
#[derive(Debug)]
pub struct LogReader {
    log: Log,
}

/// A frame that one line holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFrame<'a> {
    /// The frame. [`Frame::span`] counts from the line's first byte, [`Frame::image`] means nothing
    /// here.
    pub frame: Frame,
    /// The image that it lies in, as far as its line and those before it say.
    pub image: Option<Image>,
    /// The architecture, if a line before it said that.
    pub arch: Option<&'a Arch>,
}

impl Default for LogReader {
    fn default() -> Self {
        Self { log: Log::live() }
    }
}

impl LogReader {
    /// A reader that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one line, with or without its end. `None` if it is no frame.
    pub fn feed(&mut self, line: &[u8]) -> Option<LineFrame<'_>> {
        let text = text::same_offsets(&line[..line.len().min(MAX_LINE_BYTES)]);
        let text = text.trim_end_matches(['\n', '\r']);
        let span = Span::new(0, text.len());
        let target = self.log.line(text, span);
        let reader = self.log.reader()?;
        let frame = match target {
            Some(target) => reader.stacks.take(target)?,
            None => {
                let message = message(text);
                reader.is_in_section().then(|| reader.stray(Text::new(message, text, span)))??
            }
        };
        let image = match frame.image {
            Some(index) => usize::try_from(index)
                .ok()
                .and_then(|index| reader.stacks.event.images.get(index))
                .cloned(),
            None => None,
        };
        reader.stacks.bound();
        Some(LineFrame { frame, image, arch: reader.stacks.event.arch.as_ref() })
    }
}
