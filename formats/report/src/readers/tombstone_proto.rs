//! Android's tombstones as protobuf messages: what Android 12 and later write beside the texts
//! (`tombstone_00.pb`).
//!
//! Source: `debuggerd/proto/tombstone.proto` of Android. Numbers of fields are those of that file.

use std::collections::HashMap;

use crate::event::error::{CrashError, Place};
use crate::event::frame::{At, Frame, FrameKind, Relative, Space, Span};
use crate::event::image::{Image, ImageKind, file_name};
use crate::event::{CrashEvent, Format, Reason, Thread};
use crate::readers::lines::method;
use crate::readers::room::Room;
use crate::scan::protobuf::{Broken, Field, Fields, Value};
use crate::scan::text::{same_offsets, some};
use crate::scan::time;
use symtool_module::Arch;

/// Whether `report` begins like one: architecture, if it is not the first, and fingerprint.
pub fn is_one(report: &[u8]) -> bool {
    /// Architectures there are; more may come.
    const MAX_ARCH: u64 = 15;
    let mut fields = Fields::new(report.get(..report.len().min(HEAD_BYTES)).unwrap_or_default());
    let mut next = fields.next();
    if let Some(Ok(Field { number: 1, value: Value::Number(1..=MAX_ARCH) })) = next {
        next = fields.next();
    }
    let is_fingerprint = |bytes: &[u8]| {
        bytes.split(|byte| *byte == b'/').nth(2).is_some()
            && bytes.is_ascii()
            && !bytes.contains(&b'\n')
    };
    matches!(next, Some(Ok(Field { number: 2, value: Value::Bytes(bytes) })) if is_fingerprint(bytes))
}

/// Bytes that tell whether a file is one.
pub const HEAD_BYTES: usize = 512;

/// Reads a tombstone.
///
/// # Errors
/// `Truncated` or `Malformed` with the place; `NotACrash` without threads.
pub fn read(report: &[u8]) -> Result<CrashEvent, CrashError> {
    let mut reader = Reader {
        report,
        event: CrashEvent::new(Format::Tombstone),
        room: Room::default(),
        images: HashMap::new(),
        tid: None,
    };
    let mut fields = Fields::new(report);
    for field in &mut fields {
        let read = field.and_then(|field| reader.field(field));
        read.map_err(|Broken { left, is_end }| {
            let (format, place) =
                (Format::Tombstone, Place::Byte(report.len().saturating_sub(left)));
            let fact = "a field of the message ends early, or is none";
            if is_end {
                CrashError::Truncated { format, place, fact }
            } else {
                CrashError::Malformed { format, place, fact }
            }
        })?;
    }
    reader.finish().ok_or(CrashError::NotACrash { found: "an Android tombstone without threads" })
}

struct Reader<'a> {
    report: &'a [u8],
    event: CrashEvent,
    room: Room,
    images: HashMap<(String, String, u64), u32>,
    /// The thread that crashed.
    tid: Option<u64>,
}

impl<'a> Reader<'a> {
    fn field(&mut self, Field { number, value }: Field<'a>) -> Result<(), Broken> {
        let event = &mut self.event;
        match number {
            1 => {
                let arch = ["arm", "arm64", "x86", "x86_64", "riscv64"];
                let index = value.number().and_then(|number| usize::try_from(number).ok());
                event.arch = index.and_then(|index| arch.get(index)).map(|arch| Arch::from(*arch));
            }
            2 => {
                event.os.name = some("Android");
                event.os.build = text(value);
            }
            4 => event.time_ms = text(value).as_deref().and_then(time::milliseconds),
            5 => event.process.pid = value.number(),
            6 => self.tid = value.number(),
            // A command and its arguments.
            9 if event.process.name.is_none() => event.process.name = text(value),
            10 => signal(&mut event.reason, value.bytes())?,
            14 => event.reason.message = text(value).or(event.reason.message.take()),
            15 if event.reason.message.is_none() => {
                for field in Fields::new(value.bytes()) {
                    let Field { number, value } = field?;
                    if number == 1 {
                        event.reason.message = text(value);
                    }
                }
            }
            16 => self.thread(value.bytes())?,
            17 => self.mapping(value.bytes())?,
            _ => {}
        }
        Ok(())
    }

