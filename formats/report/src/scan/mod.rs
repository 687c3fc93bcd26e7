//! Scans the encodings that reports come in: text by lines and words, JSON by values, protobuf by
//! fields, and times.

pub mod json;
pub mod protobuf;
pub mod text;
pub mod time;
