//! Apple's `MetricKit`: crash diagnostics, alone or in the payload of a day.
//!
//! A stack is a tree of frames: the outermost object is its top, and callers stand in `subFrames`.
//! Of a crash each frame has one.
//!
//! Source: `MXCrashDiagnostic`, `MXCallStackTree` and `MXDiagnosticPayload` in Apple's
//! documentation. Diagnostics that App Store Connect gives have the names of functions as well.

use std::collections::HashMap;

use crate::event::frame::{At, Frame, Relative, Space, Span};
use crate::event::image::{Image, ImageKind};
use crate::event::{CrashEvent, Exception, Format, Reason, Thread};
use crate::limits::{MAX_FRAMES, MAX_STACKS};
use crate::readers::apple;
use crate::readers::room::Room;
use crate::scan::json::fields::set;
use crate::scan::json::{Json, Read};
use crate::scan::text::some;
use symtool_module::{Arch, DebugId};

/// Whether `key` is one that only these have.
pub fn is_own(key: &str) -> bool {
    key.ends_with("Diagnostics")
        || matches!(key, "callStackTree" | "diagnosticMetaData" | "timeStampBegin" | "timeStampEnd")
}

/// Reads a diagnostic, or the payload at `json`: the crashes in it, and where each stands.
/// Diagnostics of hangs and of resources are none.
pub fn read(json: &mut Json<'_>) -> Read<Vec<(CrashEvent, Span)>> {
    let (mut events, mut alone) = (Vec::new(), Reader::default());
    let whole = json.spanned(|json| {
        json.object(|json, key| match key {
            "crashDiagnostics" => json.array(|json| {
                let mut reader = Reader::default();
                let span = json.spanned(|json| json.object(|json, key| reader.field(json, key)))?;
                if events.len() < MAX_STACKS {
                    events.extend(reader.finish().map(|event| (event, span)));
                }
                Ok(())
            }),
            _ => alone.field(json, key),
        })
    })?;
    // Only a crash has an exception or a signal; the other kinds have stacks, too.
    events.extend(alone.finish().map(|event| (event, whole)));
    Ok(events)
}

#[derive(Default)]
struct Reader {
    event: Option<CrashEvent>,
    room: Room,
    images: HashMap<ImageKey, u32>,
    exception: Exception,
    is_crash: bool,
}

/// What tells one image from another.
type ImageKey = (Option<String>, Option<String>, Option<u64>);

/// A frame as it is listed.
#[derive(Default)]
struct Listed {
    uuid: Option<String>,
    name: Option<String>,
    offset: Option<u64>,
    frame: Frame,
}

impl Reader {
    fn field(&mut self, json: &mut Json<'_>, key: &str) -> Read<()> {
        match key {
            "callStackTree" => json.object(|json, key| match key {
                "callStacks" => json.array(|json| self.thread(json)),
                _ => json.skip(),
            }),
            "diagnosticMetaData" => json.object(|json, key| self.about(json, key)),
            _ => json.skip(),
        }
    }

    fn about(&mut self, json: &mut Json<'_>, key: &str) -> Read<()> {
        let Self { event, exception, is_crash, .. } = self;
        let event = event.get_or_insert_with(|| CrashEvent::new(Format::MetricKit));
        let reason = &mut event.reason;
        match key {
            "bundleIdentifier" => set(&mut event.app.id, json.text()?),
            "appVersion" => set(&mut event.app.release, json.text()?),
            "appBuildVersion" => set(&mut event.app.build, json.text()?),
            "osVersion" => {
                set(&mut event.os, json.text()?.as_deref().map(apple::os).unwrap_or_default())
            }
            "deviceType" => set(&mut event.device, json.text()?),
            "platformArchitecture" => set(&mut event.arch, json.text()?.map(Arch::from)),
            "pid" => set(&mut event.process.pid, json.unsigned()?),
            "exceptionType" => {
                let number = json.signed()?;
                *is_crash |= number.is_some();
                set(&mut reason.kind, number.and_then(apple::exception_name).map(str::to_owned))
            }
            "exceptionCode" => set(&mut reason.code, json.text()?),
            "signal" => {
                reason.signal_number = json.signed()?;
                *is_crash |= reason.signal_number.is_some();
                set(
                    &mut reason.signal,
                    reason.signal_number.and_then(apple::signal_name).map(str::to_owned),
                )
            }
            "terminationReason" => set(&mut reason.message, json.text()?),
            "objectiveCexceptionReason" | "exceptionReason" => json.object(|json, key| match key {
                "exceptionName" => set(&mut exception.kind, json.text()?),
                "composedMessage" => set(&mut exception.message, json.text()?),
                _ => json.skip(),
            }),
            _ => json.skip(),
        }
    }

