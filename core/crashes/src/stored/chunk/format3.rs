//! Chunks of store format 3.

use serde::Deserialize;
use symtool_report::Format;

use super::{Chunk, Span, StoredCrash, StoredFrame, StoredImage, Text};
use crate::ids::CrashId;

/// A chunk of store format 3, whose crashes say nothing of threads.
#[derive(Debug, Deserialize)]
pub struct Chunk3 {
    texts: String,
    ends: Vec<u32>,
    images: Vec<StoredImage>,
    crashes: Vec<StoredCrash3>,
    frames: Vec<StoredFrame>,
    crash_images: Vec<u32>,
}

/// A crash of store format 3; see [`StoredCrash`].
#[derive(Debug, Deserialize)]
struct StoredCrash3 {
    id: CrashId,
    event_id: Option<Text>,
    format: Format,
    time_ms: Option<i64>,
    platform: Option<Text>,
    release: Option<Text>,
    source: Text,
    kind: Option<Text>,
    signal: Option<Text>,
    message: Option<Text>,
    mapping: Option<u32>,
    depth: u32,
    frames: Span,
    images: Span,
}

impl From<Chunk3> for Chunk {
    fn from(old: Chunk3) -> Self {
        let Chunk3 { texts, ends, images, crashes, frames, crash_images } = old;
        let crash = |old: StoredCrash3| {
            let StoredCrash3 {
                id,
                event_id,
                format,
                time_ms,
                platform,
                release,
                source,
                kind,
                signal,
                message,
                mapping,
                depth,
                ..
            } = old;
            let (frames, images) = (old.frames, old.images);
            StoredCrash {
                id,
                event_id,
                format,
                time_ms,
                platform,
                release,
                source,
                kind,
                signal,
                message,
                thread: None,
                threads: 0,
                mapping,
                depth,
                frames,
                images,
            }
        };
        Self {
            texts,
            ends,
            images,
            crashes: crashes.into_iter().map(crash).collect(),
            frames,
            crash_images,
        }
    }
}
