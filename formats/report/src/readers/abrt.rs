//! Reads ABRT's JSON: a `core_backtrace` or a uReport.
//!
//! Offsets count from the first page of the file. The first frame is the instruction, others are
//! return addresses.

use std::collections::HashMap;

use crate::event::frame::{At, Frame, Relative, Space};
use crate::event::image::{Image, ImageKind, file_name};
use crate::event::{CrashEvent, Format, Thread};
use crate::readers::reason::signal_name;
use crate::readers::room::Room;
use crate::scan::json::fields::set;
use crate::scan::json::{Json, Read};
use crate::scan::text::some;
use symtool_module::CodeId;

/// Reads the report at `json`. `None` if it has no stack.
pub fn read(json: &mut Json<'_>) -> Read<Option<CrashEvent>> {
    let mut reader = Reader {
        event: CrashEvent::new(Format::Abrt),
        room: Room::default(),
        images: HashMap::new(),
    };
    json.object(|json, key| reader.field(json, key))?;
    let has_frames = reader.event.frames().next().is_some();
    Ok(has_frames.then(|| reader.room.finish(reader.event)))
}

struct Reader {
    event: CrashEvent,
    room: Room,
    /// Images by build-id and path.
    images: HashMap<(Option<String>, Option<String>), u32>,
}

impl Reader {
    fn field(&mut self, json: &mut Json<'_>, key: &str) -> Read<()> {
        let event = &mut self.event;
        match key {
            "signal" => {
                event.reason.signal_number = json.signed()?;
                event.reason.signal =
                    event.reason.signal_number.and_then(signal_name).and_then(some);
                Ok(())
            }
            "reason" => set(&mut event.reason.message, json.text()?),
            "executable" => match json.scalar()? {
                Some(path) => set(&mut event.process.path, some(path.text())),
                None => Ok(()),
            },
            "problem" => json.object(|json, key| self.field(json, key)),
            "stacktrace" => json.array(|json| self.thread(json)),
            _ => json.skip(),
        }
    }

    fn thread(&mut self, json: &mut Json<'_>) -> Read<()> {
        let mut thread = Thread::default();
        json.object(|json, key| match key {
            "crash_thread" => set(&mut thread.crashed, json.is_true()?),
            "frames" => json.array(|json| {
                let mut frame = self.frame(json)?;
                if !thread.frames.is_empty() {
                    frame.at = At::Return;
                }
                self.room.push_frame(&mut thread.frames, frame);
                Ok(())
            }),
            _ => json.skip(),
        })?;
        if self.room.has_stack(self.event.threads.len()) {
            self.event.threads.push(thread);
        }
        Ok(())
    }

    fn frame(&mut self, json: &mut Json<'_>) -> Read<Frame> {
        let (mut frame, mut build_id, mut offset) = (Frame::default(), None, None);
        frame.span = json.spanned(|json| {
            json.object(|json, key| match key {
                "address" => set(&mut frame.address, json.unsigned()?),
                "build_id" => set(&mut build_id, json.text()?),
                "build_id_offset" => set(&mut offset, json.unsigned()?),
                "function_name" => set(&mut frame.function, json.text()?),
                "file_name" => set(&mut frame.package, json.text()?),
                _ => json.skip(),
            })
        })?;
        frame.function = frame.function.filter(|function| function != "??");
        frame.relative = offset.map(|address| Relative { address, space: Space::Image });
        if build_id.is_some() || frame.package.is_some() {
            frame.image = self.image(build_id, frame.package.clone());
        }
        Ok(frame)
    }

    /// The index of an image, which is added unless it is there.
    fn image(&mut self, build_id: Option<String>, path: Option<String>) -> Option<u32> {
        let key = (build_id, path);
        if let Some(index) = self.images.get(&key) {
            return Some(*index);
        }
        let index = self.event.images.len();
        let image = Image {
            kind: ImageKind::Elf,
            code_id: key.0.as_deref().map(CodeId::from),
            name: key.1.as_deref().map(file_name).and_then(some),
            path: key.1.clone(),
            ..Image::default()
        }
        .identified();
        self.room.push_image(&mut self.event.images, image);
        let index = (index < self.event.images.len()).then(|| u32::try_from(index).ok())??;
        self.images.insert(key, index);
        Some(index)
    }
}
