//! Reads Sentry's event JSON.
//!
//! Source: the event payloads of Sentry's developer documentation (event, exception, stacktrace,
//! threads and debug meta interfaces), and older spellings that are still around (`uuid` and `name`
//! of images, `posix_signal` of mechanisms, lists without `values`).

pub mod envelope;
mod images;
mod mechanism;
mod stack;

use crate::event::frame::{At, FrameKind};
use crate::event::{CrashEvent, Exception, Format, Relation, Thread};
use crate::readers::room::Room;
use crate::scan::json::fields::set;
use crate::scan::json::scalar::Scalar;
use crate::scan::json::{Json, Read};
use crate::scan::time;
use stack::{Stack, Thrown};
use symtool_module::Arch;

/// What one event says, before frames know what platform they are of.
struct Reader {
    event: CrashEvent,
    room: Room,
    thrown: Vec<Thrown>,
    threads: Vec<(Thread, Stack, Flags)>,
    /// A stack of neither a thread nor an exception.
    stack: Option<Stack>,
}

/// What a thread says of itself besides.
#[derive(Clone, Copy, Default)]
struct Flags {
    current: bool,
}

/// Reads the event at `json`. `None` if it is not about a crash: no exception, no thread and no
/// stack.
pub fn read(json: &mut Json<'_>) -> Read<Option<CrashEvent>> {
    let mut reader = Reader::new();
    json.object(|json, key| reader.field(json, key))?;
    Ok(reader.finish())
}

/// What the event at `json` says besides stacks and images, and its message.
pub fn facts(json: &mut Json<'_>) -> Read<CrashEvent> {
    let mut reader = Reader::new();
    json.object(|json, key| match key {
        "event_id" | "timestamp" | "platform" | "release" | "dist" | "contexts" => {
            reader.field(json, key)
        }
        "message" | "logentry" | "sentry.interfaces.Message" => {
            let said = message(json)?;
            reader.event.reason.message = said.or(reader.event.reason.message.take());
            Ok(())
        }
        _ => json.skip(),
    })?;
    Ok(reader.event)
}

/// A text, or an object with one: with its parameters filled in, if it has that.
fn message(json: &mut Json<'_>) -> Read<Option<String>> {
    if !json.rest().starts_with('{') {
        return json.text();
    }
    let (mut formatted, mut template) = (None, None);
    json.object(|json, key| match key {
        "formatted" => set(&mut formatted, json.text()?),
        "message" => set(&mut template, json.text()?),
        _ => json.skip(),
    })?;
    Ok(formatted.or(template))
}

impl Reader {
    fn new() -> Self {
        Self {
            event: CrashEvent::new(Format::Sentry),
            room: Room::default(),
            thrown: Vec::new(),
            threads: Vec::new(),
            stack: None,
        }
    }

    fn field(&mut self, json: &mut Json<'_>, key: &str) -> Read<()> {
        let Self { event, room, thrown, threads, stack } = self;
        match key {
            "event_id" => event.event_id = json.text()?,
            "timestamp" => event.time_ms = timestamp(json)?,
            "platform" => event.platform = json.text()?,
            "release" => event.app.release = json.text()?,
            "dist" => event.app.build = json.text()?,
            "contexts" => json.object(|json, key| context(event, json, key))?,
            "debug_meta" => json.object(|json, key| match key {
                "images" => json.array(|json| {
                    let image = images::image(json)?;
                    room.push_image(&mut event.images, image);
                    Ok(())
                }),
                _ => json.skip(),
            })?,
            "exception" | "sentry.interfaces.Exception" => values(json, |json| {
                let read = stack::thrown(json, room)?;
                if room.has_stack(thrown.len()) {
                    thrown.push(read);
                }
                Ok(())
            })?,
            "threads" | "sentry.interfaces.Threads" => values(json, |json| {
                let read = stack::thread(json, room)?;
                if room.has_stack(threads.len()) {
                    threads.push(read);
                }
                Ok(())
            })?,
            "stacktrace" | "sentry.interfaces.Stacktrace" => {
                *stack = Some(stack::stack(json, room)?);
            }
            _ => json.skip()?,
        }
        Ok(())
    }

