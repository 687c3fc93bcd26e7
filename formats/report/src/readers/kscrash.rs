//! Reads `KSCrash`'s JSON.
//!
//! A report that was written while the handler itself crashed has the second crash in
//! `recrash_report`; the event is the first one.

use crate::event::frame::{At, Frame};
use crate::event::image::{Image, ImageKind, file_name};
use crate::event::{CrashEvent, Exception, Format, Thread};
use crate::readers::apple;
use crate::readers::room::Room;
use crate::scan::json::fields::set;
use crate::scan::json::scalar::Scalar;
use crate::scan::json::{Json, Read};
use crate::scan::text::some;
use crate::scan::time;
use symtool_module::{Arch, DebugId};

/// Reads the report at `json`. `None` if it has no crash.
pub fn read(json: &mut Json<'_>) -> Read<Option<CrashEvent>> {
    let mut reader = Reader {
        event: CrashEvent::new(Format::KsCrash),
        room: Room::default(),
        has_crash: false,
        was_thrown: false,
    };
    json.object(|json, key| reader.field(json, key))?;
    Ok(reader.has_crash.then(|| reader.finish()))
}

struct Reader {
    event: CrashEvent,
    room: Room,
    has_crash: bool,
    /// The crashed thread's stack is what the exception recorded when it was thrown: all of it
    /// return addresses.
    was_thrown: bool,
}

impl Reader {
    fn field(&mut self, json: &mut Json<'_>, key: &str) -> Read<()> {
        let Self { event, room, .. } = self;
        match key {
            "binary_images" => json.array(|json| {
                let image = image(json)?;
                room.push_image(&mut event.images, image);
                Ok(())
            }),
            "crash" => {
                self.has_crash = true;
                json.object(|json, key| match key {
                    "error" => self.error(json),
                    "threads" => json.array(|json| self.thread(json)),
                    "crashed_thread" => self.thread(json),
                    _ => json.skip(),
                })
            }
            "report" => json.object(|json, key| match key {
                "id" => set(&mut event.event_id, json.text()?),
                "timestamp" => set(&mut event.time_ms, timestamp(json)?),
                "process_name" => set(&mut event.process.name, json.text()?),
                _ => json.skip(),
            }),
            "system" => json.object(|json, key| match key {
                "CFBundleIdentifier" => set(&mut event.app.id, json.text()?),
                "CFBundleShortVersionString" => set(&mut event.app.release, json.text()?),
                "CFBundleVersion" => set(&mut event.app.build, json.text()?),
                "CFBundleExecutablePath" => set(&mut event.process.path, json.text()?),
                "process_id" => set(&mut event.process.pid, json.unsigned()?),
                "system_name" => set(&mut event.os.name, json.text()?),
                "system_version" => set(&mut event.os.version, json.text()?),
                "os_version" => set(&mut event.os.build, json.text()?),
                "machine" => set(&mut event.device, json.text()?),
                "cpu_arch" => set(&mut event.arch, json.text()?.map(Arch::from)),
                _ => json.skip(),
            }),
            _ => json.skip(),
        }
    }

    fn error(&mut self, json: &mut Json<'_>) -> Read<()> {
        let reason = &mut self.event.reason;
        let (mut mach_code, mut name, mut message, mut kind) = (None, None, None, None);
        json.object(|json, key| match key {
            "type" => set(&mut kind, json.text()?),
            "reason" => set(&mut message, json.text()?),
            "address" => set(&mut reason.fault_address, json.unsigned()?),
            "mach" => json.object(|json, key| match key {
                "exception_name" => set(&mut reason.kind, json.text()?),
                "code_name" => set(&mut mach_code, json.text()?),
                _ => json.skip(),
            }),
            "signal" => json.object(|json, key| match key {
                "name" => set(&mut reason.signal, json.text()?),
                "signal" => set(&mut reason.signal_number, json.signed()?),
                "code_name" => set(&mut reason.code, json.text()?),
                _ => json.skip(),
            }),
            "nsexception" | "cpp_exception" | "user_reported" => {
                json.object(|json, key| match key {
                    "name" => set(&mut name, json.text()?),
                    "reason" => set(&mut message, json.text()?),
                    _ => json.skip(),
                })
            }
            _ => json.skip(),
        })?;
        reason.code = mach_code.or(reason.code.take());
        reason.message.clone_from(&message);
        self.was_thrown = matches!(kind.as_deref(), Some("nsexception" | "cpp_exception" | "user"));
        if reason.kind.is_none() && reason.signal.is_none() {
            reason.kind = kind;
        }
        if name.is_some() {
            self.event.exceptions.push(Exception { kind: name, message, ..Exception::default() });
        }
        Ok(())
    }