    fn thread(&mut self, json: &mut Json<'_>) -> Read<()> {
        let (mut crashed, mut listed) = (false, Vec::new());
        json.object(|json, key| match key {
            "threadAttributed" => set(&mut crashed, json.is_true()?),
            "callStackRootFrames" => {
                json.tree("subFrames", |json, node, key| frame(&mut listed, json, node, key))
            }
            _ => json.skip(),
        })?;
        let mut frames = Vec::new();
        for (index, listed) in listed.into_iter().enumerate() {
            let at = if index == 0 { At::Instruction } else { At::Return };
            let frame = self.frame(listed, at);
            self.room.push_frame(&mut frames, frame);
        }
        let event = self.event.get_or_insert_with(|| CrashEvent::new(Format::MetricKit));
        if self.room.has_stack(event.threads.len()) {
            event.threads.push(Thread { crashed, frames, ..Thread::default() });
        }
        Ok(())
    }

    /// The frame with the image that it names itself.
    fn frame(&mut self, listed: Listed, at: At) -> Frame {
        let Listed { uuid, name, offset, frame } = listed;
        let load_address =
            frame.address.zip(offset).and_then(|(address, offset)| address.checked_sub(offset));
        let relative = offset.map(|address| Relative { address, space: Space::Image });
        let image = (uuid.is_some() || name.is_some())
            .then(|| self.image(uuid, name, load_address))
            .flatten();
        Frame { at, relative: relative.filter(|_| image.is_some()), image, ..frame }
    }

    fn image(
        &mut self,
        uuid: Option<String>,
        name: Option<String>,
        load_address: Option<u64>,
    ) -> Option<u32> {
        let event = self.event.get_or_insert_with(|| CrashEvent::new(Format::MetricKit));
        let key = (uuid, name, load_address);
        if let Some(index) = self.images.get(&key) {
            return Some(*index);
        }
        let image = Image {
            kind: ImageKind::MachO,
            debug_id: key.0.as_deref().map(DebugId::from),
            name: key.1.clone(),
            load_address,
            ..Image::default()
        }
        .identified();
        let index = event.images.len();
        self.room.push_image(&mut event.images, image);
        let index = (index < event.images.len()).then(|| u32::try_from(index).ok())??;
        self.images.insert(key, index);
        Some(index)
    }

    fn finish(self) -> Option<CrashEvent> {
        let Self { event, room, exception, is_crash, .. } = self;
        let mut event = event.filter(|event| is_crash && !event.threads.is_empty())?;
        if event.threads.iter().all(|thread| !thread.crashed) {
            event.threads[0].crashed = true;
        }
        if exception.kind.is_some() {
            // Where it was thrown, only the crashed thread tells.
            let Reason { message, .. } = &mut event.reason;
            *message = exception.message.clone().or(message.take());
            event.exceptions.push(exception);
        }
        Some(room.finish(event))
    }
}

/// Reads one key of the frame `node`, or begins it.
fn frame(
    listed: &mut Vec<Listed>,
    json: &mut Json<'_>,
    node: usize,
    key: Option<&str>,
) -> Read<()> {
    let Some(key) = key else {
        if node < MAX_FRAMES {
            // Where a name can be put: the rest of the object holds its callers, too.
            let at = json.position();
            let frame = Frame { span: Span::new(at, at + 1), ..Frame::default() };
            listed.push(Listed { frame, ..Listed::default() });
        }
        return Ok(());
    };
    let Some(Listed { uuid, name, offset, frame }) = listed.get_mut(node) else {
        return json.skip();
    };
    match key {
        "binaryUUID" => set(uuid, json.text()?),
        "binaryName" => {
            let text = json.text()?;
            frame.package.clone_from(&text);
            set(name, text.as_deref().and_then(some))
        }
        "offsetIntoBinaryTextSegment" => set(offset, json.unsigned()?),
        "address" => set(&mut frame.address, json.unsigned()?),
        "symbolName" => set(&mut frame.function, json.text()?),
        "fileName" => set(&mut frame.file, json.text()?),
        "lineNumber" => set(&mut frame.line, json.small()?),
        _ => json.skip(),
    }
}
