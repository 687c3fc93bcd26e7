//! Reads the JSON of rust-minidump's `minidump-stackwalk`.
//!
//! Offsets of callers have been moved into their calls. `crashing_thread` is one of `threads` once
//! more, with registers.

use std::collections::HashMap;

use crate::event::frame::{At, Frame, Relative, Space, Trust};
use crate::event::image::{Image, ImageKind, file_name};
use crate::event::{CrashEvent, Format, Thread};
use crate::readers::reason::{arch, kind_of};
use crate::readers::room::Room;
use crate::scan::json::fields::set;
use crate::scan::json::{Json, Read};
use crate::scan::text::some;
use symtool_module::{CodeId, DebugId};

/// Reads the report at `json`. `None` if it has no stack.
pub fn read(json: &mut Json<'_>) -> Read<Option<CrashEvent>> {
    let mut reader = Reader {
        event: CrashEvent::new(Format::Minidump),
        room: Room::default(),
        crashing: None,
        alone: None,
    };
    json.object(|json, key| reader.field(json, key))?;
    let Reader { mut event, room, crashing, alone } = reader;
    if event.threads.is_empty() {
        event.threads.extend(alone);
    }
    let crashing = crashing
        .and_then(|index| usize::try_from(index).ok())
        .filter(|index| *index < event.threads.len());
    event.crashed_thread = crashing;
    if let Some(thread) = crashing.and_then(|index| event.threads.get_mut(index)) {
        thread.crashed = true;
    }
    settle_images(&mut event);
    let has_frames = event.frames().next().is_some();
    Ok(has_frames.then(|| room.finish(event)))
}

struct Reader {
    event: CrashEvent,
    room: Room,
    /// Index of the thread that crashed.
    crashing: Option<u64>,
    /// That thread as it is told of by itself.
    alone: Option<Thread>,
}

impl Reader {
    fn field(&mut self, json: &mut Json<'_>, key: &str) -> Read<()> {
        let Self { event, room, crashing, .. } = self;
        match key {
            "pid" => set(&mut event.process.pid, json.unsigned()?),
            "crash_info" => json.object(|json, key| match key {
                "type" => {
                    event.reason.take_breakpad(json.text()?.as_deref().unwrap_or_default());
                    Ok(())
                }
                "address" => set(&mut event.reason.fault_address, json.unsigned()?),
                "assertion" => set(&mut event.reason.message, json.text()?),
                "crashing_thread" => set(crashing, json.unsigned()?),
                _ => json.skip(),
            }),
            "system_info" => json.object(|json, key| match key {
                "os" => set(&mut event.os.name, json.text()?),
                "os_ver" => set(&mut event.os.version, json.text()?),
                "cpu_arch" => set(&mut event.arch, json.text()?.map(|cpu| arch(&cpu).into())),
                _ => json.skip(),
            }),
            "modules" => json.array(|json| {
                let image = image(json)?;
                room.push_image(&mut event.images, image);
                Ok(())
            }),
            "crashing_thread" => set(&mut self.alone, Some(thread(json, room)?)),
            "threads" => json.array(|json| {
                let number = event.threads.len() as u64;
                let thread = Thread { id: Some(number), ..thread(json, room)? };
                if room.has_stack(event.threads.len()) {
                    event.threads.push(thread);
                }
                Ok(())
            }),
            _ => json.skip(),
        }
    }
}

fn thread(json: &mut Json<'_>, room: &mut Room) -> Read<Thread> {
    let mut thread = Thread::default();
    json.object(|json, key| match key {
        "thread_name" => set(&mut thread.name, json.text()?),
        "frames" => json.array(|json| frame(json, room, &mut thread.frames)),
        _ => json.skip(),
    })?;
    if let Some(first) = thread.frames.iter_mut().find(|frame| !frame.inlined) {
        first.at = At::Instruction;
    }
    Ok(thread)
}

/// Adds a frame, and before it the calls that were inlined into it.
fn frame(json: &mut Json<'_>, room: &mut Room, frames: &mut Vec<Frame>) -> Read<()> {
    let mut inlined = Vec::new();
    let mut frame = Frame { at: At::Adjusted, ..Frame::default() };
    let mut offset = None;
    frame.span = json.spanned(|json| {
        json.object(|json, key| match key {
            "module" => set(&mut frame.package, json.text()?),
            "module_offset" => set(&mut offset, json.unsigned()?),
            "offset" => set(&mut frame.address, json.unsigned()?),
            "trust" => set(&mut frame.trust, json.text()?.as_deref().map(Trust::named)),
            "inlines" => inlines(json, &mut inlined),
            key => place(json, key, &mut frame),
        })
    })?;
    frame.relative = offset.map(|address| Relative { address, space: Space::Image });
    for call in inlined {
        let Frame { address, relative, trust, at, span, .. } = frame;
        room.push_frame(
            frames,
            Frame {
                address,
                relative,
                trust,
                at,
                span,
                package: frame.package.clone(),
                inlined: true,
                ..call
            },
        );
    }
    room.push_frame(frames, frame);
    Ok(())
}

fn inlines(json: &mut Json<'_>, inlined: &mut Vec<Frame>) -> Read<()> {
    /// Calls within each other at one place: compilers stop long before.
    const MAX_INLINED: usize = 1024;
    json.array(|json| {
        let mut call = Frame::default();
        json.object(|json, key| place(json, key, &mut call))?;
        if inlined.len() < MAX_INLINED {
            inlined.push(call);
        }
        Ok(())
    })
}

fn place(json: &mut Json<'_>, key: &str, frame: &mut Frame) -> Read<()> {
    match key {
        "function" => set(&mut frame.function, json.text()?),
        "file" => set(&mut frame.file, json.text()?),
        "line" => set(&mut frame.line, json.small()?),
        _ => json.skip(),
    }
}

fn image(json: &mut Json<'_>) -> Read<Image> {
    let (mut image, mut end) = (Image::default(), None);
    json.object(|json, key| match key {
        "base_addr" => set(&mut image.load_address, json.unsigned()?),
        "end_addr" => set(&mut end, json.unsigned()?),
        "code_id" => set(&mut image.code_id, json.text()?.map(CodeId::from)),
        "debug_id" => set(&mut image.debug_id, json.text()?.map(DebugId::from)),
        "filename" => set(&mut image.path, json.text()?),
        "version" => set(&mut image.version, json.text()?),
        _ => json.skip(),
    })?;
    image.size = image.load_address.zip(end).and_then(|(start, end)| end.checked_sub(start));
    image.name = image.path.as_deref().map(file_name).and_then(some);
    Ok(image)
}

/// Gives images the kind of files that the system has, and frames the images that they name.
fn settle_images(event: &mut CrashEvent) {
    let kind = event.os.name.as_deref().map_or(ImageKind::Unknown, kind_of);
    for image in &mut event.images {
        image.kind = kind;
        *image = std::mem::take(image).identified();
    }
    let mut names: HashMap<String, u32> = HashMap::new();
    for (index, image) in (0..).zip(&event.images) {
        if let Some(name) = &image.name {
            names.entry(name.clone()).or_insert(index);
        }
    }
    for frame in event.frames_mut() {
        frame.image =
            frame.package.as_deref().and_then(|package| names.get(file_name(package)).copied());
    }
}
