//! What grouping needs of crashes, packed: one [`Chunk`], in which texts and images stand once.
//!
//! A report of 3 KB is some 100 bytes here. Whatever is left out can be read again from the report
//! itself.

mod build;
mod format3;

use serde::{Deserialize, Serialize};
use symtool_report::{At, Format, FrameKind, ImageId, ImageKind, Space, Trust, file_name};

use crate::ids::CrashId;

pub use build::{Builder, crash_stack, labelled_mapping, mapping_of};
pub use format3::Chunk3;

/// Some crashes that came together. Their lists lie one behind the other, so that reading thousands
/// of them takes a few allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// All texts, one behind the other.
    texts: String,
    /// Where each of them ends.
    ends: Vec<u32>,
    images: Vec<StoredImage>,
    crashes: Vec<StoredCrash>,
    frames: Vec<StoredFrame>,
    crash_images: Vec<u32>,
}

/// A part of one of the lists of a [`Chunk`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    start: u32,
    count: u32,
}

/// Index of a text of a [`Chunk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text(u32);

/// An image that frames lie in, wherever it was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoredImage {
    /// What kind of file it is.
    pub kind: ImageKind,
    /// Its id.
    pub id: Option<ImageId>,
    /// The id as reports spell it: what to look for if it is missing.
    pub spelled_id: Option<Text>,
    /// File name.
    pub name: Option<Text>,
    /// Path.
    pub path: Option<Text>,
    /// Architecture, as the report names it.
    pub arch: Option<Text>,
    /// The address that the file itself gives its first page, if the report says.
    pub vmaddr: Option<u64>,
}

/// A crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCrash {
    /// Its id.
    pub id: CrashId,
    /// The id that its writer gave it.
    pub event_id: Option<Text>,
    /// What its report is.
    pub format: Format,
    /// Milliseconds since 1970.
    pub time_ms: Option<i64>,
    /// Sentry's name of the platform.
    pub platform: Option<Text>,
    /// The release of the application.
    pub release: Option<Text>,
    /// Where the report came from, as the user named it.
    pub source: Text,
    /// What was thrown, or what kind of crash it is.
    pub kind: Option<Text>,
    /// The signal's name.
    pub signal: Option<Text>,
    /// What was said about it.
    pub message: Option<Text>,
    /// The thread that crashed: its number in the report, else its name.
    pub thread: Option<Text>,
    /// Threads that the report tells of.
    pub threads: u32,
    /// Image that tells what obfuscated names stand for.
    pub mapping: Option<u32>,
    /// Frames of the whole stack, of which [`Chunk::frames`] has no more than
    /// [`crate::limits::MAX_STACK_FRAMES`].
    pub depth: u32,
    /// Those that are stored.
    frames: Span,
    /// The images that these lie in.
    images: Span,
}

/// A frame of the stack that says where it crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFrame {
    /// What kind of code it is in.
    pub kind: FrameKind,
    /// What its address is.
    pub at: At,
    /// Where it lies.
    pub place: Place,
    /// How it was found.
    pub trust: Option<Trust>,
    /// Whether the report says that it was inlined into the next one.
    pub inlined: bool,
    /// Whether the report calls it the application's own code.
    pub in_app: Option<bool>,
    /// Its function, as the report has it.
    pub function: Option<Text>,
    /// Its class.
    pub module: Option<Text>,
    /// The package that it names itself.
    pub package: Option<Text>,
    /// Its source file.
    pub file: Option<Text>,
    /// Its line.
    pub line: Option<u32>,
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// Nowhere that is known.
    Nowhere,
    /// At an address of the process that lies in no image.
    Memory(u64),
    /// In an image.
    Image {
        /// Index of it in the chunk.
        image: u32,
        /// The address within it, not moved into a call.
        address: u64,
        /// What that counts from.
        space: Space,
    },
}

