//! Reads Apple's `.ips` files: two JSON documents, a header of one line and a body.
//!
//! Source: "Interpreting the JSON format of a crash report" in Apple's documentation. Reports of
//! iOS 14 and older have the same header, and then the text that [`crate::readers::apple_text`]
//! reads. Copied from Console, the JSON stands behind the same as a text ("Translated Report"), and
//! a system profile behind it.

use crate::event::frame::{At, Frame, Relative, Space};
use crate::event::image::{Image, ImageKind, file_name};
use crate::event::{App, CrashEvent, Exception, Format, Os, Thread};
use crate::readers::apple;
use crate::readers::apple_text;
use crate::readers::room::Room;
use crate::scan::json::fields::set;
use crate::scan::json::{Json, Read};
use crate::scan::text::some;
use crate::scan::time;
use symtool_module::{Arch, DebugId};

/// What the header says.
pub struct Header {
    /// All that is known of the crash.
    pub event: CrashEvent,
    /// Whether the process went on.
    pub is_non_fatal: bool,
}

/// What the header says, or an event about which nothing is known if there is none.
pub fn header(json: &mut Json<'_>) -> Read<Header> {
    /// The kind of reports about what would have been a crash, had it been fatal.
    const SIMULATED: &str = "385";
    let mut event = CrashEvent::new(Format::Ips);
    let mut is_non_fatal = false;
    json.object(|json, key| match key {
        "bug_type" => set(&mut is_non_fatal, json.text()?.as_deref() == Some(SIMULATED)),
        "incident_id" => set(&mut event.event_id, json.text()?),
        "timestamp" => {
            set(&mut event.time_ms, json.text()?.as_deref().and_then(time::milliseconds))
        }
        "app_version" => set(&mut event.app.release, json.text()?),
        "build_version" => set(&mut event.app.build, json.text()?),
        "bundleID" => set(&mut event.app.id, json.text()?),
        "app_name" => set(&mut event.process.name, json.text()?),
        "os_version" => {
            set(&mut event.os, json.text()?.as_deref().map(apple::os).unwrap_or_default())
        }
        _ => json.skip(),
    })?;
    Ok(Header { event, is_non_fatal })
}

/// Reads the body at `json` into what the header said. What it is about instead, if that is no
/// crash.
pub fn body(header: Header, json: &mut Json<'_>) -> Read<Result<CrashEvent, &'static str>> {
    let Header { event, is_non_fatal } = header;
    let mut reader = Reader {
        event,
        room: Room::default(),
        faulting: None,
        thrown: Vec::new(),
        said_stack: Vec::new(),
        what: What::default(),
        is_non_fatal,
    };
    json.object(|json, key| reader.field(json, key))?;
    Ok(if reader.is_non_fatal {
        Err("a non-fatal report of Apple's: the process went on")
    } else if reader.event.threads.is_empty() {
        Err("an Apple .ips report without threads")
    } else {
        Ok(reader.finish())
    })
}

struct Reader {
    event: CrashEvent,
    room: Room,
    faulting: Option<usize>,
    /// The stack of the last exception.
    thrown: Vec<Frame>,
    /// The same as a text that the application left.
    said_stack: Vec<Frame>,
    what: What,
    is_non_fatal: bool,
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
            "captureTime" => {
                set(&mut event.time_ms, json.text()?.as_deref().and_then(time::milliseconds))
            }
            "procName" => set(&mut event.process.name, json.text()?),
            "procPath" => set(&mut event.process.path, json.text()?),
            "pid" => set(&mut event.process.pid, json.unsigned()?),
            "cpuType" => set(&mut event.arch, json.text()?.as_deref().and_then(apple::arch)),
            "modelCode" => set(&mut event.device, json.text()?),
            "bundleInfo" => bundle(&mut event.app, json),
            "osVersion" => os_version(&mut event.os, json),
            "exception" => self.exception(json),
            "termination" => termination(&mut what.termination, json),
            // Library -> what it said.
            "asi" => json.object(|json, _| {
                json.array(|json| json.text().map(|text| what.said.extend(text)))
            }),
            "exceptionReason" => json.object(|json, key| match key {
                "name" => set(&mut what.exception.0, json.text()?),
                "composed_message" => set(&mut what.exception.1, json.text()?),
                _ => json.skip(),
            }),
            "isNonFatal" | "isSimulated" => {
                // A number or a flag, as versions go.
                let is_set =
                    json.scalar()?.is_some_and(|scalar| matches!(scalar.text(), "1" | "true"));
                self.is_non_fatal |= is_set;
                Ok(())
            }
            "asiBacktraces" => json.array(|json| {
                let text = json.text()?.unwrap_or_default();
                let is_first = self.said_stack.is_empty();
                let frames = text
                    .lines()
                    .filter(|_| is_first)
                    .filter_map(|line| apple_text::frame(line.trim()));
                frames.for_each(|frame| room.push_frame(&mut self.said_stack, frame));
                Ok(())
            }),
            "faultingThread" => {
                set(&mut self.faulting, json.small()?.and_then(|index| usize::try_from(index).ok()))
            }
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
            "name" => set(&mut thread.name, json.text()?),
            "queue" => set(&mut queue, json.text()?),
            "triggered" => set(&mut thread.crashed, json.is_true()?),
            "frames" => json.array(|json| push(json, &mut self.room, &mut thread.frames)),
            _ => json.skip(),
        })?;
        // People and texts call a thread by its place in the list; its number in the system tells
        // nobody anything.
        thread.id = u64::try_from(self.event.threads.len()).ok();
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
        let Self { mut event, room, faulting, thrown, said_stack, what, .. } = self;
        // The system's own is the better one: it knows images.
        let mut thrown = if thrown.is_empty() { said_stack } else { thrown };
        let has_nothing =
            |image: &Image| image.load_address == Some(0) && image.size.unwrap_or_default() == 0;
        let nowhere: Vec<bool> = event.images.iter().map(has_nothing).collect();
        let frames =
            event.threads.iter_mut().flat_map(|thread| &mut thread.frames).chain(&mut thrown);
        frames.for_each(|frame| out_of_images(frame, &nowhere));
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
            event.exceptions.push(Exception {
                kind,
                message,
                frames: thrown,
                ..Exception::default()
            });
        }
        room.finish(event)
    }
}

