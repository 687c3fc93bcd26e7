//! Every fixture of testdata/crashes, and what has to be read from it, as stated here by hand: in
//! `json.rs`, `text.rs`, `native.rs`, `runtimes.rs`, `android.rs`, `apple.rs` and `pasted.rs`. What
//! streams are cut into, and what is refused, in `streams.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod android;
mod apple;
mod json;
mod native;
mod pasted;
mod runtimes;
mod streams;
mod text;

use std::path::{Path, PathBuf};

use symtool_report::{At, CrashEvent, Frame, FrameKind, ImageId, Lookup, parse};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/crashes").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn read(name: &str) -> (CrashEvent, String) {
    let bytes = bytes(name);
    let event = parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    (event, String::from_utf8(bytes).unwrap())
}

#[expect(clippy::ref_option, reason = "what fields are")]
fn text<T: AsRef<str>>(value: &Option<T>) -> &str {
    value.as_ref().map_or("-", AsRef::as_ref)
}

fn functions(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|frame| text(&frame.function)).collect()
}

fn at(frames: &[Frame]) -> Vec<At> {
    frames.iter().map(|frame| frame.at).collect()
}

/// Image and address of each frame.
fn lookups(event: &CrashEvent, frames: &[Frame]) -> Vec<Option<(usize, u64)>> {
    frames
        .iter()
        .map(|frame| event.lookup(frame).map(|Lookup { image, address, .. }| (image, address)))
        .collect()
}

fn spans<'a>(report: &'a str, frames: &[Frame]) -> Vec<&'a str> {
    frames.iter().map(|frame| &report[frame.span.range()]).collect()
}

/// File and line of each frame.
fn places(frames: &[Frame]) -> Vec<(&str, Option<u32>)> {
    frames.iter().map(|frame| (text(&frame.file), frame.line)).collect()
}

/// Numbers and names of the threads, and how many frames each has.
fn threads(event: &CrashEvent) -> Vec<(Option<u64>, &str, usize)> {
    event
        .threads
        .iter()
        .map(|thread| (thread.id, text(&thread.name), thread.frames.len()))
        .collect()
}

/// Names of the images that frames lie in.
fn images<'e>(event: &'e CrashEvent, frames: &[Frame]) -> Vec<&'e str> {
    let name =
        |frame: &Frame| frame.image.map_or("-", |image| text(&event.images[image as usize].name));
    frames.iter().map(name).collect()
}

/// Class, method, file and line.
fn java(frame: &Frame) -> (&str, &str, &str, Option<u32>) {
    assert_eq!(frame.kind, FrameKind::Java);
    (text(&frame.module), text(&frame.function), text(&frame.file), frame.line)
}

#[expect(clippy::unnecessary_wraps, reason = "what an image has")]
fn id(digits: &str) -> Option<ImageId> {
    let pairs = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    Some(ImageId::Whole(pairs.collect()))
}
