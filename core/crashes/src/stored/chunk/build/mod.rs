//! Builds chunks from events: what of a report is kept for grouping.

mod mapping;

use std::borrow::Cow;

use hashbrown::HashMap;
use symtool_module::{Arch, number_of};
use symtool_report::{CrashEvent, Exception, Frame, FrameKind, Image, ImageId, Relation};
use symtool_store::{Catalog, Error};

use crate::ids::CrashId;
use crate::limits::{MAX_STACK_FRAMES, MAX_STORED_TEXT_BYTES};
use crate::stored::WalkedDump;
use crate::stored::chunk::{Chunk, Place, Span, StoredCrash, StoredFrame, StoredImage, Text};
use mapping::mapping_image;
pub use mapping::{labelled_mapping, mapping_of};

/// Builds a [`Chunk`].
#[derive(Debug, Default)]
pub struct Builder {
    pub(super) chunk: Chunk,
    texts: HashMap<String, Text>,
    images: HashMap<StoredImage, u32>,
}

impl Builder {
    /// Adds what `event`, read from `source`, tells.
    ///
    /// Java frames of an event that names no mapping are those of the one `given`. Returns whether
    /// they are. What R8 calls by a few digits only, the catalog `known` has to tell.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub fn add(
        &mut self,
        id: CrashId,
        event: &CrashEvent,
        source: &str,
        (given, known): (Option<&ImageId>, &Catalog<'_>),
    ) -> Result<bool, Error> {
        let (stack, exception) = crash_stack(event);
        let has_java = stack.iter().any(|frame| frame.kind == FrameKind::Java);
        let named = if has_java { mapping_of(event, known)? } else { None };
        let given =
            given.filter(|_| has_java && named.is_none()).map(mapping_image).map(Cow::Owned);
        let is_given = given.is_some();
        let mapping = match named.or(given) {
            None if has_java => labelled_mapping(event, known)?.map(Cow::Owned),
            mapping => mapping,
        };
        let mapping = mapping.map(|image| self.image(&image));
        let mut images = HashMap::new();
        let start = self.chunk.frames.len();
        for frame in ends(stack) {
            let frame = self.frame(event, frame, &mut images);
            self.chunk.frames.push(frame);
        }
        let (frames, images) = self.spans(start, mapping);
        let class = exception.and_then(|exception| exception.class().filter(|_| has_java));
        // An exception whose own stack the report leaves out is what was thrown, too.
        let thrown = exception.or(event.exceptions.first());
        let kind =
            thrown.and_then(|exception| exception.kind.as_deref()).or(event.reason.kind.as_deref());
        let message = thrown
            .and_then(|exception| exception.message.as_deref())
            .or(event.reason.message.as_deref());
        let crash = StoredCrash {
            id,
            event_id: self.text(event.event_id.as_deref()),
            format: event.format,
            time_ms: event.time_ms,
            platform: self.text(event.platform.as_deref()),
            release: self.text(event.app.release.as_deref()),
            source: self.intern(source),
            kind: self.text(class.as_deref().or(kind)),
            signal: self.text(event.reason.signal.as_deref()),
            message: self.text(message),
            thread: self.text(crashed_thread(event).as_deref()),
            threads: u32::try_from(event.threads.len()).unwrap_or(u32::MAX),
            mapping,
            depth: u32::try_from(stack.len()).unwrap_or(u32::MAX),
            frames,
            images,
        };
        self.chunk.crashes.push(crash);
        Ok(is_given)
    }