    fn thread(&mut self, json: &mut Json<'_>) -> Read<()> {
        let (mut thread, mut queue) = (Thread::default(), None);
        json.object(|json, key| match key {
            "index" => set(&mut thread.id, json.unsigned()?),
            "name" => set(&mut thread.name, json.text()?),
            "dispatch_queue" => set(&mut queue, json.text()?),
            "crashed" => set(&mut thread.crashed, json.is_true()?),
            "backtrace" => json.object(|json, key| match key {
                "contents" => json.array(|json| {
                    let frame = frame(json)?;
                    self.room.push_frame(&mut thread.frames, frame);
                    Ok(())
                }),
                _ => json.skip(),
            }),
            _ => json.skip(),
        })?;
        thread.name = thread.name.or(queue);
        if self.room.has_stack(self.event.threads.len()) {
            self.event.threads.push(thread);
        }
        Ok(())
    }

    fn finish(mut self) -> CrashEvent {
        for thread in &mut self.event.threads {
            let is_context = !(thread.crashed && self.was_thrown);
            thread
                .frames
                .iter_mut()
                .skip(usize::from(is_context))
                .for_each(|frame| frame.at = At::Return);
        }
        self.room.finish(self.event)
    }
}

fn frame(json: &mut Json<'_>) -> Read<Frame> {
    let mut frame = Frame::default();
    frame.span = json.spanned(|json| {
        json.object(|json, key| match key {
            "instruction_addr" => set(&mut frame.address, json.unsigned()?),
            "object_name" => set(&mut frame.package, json.text()?),
            "symbol_name" => set(&mut frame.function, json.text()?),
            _ => json.skip(),
        })
    })?;
    Ok(frame)
}

fn image(json: &mut Json<'_>) -> Read<Image> {
    let mut image = Image { kind: ImageKind::MachO, ..Image::default() };
    let (mut cpu, mut subtype) = (None, None);
    json.object(|json, key| match key {
        "name" => set(&mut image.path, json.text()?),
        "uuid" => set(&mut image.debug_id, json.text()?.map(DebugId::from)),
        "cpu_type" => set(&mut cpu, json.unsigned()?),
        "cpu_subtype" => set(&mut subtype, json.unsigned()?),
        "image_addr" => set(&mut image.load_address, json.unsigned()?),
        "image_size" => set(&mut image.size, json.unsigned()?),
        "image_vmaddr" => set(&mut image.vmaddr, json.unsigned()?),
        _ => json.skip(),
    })?;
    image.arch = apple::cpu(cpu, subtype);
    image.name = image.path.as_deref().and_then(|path| some(file_name(path)));
    Ok(image.identified())
}

/// A date, or a number: seconds since 1970, in later versions microseconds.
fn timestamp(json: &mut Json<'_>) -> Read<Option<i64>> {
    /// Seconds reach this in the year 5138, microseconds did in 1970.
    const LATE: f64 = 1e11;
    Ok(match json.scalar()? {
        Some(Scalar::Number(number)) => number
            .parse()
            .ok()
            .map(|number: f64| if number > LATE { number / 1e6 } else { number })
            .and_then(time::from_seconds),
        Some(scalar) => time::milliseconds(scalar.text()),
        None => None,
    })
}