    fn finish(self) -> Option<CrashEvent> {
        let Self { mut event, room, thrown, mut threads, stack } = self;
        if let Some(stack) = stack {
            threads.push((Thread::default(), stack, Flags::default()));
        }
        if thrown.is_empty() && threads.is_empty() {
            return None;
        }
        let platform = event.platform.clone();
        let frames = |stack: Stack| stack.frames(platform.as_deref());
        let current = threads.iter().position(|(.., flags)| flags.current);
        event.threads = threads
            .into_iter()
            .map(|(thread, stack, _)| Thread { frames: frames(stack), ..thread })
            .collect();
        // Sentry lists the oldest first, which is the innermost cause.
        let ids: Vec<Ids> = thrown.iter().rev().map(|thrown| thrown.ids).collect();
        if let Some(first) = thrown.last() {
            event.reason = first.reason();
        }
        let exception = |thrown: Thrown| {
            let frames = frames(if thrown.is_of_language() {
                thrown.stack.of_calls()
            } else {
                thrown.stack
            });
            Exception { frames, ..thrown.exception }
        };
        event.exceptions = thrown.into_iter().rev().map(exception).collect();
        for (index, exception) in event.exceptions.iter_mut().enumerate().skip(1) {
            let named = ids[index]
                .parent
                .and_then(|id| ids[..index].iter().position(|ids| ids.own == Some(id)));
            exception.parent = Some(named.unwrap_or(index - 1));
            if exception.relation == Relation::Thrown {
                exception.relation = Relation::Cause;
            }
        }
        event.crashed_thread = crashed_thread(&event, current);
        Some(room.finish(event))
    }
}

/// The numbers by which exceptions of one event refer to each other.
#[derive(Clone, Copy, Default)]
struct Ids {
    own: Option<i64>,
    parent: Option<i64>,
}

/// The thread that says so, else the one that the exception names, else the one that wrote the
/// report, if there was an exception.
fn crashed_thread(event: &CrashEvent, current: Option<usize>) -> Option<usize> {
    let said = event.threads.iter().position(|thread| thread.crashed);
    let thrown = event.exceptions.first()?.thread_id;
    said.or_else(|| {
        thrown.and_then(|id| event.threads.iter().position(|thread| thread.id == Some(id)))
    })
    .or(current)
}

/// What code of `platform` is, where a frame has no address.
fn kind_of(platform: Option<&str>) -> FrameKind {
    match platform {
        Some("java") => FrameKind::Java,
        None | Some("native" | "cocoa" | "c" | "objc" | "swift" | "rust") => FrameKind::Native,
        Some(_) => FrameKind::Other,
    }
}

/// How addresses of a stack are to be taken, Sentry's `instruction_addr_adjustment`.
#[derive(Clone, Copy, Default)]
enum Adjustment {
    /// The first one is the instruction itself, unless something else says that it is not.
    #[default]
    Auto,
    /// All are return addresses.
    All,
    /// All but the first are.
    AllButFirst,
    /// None is: they were moved already.
    None,
}

impl Adjustment {
    /// What the address of frame `index` is. `is_context` says whether the first frame's is where
    /// the thread was.
    fn at(self, index: usize, is_context: bool) -> At {
        match self {
            Self::None => At::Adjusted,
            Self::AllButFirst if index == 0 => At::Instruction,
            Self::Auto if index == 0 && is_context => At::Instruction,
            Self::All | Self::AllButFirst | Self::Auto => At::Return,
        }
    }
}

/// A list, bare or within an object's `values`.
fn values(json: &mut Json<'_>, mut each: impl FnMut(&mut Json<'_>) -> Read<()>) -> Read<()> {
    if json.is_array()? {
        return json.array(each);
    }
    json.object(|json, key| if key == "values" { json.array(&mut each) } else { json.skip() })
}

fn context(event: &mut CrashEvent, json: &mut Json<'_>, key: &str) -> Read<()> {
    match key {
        "os" => json.object(|json, key| {
            match key {
                "name" => event.os.name = json.text()?,
                "version" => event.os.version = json.text()?,
                "build" => event.os.build = json.text()?,
                _ => json.skip()?,
            }
            Ok(())
        }),
        "device" => json.object(|json, key| match key {
            "arch" => set(&mut event.arch, json.text()?.map(Arch::from)),
            // The name is what its owner calls it.
            "model" => set(&mut event.device, json.text()?),
            _ => json.skip(),
        }),
        "app" => json.object(|json, key| {
            match key {
                "app_identifier" => event.app.id = json.text()?,
                "app_name" => event.process.name = json.text()?,
                "app_version" if event.app.release.is_none() => event.app.release = json.text()?,
                "app_build" if event.app.build.is_none() => event.app.build = json.text()?,
                _ => json.skip()?,
            }
            Ok(())
        }),
        _ => json.skip(),
    }
}

/// An ISO date, or seconds since 1970.
fn timestamp(json: &mut Json<'_>) -> Read<Option<i64>> {
    Ok(match json.scalar()? {
        Some(Scalar::Text(text)) => {
            time::milliseconds(&text).or_else(|| time::from_seconds(text.parse().ok()?))
        }
        Some(Scalar::Number(number)) => number.parse().ok().and_then(time::from_seconds),
        _ => None,
    })
}