    /// Adds what a minidump, read from `source`, tells.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub fn add_dump(
        &mut self,
        id: CrashId,
        walked: &WalkedDump,
        source: &str,
        known: &Catalog<'_>,
    ) -> Result<(), Error> {
        self.add(id, &walked.event, source, (None, known))?;
        let asked = walked.asked.iter().filter_map(|index| walked.event.images.get(*index));
        let asked: Vec<u32> = asked.map(|image| self.image(image)).collect();
        let Chunk { crashes, crash_images, .. } = &mut self.chunk;
        if let Some(crash) = crashes.last_mut() {
            crash.depth = walked.depth;
            add_images(crash_images, &mut crash.images, asked);
        }
        Ok(())
    }

    /// The chunk.
    pub fn finish(self) -> Chunk {
        self.chunk
    }

    /// The parts of the lists that belong to a crash whose frames begin at `start` and are the last
    /// ones.
    fn spans(&mut self, start: usize, mapping: Option<u32>) -> (Span, Span) {
        let Chunk { frames, crash_images, .. } = &mut self.chunk;
        let first = crash_images.len();
        let of_frames = frames[start..].iter().filter_map(|frame| match frame.place {
            Place::Image { image, .. } => Some(image),
            _ => None,
        });
        for image in of_frames.chain(mapping) {
            if !crash_images[first..].contains(&image) {
                crash_images.push(image);
            }
        }
        let span = |start: usize, end: usize| Span {
            start: number_of(start),
            count: number_of(end - start),
        };
        (span(start, frames.len()), span(first, crash_images.len()))
    }

    fn frame(
        &mut self,
        event: &CrashEvent,
        frame: &Frame,
        images: &mut HashMap<usize, u32>,
    ) -> StoredFrame {
        let place = match (event.lookup(frame), frame.address) {
            (Some(lookup), _) => {
                let image = *images
                    .entry(lookup.image)
                    .or_insert_with(|| self.image(&event.images[lookup.image]));
                Place::Image { image, address: lookup.address, space: lookup.space }
            }
            (None, Some(address)) if frame.kind == FrameKind::Native => Place::Memory(address),
            _ => Place::Nowhere,
        };
        StoredFrame {
            kind: frame.kind,
            at: frame.at,
            place,
            trust: frame.trust,
            inlined: frame.inlined,
            in_app: frame.in_app,
            function: self.text(frame.raw_function.as_deref().or(frame.function.as_deref())),
            module: self.text(frame.module.as_deref()),
            package: self.text(frame.package.as_deref().map(stable_path).as_deref()),
            file: self.text(frame.path.as_deref().or(frame.file.as_deref())),
            line: frame.line,
        }
    }

    fn image(&mut self, image: &Image) -> u32 {
        let stored = StoredImage {
            kind: image.kind,
            id: image.id.clone(),
            spelled_id: self.text(image.spelled_id()),
            name: self.text(image.name.as_deref()),
            path: self.text(image.path.as_deref().map(stable_path).as_deref()),
            arch: self.text(image.arch.as_ref().map(Arch::as_str)),
            vmaddr: image.vmaddr,
        };
        self.intern_image(stored)
    }

    fn intern_image(&mut self, stored: StoredImage) -> u32 {
        let Chunk { images, .. } = &mut self.chunk;
        *self.images.entry(stored).or_insert_with_key(|stored| {
            images.push(stored.clone());
            number_of(images.len() - 1)
        })
    }

    fn text(&mut self, text: Option<&str>) -> Option<Text> {
        text.map(|text| self.intern(text))
    }

    fn intern(&mut self, text: &str) -> Text {
        let end = (0..=text.len().min(MAX_STORED_TEXT_BYTES))
            .rev()
            .find(|end| text.is_char_boundary(*end));
        let text = &text[..end.unwrap_or(0)];
        let Chunk { texts, ends, .. } = &mut self.chunk;
        *self.texts.entry_ref(text).or_insert_with(|| {
            texts.push_str(text);
            ends.push(number_of(texts.len()));
            Text(number_of(ends.len() - 1))
        })
    }

    /// Adds `crash` of `from`, or an empty crash in its place.
    pub fn copy(&mut self, from: &Chunk, crash: &StoredCrash, gone: bool) {
        let mut text =
            |text: Option<Text>| text.filter(|_| !gone).map(|text| self.intern(from.text(text)));
        let mut copy = StoredCrash {
            event_id: text(crash.event_id),
            platform: text(crash.platform),
            release: text(crash.release),
            kind: text(crash.kind),
            signal: text(crash.signal),
            message: text(crash.message),
            thread: text(crash.thread),
            source: self.intern(if gone { "" } else { from.text(crash.source) }),
            mapping: None,
            ..*crash
        };
        let start = self.chunk.frames.len();
        if gone {
            (copy.time_ms, copy.threads) = (None, 0);
        } else {
            copy.mapping = crash.mapping.and_then(|image| self.copy_image(from, image));
            for frame in from.frames(crash) {
                let frame = self.copy_frame(from, *frame);
                self.chunk.frames.push(frame);
            }
        }
        (copy.frames, copy.images) = self.spans(start, copy.mapping);
        if !gone {
            let others: Vec<u32> = from
                .images_of(crash)
                .iter()
                .filter_map(|image| self.copy_image(from, *image))
                .collect();
            add_images(&mut self.chunk.crash_images, &mut copy.images, others);
        }
        self.chunk.crashes.push(copy);
    }

    fn copy_frame(&mut self, from: &Chunk, frame: StoredFrame) -> StoredFrame {
        let mut text = |text: Option<Text>| text.map(|text| self.intern(from.text(text)));
        let (function, module, package, file) =
            (text(frame.function), text(frame.module), text(frame.package), text(frame.file));
        let place = match frame.place {
            Place::Image { image, address, space } => self
                .copy_image(from, image)
                .map_or(Place::Nowhere, |image| Place::Image { image, address, space }),
            place => place,
        };
        StoredFrame { place, function, module, package, file, ..frame }
    }

    fn copy_image(&mut self, from: &Chunk, image: u32) -> Option<u32> {
        let image = from.image(image)?;
        let mut text = |text: Option<Text>| text.map(|text| self.intern(from.text(text)));
        let (spelled_id, name, path, arch) =
            (text(image.spelled_id), text(image.name), text(image.path), text(image.arch));
        let copy = StoredImage {
            kind: image.kind,
            id: image.id.clone(),
            spelled_id,
            name,
            path,
            arch,
            vmaddr: image.vmaddr,
        };
        Some(self.intern_image(copy))
    }
}

