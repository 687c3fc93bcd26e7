//! Apple's `.ips` files: in, two JSON documents, a header of one line and a body; out, their event.
//!
//! Source: "Interpreting the JSON format of a crash report" in Apple's documentation. Reports of iOS 14 and older have the same header,
//! and then the text that [`super::apple_text`] reads.

use super::apple;
use super::event::{CrashEvent, Exception, Format, Thread};
use super::fields::set;
use super::frame::{At, Frame, Relative, Space};
use super::image::{Image, ImageKind, file_name, image_id};
use super::json::{Json, Read};
use super::room::Room;
use super::text::some;
use super::time;

/// What the header says, or an event about which nothing is known if there is none.
pub fn header(json: &mut Json<'_>) -> Read<CrashEvent> {
    let mut event = CrashEvent::new(Format::Ips);
    json.object(|json, key| match key {
        "incident_id" => set(&mut event.event_id, json.text()?),
        "timestamp" => set(&mut event.time_ms, json.text()?.as_deref().and_then(time::milliseconds)),
        "app_version" => set(&mut event.app.release, json.text()?),
        "build_version" => set(&mut event.app.build, json.text()?),
        "bundleID" => set(&mut event.app.id, json.text()?),
        "app_name" => set(&mut event.process.name, json.text()?),
        "os_version" => set(&mut event.os, json.text()?.as_deref().map(apple::os).unwrap_or_default()),
        _ => json.skip(),
    })?;
    Ok(event)
}

/// Reads the body at `json` into what the header said. `None` if it is a report about something else: it has no threads.
pub fn body(event: CrashEvent, json: &mut Json<'_>) -> Read<Option<CrashEvent>> {
    let mut reader = Reader { event, room: Room::default(), faulting: None, thrown: Vec::new(), what: What::default() };
    json.object(|json, key| reader.field(json, key))?;
    Ok((!reader.event.threads.is_empty()).then(|| reader.finish()))
}

struct Reader {
    event: CrashEvent,
    room: Room,
    faulting: Option<usize>,
    /// The stack of the last exception.
    thrown: Vec<Frame>,
    what: What,
}

/// Why it ended, in the words of several.
#[derive(Default)]
struct What {
    /// The exception's class and what it says.
    exception: (Option<String>, Option<String>),
    /// What libraries left in the report.
    said: Vec<String>,
    /// What the system says about ending the process.
    termination: Vec<String>,
}

impl Reader {
    fn field(&mut self, json: &mut Json<'_>, key: &str) -> Read<()> {
        let Self { event, room, what, .. } = self;
        match key {
            "incident" => set(&mut event.event_id, json.text()?),
            "captureTime" => set(&mut event.time_ms, json.text()?.as_deref().and_then(time::milliseconds)),
            "procName" => set(&mut event.process.name, json.text()?),
            "procPath" => set(&mut event.process.path, json.text()?),
            "pid" => set(&mut event.process.pid, json.unsigned()?),
            "cpuType" => set(&mut event.arch, json.text()?.as_deref().and_then(apple::arch)),
            "bundleInfo" => json.object(|json, key| match key {
                "CFBundleShortVersionString" => set(&mut event.app.release, json.text()?),
                "CFBundleVersion" => set(&mut event.app.build, json.text()?),
                "CFBundleIdentifier" => set(&mut event.app.id, json.text()?),
                _ => json.skip(),
            }),
            "osVersion" => json.object(|json, key| match key {
                "train" => {
                    let os = json.text()?.as_deref().map(apple::os).unwrap_or_default();
                    event.os.name = os.name;
                    set(&mut event.os.version, os.version)
                }
                "build" => set(&mut event.os.build, json.text()?),
                _ => json.skip(),
            }),
            "exception" => self.exception(json),
            "termination" => json.object(|json, key| match key {
                "indicator" | "reason" => json.text().map(|text| what.termination.extend(text)),
                "details" | "reasons" => json.array(|json| json.text().map(|text| what.termination.extend(text))),
                _ => json.skip(),
            }),
            // Library -> what it said.
            "asi" => json.object(|json, _| json.array(|json| json.text().map(|text| what.said.extend(text)))),
            "exceptionReason" => json.object(|json, key| match key {
                "name" => set(&mut what.exception.0, json.text()?),
                "composed_message" => set(&mut what.exception.1, json.text()?),
                _ => json.skip(),
            }),
            "faultingThread" => set(&mut self.faulting, json.small()?.and_then(|index| usize::try_from(index).ok())),
            "threads" => json.array(|json| self.thread(json)),
            "lastExceptionBacktrace" => {
                self.thrown.clear();
                json.array(|json| push(json, room, &mut self.thrown))
            }
            "usedImages" => json.array(|json| {
                let image = image(json)?;
                room.push_image(&mut event.images, image);
                Ok(())
            }),
            _ => json.skip(),
        }
    }