/// `bundleInfo`: the application's versions and id.
fn bundle(app: &mut App, json: &mut Json<'_>) -> Read<()> {
    json.object(|json, key| match key {
        "CFBundleShortVersionString" => set(&mut app.release, json.text()?),
        "CFBundleVersion" => set(&mut app.build, json.text()?),
        "CFBundleIdentifier" => set(&mut app.id, json.text()?),
        _ => json.skip(),
    })
}

/// `osVersion`: the system's name, version and build.
fn os_version(os: &mut Os, json: &mut Json<'_>) -> Read<()> {
    json.object(|json, key| match key {
        "train" => {
            let named = json.text()?.as_deref().map(apple::os).unwrap_or_default();
            os.name = named.name;
            set(&mut os.version, named.version)
        }
        "build" => set(&mut os.build, json.text()?),
        _ => json.skip(),
    })
}

/// `termination`: what the system says, in words.
fn termination(said: &mut Vec<String>, json: &mut Json<'_>) -> Read<()> {
    json.object(|json, key| match key {
        "indicator" | "reason" => json.text().map(|text| said.extend(text)),
        "details" | "reasons" => json.array(|json| json.text().map(|text| said.extend(text))),
        _ => json.skip(),
    })
}

/// A frame that lies in no image is listed in one of no size at 0, and its offset is its address.
fn out_of_images(frame: &mut Frame, nowhere: &[bool]) {
    let index = frame.image.and_then(|index| usize::try_from(index).ok());
    if index.is_some_and(|index| nowhere.get(index) == Some(&true)) {
        frame.address = frame.relative.map(|relative| relative.address);
        (frame.image, frame.relative) = (None, None);
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
            "imageOffset" => set(
                &mut frame.relative,
                json.unsigned()?.map(|address| Relative { address, space: Space::Image }),
            ),
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
        "uuid" => set(&mut image.debug_id, json.text()?.map(DebugId::from)),
        "arch" => set(&mut image.arch, json.text()?.map(Arch::from)),
        "base" => set(&mut image.load_address, json.unsigned()?),
        "size" => set(&mut image.size, json.unsigned()?),
        "CFBundleVersion" => set(&mut image.version, json.text()?),
        _ => json.skip(),
    })?;
    image.name =
        image.name.or_else(|| image.path.as_deref().and_then(|path| some(file_name(path))));
    Ok(image.identified())
}