    /// An entry of the map of threads: its number, and the thread.
    fn thread(&mut self, entry: &'a [u8]) -> Result<(), Broken> {
        let mut thread = Thread::default();
        for field in Fields::new(entry) {
            let Field { number, value } = field?;
            match number {
                1 => thread.id = thread.id.or(value.number()),
                2 => {
                    for field in Fields::new(value.bytes()) {
                        let Field { number, value } = field?;
                        match number {
                            1 => thread.id = value.number().or(thread.id),
                            2 => thread.name = text(value),
                            4 => {
                                let frame = self.frame(value.bytes())?;
                                self.room.push_frame(&mut thread.frames, frame);
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if self.room.has_stack(self.event.threads.len()) {
            self.event.threads.push(thread);
        }
        Ok(())
    }

    fn frame(&mut self, message: &'a [u8]) -> Result<Frame, Broken> {
        let (mut address, mut relative, mut function, mut path, mut build_id, mut offset) =
            (None, 0, None, None, None, 0);
        for field in Fields::new(message) {
            let Field { number, value } = field?;
            match number {
                1 => relative = value.number().unwrap_or_default(),
                2 => address = value.number(),
                4 => function = text(value),
                6 => path = text(value),
                7 => offset = value.number().unwrap_or_default(),
                8 => build_id = text(value),
                _ => {}
            }
        }
        let start = message.as_ptr().addr().saturating_sub(self.report.as_ptr().addr());
        let span = Span::new(start, start + message.len());
        if let Some((class, method)) = function
            .as_deref()
            .zip(path.as_deref())
            .and_then(|(function, path)| method(function, path))
        {
            let (module, function) = (Some(class.to_owned()), Some(method.to_owned()));
            return Ok(Frame { kind: FrameKind::Java, module, function, span, ..Frame::default() });
        }
        // `<anonymous:7f…>` and `[anon:…]` are memory that no file is in.
        let file = path.as_deref().filter(|path| !path.starts_with(['<', '[']));
        let image = file.and_then(|path| self.image(path, build_id.as_deref(), offset));
        Ok(Frame {
            address,
            relative: Some(Relative { address: relative, space: Space::File }),
            at: At::Adjusted,
            image,
            package: path,
            function,
            span,
            ..Frame::default()
        })
    }

    fn image(&mut self, path: &str, build_id: Option<&str>, offset: u64) -> Option<u32> {
        let key = (path.to_owned(), build_id.unwrap_or_default().to_owned(), offset);
        if let Some(index) = self.images.get(&key) {
            return Some(*index);
        }
        let image = Image {
            kind: ImageKind::Elf,
            code_id: build_id.and_then(some),
            name: some(file_name(path)),
            path: some(path),
            package_offset: Some(offset).filter(|offset| *offset > 0),
            ..Image::default()
        }
        .identified();
        let index = self.event.images.len();
        self.room.push_image(&mut self.event.images, image);
        let index = (index < self.event.images.len()).then(|| u32::try_from(index).ok())??;
        self.images.insert(key, index);
        Some(index)
    }

    /// A mapping of a file with code: where an image that frames lie in begins.
    fn mapping(&mut self, message: &[u8]) -> Result<(), Broken> {
        let (mut begin, mut end, mut is_code, mut path, mut build_id) = (0, 0, false, None, None);
        for field in Fields::new(message) {
            let Field { number, value } = field?;
            match number {
                1 => begin = value.number().unwrap_or_default(),
                2 => end = value.number().unwrap_or_default(),
                6 => is_code = value.number() == Some(1),
                7 => path = text(value),
                8 => build_id = text(value),
                _ => {}
            }
        }
        let Some(path) = path.filter(|path| is_code && path.starts_with('/')) else {
            return Ok(());
        };
        let key = (path, build_id.unwrap_or_default(), 0);
        // Files that no frame lies in tell nothing more.
        let index = self.images.get(&key).and_then(|index| usize::try_from(*index).ok());
        if let Some(image) = index
            .and_then(|index| self.event.images.get_mut(index))
            .filter(|image| image.load_address.is_none())
        {
            (image.load_address, image.size) = (Some(begin), end.checked_sub(begin));
        }
        Ok(())
    }

    fn finish(self) -> Option<CrashEvent> {
        let Self { mut event, room, tid, .. } = self;
        if event.arch.is_none() {
            // What has no number is the first.
            event.arch = some("arm");
        }
        let crashed =
            event.threads.iter().position(|thread| thread.id.is_some() && thread.id == tid);
        event.crashed_thread = crashed;
        event.threads.get_mut(crashed?)?.crashed = true;
        Some(room.finish(event))
    }
}

fn signal(reason: &mut Reason, message: &[u8]) -> Result<(), Broken> {
    let mut has_address = false;
    for field in Fields::new(message) {
        let Field { number, value } = field?;
        match number {
            1 => reason.signal_number = value.number().map(u64::cast_signed),
            2 => reason.signal = text(value),
            4 => reason.code = text(value),
            8 => has_address = value.number() == Some(1),
            9 => reason.fault_address = value.number(),
            _ => {}
        }
    }
    if has_address {
        reason.fault_address = reason.fault_address.or(Some(0));
    } else {
        reason.fault_address = None;
    }
    Ok(())
}

fn text(value: Value<'_>) -> Option<String> {
    some(&same_offsets(value.bytes()))
}