/// Adds those of `more` that it does not have to the images of a crash, whose list is the last one.
fn add_images(all: &mut Vec<u32>, of_crash: &mut Span, more: Vec<u32>) {
    let first = of_crash.start as usize;
    for image in more {
        if !all[first..].contains(&image) {
            all.push(image);
            of_crash.count += 1;
        }
    }
}

/// The stack that says where it crashed, and the exception that it belongs to: for Java the
/// innermost cause, which is what went wrong first; everything else as [`CrashEvent::crash_frames`]
/// has it.
pub fn crash_stack(event: &CrashEvent) -> (&[Frame], Option<&Exception>) {
    let is_java =
        |exception: &Exception| exception.frames.iter().any(|frame| frame.kind == FrameKind::Java);
    let mut found =
        event.exceptions.iter().enumerate().find(|(_, exception)| !exception.frames.is_empty());
    while let Some((index, exception)) = found.filter(|(_, exception)| is_java(exception)) {
        let is_cause = |cause: &Exception| {
            cause.relation == Relation::Cause && cause.parent == Some(index) && is_java(cause)
        };
        match event.exceptions.iter().enumerate().skip(index + 1).find(|(_, cause)| is_cause(cause))
        {
            Some(cause) => found = Some(cause),
            None => return (&exception.frames, Some(exception)),
        }
    }
    (event.crash_frames(), found.map(|(_, exception)| exception))
}

/// How a report calls the thread that crashed: by its number, else by its name.
fn crashed_thread(event: &CrashEvent) -> Option<Cow<'_, str>> {
    let thread = event.crashed_thread.and_then(|index| event.threads.get(index))?;
    thread
        .id
        .map(|id| Cow::Owned(id.to_string()))
        .or_else(|| thread.name.as_deref().map(Cow::Borrowed))
}

/// `path` with `*` for folders whose names are drawn anew with each installation: a UUID on iOS,
/// `~~MJXKZ0==` and `app-Qx7==` on Android. Thousands of paths of one file would say no more than
/// one.
fn stable_path(path: &str) -> Cow<'_, str> {
    let is_random = |part: &[u8]| {
        let is_uuid = part.len() == 36
            && part.iter().enumerate().all(|(at, byte)| {
                if matches!(at, 8 | 13 | 18 | 23) {
                    *byte == b'-'
                } else {
                    byte.is_ascii_hexdigit()
                }
            });
        is_uuid || part.ends_with(b"==")
    };
    // Of each image of each crash: most paths have none of the bytes that a random part has, and
    // cutting bytes costs a small part of cutting text.
    let bytes = path.as_bytes();
    let may_be = bytes.contains(&b'=') || (bytes.len() >= 36 && bytes.contains(&b'-'));
    if !(may_be && bytes.split(|byte| *byte == b'/').any(is_random)) {
        return Cow::Borrowed(path);
    }
    let mut stable = String::with_capacity(path.len());
    let mut at = 0;
    for bytes in path.as_bytes().split(|byte| *byte == b'/') {
        let part = &path[at..at + bytes.len()];
        if at > 0 {
            stable.push('/');
        }
        at += bytes.len() + 1;
        stable.push_str(match part {
            // The package's name stands before what is random.
            part if is_random(bytes) && !part.starts_with("~~") => part
                .strip_suffix("==")
                .and_then(|part| part.split_once('-'))
                .map_or("*", |(package, _)| package),
            _ if is_random(bytes) => "*",
            part => part,
        });
    }
    Cow::Owned(stable)
}

/// Both ends of a stack that is deeper than what is stored, three quarters of it from the crashing
/// side.
fn ends(stack: &[Frame]) -> impl Iterator<Item = &Frame> {
    let far = if stack.len() > MAX_STACK_FRAMES { MAX_STACK_FRAMES / 4 } else { 0 };
    let near = stack.len().min(MAX_STACK_FRAMES - far);
    stack[..near].iter().chain(&stack[stack.len() - far..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_do_not_change_with_the_installation() {
        for (path, want) in [
            (
                "/private/var/containers/Bundle/Application/859E6782-D23C-4B40-96D3-6C49619406E2/App.app/App",
                "/private/var/containers/Bundle/Application/*/App.app/App",
            ),
            (
                "/data/app/~~MJX1KZ0-Q==/com.example.shop-Wd3xA_b-Q==/lib/arm64/libx.so",
                "/data/app/*/com.example.shop/lib/arm64/libx.so",
            ),
            (
                "/data/app/com.example.shop-Wd3==/base.apk!libx.so",
                "/data/app/com.example.shop/base.apk!libx.so",
            ),
            ("/usr/lib/libc.so.6", "/usr/lib/libc.so.6"),
            ("859E6782-D23C-4B40-96D3-6C49619406EG", "859E6782-D23C-4B40-96D3-6C49619406EG"),
            ("", ""),
        ] {
            assert_eq!(stable_path(path), want);
        }
    }
}