impl Chunk {
    /// The text at `text`.
    pub fn text(&self, text: Text) -> &str {
        let index = text.0 as usize;
        let end = |index: usize| self.ends.get(index).map(|end| *end as usize);
        let start = index.checked_sub(1).map_or(Some(0), end);
        start
            .zip(end(index))
            .and_then(|(start, end)| self.texts.get(start..end))
            .unwrap_or_default()
    }

    /// The same for one that may be absent.
    pub fn text_of(&self, text: Option<Text>) -> Option<&str> {
        text.map(|text| self.text(text))
    }

    /// An address as fingerprints show it: the file name and the offset of one that lies in an
    /// image.
    pub fn spelled(&self, place: Place) -> String {
        match place {
            Place::Nowhere => String::new(),
            Place::Memory(address) => format!("{address:#x}"),
            Place::Image { image, address, .. } => {
                let name =
                    self.image(image).and_then(|image| self.text_of(image.name)).unwrap_or("?");
                format!("{name}+{address:#x}")
            }
        }
    }

    /// The image at `index`.
    pub fn image(&self, index: u32) -> Option<&StoredImage> {
        self.images.get(usize::try_from(index).ok()?)
    }

    /// All images.
    pub fn images(&self) -> &[StoredImage] {
        &self.images
    }

    /// All crashes.
    pub fn crashes(&self) -> &[StoredCrash] {
        &self.crashes
    }

    /// The stack that says where `crash` came, the crashing side first.
    pub fn frames(&self, crash: &StoredCrash) -> &[StoredFrame] {
        part(&self.frames, crash.frames)
    }

    /// What `frame` lies in: its image, else what it names itself. A library within a package goes
    /// by its own name.
    pub fn module(&self, frame: &StoredFrame) -> Option<&str> {
        let image = match frame.place {
            Place::Image { image, .. } => self.image(image),
            _ => None,
        };
        let name = image.and_then(|image| self.text_of(image.name.or(image.path)));
        name.or_else(|| self.text_of(frame.package).map(file_name)).filter(|name| !name.is_empty())
    }

    /// The images that its frames lie in, and its mapping, each once, in the order of frames; then
    /// those whose unwind data the walk of a minidump asked for.
    pub fn images_of(&self, crash: &StoredCrash) -> &[u32] {
        part(&self.crash_images, crash.images)
    }

    /// The crash in slot `slot`.
    pub fn crash(&self, slot: u16) -> Option<&StoredCrash> {
        self.crashes.get(usize::from(slot))
    }

    /// The same without what is known of the crashes in `slots`; their slots stay, and have nothing
    /// but their ids.
    #[must_use]
    pub fn without(&self, slots: &[u16]) -> Self {
        let mut builder = Builder::default();
        for (slot, crash) in self.crashes.iter().enumerate() {
            let gone = u16::try_from(slot).is_ok_and(|slot| slots.contains(&slot));
            builder.copy(self, crash, gone);
        }
        builder.chunk
    }
}

impl Chunk {
    /// One that has all crashes of `chunks`.
    pub fn joined<'c>(chunks: impl IntoIterator<Item = &'c Self>) -> Self {
        let mut builder = Builder::default();
        for chunk in chunks {
            chunk.crashes.iter().for_each(|crash| builder.copy(chunk, crash, false));
        }
        builder.chunk
    }

    /// One that has the crash in each of these slots of chunks, in their order.
    pub fn chosen<'c>(choices: impl IntoIterator<Item = (&'c Self, u16)>) -> Self {
        let mut builder = Builder::default();
        for (chunk, slot) in choices {
            if let Some(crash) = chunk.crash(slot) {
                builder.copy(chunk, crash, false);
            }
        }
        builder.chunk
    }

    /// One that has only the crashes in `slots`.
    #[must_use]
    pub fn only(&self, slots: impl IntoIterator<Item = u16>) -> Self {
        Self::chosen(slots.into_iter().map(|slot| (self, slot)))
    }
}

fn part<T>(all: &[T], Span { start, count }: Span) -> &[T] {
    let start = start as usize;
    all.get(start..start.saturating_add(count as usize)).unwrap_or_default()
}
