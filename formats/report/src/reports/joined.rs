//! Parts JSON documents that follow each other on one line.

use crate::scan::json::Json;
use crate::scan::text::same_offsets;

/// Documents that follow each other without a line's end between them.
#[derive(Debug)]
pub struct Joined {
    offset: u64,
    text: String,
    /// The bytes, where they are no text.
    raw: Option<Vec<u8>>,
    /// Where the next one begins.
    at: usize,
}

impl Joined {
    /// Those in `bytes`, which begin at `offset` of the stream.
    pub fn new(offset: u64, bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self { offset, text, raw: None, at: 0 },
            Err(error) => Self {
                offset,
                text: same_offsets(error.as_bytes()).into_owned(),
                raw: Some(error.into_bytes()),
                at: 0,
            },
        }
    }

    /// The offset and bytes of the next document. All that is left, if that is one document, or
    /// none that is whole.
    pub fn next(&mut self) -> (u64, Vec<u8>) {
        let rest = &self.text[self.at..];
        let mut json = Json::new(rest);
        let end = json.skip().map_or(rest.len(), |()| json.position());
        let end = if rest[end..].starts_with('{') { end } else { rest.len() };
        let (start, bytes) = (self.at, self.raw.as_deref().unwrap_or(self.text.as_bytes()));
        self.at += end;
        (self.offset + start as u64, bytes[start..self.at].trim_ascii_end().to_vec())
    }

    /// Whether all were given.
    pub fn is_over(&self) -> bool {
        self.at == self.text.len()
    }
}