    fn exception(&mut self, json: &mut Json<'_>) -> Read<()> {
        let reason = &mut self.event.reason;
        let (mut codes, mut subtype) = (None, None);
        json.object(|json, key| match key {
            "type" => set(&mut reason.kind, json.text()?),
            "signal" => set(&mut reason.signal, json.text()?),
            "codes" => set(&mut codes, json.text()?),
            "subtype" => set(&mut subtype, json.text()?),
            _ => json.skip(),
        })?;
        if let Some(text) = subtype.or(codes) {
            apple::exception_codes(reason, &text);
        }
        Ok(())
    }

    fn thread(&mut self, json: &mut Json<'_>) -> Read<()> {
        let (mut thread, mut queue) = (Thread::default(), None);
        json.object(|json, key| match key {
            "id" => set(&mut thread.id, json.unsigned()?),
            "name" => set(&mut thread.name, json.text()?),
            "queue" => set(&mut queue, json.text()?),
            "triggered" => set(&mut thread.crashed, json.is_true()?),
            "frames" => json.array(|json| push(json, &mut self.room, &mut thread.frames)),
            _ => json.skip(),
        })?;
        thread.name = thread.name.or(queue);
        // An inlined function has the address of the function that it was inlined into.
        let outer = thread.frames.iter().position(|frame| !frame.inlined).unwrap_or_default();
        thread.frames.iter_mut().skip(outer + 1).for_each(|frame| frame.at = At::Return);
        if self.room.has_stack(self.event.threads.len()) {
            self.event.threads.push(thread);
        }
        Ok(())
    }

    fn finish(self) -> CrashEvent {
        let Self { mut event, room, faulting, mut thrown, what } = self;
        event.crashed_thread = faulting.filter(|index| *index < event.threads.len());
        if let Some(thread) = event.crashed_thread.and_then(|index| event.threads.get_mut(index)) {
            thread.crashed = true;
        }
        let (kind, message) = what.exception;
        let said = || some(&what.said.join("\n")).or_else(|| some(&what.termination.join("\n")));
        event.reason.message = message.clone().or_else(said);
        if kind.is_some() || !thrown.is_empty() {
            thrown.iter_mut().for_each(|frame| frame.at = At::Return);
            let in_words = event.reason.message.as_deref().and_then(apple::uncaught_exception);
            let (kind, message) = match in_words {
                Some((name, text)) if kind.is_none() => (some(name), some(text)),
                _ => (kind, message),
            };
            event.exceptions.push(Exception { kind, message, frames: thrown, ..Exception::default() });
        }
        room.finish(event)
    }
}

fn push(json: &mut Json<'_>, room: &mut Room, stack: &mut Vec<Frame>) -> Read<()> {
    let frame = frame(json)?;
    room.push_frame(stack, frame);
    Ok(())
}

fn frame(json: &mut Json<'_>) -> Read<Frame> {
    let mut frame = Frame::default();
    frame.span = json.spanned(|json| {
        json.object(|json, key| match key {
            "imageIndex" => set(&mut frame.image, json.small()?),
            "imageOffset" => set(&mut frame.relative, json.unsigned()?.map(|address| Relative { address, space: Space::Image })),
            "symbol" => set(&mut frame.function, json.text()?),
            "sourceFile" => set(&mut frame.file, json.text()?),
            "sourceLine" => set(&mut frame.line, json.small()?),
            "inline" => set(&mut frame.inlined, json.is_true()?),
            _ => json.skip(),
        })
    })?;
    Ok(frame)
}

fn image(json: &mut Json<'_>) -> Read<Image> {
    let mut image = Image { kind: ImageKind::MachO, ..Image::default() };
    json.object(|json, key| match key {
        "path" => set(&mut image.path, json.text()?),
        "name" => set(&mut image.name, json.text()?),
        "uuid" => set(&mut image.debug_id, json.text()?),
        "arch" => set(&mut image.arch, json.text()?),
        "base" => set(&mut image.load_address, json.unsigned()?),
        "size" => set(&mut image.size, json.unsigned()?),
        "CFBundleVersion" => set(&mut image.version, json.text()?),
        _ => json.skip(),
    })?;
    image.name = image.name.or_else(|| image.path.as_deref().and_then(|path| some(file_name(path))));
    image.id = image_id(image.kind, image.debug_id.as_deref(), None);
    Ok(image)
}
